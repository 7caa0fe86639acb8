// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// ONNX's TensorProto, the one protobuf message that test data comes in.

import { arrayClass, bytesPerElement, elementCount, type DType, type Tensor, type TypedArray } from "nncc";
import { UserError } from "./errors.js";

const DATA_TYPES: Readonly<Record<number, DType>> = {
  1: "f32", 2: "u8", 3: "i8", 4: "u16", 5: "i16", 6: "i32", 7: "i64", 9: "bool",
  10: "f16", 11: "f64", 12: "u32", 13: "u64", 16: "bf16",
};

const DIMS = 1;
const DATA_TYPE = 2;
const FLOAT_DATA = 4;
const INT32_DATA = 5;
const INT64_DATA = 7;
const NAME = 8;
const RAW_DATA = 9;
const DOUBLE_DATA = 10;
const UINT64_DATA = 11;
const DATA_LOCATION = 14;

/** A tensor and the name it has in its file (often empty). */
export interface NamedTensor {
  readonly name: string;
  readonly tensor: Tensor;
}

/** Reads a serialized TensorProto. Throws UserError for what is damaged or not supported. */
export function readTensorProto(bytes: Uint8Array): NamedTensor {
  const message = new Message(bytes);
  const shape: number[] = [];
  const values: (number | bigint)[] = [];
  let name = "";
  let raw: Uint8Array | undefined;
  let type = 0;
  while (!message.done()) {
    const { field, wire } = message.tag();
    if (field === DIMS) message.packed(wire, () => shape.push(Number(message.varint())));
    else if (field === DATA_TYPE) type = Number(message.varint());
    else if (field === FLOAT_DATA) message.packed(wire, () => values.push(message.f32()));
    else if (field === DOUBLE_DATA) message.packed(wire, () => values.push(message.f64()));
    else if (field === INT32_DATA) message.packed(wire, () => values.push(Number(BigInt.asIntN(32, message.varint()))));
    else if (field === INT64_DATA) message.packed(wire, () => values.push(message.varint()));
    else if (field === UINT64_DATA) message.packed(wire, () => values.push(BigInt.asUintN(64, message.varint())));
    else if (field === NAME) name = new TextDecoder().decode(message.bytes());
    else if (field === RAW_DATA) raw = message.bytes();
    else if (field === DATA_LOCATION && message.varint() !== 0n) throw new UserError("external tensor data is not supported");
    else if (field !== DATA_LOCATION) message.skip(wire);
  }
  const dtype = DATA_TYPES[type];
  if (dtype === undefined) throw new UserError(`TensorProto data type ${type} is not supported`);
  const count = elementCount(shape);
  if (!Number.isSafeInteger(count) || shape.some((dim) => dim < 0)) throw new UserError(`[${shape.join(",")}] is not a shape`);
  return { name, tensor: { dtype, shape, data: raw ? fromRaw(dtype, count, raw) : fromValues(dtype, count, values) } };
}

function fromRaw(dtype: DType, count: number, raw: Uint8Array): TypedArray {
  if (raw.length !== count * bytesPerElement(dtype)) {
    throw new UserError(`the tensor holds ${raw.length} bytes instead of ${count * bytesPerElement(dtype)}`);
  }
  return new (arrayClass(dtype))(new Uint8Array(raw).buffer);
}

function fromValues(dtype: DType, count: number, values: readonly (number | bigint)[]): TypedArray {
  if (values.length !== count) throw new UserError(`the tensor holds ${values.length} elements instead of ${count}`);
  const data = new (arrayClass(dtype))(count);
  const big = dtype === "i64" || dtype === "u64";
  values.forEach((value, i) => (data[i] = (big ? BigInt(value) : Number(value)) as never));
  return data;
}

/** A cursor over protobuf's wire format, which checks every bound. */
class Message {
  private at = 0;
  private readonly view: DataView;

  constructor(private readonly buffer: Uint8Array) {
    this.view = new DataView(buffer.buffer, buffer.byteOffset, buffer.byteLength);
  }

  done(): boolean {
    return this.at >= this.buffer.length;
  }

  tag(): { field: number; wire: number } {
    const value = Number(this.varint());
    return { field: Math.floor(value / 8), wire: value % 8 };
  }

  /** As a signed 64-bit number. */
  varint(): bigint {
    let value = 0n;
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const byte = this.buffer[this.take(1)]!;
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return BigInt.asIntN(64, value);
    }
    throw new UserError("not a TensorProto: a number is too long");
  }

  f32(): number {
    return this.view.getFloat32(this.take(4), true);
  }

  f64(): number {
    return this.view.getFloat64(this.take(8), true);
  }

  bytes(): Uint8Array {
    const length = Number(this.varint());
    const start = this.take(length);
    return this.buffer.subarray(start, start + length);
  }

  /** Reads one element, or a packed run of them. */
  packed(wire: number, element: () => void): void {
    if (wire !== 2) return element();
    const length = Number(this.varint());
    const end = this.take(length) + length;
    this.at = end - length;
    while (this.at < end) element();
    if (this.at !== end) throw new UserError("not a TensorProto: a packed field is cut off");
  }

  skip(wire: number): void {
    if (wire === 0) this.varint();
    else if (wire === 1) this.take(8);
    else if (wire === 2) this.bytes();
    else if (wire === 5) this.take(4);
    else throw new UserError("not a TensorProto");
  }

  /** The position, after moving over `count` bytes. */
  private take(count: number): number {
    const start = this.at;
    if (count < 0 || count > this.buffer.length - start) throw new UserError("not a TensorProto, or one that is cut off");
    this.at += count;
    return start;
  }
}
