// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

import type { BoundInput } from "./bind.js";
import type { Place, Room, RunOutput } from "./outputs.js";
import type { ModuleFunction } from "./packed.js";
import type { Profiler } from "./profile.js";
import type { Tensor } from "./tensor.js";
import type { Threading } from "./threads.js";

/** What runs a model: its inputs are checked against the signature. */
export interface Runner {
  readonly device: "cpu" | "gpu";
  readonly profiler: Profiler | undefined;
  /** Of a runner on the CPU. */
  readonly threading?: Threading;
  readonly relaxed?: boolean;
  /** Of a runner on the GPU. */
  readonly gpu?: GPUDevice;
  readonly memoryBytes: number;
  /** Output i goes to `places[i]`. */
  run(inputs: readonly BoundInput[], places: readonly Place[]): Promise<RunOutput[]>;
  /** Only where nothing has to be waited for. */
  runSync?(inputs: readonly BoundInput[], rooms: readonly Room[]): Tensor[];
  /** A function of a module that has some. */
  function?(name: string): ModuleFunction | undefined;
  readonly functionReferences?: number;
  dispose(): void;
}
