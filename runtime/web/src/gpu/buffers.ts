// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Buffers that come with an error instead of being silently invalid, and the
// ring that results are read through.

import { NnccError } from "../errors.js";

/** Runs `make` and throws `out-of-memory` or `gpu-error` when the device refuses something in it. */
export async function checked<T>(device: GPUDevice, what: string, make: () => T): Promise<T> {
  device.pushErrorScope("out-of-memory");
  device.pushErrorScope("validation");
  let made: T;
  let errors: (GPUError | null)[];
  try {
    made = make();
  } finally {
    errors = await Promise.all([device.popErrorScope(), device.popErrorScope()].map(unlessLost));
  }
  const [invalid, memory] = errors;
  if (memory) throw new NnccError("out-of-memory", `${what}: ${memory.message}`, { cause: memory });
  if (invalid) throw new NnccError("gpu-error", `${what}: ${invalid.message.trim()}`, { cause: invalid });
  return made;
}

/** A device that is lost has no errors left; its loss is told elsewhere. */
function unlessLost(scope: Promise<GPUError | null>): Promise<GPUError | null> {
  return scope.catch(() => null);
}

/** Encodes commands and submits them. */
export function submit(device: GPUDevice, encode: (encoder: GPUCommandEncoder) => void): void {
  const encoder = device.createCommandEncoder();
  encode(encoder);
  device.queue.submit([encoder.finish()]);
}

/** A buffer for kernels and copies; they are bound and copied in words. */
export function makeStorage(device: GPUDevice, label: string, bytes: number): GPUBuffer {
  const usage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST;
  return device.createBuffer({ label, size: wholeWords(bytes), usage });
}

/** At least one word. */
export function wholeWords(bytes: number): number {
  return Math.max(4, (bytes + 3) & ~3);
}

const LARGEST_RING = 3;

/** Buffers that the CPU can read; each is used by one reader at a time. */
export class StagingRing {
  readonly #device: GPUDevice;
  readonly #free: GPUBuffer[] = [];
  readonly #taken = new Set<GPUBuffer>();

  constructor(device: GPUDevice) {
    this.#device = device;
  }

  take(bytes: number): GPUBuffer {
    const at = this.#free.findIndex((buffer) => buffer.size >= bytes);
    const buffer = at >= 0 ? this.#free.splice(at, 1)[0]! : this.#make(bytes);
    this.#taken.add(buffer);
    return buffer;
  }

  /** What `use` makes of the first `bytes` of a buffer of this ring, which goes back to it; not if `submitted` fails. */
  async read<T>(
    buffer: GPUBuffer, bytes: number, use: (mapped: ArrayBuffer) => T, submitted?: Promise<void>,
  ): Promise<T> {
    try {
      // Both are on their way at once; an error makes worthless what is read.
      await Promise.all([buffer.mapAsync(GPUMapMode.READ, 0, bytes), submitted]);
      const result = use(buffer.getMappedRange(0, bytes));
      buffer.unmap();
      if (this.#taken.delete(buffer)) this.#free.push(buffer);
      while (this.#free.length > LARGEST_RING) this.#free.shift()!.destroy();
      return result;
    } catch (error) {
      this.#taken.delete(buffer);
      buffer.destroy();
      throw error;
    }
  }

  destroy(): void {
    for (const buffer of [...this.#free, ...this.#taken]) buffer.destroy();
    this.#free.length = 0;
    this.#taken.clear();
  }

  #make(bytes: number): GPUBuffer {
    // Sizes that double, so that open sizes do not fill the ring with odd ones.
    const size = 2 ** Math.ceil(Math.log2(Math.max(bytes, 256)));
    return this.#device.createBuffer({ size, usage: GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST });
  }
}
