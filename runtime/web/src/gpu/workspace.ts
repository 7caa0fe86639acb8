// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// The buffers that kernels work on.

import { NnccError } from "../errors.js";
import type { TypedArray } from "../tensor.js";
import { checked, makeStorage, submit, wholeWords } from "./buffers.js";
import type { GpuProgram } from "./program.js";
import type { Range, Write } from "./stream.js";

/** A byte of a buffer. */
export interface BufferPlace {
  readonly buffer: GPUBuffer;
  readonly offset: number;
}

/** The bytes of a range of the weights. */
export type WeightBytes = (offset: number, bytes: number) => Uint8Array;

/** An input ready for its buffer: words to write, or a range to copy from. */
export type Upload = TypedArray | BufferPlace;

const ARENA = { kind: "arena", index: 0 } as const;

/** What a binding's offset is a multiple of, and the largest element of a buffer. */
const BINDING_ALIGNMENT = 256;
const LARGEST_ELEMENT = 16;
/** Of one dispatch. */
const MOST_BINDINGS = 16;

/** At most so much is written at once, since a browser copies what is written. */
const UPLOAD_BYTES = 1 << 24;

/** Fills `buffers` with the weights as soon as they are there. Throws `out-of-memory`. */
export async function uploadWeights(
  device: GPUDevice, program: GpuProgram, weights: Promise<WeightBytes>, buffers: GPUBuffer[],
): Promise<void> {
  for (const [i, { bytes }] of program.weights.entries()) {
    const make = (): GPUBuffer => makeStorage(device, `weights ${i}`, bytes);
    buffers.push(await checked(device, `${bytes} bytes for weights`, make));
  }
  const bytesOf = await weights;
  program.weights.forEach(({ offset, bytes }, i) => {
    for (let at = 0; at < bytes; at += UPLOAD_BYTES) {
      const part = bytesOf(offset + at, (Math.min(UPLOAD_BYTES, bytes - at) + 3) & ~3);
      device.queue.writeBuffer(buffers[i]!, at, part as BufferSource);
    }
  });
}

/** The arena and the inputs, which grow when larger sizes come. */
export class Workspace {
  /** Counts the times that a buffer was replaced: bind groups of earlier ones are void. */
  generation = 0;
  readonly #device: GPUDevice;
  readonly #weights: readonly GPUBuffer[];
  /** Bytes of each of the arena's buffers but the last. */
  readonly #page: number;
  readonly #arena: GPUBuffer[] = [];
  /** Whether the arena holds what the run in progress still needs. */
  #isNeeded = false;
  readonly #inputs: (GPUBuffer | undefined)[] = [];
  /** What ranges of no bytes are bound to: where kernels read, and where they write. */
  readonly #nothing: GPUBuffer[] = [];

  constructor(device: GPUDevice, weights: readonly GPUBuffer[], arenaPage = 2 ** 53) {
    this.#device = device;
    this.#weights = weights;
    this.#page = arenaPage;
  }

  /** Ends a run: what is in the arena may get lost. */
  forget(): void {
    this.#isNeeded = false;
  }

  /**
   * Makes the buffers at least so large; within a run the arena keeps what it holds. Throws `out-of-memory` for more
   * than the device has in one buffer.
   */
  fit(arenaBytes: number, inputBytes: readonly number[]): void {
    let i = 0;
    do {
      const bytes = Math.min(this.#page, arenaBytes - i * this.#page);
      this.#arena[i] = this.#grow("arena", this.#arena[i], bytes, this.#isNeeded);
    } while (++i * this.#page < arenaBytes);
    inputBytes.forEach((bytes, i) => (this.#inputs[i] = this.#grow(`input ${i}`, this.#inputs[i], bytes)));
  }

  /** Where a range of the commands begins; the buffer exists after `fit`. */
  placeOf({ kind, index }: Range["space"], offset: number, symbols?: GPUBuffer): BufferPlace {
    const buffers = { arena: this.#arena, input: this.#inputs, weight: this.#weights, symbols: [symbols] };
    const page = kind === "arena" ? this.#page : Infinity;
    const buffer = buffers[kind][index + ((offset / page) | 0)];
    if (buffer === undefined) throw new NnccError("run-failed", `the commands name ${kind} ${index}, which is not there`);
    return { buffer, offset: offset % page };
  }

  /** A range as the binding of that number. */
  bindingOf({ space, offset, bytes }: Range, binding: number, symbols?: GPUBuffer): GPUBufferBinding {
    if (bytes > 0) return { ...this.placeOf(space, offset, symbols), size: wholeWords(bytes) };
    // Kernels want one element at least, in a place that no other binding of theirs has.
    const size = BINDING_ALIGNMENT * MOST_BINDINGS;
    const buffer = (this.#nothing[Number(space.kind === "arena")] ??= makeStorage(this.#device, "nothing", size));
    return { buffer, offset: BINDING_ALIGNMENT * binding, size: LARGEST_ELEMENT };
  }

  /** Writes the inputs, or encodes copies from other buffers. */
  upload(sources: readonly Upload[], inputBytes: readonly number[], encoder: GPUCommandEncoder): void {
    this.#isNeeded = true;
    sources.forEach((source, i) => {
      const target = this.#inputs[i]!;
      if (ArrayBuffer.isView(source)) this.#device.queue.writeBuffer(target, 0, source as BufferSource);
      else encoder.copyBufferToBuffer(source.buffer, source.offset, target, 0, inputBytes[i]!);
    });
  }

  /** Writes into the arena, before what is submitted next. */
  write({ offset: at, words }: Write): void {
    const { buffer, offset } = this.placeOf(ARENA, at);
    this.#device.queue.writeBuffer(buffer, offset, words);
  }

  /** Encodes a copy out of the arena, or another space of the commands. */
  copyOut(
    encoder: GPUCommandEncoder, from: number, target: GPUBuffer, to: number, bytes: number, space: Range["space"] = ARENA,
  ): void {
    const { buffer, offset } = this.placeOf(space, from);
    encoder.copyBufferToBuffer(buffer, offset, target, to, bytes);
  }

  /** Bytes of all buffers. */
  get bytes(): number {
    const all = [this.#arena, this.#inputs, this.#nothing, this.#weights].flat();
    return all.reduce((sum, buffer) => sum + (buffer?.size ?? 0), 0);
  }

  /** Lets go of all but the weights. */
  clear(): void {
    for (const buffers of [this.#arena, this.#inputs, this.#nothing]) {
      for (const buffer of buffers.splice(0)) buffer?.destroy();
    }
    this.generation += 1;
  }

  destroy(): void {
    this.clear();
    for (const buffer of this.#weights) buffer.destroy();
  }

  #grow(label: string, old: GPUBuffer | undefined, bytes: number, keep = false): GPUBuffer {
    const size = wholeWords(bytes);
    if (old !== undefined && old.size >= size) return old;
    const limit = this.#device.limits.maxBufferSize;
    if (size > limit) {
      throw new NnccError("out-of-memory", `the ${label} takes ${size} bytes, this GPU has ${limit}`);
    }
    this.generation += 1;
    // What was submitted still ends with the old one.
    if (!keep) old?.destroy();
    const made = makeStorage(this.#device, label, bytes);
    if (keep && old !== undefined) this.#move(old, made);
    return made;
  }

  #move(from: GPUBuffer, to: GPUBuffer): void {
    submit(this.#device, (encoder) => encoder.copyBufferToBuffer(from, 0, to, 0, from.size));
    from.destroy();
  }
}
