// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Second forms of kernels that a module carries, with relaxed SIMD: small modules
// that import the memory. Their functions take slots of the table through which
// the first module calls these kernels.

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

/** Those variants that the module has and that are to be used. */
export async function chooseVariants(
  module: WebAssembly.Module, host: VariantHost, { relaxed }: RelaxedOptions,
): Promise<Variants> {
  if (relaxed === false) return [];
  const isFaster = (probes: SumProbes): boolean => relaxed === true || (fasterHere ??= measure(probes));
  const chosen = await Promise.all([
    choose<SumProbes>(module, "nncc.relaxed-simd", host, isFaster),
    choose<DotProbe>(module, "nncc.relaxed-dots", host, isExact),
  ]);
  return chosen.filter((variants) => variants !== undefined);
}

/** The variants of a section, if the engine has their instructions and `accept` takes them. */
async function choose<Probes>(
  module: WebAssembly.Module, name: string, host: VariantHost, accept: (probes: Probes) => boolean,
): Promise<WebAssembly.Module | undefined> {
  const [section] = WebAssembly.Module.customSections(module, name);
  if (section === undefined || !WebAssembly.validate(section)) return undefined;
  const variants = await WebAssembly.compile(section);
  const { exports } = await instantiate(variants, host);
  return accept(exports as unknown as Probes) ? variants : undefined;
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
/** Engines compile what is called often a second time: milliseconds until they have. */
const WARM_UP = 3;
const WARM_UP_COUNT = 1 << 12;
/** Half a millisecond in pages that are not isolated, whose clocks have steps of a tenth; else a sixteenth. */
const COUNT = globalThis.crossOriginIsolated || typeof process === "object" ? 1 << 15 : 1 << 18;
const ROUNDS = 4;

function measure({ probe_plain, probe_relaxed }: SumProbes): boolean {
  const warmUp = performance.now() + WARM_UP;
  while (performance.now() < warmUp) {
    probe_plain(WARM_UP_COUNT, FACTOR);
    probe_relaxed(WARM_UP_COUNT, FACTOR);
  }
  let plain = Infinity;
  let relaxed = Infinity;
  for (let round = 0; round < ROUNDS; ++round) {
    const begin = performance.now();
    probe_plain(COUNT, FACTOR);
    const middle = performance.now();
    probe_relaxed(COUNT, FACTOR);
    plain = Math.min(plain, middle - begin);
    relaxed = Math.min(relaxed, performance.now() - middle);
  }
  return plain > WORTHWHILE * relaxed;
}
