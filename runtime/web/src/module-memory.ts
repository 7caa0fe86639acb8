// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Tensors and texts in a module's memory; docs/module-format.md describes the
// layout. Views are made anew each time: growing the memory detaches old ones.

import { NnccError } from "./errors.js";
import { newRoom, type Room } from "./outputs.js";
import { dlpackType, dtypeOfDLPack, elementCount, type DType, type Tensor } from "./tensor.js";

/** Bytes of a tagged value, and of what describes a tensor. */
export const VALUE_BYTES = 16;
export const TENSOR_BYTES = 40;

/** The tags of values. */
export const [NONE, INT, FLOAT, HANDLE, STRING, TENSOR, FUNCTION] = [0, 1, 2, 3, 4, 5, 6] as const;

/** DLPack's numbers of devices. */
export const CPU = 1;
export const WEBGPU = 15;

/** What lies at the address of a descriptor. */
export interface Descriptor {
  readonly dtype: DType;
  readonly rank: number;
  /** Addresses of the elements and of the sizes. */
  readonly data: number;
  readonly shape: number;
  readonly device: number;
}

interface Allocator {
  nncc_alloc(bytes: number): number;
}

/** Throws `out-of-memory`. */
export function allocate(exports: Allocator, bytes: number): number {
  const address = exports.nncc_alloc(Math.max(bytes, 1)) >>> 0;
  if (address === 0) throw new NnccError("out-of-memory", `the module could not allocate ${bytes} bytes`);
  return address;
}

export function viewOf({ buffer }: WebAssembly.Memory): DataView {
  return new DataView(buffer);
}

/** Copies the elements of an array to `address`. */
export function writeElements(memory: WebAssembly.Memory, address: number, data: ArrayBufferView): void {
  new Uint8Array(memory.buffer).set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), address);
}

export function writeDescriptor(view: DataView, at: number, { dtype, rank, data, shape, device }: Descriptor): void {
  const { code, bits } = dlpackType(dtype);
  const words = [data, device, 0, rank, code | (bits << 8) | (1 << 16), shape, 0, 0, 0, 0];
  words.forEach((word, i) => view.setUint32(at + 4 * i, word, true));
}

export function writeShape(view: DataView, at: number, shape: readonly number[]): void {
  shape.forEach((dim, i) => view.setBigInt64(at + 8 * i, BigInt(dim), true));
}

/** What the descriptor at `at` says. Throws `run-failed` for a type that there is not. */
export function readDescriptor(view: DataView, at: number): { dtype: DType; shape: number[]; address: number } {
  const dtype = dtypeOfDLPack(view.getUint8(at + 16), view.getUint8(at + 17));
  if (dtype === undefined) throw new NnccError("run-failed", "a tensor of the module has an unknown type");
  const dims = view.getUint32(at + 20, true);
  const shape = Array.from({ length: view.getUint32(at + 12, true) }, (_, i) =>
    Number(view.getBigInt64(dims + 8 * i, true)));
  return { dtype, shape, address: view.getUint32(at, true) + Number(view.getBigUint64(at + 32, true)) };
}

/** A copy of the tensor that the descriptor at `at` describes, in an array of its own by default. */
export function readTensor(memory: WebAssembly.Memory, at: number, room?: Room): Tensor {
  const { dtype, shape, address } = readDescriptor(viewOf(memory), at);
  const data = (room ?? newRoom(dtype))(elementCount(shape));
  // As bytes, whose address need not be aligned.
  const { buffer, byteOffset, byteLength } = data;
  new Uint8Array(buffer, byteOffset, byteLength).set(new Uint8Array(memory.buffer, address, byteLength));
  return { dtype, shape, data };
}

/** UTF-8; decoders refuse shared memory, hence the copy. */
export function readText({ buffer }: WebAssembly.Memory, address: number, length: number): string {
  return new TextDecoder().decode(new Uint8Array(buffer, address, length).slice());
}

/** The text that a NUL ends at `address`; empty for address 0. */
export function readCString(memory: WebAssembly.Memory, address: number): string {
  if (address === 0) return "";
  const end = new Uint8Array(memory.buffer).indexOf(0, address);
  return readText(memory, address, (end < 0 ? memory.buffer.byteLength : end) - address);
}
