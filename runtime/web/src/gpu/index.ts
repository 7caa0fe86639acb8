// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// The WebGPU driver, which only models that run on a GPU load.

export { needsOf } from "./device.js";
export { GpuRunner } from "./runner.js";
