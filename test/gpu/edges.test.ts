// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// What the driver does without a GPU: element types at the edge, the list of
// dispatches, the layout of what is read back.

import assert from "node:assert/strict";
import { test } from "node:test";
import { arrayClass, fromHalf, toHalf, toNumbers, type DType, type TypedArray } from "nncc";
import { fromStorage, toStorage } from "../../runtime/web/dist/gpu/convert.js";
import { layOut, type PlannedOutput } from "../../runtime/web/dist/gpu/readback.js";
import { readStream, type CommandStream } from "../../runtime/web/dist/gpu/stream.js";
import { toBFloat16 } from "../../runtime/web/dist/half.js";

test("every half survives a float, and the rest rounds to even", () => {
  for (let bits = 0; bits < 0x10000; ++bits) {
    const value = fromHalf(bits);
    // Which NaN it is, is not kept.
    assert.equal(Number.isNaN(value) ? toHalf(value) & 0x7fff : toHalf(value), Number.isNaN(value) ? 0x7e00 : bits);
  }
  const cases: [number, number][] = [
    [1 + 1 / 2048, 1], [1 + 3 / 2048, 1 + 2 / 1024], [65519, 65504], [65520, Infinity], [-1e9, -Infinity],
    [2 ** -25, 0], [1.5 * 2 ** -25, 2 ** -24], [2 - 1 / 4096, 2], [2 ** -14 - 2 ** -26, 2 ** -14],
  ];
  for (const [value, half] of cases) assert.equal(fromHalf(toHalf(value)), half, String(value));
  assert.deepEqual([1, 1.00390625, 1.01171875, NaN, Infinity].map(toBFloat16), [0x3f80, 0x3f80, 0x3f82, 0x7fc0, 0x7f80]);
});

test("elements come back as they went", () => {
  const cases: [DType, TypedArray, "f32" | "f16" | "i32" | "u32"][] = [
    ["f32", new Float32Array([1.5, -2]), "f32"],
    ["f16", new Uint16Array([0x3c00, 0xc000, 0x0001]), "f32"],
    ["f16", new Uint16Array([0x3c00, 0xc000, 0x7c00]), "f16"],
    ["bf16", new Uint16Array([0x3f80, 0xc000]), "f32"],
    ["i64", new BigInt64Array([-(2n ** 31n), 2n ** 31n - 1n]), "i32"],
    ["u64", new BigUint64Array([0n, 2n ** 32n - 1n]), "u32"],
    ["i8", new Int8Array([-128, 127]), "i32"],
    ["u8", new Uint8Array([0, 255, 7]), "i32"],
    ["bool", new Uint8Array([0, 1, 1]), "i32"],
  ];
  for (const [dtype, data, storage] of cases) {
    const stored = toStorage(dtype, data, storage, "input 'x'");
    assert.equal(stored.byteLength % 4, 0);
    const back = new (arrayClass(dtype))(data.length);
    assert.deepEqual(fromStorage(storage, stored.buffer as ArrayBuffer, stored.byteOffset, dtype, back), data);
  }
  const halves = toStorage("f16", new Uint16Array([0x3c00]), "f32", "input 'x'");
  assert.deepEqual([...toNumbers({ dtype: "f32", shape: [1], data: halves })], [1]);
  assert.deepEqual(fromStorage("i32", new Int32Array([0, 7]).buffer, 0, "bool", new Uint8Array(2)), new Uint8Array([0, 1]));
});

test("an integer that 32 bits do not hold is refused", () => {
  const refused = { code: "out-of-range", message: /input 'x'.*2147483648/ };
  assert.throws(() => toStorage("i64", new BigInt64Array([2n ** 31n]), "i32", "input 'x'"), refused);
  assert.throws(() => toStorage("u64", new BigUint64Array([2n ** 32n]), "u32", "input 'x'"), { code: "out-of-range" });
});

test("outputs that are near each other are read in one copy", () => {
  const output = (offset: number, count: number): PlannedOutput =>
    ({ dtype: "f32", storage: "f32", shape: [count], count, offset });
  assert.deepEqual(layOut([output(512, 4), output(256, 8)]),
    { copies: [{ from: 256, to: 0, bytes: 272 }], bytes: 272, offsets: [256, 0] });
  assert.deepEqual(layOut([output(0, 1), output(2 ** 20, 2)]),
    { copies: [{ from: 0, to: 0, bytes: 4 }, { from: 2 ** 20, to: 4, bytes: 8 }], bytes: 12, offsets: [0, 4] });
  // Not where they are in different buffers.
  assert.deepEqual(layOut([output(512, 4), output(256, 8)], 512).copies,
    [{ from: 512, to: 0, bytes: 16 }, { from: 256, to: 16, bytes: 32 }]);
  assert.deepEqual(layOut([]), { copies: [], bytes: 0, offsets: [] });
});

test("a damaged list of dispatches is an error", () => {
  const memory = new WebAssembly.Memory({ initial: 1 });
  const read = (...words: number[]): unknown => {
    new Uint32Array(memory.buffer).set(words, 4);
    return readStream(memory, 16);
  };
  assert.throws(() => read(2, 4), { code: "run-failed", message: /version 2/ });
  assert.throws(() => read(1, 5, 0, 0, 9), { code: "run-failed", message: /unknown command 9/ });
  assert.throws(() => read(1, 7, 0, 0, 1, 0, 1), { code: "run-failed", message: /ends too early/ });
  assert.throws(() => read(1, 4, 0, 0), { code: "run-failed", message: /ends too early/ });
  // A dispatch of no workgroups is none.
  const none = { writes: [], dispatches: [] };
  const { key: _, ...rest } = read(1, 12, 8, 1, 3, 1, 0, 0, 1, 0, 2, 0) as CommandStream;
  assert.deepEqual(rest, { arenaBytes: 8, symbols: new Uint32Array([3]), submits: [none, none], reads: undefined });
});
