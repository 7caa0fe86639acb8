// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

import assert from "node:assert/strict";
import { test } from "node:test";
import { fromBFloat16, fromHalf, makeTensor, type DType } from "nncc";
import { compare } from "../../tools/nncc-run/dist/compare.js";
import { readNpy, writeNpy } from "../../tools/nncc-run/dist/npy.js";
import { readTensorProto } from "../../tools/nncc-run/dist/tensorproto.js";

const npy = (header: string, data: number[]) =>
  new Uint8Array([0x93, ...Buffer.from("NUMPY"), 1, 0, header.length, 0, ...Buffer.from(header), ...data]);

test(".npy files come back as they were written", () => {
  const shapes = [[], [3], [2, 3], [0, 4], [1, 2, 3]];
  for (const shape of shapes) {
    const count = shape.reduce((a, b) => a * b, 1);
    const tensor = makeTensor("i64", shape, BigInt64Array.from({ length: count }, (_, i) => BigInt(-i)));
    const bytes = writeNpy(tensor);
    assert.equal(bytes.indexOf(10) % 64, 63);
    assert.deepEqual(readNpy(bytes), tensor);
    // As files are read: a Buffer, whose slice() does not copy.
    assert.deepEqual(readNpy(Buffer.from(bytes)), tensor);
  }
  assert.equal(readNpy(writeNpy(makeTensor("bool", [2], new Uint8Array([1, 0])))).dtype, "bool");
});

test("column-major .npy files are turned", () => {
  const bytes = npy("{'descr': '|u1', 'fortran_order': True, 'shape': (2, 3), }\n", [1, 4, 2, 5, 3, 6]);
  assert.deepEqual([...readNpy(bytes).data], [1, 2, 3, 4, 5, 6]);
});

test("damaged .npy files are refused", () => {
  assert.throws(() => readNpy(new Uint8Array(20)), /not an \.npy/);
  assert.throws(() => readNpy(npy("{'descr': '<f4', 'fortran_order': False, 'shape': (2,), }", [1])), /cut off/);
  assert.throws(() => readNpy(npy("{'descr': '>f4', 'fortran_order': False, 'shape': (0,), }", [])), />f4/);
  assert.throws(() => readNpy(npy("{'descr': '|O', 'fortran_order': False, 'shape': (0,), }", [])), /\|O/);
  assert.throws(() => readNpy(npy("nothing", [])), /damaged/);
});

test("TensorProto: raw, packed and single elements", () => {
  const raw = new Uint8Array([8, 2, 16, 1, 74, 8, 0, 0, 128, 63, 0, 0, 0, 64]);
  assert.deepEqual(readTensorProto(raw).tensor, makeTensor("f32", [2], new Float32Array([1, 2])));
  const packed = new Uint8Array([10, 1, 2, 16, 7, 58, 11, 5, 255, 255, 255, 255, 255, 255, 255, 255, 255, 1, 66, 1, 120]);
  const { name, tensor } = readTensorProto(packed);
  assert.equal(name, "x");
  assert.deepEqual(tensor, makeTensor("i64", [2], new BigInt64Array([5n, -1n])));
  const single = new Uint8Array([8, 1, 16, 9, 40, 1]);
  assert.deepEqual(readTensorProto(single).tensor, makeTensor("bool", [1], new Uint8Array([1])));
});

test("TensorProto: damaged files are refused", () => {
  assert.throws(() => readTensorProto(new Uint8Array([8, 2, 16, 1, 74, 80])), /cut off/);
  assert.throws(() => readTensorProto(new Uint8Array([8, 2, 16, 1, 74, 1, 0])), /1 bytes instead of 8/);
  assert.throws(() => readTensorProto(new Uint8Array([16, 8])), /type 8/);
  assert.throws(() => readTensorProto(new Uint8Array(20).fill(255)), /too long/);
  const huge = new Uint8Array([8, ...Array<number>(8).fill(255), 127, 16, 1, 74, 0]);
  assert.throws(() => readTensorProto(huge), /not a shape/);
});

test("comparing follows NumPy's rule", () => {
  const f32 = (...values: number[]) => makeTensor("f32", [values.length], new Float32Array(values));
  assert.ok(compare(f32(1, NaN, Infinity), f32(1, NaN, Infinity), { rtol: 0, atol: 0 }).ok);
  assert.ok(compare(f32(1.0005), f32(1), { rtol: 1e-3, atol: 0 }).ok);
  assert.ok(!compare(f32(1.01), f32(1), { rtol: 1e-3, atol: 1e-4 }).ok);
  assert.ok(!compare(f32(NaN), f32(1), { rtol: 1, atol: 1 }).ok);
  assert.ok(!compare(f32(1), f32(Infinity), { rtol: 1, atol: 1 }).ok);
  assert.ok(!compare(f32(1), f32(1, 1), { rtol: 1, atol: 1 }).ok);
});

test("without tolerances the type decides", () => {
  const f16 = (bits: number) => makeTensor("f16", [1], new Uint16Array([bits]));
  const f32 = (value: number) => makeTensor("f32", [1], new Float32Array([value]));
  assert.ok(compare(f16(0x3c08), f16(0x3c00), {}).ok); // 1 + 2 ** -7
  assert.ok(!compare(f16(0x3c08), f16(0x3c00), { rtol: 1e-3, atol: 1e-4 }).ok);
  assert.ok(!compare(f32(1 + 2 ** -7), f32(1), {}).ok);
});

test("16-bit floats", () => {
  const halves: [number, number][] = [[0x3c00, 1], [0xc000, -2], [0x0001, 2 ** -24], [0x7c00, Infinity], [0x7bff, 65504]];
  for (const [bits, value] of halves) assert.equal(fromHalf(bits), value);
  assert.ok(Number.isNaN(fromHalf(0x7e00)));
  assert.equal(fromBFloat16(0xc040), -3);
  assert.throws(() => makeTensor("f99" as DType, [], new Float32Array(1)), /f99/);
});
