// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import { loadModel } from "nncc";
import { Errno } from "nncc/wasi-nn";
import { AT, FakeGuest, OK, PAGE, floatBytes } from "./fake-guest.ts";
import { toTensor } from "../../runtime/web/dist/wasi-nn/tensor.js";
import { makeModule, signature } from "./fixture.ts";

const bytes = makeModule();
const demo = await loadModel(bytes);

function run(guest: FakeGuest, context: number, ...values: number[]): number[] {
  assert.equal(guest.call("set_input", context, 0, guest.tensor([values.length / 2, 2], 1, floatBytes(...values))), OK);
  assert.equal(guest.call("compute", context), OK);
  assert.equal(guest.call("get_output", context, 0, AT.data, 4 * values.length, AT.out), OK);
  assert.equal(guest.word(AT.out), 4 * values.length);
  return guest.floats(AT.data, values.length);
}

test("a model by name, with any number of rows", () => {
  const guest = new FakeGuest({ demo });
  const context = guest.open();
  assert.deepEqual(run(guest, context, 1, 2), [12, 24]);
  assert.deepEqual(run(guest, context, 1, 2, 3, 4), [12, 24, 16, 28]);
  assert.equal(guest.call("get_output", context, 1, AT.data, 4, AT.out), OK);
  assert.deepEqual([...new Uint8Array(guest.memory.buffer, AT.data, 4)], [1, 1, 1, 1]);
});

test("contexts of one model do not see each other", () => {
  const guest = new FakeGuest({ demo });
  const [one, two] = [guest.open(), guest.open()];
  guest.call("set_input", one, 0, guest.tensor([1, 2], 1, floatBytes(1, 2)));
  guest.call("compute", one);
  assert.deepEqual(run(guest, two, 5, 6), [20, 32]);
  assert.equal(guest.call("get_output", one, 0, AT.data, 8, AT.out), OK);
  assert.deepEqual(guest.floats(AT.data, 2), [12, 24]);
});

test("the bytes of a module, whatever the number of autodetect", () => {
  for (const encoding of [1, 5, 6]) {
    const guest = new FakeGuest({}, 2);
    guest.words(AT.builders, guest.bytes(AT.model, bytes), bytes.length);
    assert.equal(guest.call("load", AT.builders, 1, encoding, 0, AT.out), OK, guest.errors.join());
    guest.call("init_execution_context", guest.word(AT.out), AT.out);
    assert.deepEqual(run(guest, guest.word(AT.out), 1, 2), [12, 24]);
  }
});

test("an ONNX file stands for the model that was compiled from it", async () => {
  for (const size of [0, 1, 55, 56, 63, 64, 65, 1000]) {
    const onnx = Uint8Array.from({ length: size }, (_, i) => 7 * i);
    const sha256 = createHash("sha256").update(onnx).digest("hex");
    const model = await loadModel(makeModule({ ...signature, source: { name: "affine", sha256 } }));
    const guest = new FakeGuest({ demo: model });
    guest.words(AT.builders, guest.bytes(AT.model, onnx), size);
    assert.equal(guest.call("load", AT.builders, 1, 1, 0, AT.out), OK, `${size} bytes`);
    guest.words(AT.builders, AT.model, size + 1);
    assert.equal(guest.call("load", AT.builders, 1, 1, 0, AT.out), Errno.InvalidEncoding);
  }
});

test("files of other formats stand for the substitute", () => {
  const guest = new FakeGuest({ demo }, 1, true, { substitute: "demo" });
  guest.words(AT.builders, AT.data, 3, AT.data, 1);
  for (const [count, encoding] of [[2, 0], [1, 0], [1, 4], [1, 1]] as const) {
    assert.equal(guest.call("load", AT.builders, count, encoding, 0, AT.out), OK, guest.errors.join());
    guest.call("init_execution_context", guest.word(AT.out), AT.out);
    assert.deepEqual(run(guest, guest.word(AT.out), 1, 2), [12, 24]);
  }
  assert.equal(guest.call("load", AT.builders, 3, 0, 0, AT.out), Errno.InvalidArgument);
  assert.throws(() => new FakeGuest({ demo }, 1, true, { substitute: "other" }), /'other'/);
});

test("both numberings of the element types", async () => {
  for (const [dtype, width, types] of [["u8", 1, [2, 3]], ["i32", 4, [3, 4]], ["f64", 8, [2]], ["i64", 8, [5]]] as const) {
    const model = await loadModel(makeModule({ ...signature, inputs: [{ name: "x", dtype, shape: ["n", 2] }] }));
    const guest = new FakeGuest({ demo: model });
    const context = guest.open();
    for (let type = 0; type < 8; ++type) {
      const wanted = (types as readonly number[]).includes(type) ? OK : Errno.InvalidArgument;
      const tensor = guest.tensor([1, 2], type, new Uint8Array(2 * width));
      assert.equal(guest.call("set_input", context, 0, tensor), wanted, `${dtype} as ${type}`);
    }
  }
});

