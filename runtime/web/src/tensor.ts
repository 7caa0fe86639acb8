// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

import { NnccError } from "./errors.js";

/** Element types, by the names that a module's signature uses. */
export type DType =
  | "f32" | "f64" | "f16" | "bf16"
  | "i8" | "i16" | "i32" | "i64"
  | "u8" | "u16" | "u32" | "u64"
  | "bool";

export type TypedArray =
  | Float32Array | Float64Array
  | Int8Array | Int16Array | Int32Array | BigInt64Array
  | Uint8Array | Uint16Array | Uint32Array | BigUint64Array;

/**
 * A dense row-major tensor. `f16` and `bf16` hold their bits in a Uint16Array,
 * `bool` one byte (0 or 1) per element in a Uint8Array.
 */
export interface Tensor {
  readonly dtype: DType;
  readonly shape: readonly number[];
  readonly data: TypedArray;
}

interface ArrayClass {
  readonly BYTES_PER_ELEMENT: number;
  readonly name: string;
  new (buffer: ArrayBufferLike, byteOffset?: number, length?: number): TypedArray;
  new (length: number): TypedArray;
}

/** One row of the dtype table: the typed array and DLPack's type code. */
type DTypeInfo = readonly [array: ArrayClass, code: number];

const INT = 0;
const UINT = 1;
const FLOAT = 2;
const BFLOAT = 4;
const BOOL = 6;

const DTYPES: Readonly<Record<DType, DTypeInfo>> = {
  f32: [Float32Array, FLOAT],
  f64: [Float64Array, FLOAT],
  f16: [Uint16Array, FLOAT],
  bf16: [Uint16Array, BFLOAT],
  i8: [Int8Array, INT],
  i16: [Int16Array, INT],
  i32: [Int32Array, INT],
  i64: [BigInt64Array, INT],
  u8: [Uint8Array, UINT],
  u16: [Uint16Array, UINT],
  u32: [Uint32Array, UINT],
  u64: [BigUint64Array, UINT],
  bool: [Uint8Array, BOOL],
};

export function isDType(name: unknown): name is DType {
  return typeof name === "string" && Object.hasOwn(DTYPES, name);
}

export function bytesPerElement(dtype: DType): number {
  return arrayClass(dtype).BYTES_PER_ELEMENT;
}

/** The typed array class that holds elements of `dtype`. */
export function arrayClass(dtype: DType): ArrayClass {
  return DTYPES[dtype][0];
}

/** DLPack's {code, bits} of `dtype`. */
export function dlpackType(dtype: DType): { code: number; bits: number } {
  return { code: DTYPES[dtype][1], bits: 8 * bytesPerElement(dtype) };
}

/** The dtype of a DLPack {code, bits} pair; undefined when there is none. */
export function dtypeOfDLPack(code: number, bits: number): DType | undefined {
  const names = Object.keys(DTYPES) as DType[];
  return names.find((name) => DTYPES[name][1] === code && 8 * bytesPerElement(name) === bits);
}

/** The number of elements of a shape; 1 for a scalar. */
export function elementCount(shape: readonly number[]): number {
  return shape.reduce((count, dim) => count * dim, 1);
}

/** `f32[1,3,224,224]`, as messages show a type. */
export function typeText(dtype: string, shape: readonly (number | string)[]): string {
  return `${dtype}[${shape.join(",")}]`;
}

/**
 * A tensor over `data` (not copied). Throws `wrong-dtype` when the array's
 * class does not hold `dtype` and `wrong-shape` when the sizes disagree.
 */
export function makeTensor(dtype: DType, shape: readonly number[], data: TypedArray): Tensor {
  if (!isDType(dtype)) {
    throw new NnccError("wrong-dtype", `unknown dtype '${String(dtype)}'`);
  }
  for (const dim of shape) {
    if (!Number.isSafeInteger(dim) || dim < 0) {
      throw new NnccError("wrong-shape", `[${shape.join(",")}] is not a shape`);
    }
  }
  checkElements(dtype, shape, data, "tensor");
  return { dtype, shape: [...shape], data };
}

/** Throws `wrong-dtype` or `wrong-shape` unless `data` holds the elements of such a tensor. */
export function checkElements(dtype: DType, shape: readonly number[], data: TypedArray, what: string): void {
  checkData(dtype, data, what);
  const count = elementCount(shape);
  if (count !== data.length) {
    throw new NnccError("wrong-shape", `${what}: ${typeText(dtype, shape)} has ${count} elements, the data ${data.length}`);
  }
}

/** Throws `wrong-dtype` unless `data` is the kind of array that holds `dtype`. */
export function checkData(dtype: DType, data: TypedArray, what: string): void {
  const wanted = arrayClass(dtype);
  if (!(data instanceof (wanted as unknown as abstract new () => unknown))) {
    const given = (data as object | null | undefined)?.constructor?.name ?? typeof data;
    throw new NnccError("wrong-dtype", `${what}: ${dtype} data must be a ${wanted.name}, not ${given}`);
  }
}
