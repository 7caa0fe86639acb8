// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Modules compiled with --threads: the same results, and what goes wrong.

import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import type { Worker } from "node:worker_threads";
import { loadModel, type Model, type Tensor } from "../../runtime/web/dist/index.js";
import { compileNetwork } from "./compiled.ts";
import { makeModule } from "./fixture.ts";

const folder = mkdtempSync(join(tmpdir(), "nncc-threads-"));

function compile(network: string, name: string, ...flags: string[]): string {
  return compileNetwork(folder, network, name, ...flags);
}

let single = "";
let threaded = "";

before(() => {
  single = compile("convs", "single.wasm");
  threaded = compile("convs", "threaded.wasm", "--threads");
});

after(() => rmSync(folder, { recursive: true }));

function image(size: number, shift = 0, count = 1): { x: Tensor } {
  const data = Float32Array.from({ length: count * 8 * size * size }, (_, i) => Math.sin(i + shift));
  return { x: { dtype: "f32", shape: [count, 8, size, size], data } };
}

async function outputOf(model: Model, inputs: { x: Tensor }): Promise<Buffer> {
  const { data } = (await model.run(inputs))["y"]!;
  assert.ok(data.buffer instanceof ArrayBuffer, "an output is not shared");
  return Buffer.from(data.buffer);
}

test("any number of threads gives the bits of one", async () => {
  const reference = await loadModel(single);
  for (const threads of [1, 2, 3, 5]) {
    const model = await loadModel(threaded, { threads });
    assert.equal(model.threading.count, threads);
    for (const [size, count] of [[64, 1], [7, 3], [96, 1], [33, 2], [1, 1]] as const) {
      for (let shift = 0; shift < 3; ++shift) {
        const inputs = image(size, shift, count);
        const message = `${count} of ${size}, ${threads} threads`;
        assert.deepEqual(await outputOf(model, inputs), await outputOf(reference, inputs), message);
      }
    }
    model.dispose();
  }
});

test("grids of few steps in each loop are shared exactly", async () => {
  const reference = await loadModel(compile("tiles", "tiles-single.wasm"));
  const module = compile("tiles", "tiles.wasm", "--threads");
  for (const threads of [2, 3, 5, 8]) {
    const model = await loadModel(module, { threads });
    for (let shift = 0; shift < 5; ++shift) {
      const inputs = image(45, shift, 3);
      assert.deepEqual(await outputOf(model, inputs), await outputOf(reference, inputs), `${threads} threads`);
    }
    model.dispose();
  }
});

test("a module with external weights has threads too", async () => {
  const model = await loadModel(compile("convs", "external.wasm", "--threads", "--weights=external"), { threads: 2 });
  assert.deepEqual(await outputOf(model, image(40)), await outputOf(await loadModel(single), image(40)));
  model.dispose();
});

test("a module without threads says why it runs on one", async (context) => {
  const warn = context.mock.method(console, "warn", () => undefined);
  const model = await loadModel(makeModule(), { threads: 2 });
  assert.equal(model.threading.count, 1);
  assert.match(String(warn.mock.calls[0]?.arguments[0]), /runs on one thread: .*compiled without --threads/);
  await assert.rejects(loadModel(threaded, { threads: 0 }), { code: "bad-threads" });
});

test("a page that is not isolated runs on one thread and says why", async (context) => {
  const warn = context.mock.method(console, "warn", () => undefined);
  Object.defineProperty(globalThis, "crossOriginIsolated", { value: false, configurable: true });
  context.after(() => Reflect.deleteProperty(globalThis, "crossOriginIsolated"));
  const model = await loadModel(threaded, { threads: 2 });
  assert.match(model.threading.reason ?? "", /not cross-origin isolated.*Cross-Origin-Opener-Policy/);
  assert.equal(warn.mock.callCount(), 1);
  assert.deepEqual(await outputOf(model, image(33)), await outputOf(await loadModel(single), image(33)));
});

test("a memory that cannot grow is an error, not the end", async () => {
  await assert.rejects(loadModel(threaded, { threads: 2, maxMemoryBytes: 65536 }), { code: "out-of-memory" });
  const model = await loadModel(threaded, { threads: 2, maxMemoryBytes: 4 << 20 });
  await assert.rejects(model.run(image(512)), { code: "out-of-memory" });
  assert.deepEqual(await outputOf(model, image(9)), await outputOf(await loadModel(single), image(9)));
  model.dispose();
});

test("a trap in a part of a kernel ends the call, on whichever thread", async () => {
  const module = compile("division", "division.wasm", "--threads");
  for (let i = 0; i < 10; ++i) {
    const model = await loadModel(module, { threads: 2 });
    const x: Tensor = { dtype: "i32", shape: [1 << 18], data: new Int32Array(1 << 18).fill(6) };
    const zeros: Tensor = { ...x, data: new Int32Array(1 << 18) };
    await assert.rejects(model.run({ a: x, b: zeros }), { code: "run-failed" });
    await assert.rejects(model.run({ a: x, b: x }), { code: "disposed" });
  }
});

test("a worker that was killed is an error", async () => {
  const started = once(process, "worker") as Promise<[Worker]>;
  const model = await loadModel(threaded, { threads: 2 });
  await (await started)[0].terminate();
  await assert.rejects(model.run(image(64)), { code: "worker-failed", message: /load the model again/ });
});
