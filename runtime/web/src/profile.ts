// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Which kernel ran when: what `loadModel(source, { profile: true })` adds.

import { encodeU32 } from "./binary.js";
import { NnccError, messageOf } from "./errors.js";
import { instrument, MARK_TABLE } from "./instrument.js";

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

export const KERNEL_SECTION = "nncc.kernels";

/** The kernels of a compiled module. Throws `not-nncc` when it does not list them. */
export function kernelTableOf(module: WebAssembly.Module): KernelTable {
  const [section] = WebAssembly.Module.customSections(module, KERNEL_SECTION);
  if (section === undefined) {
    throw new NnccError("not-nncc", `the module has no section '${KERNEL_SECTION}': compile it again to profile it`);
  }
  try {
    return JSON.parse(new TextDecoder().decode(section)) as KernelTable;
  } catch (error) {
    throw new NnccError("not-nncc", `damaged section '${KERNEL_SECTION}': ${messageOf(error)}`);
  }
}

/** What takes down which kernel ran when. */
export interface Profiler {
  readonly table: KernelTable;
  /** The calls since the last time. */
  take(): KernelCall[];
}

/** Takes down the calls of kernels in one instance of an instrumented module. */
export class MarkProfiler implements Profiler {
  readonly table: KernelTable;
  private open: { kernel: number; begin: number }[] = [];
  private calls: KernelCall[] = [];

  private constructor(table: KernelTable) {
    this.table = table;
  }

  /** The module that tells, and who listens. */
  static async prepare(bytes: Uint8Array): Promise<{ module: WebAssembly.Module; profiler: MarkProfiler }> {
    const table = kernelTableOf(await WebAssembly.compile(bytes as BufferSource));
    const module = await WebAssembly.compile(instrument(bytes, table.kernels.map((kernel) => kernel.name)));
    return { module, profiler: new MarkProfiler(table) };
  }

  attach(instance: WebAssembly.Instance): void {
    const mark = (kernel: number): void => {
      const now = performance.now();
      if (kernel >= 0) this.open.push({ kernel, begin: now });
      else this.calls.push({ ...this.open.pop()!, end: now });
    };
    (instance.exports[MARK_TABLE] as WebAssembly.Table).set(0, asExport(mark));
  }

  take(): KernelCall[] {
    const calls = this.calls;
    this.calls = [];
    return calls;
  }
}

/** A table takes functions of modules only: a module that exports what it imports makes one. */
function asExport(mark: (kernel: number) => void): unknown {
  const section = (id: number, ...payload: number[]): number[] => [id, ...encodeU32(payload.length), ...payload];
  const module = new Uint8Array([
    0, 0x61, 0x73, 0x6d, 1, 0, 0, 0,
    ...section(1, 1, 0x60, 1, 0x7f, 0),
    ...section(2, 1, 1, 0x6d, 1, 0x66, 0, 0),
    ...section(7, 1, 1, 0x66, 0, 0),
  ]);
  return new WebAssembly.Instance(new WebAssembly.Module(module), { m: { f: mark } }).exports["f"];
}
