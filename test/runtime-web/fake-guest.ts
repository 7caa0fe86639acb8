// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

import { createWasiNN, Errno, type WasiNNOptions } from "nncc/wasi-nn";

/** Where things lie in the guest's memory. */
export const AT = { name: 0, config: 32, builders: 64, tensor: 128, dims: 192, out: 256, data: 1024, model: 4096 };
export const PAGE = 65536;

export const OK = Errno.Success;

/** A guest without code: a memory, and calls into the host by name. */
export class FakeGuest {
  readonly memory: WebAssembly.Memory;
  readonly errors: string[] = [];
  private readonly imports: ReturnType<typeof createWasiNN>["imports"];

  constructor(models: WasiNNOptions["models"], pages = 1, attached = true, options: WasiNNOptions = {}) {
    const nn = createWasiNN({ ...options, models, onError: (error) => this.errors.push(error.message) });
    this.imports = nn.imports;
    this.memory = new WebAssembly.Memory({ initial: pages, maximum: 64 });
    if (attached) nn.attach(this.memory);
  }

  call(name: string, ...args: number[]): Errno {
    // Wasm hands over signed numbers.
    return this.imports.wasi_ephemeral_nn[name]!(...args.map((arg) => arg | 0));
  }

  legacy(name: string, ...args: number[]): Errno {
    return this.imports.wasi_nn[name]!(...args.map((arg) => arg | 0));
  }

  bytes(at: number, bytes: Uint8Array): number {
    new Uint8Array(this.memory.buffer).set(bytes, at);
    return at;
  }

  text(at: number, text: string): [at: number, length: number] {
    const bytes = new TextEncoder().encode(text);
    return [this.bytes(at, bytes), bytes.length];
  }

  words(at: number, ...words: number[]): number {
    const view = new DataView(this.memory.buffer);
    words.forEach((word, i) => view.setUint32(at + 4 * i, word, true));
    return at;
  }

  word(at: number): number {
    return new DataView(this.memory.buffer).getUint32(at, true);
  }

  floats(at: number, count: number): number[] {
    return [...new Float32Array(this.memory.buffer.slice(at, at + 4 * count))];
  }

  /** A tensor in memory; returns its address. */
  tensor(dims: readonly number[], type: number, data: Uint8Array, bytes = data.length): number {
    this.words(AT.dims, ...dims);
    this.bytes(AT.data, data);
    return this.words(AT.tensor, AT.dims, dims.length, type, AT.data, bytes);
  }

  /** Opens "demo" and a context of it. */
  open(): number {
    this.call("load_by_name", ...this.text(AT.name, "demo"), AT.out);
    this.call("init_execution_context", this.word(AT.out), AT.out);
    return this.word(AT.out);
  }
}

export function floatBytes(...values: number[]): Uint8Array {
  return new Uint8Array(Float32Array.from(values).buffer);
}
