// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

/**
 * wasi-nn for WebAssembly guests, in a browser or in Node, beside any WASI:
 *
 *     const nn = createWasiNN({ models: { demo: await loadModel("demo.wasm") } });
 *     const instance = await WebAssembly.instantiate(guest, { ...wasi, ...nn.imports });
 *     nn.attach(instance);
 *
 * @module
 */

import { Host, type HostFunction, type WaitingFunction, type WasiNNOptions } from "./host.js";

export { Errno, WasiNNError } from "./errno.js";
export type { GuestModel, StatefulModel } from "./graph.js";
export type { HostFunction, WasiNNOptions } from "./host.js";

export interface WasiNN {
  /** For the guest's imports: the standard interface and WAMR's older one. */
  readonly imports: {
    readonly wasi_ephemeral_nn: Readonly<Record<string, HostFunction>>;
    readonly wasi_nn: Readonly<Record<string, HostFunction>>;
  };
  /** Whether calls suspend the guest to wait for a GPU: then only `run` can start it. */
  readonly suspends: boolean;
  /** Attaches an instance and calls what it exports, "_start" or another function without parameters. */
  run(guest: WebAssembly.Instance, entry?: string): Promise<void>;
  /** Says whose memory the calls mean: the guest's instance, before it starts, or its memory. */
  attach(guest: WebAssembly.Instance | WebAssembly.Memory): void;
}

type Entry = () => unknown;

/** WebAssembly's JavaScript Promise Integration, where the engine has it. */
const { Suspending, promising } = WebAssembly as unknown as {
  readonly Suspending?: new (waiting: WaitingFunction) => HostFunction;
  readonly promising?: (entry: Entry) => () => Promise<unknown>;
};

/** A wasi-nn host for one guest. */
export function createWasiNN(options: WasiNNOptions = {}): WasiNN {
  let memory: WebAssembly.Memory | undefined;
  const host = new Host(() => memory, options);
  const suspends = Suspending !== undefined && host.models.useGpu;
  const attach = (guest: WebAssembly.Instance | WebAssembly.Memory): void => {
    const given = guest instanceof WebAssembly.Memory ? guest : guest.exports["memory"];
    memory = given instanceof WebAssembly.Memory ? given : undefined;
  };
  const imports = { wasi_ephemeral_nn: standardImports(host), wasi_nn: legacyImports(host) };
  if (suspends) for (const table of Object.values(imports)) suspendIn(table, host);
  return {
    imports, suspends, attach,
    async run(guest, entry = "_start") {
      attach(guest);
      const start = guest.exports[entry] as Entry;
      await (suspends ? promising!(start)() : start());
    },
  };
}

/** Replaces what computes by what waits for it. */
function suspendIn(table: Record<string, HostFunction>, host: Host): void {
  for (const name of ["compute", "compute_single"]) {
    if (name in table) table[name] = new Suspending!(host.guardWaiting(name, host.computeWaiting));
  }
}

/** `wasi_ephemeral_nn`, with what WasmEdge and WAMR add to it. */
function standardImports(host: Host): Record<string, HostFunction> {
  return guarded(host, {
    load: host.load,
    load_by_name: host.loadByName,
    load_by_name_with_config: host.loadByNameWithConfig,
    init_execution_context: host.initExecutionContext,
    set_input: host.setInput,
    compute: host.compute,
    get_output: host.getOutput,
    compute_single: host.compute,
    get_output_single: host.getOutput,
    fini_single: host.reset,
    finalize_execution_context: host.finalizeExecutionContext,
    unload: host.unload,
  });
}

/** `wasi_nn` as WAMR had it: an array as one pointer, and one size in and out. */
function legacyImports(host: Host): Record<string, HostFunction> {
  return guarded(host, {
    load: (builders: number, encoding: number, target: number, out: number) => {
      const [address, count] = host.memory.readWords(builders, 2) as [number, number];
      host.load(address, count, encoding, target, out);
    },
    load_by_name: host.loadByName,
    init_execution_context: host.initExecutionContext,
    set_input: host.setInputLegacy,
    compute: host.compute,
    get_output: (context: number, index: number, buffer: number, size: number) =>
      host.getOutput(context, index, buffer, host.memory.readU32(size), size),
  });
}

/** Methods of the host, and others, by the names of imports. */
function guarded(host: Host, functions: Record<string, (this: Host, ...args: number[]) => void>): Record<string, HostFunction> {
  return Object.fromEntries(Object.entries(functions).map(([name, body]) => [name, host.guard(name, body)]));
}
