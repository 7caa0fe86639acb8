// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// On the CPU: kernels that tell when they begin and end.

import { NnccError } from "../errors.js";
import type { KernelCall, KernelTable, Profiler } from "../profile.js";
import { jsonSectionOf } from "../sections.js";
import { encodeU32 } from "./binary.js";
import { instrument, MARK_TABLE } from "./instrument.js";

const KERNEL_SECTION = "nncc.kernels";

/** Takes down the calls of kernels in one instance of an instrumented module. */
export class MarkProfiler implements Profiler {
  readonly table: KernelTable;
  readonly #open: { kernel: number; begin: number }[] = [];
  readonly #calls: KernelCall[] = [];

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
      if (kernel >= 0) this.#open.push({ kernel, begin: now });
      else this.#calls.push({ ...this.#open.pop()!, end: now });
    };
    (instance.exports[MARK_TABLE] as WebAssembly.Table).set(0, asExport(mark));
  }

  take(): KernelCall[] {
    return this.#calls.splice(0);
  }
}

/** The kernels of a compiled module. Throws `not-nncc` when it does not list them. */
function kernelTableOf(module: WebAssembly.Module): KernelTable {
  const table = jsonSectionOf(module, KERNEL_SECTION);
  if (table !== undefined) return table as KernelTable;
  throw new NnccError("not-nncc", `the module has no section '${KERNEL_SECTION}': compile it again to profile it`);
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
