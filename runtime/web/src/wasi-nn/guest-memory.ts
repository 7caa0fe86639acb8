// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

import { Errno, WasiNNError } from "./errno.js";

/**
 * The guest's memory. Every access is checked, and looks at the memory anew:
 * it may have grown since the last call. What is read is copied first, so that
 * a guest's other threads cannot change what was checked.
 */
export class GuestMemory {
  readonly #memory: () => WebAssembly.Memory | undefined;

  constructor(memory: () => WebAssembly.Memory | undefined) {
    this.#memory = memory;
  }

  /** A copy of `length` bytes at `address`, aligned for any element type. */
  read(address: number, length: number): Uint8Array<ArrayBuffer> {
    return Uint8Array.from(this.#at(address, length));
  }

  readU32(address: number): number {
    return this.#view(address).getUint32(0, true);
  }

  readText(address: number, length: number): string {
    try {
      return new TextDecoder("utf-8", { fatal: true }).decode(this.read(address, length));
    } catch (error) {
      if (error instanceof WasiNNError) throw error;
      throw new WasiNNError(Errno.InvalidArgument, "a text is not UTF-8");
    }
  }

  /** `count` 32-bit words at `address`. */
  readWords(address: number, count: number): number[] {
    const bytes = this.#at(address, 4 * count);
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    return Array.from({ length: count }, (_, i) => view.getUint32(4 * i, true));
  }

  write(address: number, bytes: Uint8Array): void {
    this.#at(address, bytes.length).set(bytes);
  }

  writeU32(address: number, value: number): void {
    this.#view(address).setUint32(0, value, true);
  }

  /** Throws unless all of `length` bytes at `address` lie in the memory. */
  check(address: number, length: number): void {
    this.#at(address, length);
  }

  /** Wasm passes i32 as signed numbers; both are read as unsigned, so no sum wraps. */
  #at(address: number, length: number): Uint8Array {
    const memory = this.#memory();
    if (memory === undefined) throw new WasiNNError(Errno.MissingMemory, "the guest exports no memory");
    const start = address >>> 0;
    const size = length >= 0 ? length : length >>> 0;
    // So said that a length which is not a number fails too.
    if (!(start + size <= memory.buffer.byteLength)) {
      throw new WasiNNError(Errno.InvalidArgument, `${size} bytes at ${start} are not all in the guest's memory`);
    }
    return new Uint8Array(memory.buffer, start, size);
  }

  #view(address: number): DataView {
    const bytes = this.#at(address, 4);
    return new DataView(bytes.buffer, bytes.byteOffset, 4);
  }
}
