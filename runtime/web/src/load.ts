// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

import { CallFrame, exportsOf, type ModuleExports } from "./abi.js";
import { CpuRunner } from "./cpu.js";
import { NnccError, messageOf, profilingPart } from "./errors.js";
import { needsOf } from "./gpu/device.js";
import { gpuProgramOf, type GpuProgram } from "./gpu/program.js";
// Not when it is needed: service workers import nothing later.
import { GpuRunner } from "./gpu/runner.js";
import { Model, type Fallback } from "./model.js";
import { PackedLink, type HostFunctions } from "./packed.js";
import type { MarkProfiler } from "./profile/mark-profiler.js";
import { beginChoice, useVariants, type RelaxedOptions, type VariantChoice } from "./relaxed.js";
import type { Runner } from "./runner.js";
import { checkVersion, signatureOf, type Signature } from "./signature.js";
import { beside, compileModule, readBytes, type FetchOptions, type Source } from "./source.js";
import { chooseThreads, sharedMemoryFor, WorkerPool, type ThreadOptions } from "./threads.js";
import { loadWeights, type WeightOptions } from "./weights.js";

export interface LoadOptions extends ThreadOptions, RelaxedOptions, WeightOptions, FetchOptions {
  /** The weight file of a module built with external weights; found beside the module by default. */
  readonly weights?: Source;
  /**
   * Where to run. With "auto", the default, on the GPU where the module has
   * code for it and there is one, otherwise on the CPU: Model.device says
   * where, Model.whyNotGpu why. With "gpu" that is an error.
   */
  readonly device?: "cpu" | "gpu" | "auto";
  /** The GPU to run on; the caller's, so it stays when the model is disposed of. */
  readonly gpu?: GPUDevice | undefined;
  /** What a run does when the GPU is lost: by default it is repeated on a new one. */
  readonly onDeviceLost?: "retry" | "fail";
  /**
   * Functions that the module calls: those of its custom operators, by names such as
   * "my.domain::Op", and others that it may look for.
   */
  readonly functions?: HostFunctions;
  /**
   * Makes the model take down when its kernels run: see Model.profiler. Costs a little
   * time. The code for it is imported then, which service workers do not allow.
   */
  readonly profile?: boolean;
}

/**
 * Loads a module that nncc compiled. Throws an NnccError: `load-failed`,
 * `bad-module`, `not-nncc`, `abi-mismatch`, `bad-weights`, `unsupported-device`, `gpu-error`,
 * `out-of-memory`, `bad-threads`, `worker-failed`, `missing-function`, `aborted`.
 */
export async function loadModel(source: Source | WebAssembly.Module, options: LoadOptions = {}): Promise<Model> {
  try {
    options.signal?.throwIfAborted();
    const model = await load(source, options);
    if (options.signal?.aborted) model.dispose();
    options.signal?.throwIfAborted();
    return model;
  } catch (error) {
    if (!options.signal?.aborted) throw error;
    throw new NnccError("aborted", `aborted: ${messageOf(options.signal.reason)}`, { cause: error });
  }
}

/** A module that is ready to run on either device. */
interface Loaded {
  readonly module: WebAssembly.Module;
  readonly signature: Signature;
  readonly program: GpuProgram | undefined;
  readonly exports: ModuleExports;
  readonly profiler: MarkProfiler | undefined;
  /** Fulfilled when they are in the module's memory. */
  readonly weights: Promise<void>;
  readonly hasThreads: boolean;
  /** Between variants of the kernels for the CPU. */
  readonly choice: VariantChoice;
  readonly packed: PackedLink | undefined;
}

async function load(source: Source | WebAssembly.Module, options: LoadOptions): Promise<Model> {
  const loaded = await instantiateSource(source, options);
  const { module, signature } = loaded;
  const openCpu = async (): Promise<Runner> => openOnCpu(loaded, options);
  let reason: string | undefined = "the caller chose the CPU";
  if (options.device !== "cpu") {
    try {
      const runner = await openOnGpu(loaded, options);
      const fallback: Fallback = options.device === "gpu" || loaded.exports.main === undefined ? {} : { open: openCpu };
      return new Model(module, signature, runner, fallback);
    } catch (error) {
      // Bad weights are as bad for the CPU; what the GPU refuses is not.
      const isGpus = error instanceof NnccError && GPU_ERRORS.includes(error.code);
      if (!isGpus || options.device === "gpu") throw error;
      if (loaded.exports.main === undefined) {
        throw new NnccError(error.code, `${error.message}; the module has no CPU code`, { cause: error });
      }
      reason = error.message;
    }
  }
  return new Model(module, signature, await openCpu(), { reason });
}

