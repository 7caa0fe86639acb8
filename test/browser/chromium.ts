// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

import { existsSync } from "node:fs";
import { chromium, type Browser } from "playwright-core";

const PROGRAM = process.env.NNCC_CHROMIUM ?? "/usr/bin/chromium";

/** Why there is no browser here, or false: what node:test takes as `skip`. */
export const noChromium: string | false = !existsSync(PROGRAM) && `no browser at ${PROGRAM}; NNCC_CHROMIUM names one`;

/**
 * What gives a page WebGPU on a machine without a GPU: SwiftShader, which
 * computes on the CPU, and is slow to compile Vulkan's zeroed workgroup memory.
 */
export const WEBGPU = [
  "--enable-unsafe-webgpu",
  "--use-webgpu-adapter=swiftshader",
  "--disable-dawn-features=use_vulkan_zero_initialize_workgroup_memory_extension",
];

/** Starts the system's Chromium without a window. */
export function launchChromium(args: readonly string[] = []): Promise<Browser> {
  // Root may not use Chromium's sandbox; the pages are our own.
  return chromium.launch({ executablePath: PROGRAM, args: ["--no-sandbox", ...args] });
}
