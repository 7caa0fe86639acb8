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

/** The elements of any tensor as numbers (64-bit integers lose what a double cannot hold). */
export function toNumbers(tensor: Tensor): Float64Array {
  const { data, dtype } = tensor;
  const numbers = new Float64Array(data.length);
  const convert = dtype === "f16" ? fromHalf : dtype === "bf16" ? fromBFloat16 : Number;
  for (let i = 0; i < data.length; ++i) numbers[i] = convert(data[i] as number);
  return numbers;
}
