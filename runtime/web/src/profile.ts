// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Which kernel ran when: what `loadModel(source, { profile: true })` adds. The code
// for it, in the folder profile, is loaded then alone.

/** A number, or a formula over s0, s1, ...: the symbols in the signature's order; empty when it is not known. */
export type Amount = number | string;

export interface KernelInfo {
  readonly name: string;
  readonly flops: Amount;
  readonly bytes: Amount;
}

/** What a module's section nncc.kernels says; `docs/module-format.md` describes it. */
export interface KernelTable {
  readonly kernels: readonly KernelInfo[];
  /** In the order of a run. */
  readonly dispatches: readonly { readonly kernel: number; readonly nodes: readonly string[] }[];
}

/** One call of a kernel, in milliseconds of performance.now() or of the GPU's clock. */
export interface KernelCall {
  readonly kernel: number;
  readonly begin: number;
  readonly end: number;
}

/** What takes down which kernel ran when. */
export interface Profiler {
  readonly table: KernelTable;
  /** The calls since the last time. */
  take(): KernelCall[];
}
