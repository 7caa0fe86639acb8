// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import { loadModel, makeTensor } from "nncc";
import { withSection } from "../gpu/section.ts";
import { makeModule, signature } from "./fixture.ts";

const module = makeModule();
const code = (word: string, text = /./) => ({ name: "NnccError", code: word, message: text });

test("runs with several shapes on one module, its memory growing", async () => {
  const model = await loadModel(module);
  for (const rows of [1, 3, 300]) {
    const data = Float32Array.from({ length: rows * 2 }, (_, i) => i - 1);
    const { y, mask } = await model.run({ x: makeTensor("f32", [rows, 2], data) });
    assert.deepEqual(y!.shape, [rows, 2]);
    assert.deepEqual([...y!.data], [...data].map((value, i) => 2 * value + [10, 20][i % 2]!));
    assert.equal(mask!.dtype, "bool");
    assert.deepEqual([...mask!.data], [...data].map((value) => Number(value > 0)));
  }
});

test("outputs stay valid after the next call", async () => {
  const model = await loadModel(module);
  const first = model.runSync({ x: new Float32Array([1, 2]) });
  model.runSync({ x: new Float32Array([7, 8]) });
  assert.deepEqual([...first["y"]!.data], [12, 24]);
});

test("outputs go where the caller wants them", async () => {
  const model = await loadModel(module);
  const x = new Float32Array([1, 2]);
  const first = model.runSync({ x });
  x[0] = 3;
  const second = await model.run({ x }, { into: first });
  assert.equal(second["y"]!.data, first["y"]!.data);
  assert.deepEqual([...first["y"]!.data, ...second["mask"]!.data], [16, 24, 1, 1]);
  // A larger array lends its beginning, at any place of its buffer.
  const whole = new Float32Array(8);
  const { y, mask } = model.runSync({ x }, { into: { y: whole.subarray(1, 7) } });
  assert.deepEqual([...whole, y!.data.length], [0, 16, 24, 0, 0, 0, 0, 0, 2]);
  assert.notEqual(mask!.data, first["mask"]!.data);
  // Into the input itself.
  assert.deepEqual([...model.runSync({ x }, { into: { y: x } })["y"]!.data, ...x], [16, 24, 16, 24]);
});

test("arrays that cannot take an output are refused by name", async () => {
  const model = await loadModel(module);
  const x = new Float32Array(4);
  const into = (arrays: Record<string, unknown>) => () => model.runSync({ x }, { into: arrays as Record<string, Float32Array> });
  assert.throws(into({ z: x }), code("unknown-output", /'z'/));
  for (const wrong of [new Float64Array(4), null, {}]) assert.throws(into({ y: wrong }), code("wrong-dtype", /'y'.*Float32Array/));
  assert.throws(into({ y: new Float32Array(3) }), code("wrong-shape", /'y' has 4 elements, the array holds 3/));
  const moved = new Float32Array(4);
  structuredClone(moved, { transfer: [moved.buffer] });
  assert.throws(into({ y: moved }), code("wrong-shape", /'y'.*holds 0/));
  await assert.rejects(model.run({ x }, { into: { y: moved } }), code("wrong-shape"));
  assert.deepEqual([...model.runSync({ x })["y"]!.data], [10, 20, 10, 20]);
});

test("a bare array takes its open size from its length", async () => {
  const model = await loadModel(module);
  assert.deepEqual(model.runSync({ x: new Float32Array(6) })["y"]!.shape, [3, 2]);
  assert.throws(() => model.runSync({ x: new Float32Array(5) }), code("wrong-shape", /'x'.*5 elements/));
});

test("sizes that a node does not take name it", async () => {
  const symbols = [{ name: "n", min: 3, max: null, node: "/slice" }];
  const model = await loadModel(makeModule({ ...signature, symbols }));
  assert.throws(() => model.runSync({ x: new Float32Array(2) }), code("wrong-shape", /'n' must be within 3\.\. for node '\/slice'/));
});

test("wrong inputs are refused by name", async () => {
  const model = await loadModel(module);
  const x = new Float32Array(2);
  assert.throws(() => model.runSync({ x, z: x }), code("unknown-input", /'z'.*'x'/));
  assert.throws(() => model.runSync({}), code("missing-input", /'x' f32\[n,2\]/));
  assert.throws(() => model.runSync({ x: new Float64Array(2) }), code("wrong-dtype", /'x'.*Float64Array/));
  assert.throws(() => model.runSync({ x: makeTensor("i32", [1, 2], new Int32Array(2)) }), code("wrong-dtype", /i32/));
  assert.throws(() => model.runSync({ x: makeTensor("f32", [2], x) }), code("wrong-shape", /rank 2/));
  assert.throws(() => model.runSync({ x: makeTensor("f32", [2, 1], x) }), code("wrong-shape", /dimension 1 must be 2/));
  assert.throws(() => model.runSync({ x: { dtype: "f32", shape: [1.5, 2], data: new Float32Array(3) } }), code("wrong-shape", /'n' must be within/));
  assert.throws(() => model.runSync({ x: makeTensor("f32", [0, 2], new Float32Array(0)) }), code("wrong-shape", /1\.\./));
});

