// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Runs a model by calling `main`: the SIMD code of the module itself.

import { CallFrame, type ModuleExports } from "./abi.js";
import type { BoundInput } from "./bind.js";
import { NnccError } from "./errors.js";
import type { Place, Room } from "./outputs.js";
import type { ModuleFunction, PackedLink } from "./packed.js";
import type { Profiler } from "./profile.js";
import type { Runner } from "./runner.js";
import type { Signature } from "./signature.js";
import type { Tensor } from "./tensor.js";
import type { Threading, WorkerPool } from "./threads.js";

/** What only some models have. */
export interface CpuParts {
  readonly profiler?: Profiler | undefined;
  readonly threading?: Threading;
  readonly workers?: WorkerPool | undefined;
  readonly packed?: PackedLink | undefined;
  readonly relaxed?: boolean;
}

export class CpuRunner implements Runner {
  readonly device = "cpu";
  readonly profiler: Profiler | undefined;
  readonly threading: Threading;
  readonly relaxed: boolean;
  readonly #signature: Signature;
  readonly #workers: WorkerPool | undefined;
  readonly #packed: PackedLink | undefined;
  #exports: ModuleExports | undefined;
  #frame: CallFrame | undefined;

  constructor(signature: Signature, exports: ModuleExports, parts: CpuParts = {}) {
    this.#signature = signature;
    this.#exports = exports;
    this.profiler = parts.profiler;
    this.threading = parts.threading ?? { count: 1 };
    this.#workers = parts.workers;
    this.#packed = parts.packed;
    this.relaxed = parts.relaxed ?? false;
  }

  async run(inputs: readonly BoundInput[], places: readonly Place[]): Promise<Tensor[]> {
    if (places.includes("gpu")) {
      throw new NnccError("unsupported-device", "the model runs on the CPU: outputs cannot be kept on the GPU");
    }
    return this.runSync(inputs, places as Room[]);
  }

  runSync(inputs: readonly BoundInput[], rooms: readonly Room[]): Tensor[] {
    if (this.#exports === undefined) throw new NnccError("disposed", "the model was disposed of");
    this.#checkWorkers();
    const frame = (this.#frame ??= CallFrame.of(this.#signature, this.#exports, this.#packed));
    inputs.forEach((input, i) => {
      if ("buffer" in input) {
        const name = this.#signature.inputs[i]!.name;
        throw new NnccError("wrong-device", `input '${name}' is on the GPU, but the model runs on the CPU`);
      }
      frame.setInput(i, input);
    });
    try {
      frame.call(this.#signature.outputs.map((output) => output.dtype));
    } catch (error) {
      // After a trap the module's allocator cannot be trusted any more.
      if (error instanceof NnccError && error.cause instanceof WebAssembly.RuntimeError) this.dispose();
      throw error;
    }
    return rooms.map((room, i) => frame.output(i, room));
  }

  function(name: string): ModuleFunction | undefined {
    if (this.#exports === undefined) throw new NnccError("disposed", "the model was disposed of");
    return this.#packed?.function(name);
  }

  get functionReferences(): number {
    return this.#packed?.references ?? 0;
  }

  get memoryBytes(): number {
    return this.#exports?.memory.buffer.byteLength ?? 0;
  }

  dispose(): void {
    this.#workers?.stop();
    this.#exports = undefined;
    this.#frame = undefined;
  }

  #checkWorkers(): void {
    const why = this.#workers?.failure;
    if (why === undefined) return;
    this.dispose();
    throw new NnccError("worker-failed", `a worker is gone: ${why}; load the model again`);
  }
}
