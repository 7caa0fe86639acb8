// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// The module's side of the packed call: what it exports, and the block of
// arguments that `main` and its like are called with.

import { NnccError, messageOf } from "./errors.js";
import type { Room } from "./outputs.js";
import type { PackedLink } from "./packed.js";
import type { Signature } from "./signature.js";
import {
  allocate, CPU, readCString, readDescriptor, readTensor, TENSOR, TENSOR_BYTES, VALUE_BYTES, viewOf, WEBGPU,
  writeDescriptor, writeElements, writeShape,
} from "./module-memory.js";
import type { DType, Tensor } from "./tensor.js";

export interface ModuleExports {
  readonly memory: WebAssembly.Memory;
  /** Of modules whose kernels have variants (relaxed.ts). */
  readonly __indirect_function_table?: WebAssembly.Table;
  nncc_abi_version(): number;
  nncc_signature(): number;
  nncc_alloc(bytes: number): number;
  nncc_free(address: number): void;
  nncc_error(): number;
  nncc_weights?(): number;
  /** Runs the network on the CPU; modules for the GPU may lack it. */
  main?: PackedFunction;
  /** Writes the commands for the GPU; only modules with code for it have it. */
  nncc_gpu_plan?: PackedFunction;
  /** Goes on after a segment; only modules whose commands end with a readback need it. */
  nncc_gpu_resume?: PackedFunction;
}

type PackedFunction = (self: number, args: number, nargs: number, ret: number) => number;

const REQUIRED = ["nncc_abi_version", "nncc_alloc", "nncc_free", "nncc_error"] as const;

/** The exports, checked. Throws `not-nncc` when one is missing. */
export function exportsOf(instance: WebAssembly.Instance): ModuleExports {
  const exports = instance.exports;
  if (!(exports["memory"] instanceof WebAssembly.Memory)) {
    throw new NnccError("not-nncc", "the module does not export its memory");
  }
  for (const name of REQUIRED) {
    if (typeof exports[name] !== "function") {
      throw new NnccError("not-nncc", `the module does not export '${name}'`);
    }
  }
  return exports as unknown as ModuleExports;
}

/** One argument of the packed call: its descriptor, its shape and its own data block. */
interface Slot {
  readonly descriptor: number;
  readonly shape: number;
  readonly rank: number;
  data: number;
  capacity: number;
}

/**
 * The argument block of one model: made once, since ranks never change, and
 * reused by every call. Input blocks grow when a call brings a larger tensor.
 */
export class CallFrame {
  readonly #exports: ModuleExports;
  readonly #packed: PackedLink | undefined;
  readonly #block: number;
  readonly #count: number;
  readonly #inputs: Slot[] = [];
  readonly #outputs: Slot[] = [];

  /** `packed`: where the module's functions of the host are. */
  static of({ inputs, outputs }: Signature, exports: ModuleExports, packed: PackedLink | undefined): CallFrame {
    const ranks = (types: Signature["inputs"]): number[] => types.map(({ shape }) => shape.length);
    return new CallFrame(exports, packed, ranks(inputs), ranks(outputs));
  }

