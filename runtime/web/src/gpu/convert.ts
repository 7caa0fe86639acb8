// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Elements between the caller's types and what GPU buffers hold: WGSL has no
// integers of other widths than 32 bits.

import { NnccError } from "../errors.js";
import { fromBFloat16, fromHalf, toBFloat16, toHalf } from "../half.js";
import type { DType, TypedArray } from "../tensor.js";
import type { Storage } from "./program.js";

const ARRAYS = { f32: Float32Array, f16: Uint16Array, i32: Int32Array, u32: Uint32Array, f64: Float64Array } as const;

/** Bytes that `count` elements take on the GPU; buffers are copied in words. */
export function storageBytes(storage: Storage, count: number): number {
  return (count * ARRAYS[storage].BYTES_PER_ELEMENT + 3) & ~3;
}

/**
 * The elements as the GPU holds them; `data` itself where that is the same.
 * Throws `out-of-range` for a 64-bit integer that 32 bits do not hold.
 */
export function toStorage(dtype: DType, data: TypedArray, storage: Storage, what: string): TypedArray {
  // In whole words, as the queue wants them.
  const odd = data.byteLength % 4 !== 0;
  if (dtype === storage && !odd) return data;
  const result = new ARRAYS[storage](storageBytes(storage, data.length) / ARRAYS[storage].BYTES_PER_ELEMENT);
  if (dtype === storage) {
    result.set(data as Uint16Array);
  } else if (data instanceof BigInt64Array || data instanceof BigUint64Array) {
    narrow(data, result, `${what}: the GPU has ${storage} for ${dtype}`);
  } else {
    const convert = encoder(dtype, storage);
    for (let i = 0; i < data.length; ++i) result[i] = convert(data[i]!);
  }
  return result;
}

function narrow(data: BigInt64Array | BigUint64Array, result: { [i: number]: number }, what: string): void {
  for (let i = 0; i < data.length; ++i) {
    result[i] = Number(data[i]!);
    if (BigInt(result[i]!) !== data[i]) throw new NnccError("out-of-range", `${what}, which cannot hold ${data[i]}`);
  }
}

/** From an element of `dtype` to one of `storage`. */
function encoder(dtype: DType, storage: Storage): (value: number) => number {
  const read = dtype === "f16" ? fromHalf : dtype === "bf16" ? fromBFloat16 : (value: number) => value;
  return storage === "f16" ? (value) => toHalf(read(value)) : read;
}

/** Copies elements from byte `at` of what a GPU buffer held to all of `result`, as `dtype` has them. */
export function fromStorage<T extends TypedArray>(
  storage: Storage, bytes: ArrayBuffer, at: number, dtype: DType, result: T,
): T {
  const count = result.length;
  const stored = new ARRAYS[storage](bytes, at, count);
  if (dtype === storage) {
    (result as Float32Array).set(stored);
  } else if (result instanceof BigInt64Array || result instanceof BigUint64Array) {
    for (let i = 0; i < count; ++i) result[i] = BigInt(stored[i]!);
  } else {
    const convert = decoder(storage, dtype);
    for (let i = 0; i < count; ++i) result[i] = convert(stored[i]!);
  }
  return result;
}

function decoder(storage: Storage, dtype: DType): (value: number) => number {
  const read = storage === "f16" ? fromHalf : (value: number) => value;
  switch (dtype) {
    case "bool": return (value) => Number(value !== 0);
    case "f16": return (value) => toHalf(read(value));
    case "bf16": return (value) => toBFloat16(read(value));
    default: return read;
  }
}
