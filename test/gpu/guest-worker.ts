// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// A worker with a guest whose models are in another thread.

import { parentPort, workerData, type MessagePort as NodePort } from "node:worker_threads";
import { openModels } from "nncc/wasi-nn/remote";
import { runOnShim } from "../runtime-web/c-guest.ts";

const { port, guest } = workerData as { port: NodePort; guest: Uint8Array<ArrayBuffer> };
const models = await openModels(port as unknown as MessagePort);
const printed = await runOnShim(guest, models);
const { demo } = models;
let refused = "";
try {
  demo!.runSync({});
} catch (error) {
  refused = (error as { code: string }).code;
}
// More than the room of the first answer.
const many = { dtype: "f32", shape: [20_000, 2], data: new Float32Array(40_000).fill(1) } as const;
const { y } = demo!.runSync({ x: many });
parentPort!.postMessage({ printed, refused, last: y!.data.at(-1) });
