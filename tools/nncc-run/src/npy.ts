// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// NumPy's .npy files, versions 1 to 3: https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html

import { arrayClass, bytesPerElement, elementCount, type DType, type Tensor } from "nncc";
import { UserError } from "./errors.js";

const DESCR: Readonly<Record<string, DType>> = {
  f4: "f32", f8: "f64", f2: "f16",
  i1: "i8", i2: "i16", i4: "i32", i8: "i64",
  u1: "u8", u2: "u16", u4: "u32", u8: "u64",
  b1: "bool",
};

const MAGIC = [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59];

export function isNpy(bytes: Uint8Array): boolean {
  return MAGIC.every((byte, i) => bytes[i] === byte);
}

/** The array in an .npy file. Throws UserError for what is damaged or not an array of numbers. */
export function readNpy(bytes: Uint8Array): Tensor {
  if (!isNpy(bytes) || bytes.length < 12) throw new UserError("not an .npy file");
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const long = bytes[6]! >= 2;
  const start = long ? 12 : 10;
  const end = start + (long ? view.getUint32(8, true) : view.getUint16(8, true));
  if (end > bytes.length) throw new UserError("the .npy header is cut off");
  const header = new TextDecoder().decode(bytes.subarray(start, end));
  const descr = /'descr':\s*'([^']*)'/.exec(header)?.[1];
  const shapeText = /'shape':\s*\(([^)]*)\)/.exec(header)?.[1];
  if (descr === undefined || shapeText === undefined) throw new UserError("the .npy header is damaged");
  const dtype = DESCR[descr.slice(1)];
  const wide = !/1$/.test(descr);
  if (dtype === undefined || (wide && descr[0] !== "<")) {
    throw new UserError(`arrays of '${descr}' are not supported, only little-endian numbers and bool`);
  }
  const shape = shapeText.split(",").map((dim) => dim.trim()).filter((dim) => dim !== "").map(Number);
  const count = elementCount(shape);
  const size = count * bytesPerElement(dtype);
  if (!Number.isSafeInteger(size) || bytes.length - end < size) throw new UserError("the .npy data is cut off");
  // Copied, so that it is aligned; a Buffer's own slice() would not copy.
  const body = Uint8Array.from(bytes.subarray(end, end + size));
  const data = new (arrayClass(dtype))(body.buffer);
  if (!/'fortran_order':\s*True/.test(header) || shape.length < 2) return { dtype, shape, data };
  return fromColumnMajor({ dtype, shape, data });
}

function fromColumnMajor(tensor: Tensor): Tensor {
  const { dtype, shape, data } = tensor;
  const out = new (arrayClass(dtype))(data.length);
  const index = shape.map(() => 0);
  for (let to = 0; to < data.length; ++to) {
    let from = 0;
    for (let d = shape.length - 1; d >= 0; --d) from = from * shape[d]! + index[d]!;
    out[to] = data[from] as never;
    for (let d = shape.length - 1; d >= 0 && ++index[d]! === shape[d]; --d) index[d] = 0;
  }
  return { dtype, shape, data: out };
}

/** The bytes of an .npy file; bfloat16, which NumPy does not have, as u2. */
export function writeNpy(tensor: Tensor): Uint8Array {
  const dtype = tensor.dtype === "bf16" ? "u16" : tensor.dtype;
  const name = Object.keys(DESCR).find((key) => DESCR[key] === dtype)!;
  const dims = tensor.shape.join(", ") + (tensor.shape.length === 1 ? "," : "");
  const order = bytesPerElement(dtype) === 1 ? "|" : "<";
  const text = `{'descr': '${order}${name}', 'fortran_order': False, 'shape': (${dims}), }`;
  const total = Math.ceil((10 + text.length + 1) / 64) * 64;
  const header = new TextEncoder().encode(text.padEnd(total - 11) + "\n");
  const body = new Uint8Array(tensor.data.buffer, tensor.data.byteOffset, tensor.data.byteLength);
  const bytes = new Uint8Array(total + body.length);
  bytes.set([...MAGIC, 1, 0, header.length & 255, header.length >> 8]);
  bytes.set(header, 10);
  bytes.set(body, total);
  return bytes;
}
