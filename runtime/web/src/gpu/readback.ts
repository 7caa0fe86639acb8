// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// How the outputs of a run come back: through one staging buffer.

import type { Room } from "../outputs.js";
import type { DType, Tensor } from "../tensor.js";
import type { StagingRing } from "./buffers.js";
import { fromStorage, storageBytes } from "./convert.js";
import type { Storage } from "./program.js";
import type { Workspace } from "./workspace.js";

/** An output of a run and where in the arena it is, in bytes. */
export interface PlannedOutput {
  readonly dtype: DType;
  readonly shape: readonly number[];
  readonly count: number;
  readonly storage: Storage;
  readonly offset: number;
}

/** A range of the arena and where it goes. */
interface Copy {
  readonly from: number;
  readonly to: number;
  readonly bytes: number;
}

interface Layout {
  readonly copies: readonly Copy[];
  /** Of the staging buffer. */
  readonly bytes: number;
  /** For each output, in bytes. */
  readonly offsets: readonly number[];
}

/** One copy of the span costs less than several, unless it is mostly something else. */
const WORTH_OF_A_COPY = 1 << 16;

/** What to copy for these outputs; what lies between two may be in other buffers if the arena is in pages. */
export function layOut(outputs: readonly PlannedOutput[], arenaPage?: number): Layout {
  const sizes = outputs.map(outputBytes);
  const used = sizes.reduce((sum, size) => sum + size, 0);
  const begin = Math.min(...outputs.map(({ offset }) => offset));
  const end = Math.max(...outputs.map(({ offset }, i) => offset + sizes[i]!));
  const span = end - begin;
  if (used === 0 || arenaPage || span > used + WORTH_OF_A_COPY) {
    let bytes = 0;
    const copies = outputs.map(({ offset }, i) => {
      const to = bytes;
      bytes += sizes[i]!;
      return { from: offset, to, bytes: sizes[i]! };
    });
    return { copies, bytes, offsets: copies.map(({ to }) => to) };
  }
  return { copies: [{ from: begin, to: 0, bytes: span }], bytes: span, offsets: outputs.map(({ offset }) => offset - begin) };
}

/** Bytes of an output as it is stored. */
export function outputBytes({ storage, count }: PlannedOutput): number {
  return storageBytes(storage, count);
}

/** The way back of one run's outputs. */
export class Readback {
  readonly #outputs: readonly PlannedOutput[];
  readonly #layout: Layout;
  readonly #ring: StagingRing;
  #staging!: GPUBuffer;

  constructor(outputs: readonly PlannedOutput[], ring: StagingRing, arenaPage: number | undefined) {
    this.#outputs = outputs;
    this.#layout = layOut(outputs, arenaPage);
    this.#ring = ring;
  }

  /** Encodes the copies; where they go is made here, so that who checks the commands checks that, too. */
  encode(encoder: GPUCommandEncoder, workspace: Workspace): void {
    this.#staging = this.#ring.take(this.#layout.bytes);
    for (const { from, to, bytes } of this.#layout.copies) workspace.copyOut(encoder, from, this.#staging, to, bytes);
  }

  /** After `encode`: waits for the GPU and for `submitted`. */
  read(rooms: readonly Room[], submitted: Promise<void>): Promise<Tensor[]> {
    const { offsets, bytes } = this.#layout;
    const copy = (mapped: ArrayBuffer): Tensor[] =>
      this.#outputs.map(({ dtype, shape, count, storage }, i) =>
        ({ dtype, shape, data: fromStorage(storage, mapped, offsets[i]!, dtype, rooms[i]!(count)) }));
    return this.#ring.read(this.#staging, bytes, copy, submitted);
  }
}
