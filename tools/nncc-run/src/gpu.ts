// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

import { messageOf } from "nncc";
import { UserError } from "./errors.js";

const SECTION = "nncc.webgpu";

/**
 * Workgroup memory is zeroed by a loop in the shader: SwiftShader makes a store
 * for each word of what Vulkan has for this, and takes a second for a kernel.
 */
const FLAGS = ["disable-dawn-features=use_vulkan_zero_initialize_workgroup_memory_extension"];

/** Dawn crashes when what it made is collected before the end. */
const kept: unknown[] = [];

/**
 * Gives Node the navigator.gpu that browsers have, from the npm package
 * `webgpu`, where `device` and the module ask for it; undefined where they do
 * not, otherwise why it is not there, empty when it is. Throws UserError for
 * "gpu" without it.
 */
export async function provideWebGpu(module: Uint8Array, device: "cpu" | "gpu" | "auto"): Promise<string | undefined> {
  if (device === "cpu" || (device === "auto" && !(await hasGpuCode(module)))) return undefined;
  try {
    const { create, globals } = await import("webgpu");
    Object.assign(globalThis, globals);
    const gpu = create(FLAGS);
    kept.push(gpu);
    // Node 20 has no navigator.
    globalThis.navigator ??= {} as Navigator;
    Object.defineProperty(globalThis.navigator, "gpu", { value: gpu, configurable: true });
    return "";
  } catch (error) {
    const why = `the npm package webgpu does not run here: ${messageOf(error)}`;
    if (device === "gpu") throw new UserError(why);
    return why;
  }
}

async function hasGpuCode(module: Uint8Array): Promise<boolean> {
  try {
    const compiled = await WebAssembly.compile(module as BufferSource);
    return WebAssembly.Module.customSections(compiled, SECTION).length > 0;
  } catch {
    // loadModel says what is wrong with it.
    return false;
  }
}
