// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// What a module says about its GPU code; docs/module-format.md has the meaning.

import { NnccError } from "../errors.js";
import { jsonSectionOf } from "../sections.js";

/** How the elements of a tensor lie in a GPU buffer. */
export type Storage = "f32" | "f16" | "i32" | "u32" | "f64";

/** Where the buffer of a kernel's argument comes from. */
export type Space = "arena" | "input" | "weight" | "symbols";

export interface Variant {
  readonly features: readonly GPUFeatureName[];
  /** WGSL with one entry point, which has the kernel's name. */
  readonly code: string;
}

export interface GpuKernel {
  readonly name: string;
  /** The ONNX nodes that it computes. */
  readonly nodes: readonly string[];
  readonly bindings: readonly Space[];
  /** The first whose features the device has is used. */
  readonly variants: readonly Variant[];
  readonly flops?: number | string;
  readonly bytes?: number | string;
}

export interface GpuProgram {
  readonly limits: Readonly<Record<string, number>>;
  /** Bytes of each buffer of the arena but the last: no range lies across two. Undefined: it is one buffer. */
  readonly arenaPage?: number;
  readonly features: readonly GPUFeatureName[];
  readonly kernels: readonly GpuKernel[];
  /** Ranges of the weights, each of which gets a buffer. */
  readonly weights: readonly { readonly offset: number; readonly bytes: number }[];
  readonly inputs: readonly { readonly storage: Storage }[];
  readonly outputs: readonly { readonly storage: Storage }[];
}

const SECTION = "nncc.webgpu";
const VERSION = 1;

/** The GPU code of a module; undefined when it has none. Throws `not-nncc` and `abi-mismatch`. */
export function gpuProgramOf(module: WebAssembly.Module): GpuProgram | undefined {
  const program = jsonSectionOf(module, SECTION) as (GpuProgram & { readonly version: number }) | undefined;
  if (program === undefined) return undefined;
  if (program.version !== VERSION) {
    throw new NnccError("abi-mismatch", `the module's GPU code has version ${program.version}, not ${VERSION}`);
  }
  for (const list of ["features", "kernels", "weights", "inputs", "outputs"] as const) {
    if (!Array.isArray(program[list])) throw new NnccError("not-nncc", `damaged section '${SECTION}': no '${list}'`);
  }
  return program;
}
