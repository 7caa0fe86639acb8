// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Second forms of kernels that a module carries, with relaxed SIMD: small modules
// that import the memory. Their functions take slots of the table through which
// the first module calls these kernels.

import { sectionOf } from "./sections.js";

export interface RelaxedOptions {
  /**
   * Whether kernels use relaxed SIMD where module and engine have it. Sums of
   * floats are rounded less often then, so that results may differ in the last
   * bits. By default they do where a measurement of a few milliseconds, once in
   * a page or process, says that it is faster. Products of bytes are used where
   * a test says that they are exact, whatever `true` asks for.
   */
  readonly relaxed?: boolean | undefined;
}

interface ChoiceOptions extends RelaxedOptions {
  readonly profile?: boolean;
  readonly device?: string;
}

/** What the variants need of the instance whose kernels they replace. */
export interface VariantHost {
  readonly memory: WebAssembly.Memory;
  readonly __indirect_function_table?: WebAssembly.Table;
}

/** Of the variants that sum up products of floats. */
interface SumProbes {
  probe_plain(count: number, factor: number): number;
  probe_relaxed(count: number, factor: number): number;
}

/** Of those that sum up products of bytes. */
interface DotProbe {
  probe_dot(x: number, y: number): number;
}

/** Modules with variants, compiled. */
export type Variants = readonly WebAssembly.Module[];

/** Ends a choice: the variants to be used. */
export type VariantChoice = () => Variants;

/**
 * Begins to choose between the kernels of the module, which is not instantiated yet, and the variants that it has.
 * `shared` is the memory of a module with threads.
 */
export async function beginChoice(
  module: WebAssembly.Module, shared: WebAssembly.Memory | undefined, { relaxed, profile, device }: ChoiceOptions,
): Promise<VariantChoice> {
  // Variants would not tell the profiler when they run.
  if (relaxed === false || profile || device === "gpu") return () => [];
  // The probes use none of it.
  const host = { memory: shared ?? new WebAssembly.Memory({ initial: 1 }) };
  const choices = await Promise.all([
    probe<SumProbes>(module, "nncc.relaxed-simd", host, (probes) => (relaxed ? () => true : beginMeasurement(probes))),
    probe<DotProbe>(module, "nncc.relaxed-dots", host, (probes) => () => isExact(probes)),
  ]);
  return () => choices.flatMap((choice) => choice());
}

/** Begins to choose the variants of a section; there may be none, or the engine lacks their instructions. */
async function probe<Probes>(
  module: WebAssembly.Module, name: string, host: VariantHost, begin: (probes: Probes) => () => boolean,
): Promise<VariantChoice> {
  const section = sectionOf(module, name);
  const variants = section && (await WebAssembly.compile(section).catch(() => undefined));
  if (variants === undefined) return () => [];
  const { exports } = await instantiate(variants, host);
  const accept = begin(exports as unknown as Probes);
  return () => (accept() ? [variants] : []);
}

/** Puts the variants into the table of the host's instance. */
export async function useVariants(variants: Variants, host: VariantHost): Promise<void> {
  for (const { exports } of await Promise.all(variants.map((module) => instantiate(module, host)))) {
    for (const [name, kernel] of Object.entries(exports)) {
      if (/^\d+$/.test(name)) host.__indirect_function_table?.set(Number(name), kernel);
    }
  }
}

/** Sums of two products saturate in some engines, and others take bytes as signed. */
function isExact({ probe_dot }: DotProbe): boolean {
  return [-128, 127].every((x) => probe_dot(x, 255) === 4 * x * 255);
}

function instantiate(variants: WebAssembly.Module, { memory }: VariantHost): Promise<WebAssembly.Instance> {
  return WebAssembly.instantiate(variants, { env: { memory } });
}

/** Of this engine on this CPU; all modules have the same probes. */
let fasterHere: boolean | undefined;

/** There is little between CPUs that gain nothing and those that gain half or more. */
const WORTHWHILE = 1.2;
const FACTOR = 1e-9;
/** Engines compile what runs for so many rounds a second time: milliseconds until they have. */
const WARM_UP = 3;
const WARM_UP_COUNT = 1 << 16;
/** Half a millisecond in pages that are not isolated, whose clocks have steps of a tenth; else a sixteenth. */
const COUNT = globalThis.crossOriginIsolated || typeof process === "object" ? 1 << 15 : 1 << 18;
const ROUNDS = 4;

/** Makes the engine compile the probes again; what is returned measures them. */
function beginMeasurement(probes: SumProbes): () => boolean {
  const ready = performance.now() + WARM_UP;
  if (fasterHere === undefined) timesOf(probes, WARM_UP_COUNT);
  return () => (fasterHere ??= measure(probes, ready));
}

function measure(probes: SumProbes, ready: number): boolean {
  while (performance.now() < ready) timesOf(probes, WARM_UP_COUNT >> 4);
  const rounds = Array.from({ length: ROUNDS }, () => timesOf(probes, COUNT));
  const least = (form: 0 | 1): number => Math.min(...rounds.map((times) => times[form]));
  return least(0) > WORTHWHILE * least(1);
}

/** Milliseconds of the plain and of the relaxed form. */
function timesOf({ probe_plain, probe_relaxed }: SumProbes, count: number): [number, number] {
  const begin = performance.now();
  probe_plain(count, FACTOR);
  const middle = performance.now();
  probe_relaxed(count, FACTOR);
  return [middle - begin, performance.now() - middle];
}
