// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Guests of wasi-nn, whose calls return, with models on the GPU, which take time.

import assert from "node:assert/strict";
import { test } from "node:test";
import { Worker } from "node:worker_threads";
import { loadModel } from "nncc";
import { createWasiNN, Errno } from "nncc/wasi-nn";
import { serveModels } from "nncc/wasi-nn/remote";
import { buildC, runOnShim } from "../runtime-web/c-guest.ts";
import { noAdapter } from "./node.ts";
import { makeGpuModule } from "./program.ts";

const suspending = "Suspending" in WebAssembly;

test("a guest is suspended while the GPU works", { skip: noAdapter || (!suspending && "no JSPI") }, async () => {
  const demo = await loadModel(makeGpuModule());
  assert.equal(demo.device, "gpu");
  assert.equal(createWasiNN({ models: { demo } }).suspends, true);
  assert.equal(await runOnShim(buildC(), { demo }), "12 24");
  demo.dispose();
});

test("a guest in a worker waits for models of another thread", { skip: noAdapter }, async () => {
  const demo = await loadModel(makeGpuModule());
  const { port1, port2 } = new MessageChannel();
  serveModels(port1, { demo });
  const workerData = { port: port2, guest: buildC() };
  const worker = new Worker(new URL("guest-worker.ts", import.meta.url), { workerData, transferList: [port2 as never] });
  const answer = await new Promise((resolve, reject) => {
    worker.on("error", reject);
    worker.on("message", resolve);
  });
  assert.deepEqual(answer, { printed: "12 24", refused: "missing-input", last: 22 });
  port1.close();
  await worker.terminate();
  demo.dispose();
});

test("a guest in a worker gets an error when nobody answers", async () => {
  const { signature } = await loadModel(makeGpuModule(), { device: "cpu" });
  const { port1, port2 } = new MessageChannel();
  port1.onmessage = ({ data }) => void (data === "open" && port1.postMessage([["demo", signature]]));
  const workerData = { port: port2, guest: buildC() };
  const worker = new Worker(new URL("silent-worker.ts", import.meta.url), { workerData, transferList: [port2 as never] });
  const answer = await new Promise((resolve, reject) => {
    worker.on("error", reject);
    worker.on("message", resolve);
  });
  assert.deepEqual(answer, { printed: "errno 5", code: "timeout" });
  port1.close();
  await worker.terminate();
});

test("a GPU that is lost is an errno", { skip: noAdapter || (!suspending && "no JSPI") }, async () => {
  const gpu = await (await navigator.gpu.requestAdapter())!.requestDevice();
  const demo = await loadModel(makeGpuModule(), { device: "gpu", gpu });
  gpu.destroy();
  assert.equal(await runOnShim(buildC(), { demo }), "errno 5");
  demo.dispose();
});

test("on the CPU nobody waits", async () => {
  const demo = await loadModel(makeGpuModule(), { device: "cpu" });
  const nn = createWasiNN({ models: { demo } });
  assert.equal(nn.suspends, false);
  assert.equal(nn.imports.wasi_ephemeral_nn["compute"]!(7), Errno.InvalidArgument);
});