  private constructor(
    exports: ModuleExports, packed: PackedLink | undefined, inputRanks: readonly number[], outputRanks: readonly number[],
  ) {
    this.#exports = exports;
    this.#packed = packed;
    const ranks = [...inputRanks, ...outputRanks];
    this.#count = ranks.length;
    const shapeBytes = ranks.reduce((sum, rank) => sum + 8 * rank, 0);
    // One more value at the end takes what the call returns.
    const valueBytes = VALUE_BYTES * (this.#count + 1);
    this.#block = allocate(exports, valueBytes + TENSOR_BYTES * this.#count + shapeBytes);
    let descriptor = this.#block + valueBytes;
    let shape = descriptor + TENSOR_BYTES * this.#count;
    const view = this.#view();
    ranks.forEach((rank, i) => {
      const slot: Slot = { descriptor, shape, rank, data: 0, capacity: 0 };
      (i < inputRanks.length ? this.#inputs : this.#outputs).push(slot);
      const value = this.#block + VALUE_BYTES * i;
      view.setBigUint64(value, BigInt(TENSOR), true);
      view.setBigUint64(value + 8, BigInt(descriptor), true);
      descriptor += TENSOR_BYTES;
      shape += 8 * rank;
    });
  }

  /** Copies `tensor` into the module as input `index`. */
  setInput(index: number, tensor: Tensor): void {
    const slot = this.#inputs[index]!;
    const bytes = tensor.data.byteLength;
    if (bytes > slot.capacity || slot.data === 0) {
      if (slot.data !== 0) this.#exports.nncc_free(slot.data);
      slot.data = 0;
      slot.capacity = 0;
      slot.data = allocate(this.#exports, bytes);
      slot.capacity = bytes;
    }
    writeElements(this.#exports.memory, slot.data, tensor.data);
    this.#describeInput(slot, tensor.dtype, tensor.shape, CPU);
  }

  /** Says what input `index` is that lies on the GPU. */
  setGpuInput(index: number, dtype: DType, shape: readonly number[]): void {
    this.#describeInput({ ...this.#inputs[index]!, data: 0 }, dtype, shape, WEBGPU);
  }

  /** Calls `main`. Throws `run-failed` or `out-of-memory` with the module's own words. */
  call(outputTypes: readonly DType[]): void {
    const { main } = this.#exports;
    if (main === undefined) throw new NnccError("unsupported-device", "the module has no CPU code");
    this.#invoke(main, outputTypes, CPU);
  }

  /** Calls `nncc_gpu_plan`; the address of the commands that it wrote. Throws as `call`. */
  plan(outputTypes: readonly DType[]): number {
    return this.#invoke(this.#exports.nncc_gpu_plan!, outputTypes, WEBGPU);
  }

  /** Calls `nncc_gpu_resume`; the address of the next segment's commands. Throws as `call`. */
  resume(): number {
    const first = this.#block + VALUE_BYTES * this.#inputs.length;
    return this.#enter(this.#exports.nncc_gpu_resume!, first, this.#outputs.length);
  }

  /** The sizes of output `index` and where it begins in the arena of the GPU, in bytes. */
  gpuOutput(index: number): { shape: number[]; offset: number } {
    const { shape, address } = readDescriptor(this.#view(), this.#outputs[index]!.descriptor);
    return { shape, offset: address };
  }

  /** A copy of output `index`, since the module reuses its memory in the next call. Throws as `room` does. */
  output(index: number, room: Room): Tensor {
    return readTensor(this.#exports.memory, this.#outputs[index]!.descriptor, room);
  }

  #describeInput(slot: Slot, dtype: DType, shape: readonly number[], device: number): void {
    const view = this.#view();
    writeDescriptor(view, slot.descriptor, { ...slot, dtype, device });
    writeShape(view, slot.shape, shape);
  }

  #invoke(target: PackedFunction, outputTypes: readonly DType[], device: number): number {
    const view = this.#view();
    this.#outputs.forEach((slot, i) =>
      writeDescriptor(view, slot.descriptor, { ...slot, dtype: outputTypes[i]!, device }));
    return this.#enter(target, this.#block, this.#count);
  }

  /** Where calls put what they return. */
  get #result(): number {
    return this.#block + VALUE_BYTES * this.#count;
  }

  /** The handle that the call returned, if any. Throws when it failed; a trap, or what a function threw, is the cause. */
  #enter(target: PackedFunction, block: number, count: number): number {
    let status: number;
    try {
      status = target(0, block, count, this.#result);
    } catch (error) {
      if (!(error instanceof WebAssembly.RuntimeError)) throw error;
      const why = errorOf(this.#exports) || messageOf(error) + placeOf(error);
      throw new NnccError("run-failed", `the module trapped: ${why}`, { cause: error });
    }
    if (status === 0) return this.#view().getUint32(this.#result + 8, true);
    const message = errorOf(this.#exports) || `the module returned ${status}`;
    const code = /out of memory/i.test(message) ? "out-of-memory" : "run-failed";
    throw new NnccError(code, message, { cause: this.#packed?.takeThrown() });
  }

  #view(): DataView {
    return viewOf(this.#exports.memory);
  }
}

/** The function that trapped, which has the names of the nodes that it computes. */
function placeOf({ stack }: Error): string {
  const name = /([^\s@]+)(?: \(|@)[^\n]*wasm/.exec(stack ?? "")?.[1];
  return name === undefined ? "" : ` in '${name}'`;
}

/** The module's own words for what failed last; empty when it has none. */
export function errorOf({ memory, nncc_error }: ModuleExports): string {
  return readCString(memory, nncc_error() >>> 0);
}
