// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// WebGPU in Node, from the npm package `webgpu` (Dawn), on a software adapter
// where the machine's own choice (VK_ICD_FILENAMES) is not given.

import { existsSync } from "node:fs";

/** Chromium brings the Vulkan driver SwiftShader, which computes on the CPU. */
const SOFTWARE_DRIVER = "/usr/lib/chromium/vk_swiftshader_icd.json";

/** SwiftShader is slow to compile Vulkan's zeroed workgroup memory; a loop does it. */
const QUICK = "disable-dawn-features=use_vulkan_zero_initialize_workgroup_memory_extension";

/** Dawn crashes when what it made is collected, so everything stays to the end. */
const kept = [];

/** Lets this process, and those that it starts, find a Vulkan driver. */
export function chooseDriver() {
  if (existsSync(SOFTWARE_DRIVER)) process.env.VK_ICD_FILENAMES ??= SOFTWARE_DRIVER;
  // The driver asks for it though it opens no window.
  process.env.XDG_RUNTIME_DIR ??= "/tmp";
}

/**
 * @param {readonly string[]} flags Dawn's, such as "backend=null"
 * @returns {Promise<GPU>} as navigator.gpu; throws where the package does not run
 */
export async function openGpu(flags = []) {
  chooseDriver();
  const { create, globals } = await import("webgpu");
  Object.assign(globalThis, globals);
  const gpu = create([QUICK, ...flags]);
  kept.push(gpu);
  return gpu;
}

/**
 * @param {GPU} gpu
 * @returns {Promise<GPUAdapter | null>} that lives to the end
 */
export async function keepAdapter(gpu) {
  const adapter = await gpu.requestAdapter();
  kept.push(adapter);
  return adapter;
}