const GPU_ERRORS: readonly string[] = ["unsupported-device", "gpu-error", "out-of-memory", "device-lost"];

async function instantiateSource(source: Source | WebAssembly.Module, options: LoadOptions): Promise<Loaded> {
  const { module, profiler } = await prepare(source, options);
  const signature = signatureOf(module);
  const memory = sharedMemoryFor(module, options);
  const packed = PackedLink.isWanted(module) ? new PackedLink(options.functions ?? {}, signature.functions) : undefined;
  // Engines compile the probes while the weights are copied.
  const choice = await beginChoice(module, memory, options);
  const instance = await instantiate(module, memory, packed);
  const exports = exportsOf(instance);
  packed?.attach(exports);
  profiler?.attach(instance);
  checkVersion(exports.nncc_abi_version());
  const weights = loadWeights(await weightPlace(source, signature, options), signature, exports, options);
  // Whoever needs the weights is told; until then nobody may be listening.
  weights.catch(() => undefined);
  return { module, signature, program: gpuProgramOf(module), exports, profiler, weights, hasThreads: memory !== undefined, choice, packed };
}

async function openOnGpu(loaded: Loaded, options: LoadOptions): Promise<Runner> {
  const { program, exports, signature } = loaded;
  if (program === undefined || exports.nncc_gpu_plan === undefined) {
    throw new NnccError("unsupported-device", "the module has no GPU code: compile it with --target=webgpu");
  }
  const weights = loaded.weights.then(() => {
    const base = (exports.nncc_weights?.() ?? 0) >>> 0;
    return (offset: number, bytes: number) => new Uint8Array(exports.memory.buffer, base + offset, bytes);
  });
  return GpuRunner.open({
    signature,
    program,
    needs: needsOf(program, signature.arenaBytes === null, options.profile === true),
    memory: exports.memory,
    frame: CallFrame.of(signature, exports, loaded.packed),
    weights,
    device: options.gpu,
    retry: options.onDeviceLost !== "fail",
    profile: options.profile === true,
  });
}

async function openOnCpu(loaded: Loaded, options: LoadOptions): Promise<Runner> {
  const { module, signature, exports, profiler, packed } = loaded;
  if (exports.main === undefined) {
    throw new NnccError("unsupported-device", "the module has no CPU code: it was compiled with --no-fallback");
  }
  await loaded.weights;
  // The kernels of workers would have nobody to tell when they run.
  const threading = chooseThreads(loaded.hasThreads, options.profile ? 1 : options.threads);
  if (threading.reason !== undefined) console.warn(`nncc: the model runs on one thread: ${threading.reason}`);
  const variants = loaded.choice();
  await useVariants(variants, exports);
  const workers =
    threading.count > 1 ? await WorkerPool.start({ module, variants }, exports, threading.count - 1) : undefined;
  const relaxed = variants.length > 0;
  return new CpuRunner(signature, exports, { profiler, threading, workers, packed, relaxed });
}

async function prepare(
  source: Source | WebAssembly.Module, options: LoadOptions,
): Promise<{ module: WebAssembly.Module; profiler?: MarkProfiler }> {
  const isCompiled = source instanceof WebAssembly.Module;
  // The GPU has its own clock.
  if (!options.profile || options.device === "gpu") {
    return { module: isCompiled ? source : await compileModule(source, options) };
  }
  if (isCompiled) throw new NnccError("bad-module", "a compiled module cannot be profiled");
  const { MarkProfiler } = await profilingPart(import("./profile/mark-profiler.js"));
  return MarkProfiler.prepare(await readBytes(source, "module", options));
}

async function instantiate(
  module: WebAssembly.Module, memory: WebAssembly.Memory | undefined, packed: PackedLink | undefined,
): Promise<WebAssembly.Instance> {
  const imports = { ...(memory && { env: { memory } }), ...(packed && { nncc: packed.imports }) };
  try {
    return await WebAssembly.instantiate(module, imports);
  } catch (error) {
    const code = error instanceof RangeError ? "out-of-memory" : "bad-module";
    throw NnccError.of(code, "the module cannot be instantiated", error);
  }
}

async function weightPlace(
  source: Source | WebAssembly.Module, { weights }: Signature, options: LoadOptions,
): Promise<Source | undefined> {
  if (weights === "embedded" || options.weights !== undefined) return options.weights;
  return source instanceof WebAssembly.Module ? undefined : beside(source, weights.file);
}