test("state stays in its context until fini_single", () => {
  const guest = new FakeGuest({ demo: { model: demo, state: { y: "x" } } });
  const step = (context: number) => {
    assert.equal(guest.call("compute_single", context), OK);
    assert.equal(guest.call("get_output_single", context, 0, AT.data, 8, AT.out), OK);
    return guest.floats(AT.data, 2);
  };
  const [one, two] = [guest.open(), guest.open()];
  assert.deepEqual([step(one), step(one)], [[10, 20], [30, 60]]);
  assert.deepEqual(step(two), [10, 20]);
  assert.equal(guest.call("fini_single", one), OK);
  assert.deepEqual(step(one), [10, 20]);
  assert.throws(() => new FakeGuest({ demo: { model: demo, state: { y: "z" } } }), { code: "unknown-input" });
  assert.throws(() => new FakeGuest({ demo: { model: demo, state: { mask: "x" } } }), { code: "wrong-dtype" });
});

test("state that the module itself declares, also in a module that the guest brings", async () => {
  const bytes = makeModule({ ...signature, state: [{ output: "y", input: "x" }] });
  const guest = new FakeGuest({ demo: await loadModel(bytes) });
  guest.words(AT.builders, guest.bytes(AT.model, bytes), bytes.length);
  assert.equal(guest.call("load", AT.builders, 1, 5, 0, AT.out), OK);
  assert.equal(guest.call("init_execution_context", guest.word(AT.out), AT.out), OK);
  for (const context of [guest.word(AT.out), guest.open()]) {
    for (const wanted of [[10, 20], [30, 60]]) {
      assert.equal(guest.call("compute_single", context), OK);
      assert.equal(guest.call("get_output_single", context, 0, AT.data, 8, AT.out), OK);
      assert.deepEqual(guest.floats(AT.data, 2), wanted);
    }
  }
});

test("the extensions: a configuration, and handles that are given back", () => {
  const guest = new FakeGuest({ demo });
  const config = guest.text(AT.config, "{}");
  assert.equal(guest.call("load_by_name_with_config", ...guest.text(AT.name, "demo"), ...config, AT.out), OK);
  const graph = guest.word(AT.out);
  const context = guest.open();
  assert.equal(guest.call("unload", graph), OK);
  assert.deepEqual(run(guest, context, 1, 2), [12, 24]);
  assert.equal(guest.call("finalize_execution_context", context), OK);
  assert.equal(guest.call("compute", context), Errno.InvalidArgument);
});

test("WAMR's older interface", () => {
  const guest = new FakeGuest({ demo }, 2);
  guest.words(AT.builders, guest.bytes(AT.model, bytes), bytes.length);
  assert.equal(guest.legacy("load", guest.words(AT.config, AT.builders, 1), 1, 0, AT.out), OK);
  assert.equal(guest.legacy("init_execution_context", guest.word(AT.out), AT.out), OK);
  const context = guest.word(AT.out);
  guest.tensor([1, 2], 1, floatBytes(1, 2));
  guest.words(AT.tensor, guest.words(AT.config, AT.dims, 2), 1, AT.data);
  assert.equal(guest.legacy("set_input", context, 0, AT.tensor), OK, guest.errors.join());
  assert.equal(guest.legacy("compute", context), OK);
  assert.equal(guest.legacy("get_output", context, 0, AT.data, guest.words(AT.out, 7)), Errno.TooLarge);
  assert.equal(guest.legacy("get_output", context, 0, AT.data, guest.words(AT.out, 100)), OK);
  assert.deepEqual([guest.word(AT.out), ...guest.floats(AT.data, 2)], [8, 12, 24]);
});

test("a memory that grows between the calls", () => {
  const guest = new FakeGuest({ demo });
  const context = guest.open();
  guest.memory.grow(1);
  guest.call("set_input", context, 0, guest.tensor([1, 2], 1, floatBytes(1, 2)));
  guest.memory.grow(1);
  guest.call("compute", context);
  guest.memory.grow(1);
  assert.equal(guest.call("get_output", context, 0, 4 * PAGE - 8, 8, AT.out), OK);
  assert.deepEqual(guest.floats(4 * PAGE - 8, 2), [12, 24]);
});

test("a scalar has no dimension or one of size 1", () => {
  const scalar = { name: "s", dtype: "f32", shape: [] } as const;
  const bytes = Uint8Array.from(floatBytes(3));
  for (const dims of [[], [1]]) {
    assert.deepEqual(toTensor({ dims, type: 1, bytes }, scalar), { dtype: "f32", shape: [], data: new Float32Array([3]) });
  }
  assert.throws(() => toTensor({ dims: [1, 1], type: 1, bytes }, scalar), /not \[1,1\]/);
});
