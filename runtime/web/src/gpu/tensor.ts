// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Tensors that stay on the GPU between runs.

import type { DType, Tensor } from "../tensor.js";
import type { Storage } from "./program.js";

/** An input that lies on the GPU: elements of 32 bits (16 for f16 in modules built with --f16), row-major. */
export interface GpuInput {
  readonly dtype: DType;
  readonly shape: readonly number[];
  /** Made with the usage COPY_SRC, on the model's device. */
  readonly buffer: GPUBuffer;
  /** In bytes, a multiple of 4. */
  readonly offset?: number;
}

/** Who holds the buffers of kept tensors: a session on one device. */
export interface Keeper {
  readonly device: GPUDevice;
  readonly isLost: boolean;
  /** Whether the buffer was not destroyed. */
  holds(buffer: GPUBuffer): boolean;
  read(tensor: GpuTensor): Promise<Tensor>;
  release(buffer: GPUBuffer): void;
}

/** An output that was kept on the GPU. It may be an input of any model on the same device. */
export class GpuTensor implements GpuInput {
  readonly dtype: DType;
  readonly shape: readonly number[];
  readonly storage: Storage;
  readonly buffer: GPUBuffer;
  readonly keeper: Keeper;

  constructor(dtype: DType, shape: readonly number[], storage: Storage, buffer: GPUBuffer, keeper: Keeper) {
    this.dtype = dtype;
    this.shape = shape;
    this.storage = storage;
    this.buffer = buffer;
    this.keeper = keeper;
  }

  /** A copy in the caller's memory. Throws `device-lost`. */
  read(): Promise<Tensor> {
    return this.keeper.read(this);
  }

  /** Gives the buffer back; the model's dispose() does so too. */
  destroy(): void {
    this.keeper.release(this.buffer);
  }
}
