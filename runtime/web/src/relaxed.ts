// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// The second form of kernels that a module carries, with relaxed SIMD: a small
// module that imports the memory. Its functions take slots of the table through
// which the first module calls these kernels.

export interface RelaxedOptions {
  /**
   * Whether kernels use relaxed SIMD where module and engine have it. Sums are
   * rounded less often then, so that results may differ in the last bits. By
   * default they do where a measurement of a few milliseconds, once in a page
   * or process, says that it is faster.
   */
  readonly relaxed?: boolean | undefined;
}

/** What the variants need of the instance whose kernels they replace. */
export interface VariantHost {
  readonly memory: WebAssembly.Memory;
  readonly __indirect_function_table?: WebAssembly.Table;
}

interface Probes {
  probe_plain(count: number, factor: number): number;
  probe_relaxed(count: number, factor: number): number;
}

const SECTION = "nncc.relaxed-simd";

/** The variants, compiled; undefined where there are none or they are not to be used. */
export async function chooseVariants(
  module: WebAssembly.Module, host: VariantHost, { relaxed }: RelaxedOptions,
): Promise<WebAssembly.Module | undefined> {
  if (relaxed === false) return undefined;
  const [section] = WebAssembly.Module.customSections(module, SECTION);
  if (section === undefined || !WebAssembly.validate(section)) return undefined;
  const variants = await WebAssembly.compile(section);
  if (relaxed === true) return variants;
  const { exports } = await instantiate(variants, host);
  fasterHere ??= measure(exports as unknown as Probes);
  return fasterHere ? variants : undefined;
}

/** Puts the variants into the table of the host's instance. */
export async function useVariants(variants: WebAssembly.Module, host: VariantHost): Promise<void> {
  const { exports } = await instantiate(variants, host);
  for (const [name, kernel] of Object.entries(exports)) {
    if (/^\d+$/.test(name)) host.__indirect_function_table?.set(Number(name), kernel);
  }
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
/** About half a millisecond: pages that are not isolated have clocks of a tenth. */
const COUNT = 1 << 18;
const ROUNDS = 4;

function measure({ probe_plain, probe_relaxed }: Probes): boolean {
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
