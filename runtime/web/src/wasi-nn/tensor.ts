// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

import type { TensorType } from "../signature.js";
import { arrayClass, bytesPerElement, elementCount, typeText, type DType, type Tensor } from "../tensor.js";
import { Errno, WasiNNError } from "./errno.js";

/** A tensor as a guest describes it, its bytes copied. */
export interface GuestTensor {
  readonly dims: readonly number[];
  readonly type: number;
  readonly bytes: Uint8Array<ArrayBuffer>;
}

// Two numberings of the element types are in use: one since August 2023, and
// the one before it, which WasmEdge kept until 2025.
// The last is the component interface's alone.
const NEW_TYPES: readonly DType[] = ["f16", "f32", "f64", "u8", "i32", "i64", "bf16"];
const OLD_TYPES: readonly DType[] = ["f16", "f32", "u8", "i32"];

// wasi-nn has few element types; these pass as the ones of their width.
const STAND_INS: Partial<Record<DType, DType>> = { bool: "u8", i8: "u8", u32: "i32", u64: "i64" };

/** The names of the component interface, in the order of the new numbering. */
export const TYPE_NAMES = ["FP16", "FP32", "FP64", "U8", "I32", "I64", "BF16"] as const;
export type TypeName = (typeof TYPE_NAMES)[number];

/** What the component interface calls elements of `dtype`; undefined when it has nothing of their width. */
export function typeName(dtype: DType): TypeName | undefined {
  return TYPE_NAMES[NEW_TYPES.indexOf(STAND_INS[dtype] ?? dtype)];
}

/** The type `code` for tensors of `size` bytes an element; undefined when no numbering has it. */
export function elementType(code: number, size: number): DType | undefined {
  return [NEW_TYPES[code], OLD_TYPES[code]].find((type) => type !== undefined && bytesPerElement(type) === size);
}

/** The bytes of a tensor in WAMR's `wasi_nn`, which has the old types and gives no length. */
export function legacyByteLength(code: number, dims: readonly number[]): number {
  const type = OLD_TYPES[code];
  if (type === undefined) throw new WasiNNError(Errno.InvalidArgument, `${code} is not an element type`);
  return elementCount(dims) * bytesPerElement(type);
}

/**
 * What a guest gave as the model's input `wanted`. Whether its type is meant in
 * the new numbering or in the old shows in the bytes that it has per element.
 */
export function toTensor(given: GuestTensor, wanted: TensorType): Tensor {
  const { bytes } = given;
  // A scalar has no dimension, or as wasi-nn wants it, one of size 1.
  const isScalar = wanted.shape.length === 0 && given.dims.length === 1 && given.dims[0] === 1;
  const dims = isScalar ? [] : given.dims;
  const text = typeText(wanted.dtype, wanted.shape);
  const count = elementCount(dims);
  const fits = (dim: number, i: number) => typeof wanted.shape[i] !== "number" || wanted.shape[i] === dim;
  if (dims.length !== wanted.shape.length || !dims.every(fits)) {
    throw new WasiNNError(Errno.InvalidArgument, `input '${wanted.name}' is ${text}, not [${dims.join(",")}]`);
  }
  const type = STAND_INS[wanted.dtype] ?? wanted.dtype;
  const size = count === 0 ? bytesPerElement(wanted.dtype) : bytes.length / count;
  if (elementType(given.type, size) !== type || bytes.length !== count * size) {
    const what = `${bytes.length} bytes of element type ${given.type}`;
    throw new WasiNNError(Errno.InvalidArgument, `input '${wanted.name}' is ${text}: ${what} do not fit it`);
  }
  return { dtype: wanted.dtype, shape: dims, data: new (arrayClass(wanted.dtype))(bytes.buffer) };
}

/** The bytes of a tensor, not copied. */
export function bytesOf(tensor: Tensor): Uint8Array {
  return new Uint8Array(tensor.data.buffer, tensor.data.byteOffset, tensor.data.byteLength);
}
