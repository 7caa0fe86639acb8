// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// 16-bit floats, which JavaScript has no array for in every engine.

import type { Tensor } from "./tensor.js";

/** The value of IEEE half bits. */
export function fromHalf(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 0x1f) return fraction === 0 ? sign * Infinity : NaN;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

const scratch = new DataView(new ArrayBuffer(4));

/** The value of bfloat16 bits: the upper half of an f32. */
export function fromBFloat16(bits: number): number {
  scratch.setUint32(0, bits << 16);
  return scratch.getFloat32(0);
}

/** The upper half of an f32, rounded to the nearest, ties to even. */
export function toBFloat16(value: number): number {
  scratch.setFloat32(0, value);
  const bits = scratch.getUint32(0);
  if (value !== value) return (bits >>> 16) | 0x40;
  return ((bits + 0x7fff + ((bits >>> 16) & 1)) >>> 16) & 0xffff;
}

/** The IEEE half nearest to an f32 `value`, ties to even. */
export function toHalf(value: number): number {
  scratch.setFloat32(0, value);
  const bits = scratch.getUint32(0);
  const sign = (bits >>> 16) & 0x8000;
  const size = Math.abs(scratch.getFloat32(0));
  if (size !== size) return sign | 0x7e00;
  // 65520 and above round to infinity.
  if (size >= 65520) return sign | 0x7c00;
  if (size < 2 ** -14) return sign | roundToEven(size * 2 ** 24);
  const exponent = ((bits >>> 23) & 0xff) - 127;
  // A fraction that rounds up to 1024 carries into the exponent, as it should.
  return sign | (((exponent + 15) << 10) + roundToEven((bits & 0x7fffff) / 8192));
}

function roundToEven(value: number): number {
  const low = Math.floor(value);
  const rest = value - low;
  return rest > 0.5 || (rest === 0.5 && low % 2 === 1) ? low + 1 : low;
}

/** The elements of any tensor as numbers (64-bit integers lose what a double cannot hold). */
export function toNumbers(tensor: Tensor): Float64Array {
  const { data, dtype } = tensor;
  const numbers = new Float64Array(data.length);
  const convert = dtype === "f16" ? fromHalf : dtype === "bf16" ? fromBFloat16 : Number;
  for (let i = 0; i < data.length; ++i) numbers[i] = convert(data[i] as number);
  return numbers;
}
