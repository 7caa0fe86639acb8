// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// On the GPU: the times of dispatches.

import type { StagingRing } from "../gpu/buffers.js";
import type { GpuProgram } from "../gpu/program.js";
import { dispatchesOf, type CommandStream, type Dispatch } from "../gpu/stream.js";
import type { KernelCall, KernelTable, Profiler } from "../profile.js";
import { DispatchTimer } from "./dispatch-timer.js";

/** Takes down what the GPU says of its times. */
export class GpuProfiler implements Profiler {
  readonly #program: GpuProgram;
  /** Of the last run. */
  #order: Dispatch[] = [];
  #calls: KernelCall[] = [];

  constructor(program: GpuProgram) {
    this.#program = program;
  }

  /** Of the last run. */
  get table(): KernelTable {
    const kernels = this.#program.kernels.map(({ name, flops = "", bytes = "" }) => ({ name, flops, bytes }));
    return { kernels, dispatches: this.#order.map(({ kernel }) => ({ kernel, nodes: this.#program.kernels[kernel]!.nodes })) };
  }

  start(): void {
    this.#order = [];
  }

  timerFor(device: GPUDevice, stream: CommandStream): DispatchTimer {
    return new DispatchTimer(device, dispatchesOf(stream).map(({ kernel }) => kernel));
  }

  /** Takes down the times of one segment, for each of which the clock starts anew. */
  async listen(stream: CommandStream, timer: DispatchTimer, staging: StagingRing): Promise<void> {
    const calls = await timer.read(staging);
    this.#order.push(...dispatchesOf(stream));
    this.#calls.push(...calls);
  }

  take(): KernelCall[] {
    return this.#calls.splice(0);
  }
}
