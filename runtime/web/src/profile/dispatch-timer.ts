// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// How long each dispatch takes, by the GPU's own clock.

import { submit, type StagingRing } from "../gpu/buffers.js";
import type { PassTimer } from "../gpu/recording.js";
import type { KernelCall } from "../profile.js";

/** A set of queries has at most 4096. */
const PER_SET = 2048;
const QUERY_BYTES = 8;

/** Two timestamps around each dispatch. */
export class DispatchTimer implements PassTimer {
  readonly #device: GPUDevice;
  readonly #kernels: readonly number[];
  readonly #sets: readonly GPUQuerySet[];
  readonly #resolved: GPUBuffer;

  /** With the kernel of each dispatch of a run. */
  constructor(device: GPUDevice, kernels: readonly number[]) {
    this.#device = device;
    this.#kernels = kernels;
    const count = kernels.length;
    const sets = Math.ceil(count / PER_SET);
    // Never longer than what is written: some implementations wait for the rest.
    this.#sets = Array.from({ length: sets }, (_, i) =>
      device.createQuerySet({ type: "timestamp", count: 2 * Math.min(PER_SET, count - i * PER_SET) }));
    this.#resolved = device.createBuffer({
      size: Math.max(1, count) * 2 * QUERY_BYTES,
      usage: GPUBufferUsage.QUERY_RESOLVE | GPUBufferUsage.COPY_SRC,
    });
  }

  passOf(dispatch: number): GPUComputePassDescriptor {
    const at = 2 * (dispatch % PER_SET);
    const querySet = this.#sets[Math.floor(dispatch / PER_SET)]!;
    return { timestampWrites: { querySet, beginningOfPassWriteIndex: at, endOfPassWriteIndex: at + 1 } };
  }

  /** The times of the dispatches, in milliseconds of the GPU's clock. */
  async read(staging: StagingRing): Promise<KernelCall[]> {
    const bytes = this.#kernels.length * 2 * QUERY_BYTES;
    if (bytes === 0) return [];
    const buffer = staging.take(bytes);
    submit(this.#device, (encoder) => {
      this.#sets.forEach((set, i) =>
        encoder.resolveQuerySet(set, 0, set.count, this.#resolved, i * 2 * PER_SET * QUERY_BYTES));
      encoder.copyBufferToBuffer(this.#resolved, 0, buffer, 0, bytes);
    });
    return staging.read(buffer, bytes, (mapped) => {
      const nanoseconds = new BigUint64Array(mapped, 0, 2 * this.#kernels.length);
      // From the first one on, since a double does not hold the whole number.
      const at = (i: number): number => Number(nanoseconds[i]! - nanoseconds[0]!) / 1e6;
      return this.#kernels.map((kernel, i) => ({ kernel, begin: at(2 * i), end: at(2 * i + 1) }));
    });
  }

  destroy(): void {
    for (const set of this.#sets) set.destroy();
    this.#resolved.destroy();
  }
}
