// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Gives Node what a browser has: navigator.gpu.

import { keepAdapter, openGpu } from "./dawn.mjs";

/** Why there is no WebGPU here, or false: what node:test takes as `skip`. */
export const noAdapter: string | false = await open();

async function open(): Promise<string | false> {
  try {
    const gpu = await openGpu();
    Object.defineProperty(navigator, "gpu", { value: gpu, configurable: true });
    return (await keepAdapter(gpu)) === null && "no Vulkan driver: VK_ICD_FILENAMES names one";
  } catch (error) {
    return `the npm package webgpu does not run: ${String(error)}`;
  }
}
