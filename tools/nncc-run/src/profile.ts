// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// How long each dispatch takes: the medians over many runs.

import { runOnce } from "./bench.js";
import type { KernelCall, Model, Profiler, Signature, Tensor } from "nncc";
import { evaluate } from "./formula.js";

/** One kernel call of a run; times in milliseconds. */
export interface DispatchTime {
  readonly kernel: string;
  readonly nodes: readonly string[];
  /** Within the shortest run. */
  readonly begin: number;
  /** The median over all runs, on a GPU the mean. */
  readonly ms: number;
  /** Null when it depends on more than the sizes of the inputs. */
  readonly flops: number | null;
  readonly bytes: number | null;
}

export interface Profile {
  readonly runs: number;
  /** Of a whole run, what the host program does between kernels included. */
  readonly msMedian: number;
  /** In the order of a run. */
  readonly dispatches: readonly DispatchTime[];
  /** The register-only limit of 4-lane f32 arithmetic, measured beside it; null on a GPU. */
  readonly peakGflops: number | null;
}

const WARM_UP_SECONDS = 0.3;
const LEAST_RUNS = 3;

/** Runs a model that was loaded with `profile` for `seconds`, after a warm-up. */
export async function profileModel(
  model: Model, inputs: Record<string, Tensor>, seconds: number, peakGflops: number | null,
): Promise<Profile> {
  const profiler = model.profiler!;
  const warm = performance.now() + 1000 * Math.min(WARM_UP_SECONDS, seconds);
  do await runOnce(model, inputs);
  while (performance.now() < warm);
  profiler.take();
  const totals: number[] = [];
  const runs: KernelCall[][] = [];
  const end = performance.now() + 1000 * seconds;
  while (runs.length < LEAST_RUNS || performance.now() < end) {
    const start = performance.now();
    await runOnce(model, inputs);
    totals.push(performance.now() - start);
    runs.push(profiler.take());
  }
  const symbols = symbolValues(model.signature, inputs);
  // The clock of a GPU may tick slower than its kernels run; the mean evens that out.
  const dispatches = summarise(runs, totals, profiler, symbols, model.device === "gpu" ? mean : median);
  return { runs: runs.length, msMedian: median(totals), dispatches, peakGflops };
}

function summarise(
  runs: readonly KernelCall[][], totals: readonly number[], { table }: Profiler, symbols: readonly number[],
  average: (values: readonly number[]) => number,
): DispatchTime[] {
  const shortest = runs[totals.indexOf(Math.min(...totals))]!;
  // A program without loops makes the calls of the table, in its order.
  const isTable = shortest.length === table.dispatches.length;
  return shortest.map((call, i) => {
    const kernel = table.kernels[call.kernel]!;
    return {
      kernel: kernel.name,
      nodes: isTable ? table.dispatches[i]!.nodes : [kernel.name],
      begin: call.begin - shortest[0]!.begin,
      ms: average(runs.map((run) => run[i]!.end - run[i]!.begin)),
      flops: evaluate(kernel.flops, symbols),
      bytes: evaluate(kernel.bytes, symbols),
    };
  });
}

function symbolValues(signature: Signature, inputs: Record<string, Tensor>): number[] {
  return signature.symbols.map(({ name }) => {
    for (const input of signature.inputs) {
      const axis = input.shape.indexOf(name);
      if (axis >= 0) return inputs[input.name]!.shape[axis]!;
    }
    return NaN;
  });
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[values.length >> 1]!;
}

/** The calls of one kernel together. */
interface Row {
  readonly kernel: string;
  readonly nodes: Set<string>;
  calls: number;
  ms: number;
  flops: number | null;
}

/** By kernel, the slowest first. */
export function rowsByKernel(profile: Profile): Row[] {
  const rows = new Map<string, Row>();
  for (const { kernel, nodes, ms, flops } of profile.dispatches) {
    let row = rows.get(kernel);
    if (row === undefined) rows.set(kernel, (row = { kernel, nodes: new Set(), calls: 0, ms: 0, flops: 0 }));
    for (const node of nodes) row.nodes.add(node);
    row.calls += 1;
    row.ms += ms;
    row.flops = row.flops === null || flops === null ? null : row.flops + flops;
  }
  return [...rows.values()].sort((a, b) => b.ms - a.ms);
}

/** What `--profile` prints. */
export function profileTable(profile: Profile, width: number): string {
  const rows = rowsByKernel(profile);
  const peak = profile.peakGflops;
  const total = rows.reduce((sum, row) => sum + row.ms, 0);
  const lines = [`  share     sum  calls        ms  GFLOP/s${peak === null ? "" : "  % of peak"}  ONNX nodes`];
  let sum = 0;
  for (const { nodes, calls, ms, flops } of rows) {
    sum += ms;
    const gflops = flops === null || ms === 0 ? null : flops / ms / 1e6;
    const names = [...nodes].join(" ");
    const columns = [
      `${((100 * ms) / total || 0).toFixed(1)}%`.padStart(7),
      `${((100 * sum) / total || 0).toFixed(1)}%`.padStart(8),
      String(calls).padStart(7),
      ms.toFixed(4).padStart(10),
      (gflops ? (gflops < 1 ? gflops.toPrecision(2) : gflops.toFixed(1)) : "").padStart(9),
      ...(peak === null ? [] : [(gflops ? `${((100 * gflops) / peak).toFixed(0)}%` : "").padStart(11)]),
      `  ${names.length > width ? `${names.slice(0, width - 4)} ...` : names}`,
    ];
    lines.push(columns.join(""));
  }
  lines.push(
    `${rows.length} kernels, ${profile.dispatches.length} calls, ${total.toFixed(3)} ms in kernels; ` +
      `a run took ${profile.msMedian.toFixed(3)} ms (median of ${profile.runs})` +
      (peak === null ? "" : `; peak ${peak.toFixed(1)} GFLOP/s`),
  );
  return lines.join("\n");
}

/** The profile as a trace for chrome://tracing or Perfetto; the report reads the key `nncc`. */
export function chromeTrace(profile: Profile, signature: Signature): object {
  let end = 0;
  const traceEvents = profile.dispatches.map(({ kernel, nodes, begin, ms, flops, bytes }) => {
    // Averages are longer than what they took in the shortest run, and events of one thread must not overlap.
    const start = Math.max(begin, end);
    end = start + ms;
    return {
      name: nodes.join(" + ") || kernel,
      cat: "kernel",
      ph: "X",
      pid: 1,
      tid: 1,
      ts: 1000 * start,
      dur: 1000 * ms,
      args: { kernel, flops, bytes, gflops: flops === null || ms === 0 ? null : flops / ms / 1e6 },
    };
  });
  return { traceEvents, displayTimeUnit: "ms", nncc: { source: signature.source, ...profile } };
}
