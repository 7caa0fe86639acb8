// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// A worker with a guest whose models are in a thread that answers no call.

import { parentPort, workerData, type MessagePort as NodePort } from "node:worker_threads";
import { createWasiNNInterfaces, Tensor, type NNError } from "nncc/wasi-nn/component";
import { openModels } from "nncc/wasi-nn/remote";
import { runOnShim } from "../runtime-web/c-guest.ts";

const { port, guest } = workerData as { port: NodePort; guest: Uint8Array<ArrayBuffer> };
const models = await openModels(port as unknown as MessagePort, { timeLimit: 100 });
const printed = await runOnShim(guest, models);
const context = createWasiNNInterfaces({ models })["wasi:nn/graph"].loadByName("demo").initExecutionContext();
let code = "";
try {
  context.compute([["x", new Tensor(Uint32Array.of(1, 2), "FP32", new Uint8Array(8))]]);
} catch (error) {
  code = (error as NNError).code();
}
parentPort!.postMessage({ printed, code });
