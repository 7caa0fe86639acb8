// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// The binary format of WebAssembly, as far as tools need it.

import { NnccError } from "../errors.js";

/** Reads bytes and LEB128 numbers from front to back. Throws `bad-module` at the end. */
export class Reader {
  position: number;
  readonly #data: Uint8Array;

  constructor(data: Uint8Array, position = 0) {
    this.#data = data;
    this.position = position;
  }

  get atEnd(): boolean {
    return this.position >= this.#data.length;
  }

  byte(): number {
    const value = this.#data[this.position++];
    if (value === undefined) throw new NnccError("bad-module", "the module ends too early");
    return value;
  }

  u32(): number {
    let value = 0;
    for (let scale = 1; ; scale *= 128) {
      const byte = this.byte();
      value += (byte & 127) * scale;
      if (byte < 128) return value;
    }
  }

  bytes(length: number): Uint8Array {
    const part = this.#data.subarray(this.position, this.position + length);
    if (part.length !== length) throw new NnccError("bad-module", "the module ends too early");
    this.position += length;
    return part;
  }
}

export function encodeU32(value: number): number[] {
  return value < 128 ? [value] : [(value & 127) | 128, ...encodeU32(value >>> 7)];
}

/** The number of items, then the items. */
export function encodeVector(items: readonly (Uint8Array | readonly number[])[]): Uint8Array {
  return concatenate([encodeU32(items.length), ...items]);
}

export function concatenate(parts: readonly (Uint8Array | readonly number[])[]): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}
