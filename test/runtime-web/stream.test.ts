// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Models that take outputs back as inputs: y = 2 * x + [10, 20].

import assert from "node:assert/strict";
import { test } from "node:test";
import { loadModel } from "nncc";
import { makeModule, signature } from "./fixture.ts";

const declared = await loadModel(makeModule({ ...signature, state: [{ output: "y", input: "x" }] }));
const plain = await loadModel(makeModule());

test("a stream keeps its state, apart from other streams", async () => {
  const [one, two] = [declared.stream(), declared.stream()];
  const step = async (stream: typeof one): Promise<number[]> => Array.from((await stream.run({})).y!.data as Float32Array);
  assert.deepEqual([await step(one), await step(one)], [[10, 20], [30, 60]]);
  assert.deepEqual(await step(two), [10, 20]);
  assert.deepEqual(Array.from(one.state.x!.data as Float32Array), [30, 60]);
  one.reset();
  assert.deepEqual(await step(one), [10, 20]);
  assert.deepEqual(Array.from(two.runSync({}).y!.data as Float32Array), [30, 60]);
});

test("state can stay in the arrays of the first call", async () => {
  const stream = declared.stream();
  const first = stream.runSync({});
  const second = await stream.run({}, { into: first });
  assert.equal(second.y!.data, first.y!.data);
  assert.deepEqual(Array.from(stream.runSync({}, { into: first }).y!.data as Float32Array), [70, 140]);
});

test("pairs and first values can be given", () => {
  const initial = { x: { dtype: "f32" as const, shape: [1, 2], data: Float32Array.of(1, 2) } };
  const stream = plain.stream({ state: { y: "x" }, initial });
  assert.deepEqual(Array.from(stream.runSync({}).y!.data as Float32Array), [12, 24]);
  // What is given wins over the state.
  assert.deepEqual(Array.from(stream.runSync(initial).y!.data as Float32Array), [12, 24]);
});

test("pairs that the model does not have are refused", () => {
  assert.throws(() => plain.stream(), { code: "unknown-input", message: /--state/ });
  assert.throws(() => plain.stream({ state: { y: "z" } }), { code: "unknown-input", message: /no input 'z'/ });
  assert.throws(() => plain.stream({ state: { z: "x" } }), { code: "unknown-input", message: /no output 'z'/ });
  assert.throws(() => plain.stream({ state: { mask: "x" } }), { code: "wrong-dtype" });
  const initial = { w: { dtype: "f32" as const, shape: [1], data: new Float32Array(1) } };
  assert.throws(() => plain.stream({ state: { y: "x" }, initial }), { code: "unknown-input", message: /'w'/ });
});