test("the module's own errors and traps come through", async () => {
  const model = await loadModel(module);
  assert.throws(() => model.runSync({ x: new Float32Array(2002) }), code("run-failed", /too many rows/));
  assert.deepEqual(model.runSync({ x: new Float32Array(2) })["y"]!.shape, [1, 2]);
  assert.throws(() => model.runSync({ x: new Float32Array(1998) }), code("run-failed", /trapped/));
  assert.throws(() => model.runSync({ x: new Float32Array(2) }), code("disposed"));
});

test("a profile takes down every call of a kernel, and the results stay", async () => {
  const kernels = [{ name: "run", flops: "s0 * 4", bytes: 8 }, { name: "inlined away", flops: 0, bytes: 0 }];
  const table = JSON.stringify({ kernels, dispatches: [{ kernel: 0, nodes: ["scale"] }] });
  const model = await loadModel(withSection(module, "nncc.kernels", table), { profile: true });
  for (let i = 0; i < 2; ++i) assert.deepEqual([...model.runSync({ x: new Float32Array([1, 2]) })["y"]!.data], [12, 24]);
  const calls = model.profiler!.take();
  assert.deepEqual(calls.map((call) => call.kernel), [0, 0]);
  for (const { begin, end } of calls) assert.ok(begin <= end);
  assert.deepEqual(model.profiler!.take(), []);
  await assert.rejects(loadModel(module, { profile: true }), code("not-nncc", /nncc\.kernels/));
});

test("dispose can be called twice", async () => {
  const model = await loadModel(module);
  model.dispose();
  model.dispose();
  assert.equal(model.memoryBytes, 0);
  await assert.rejects(model.run({ x: new Float32Array(2) }), code("disposed"));
});

test("loads from a response and from a buffer", async () => {
  const headers = { "content-type": "application/wasm" };
  for (const source of [new Response(module, { headers }), Promise.resolve(new Response(module)), module.buffer]) {
    assert.equal((await loadModel(source)).signature.source.name, "affine");
  }
});

test("what cannot be loaded is one clear error", async () => {
  await assert.rejects(loadModel("/nowhere/model.wasm"), code("load-failed", /nowhere/));
  await assert.rejects(loadModel(new Response("no", { status: 404 })), code("load-failed", /404/));
  await assert.rejects(loadModel(new Uint8Array([1, 2, 3])), code("bad-module"));
  const empty = new Uint8Array([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0]);
  await assert.rejects(loadModel(empty), code("not-nncc", /nncc.signature/));
  await assert.rejects(loadModel(withSection(empty, "nncc.signature", "{")), code("not-nncc", /JSON/));
  await assert.rejects(loadModel(makeModule({ ...signature, abi: 2 })), code("abi-mismatch", /2/));
  await assert.rejects(loadModel(module, { device: "gpu" }), code("unsupported-device"));
});

test("external weights are checked before they are used", async () => {
  const header = new TextEncoder().encode("{}".padEnd(56));
  const file = new Uint8Array(72);
  new DataView(file.buffer).setBigUint64(0, 56n, true);
  file.set(header, 8);
  new Float32Array(file.buffer, 64).set([1, 2]);
  const sha256 = createHash("sha256").update(file).digest("hex");
  const external = makeModule({ ...signature, weights: { file: "w.safetensors", sha256 } }, true);
  const model = await loadModel(external, { weights: file });
  assert.deepEqual([...model.runSync({ x: new Float32Array(2) })["y"]!.data], [1, 2]);
  await assert.rejects(loadModel(external), code("bad-weights", /w\.safetensors/));
  await assert.rejects(loadModel(external, { weights: new Uint8Array(3) }), code("bad-weights"));
  await assert.rejects(loadModel(external, { weights: file.subarray(0, 70) }), code("bad-weights", /not the weight file/));
  const altered = file.map((byte, i) => (i === 71 ? 1 : byte));
  await assert.rejects(loadModel(external, { weights: altered }), code("bad-weights", /not the weight file/));
  await assert.rejects(loadModel(external, { weights: "/nowhere/w" }), code("bad-weights", /nowhere/));
  const outside = makeModule({ ...signature, weights: { file: "../w", sha256 } });
  await assert.rejects(loadModel(outside), code("not-nncc", /plain file name/));
});
