// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

import { CallFrame, exportsOf, readCString, type ModuleExports } from "./abi.js";
import { bindInputs, type Inputs } from "./bind.js";
import { NnccError, messageOf } from "./errors.js";
import { Profiler } from "./profile.js";
import { ABI_VERSION, signatureOf, type Signature } from "./signature.js";
import { beside, compileModule, readBytes, type Progress, type Source } from "./source.js";
import type { Tensor } from "./tensor.js";
import { chooseThreads, sharedMemoryFor, WorkerPool, type Threading, type ThreadOptions } from "./threads.js";

export interface LoadOptions extends ThreadOptions {
  /** The weight file of a module built with external weights; found beside the module by default. */
  readonly weights?: Source;
  /** Told how much of the weight file is there. */
  readonly onProgress?: Progress;
  /** Where to run. This version of the format has CPU code only, so "gpu" is refused. */
  readonly device?: "cpu" | "gpu" | "auto";
  /** Makes the model take down when its kernels run: see Model.profiler. Costs a little time. */
  readonly profile?: boolean;
}

/**
 * Loads a module that nncc compiled. Throws an NnccError: `load-failed`,
 * `bad-module`, `not-nncc`, `abi-mismatch`, `bad-weights`, `unsupported-device`, `out-of-memory`,
 * `bad-threads`, `worker-failed`.
 */
export async function loadModel(source: Source | WebAssembly.Module, options: LoadOptions = {}): Promise<Model> {
  if (options.device === "gpu") {
    throw new NnccError("unsupported-device", "the module has no GPU code; use device 'cpu' or 'auto'");
  }
  const { module, profiler } = await prepare(source, options);
  const signature = signatureOf(module);
  const memory = sharedMemoryFor(module, options);
  // The kernels of workers would have nobody to tell when they run.
  const threading = await chooseThreads(memory !== undefined, options.profile ? 1 : options.threads);
  if (threading.reason !== undefined) console.warn(`nncc: the model runs on one thread: ${threading.reason}`);
  const instance = await instantiate(module, memory);
  const exports = exportsOf(instance);
  profiler?.attach(instance);
  const version = exports.nncc_abi_version();
  if (version !== ABI_VERSION) {
    throw new NnccError("abi-mismatch", `the module uses version ${version} of the module format`);
  }
  if (signature.weights !== "embedded") await loadWeights(source, signature, exports, options);
  const workers = threading.count > 1 ? await WorkerPool.start(module, exports, threading.count - 1) : undefined;
  return new Model(module, signature, exports, { profiler, threading, workers });
}

/** What only some models have. */
interface ModelParts {
  readonly profiler?: Profiler | undefined;
  readonly threading?: Threading;
  readonly workers?: WorkerPool | undefined;
}

/** A loaded model. One call at a time: the module has a single arena. */
export class Model {
  readonly signature: Signature;
  readonly module: WebAssembly.Module;
  /** Of a model that was loaded with `profile`. */
  readonly profiler: Profiler | undefined;
  /** How many threads runs use, and why not as many as were asked for. */
  readonly threading: Threading;
  private exports: ModuleExports | undefined;
  private frame: CallFrame | undefined;
  private readonly workers: WorkerPool | undefined;

  constructor(module: WebAssembly.Module, signature: Signature, exports: ModuleExports, parts: ModelParts = {}) {
    this.module = module;
    this.signature = signature;
    this.exports = exports;
    this.profiler = parts.profiler;
    this.threading = parts.threading ?? { count: 1 };
    this.workers = parts.workers;
  }

  /**
   * Runs the model. Shapes may change from call to call where the signature
   * has symbols. The outputs are copies and stay valid.
   */
  async run(inputs: Inputs): Promise<Record<string, Tensor>> {
    return this.runSync(inputs);
  }

  /** The same, for code that cannot wait; not every device will have it. */
  runSync(inputs: Inputs): Record<string, Tensor> {
    if (this.exports === undefined) throw new NnccError("disposed", "the model was disposed of");
    this.checkWorkers();
    const { signature } = this;
    const tensors = bindInputs(signature, inputs);
    this.frame ??= new CallFrame(
      this.exports,
      signature.inputs.map((input) => input.shape.length),
      signature.outputs.map((output) => output.shape.length),
    );
    const frame = this.frame;
    tensors.forEach((tensor, i) => frame.setInput(i, tensor));
    try {
      frame.call(signature.outputs.map((output) => output.dtype));
    } catch (error) {
      if (!(error instanceof WebAssembly.RuntimeError)) throw error;
      const why = readCString(this.exports.memory, this.exports.nncc_error() >>> 0) || messageOf(error);
      // After a trap the module's allocator cannot be trusted any more.
      this.dispose();
      throw new NnccError("run-failed", `the module trapped: ${why}`, { cause: error });
    }
    return Object.fromEntries(signature.outputs.map((output, i) => [output.name, frame.output(i)]));
  }

  /** Bytes of the module's memory: code apart, all that the model holds. */
  get memoryBytes(): number {
    return this.exports?.memory.buffer.byteLength ?? 0;
  }

  /** Lets go of the module's memory and ends its workers. Calling it twice is fine. */
  dispose(): void {
    this.workers?.stop();
    this.exports = undefined;
    this.frame = undefined;
  }

  private checkWorkers(): void {
    const why = this.workers?.failure;
    if (why === undefined) return;
    this.dispose();
    throw new NnccError("worker-failed", `a worker of the model is gone: ${why}; load the model again`);
  }
}

async function prepare(
  source: Source | WebAssembly.Module, options: LoadOptions,
): Promise<{ module: WebAssembly.Module; profiler?: Profiler }> {
  const isCompiled = source instanceof WebAssembly.Module;
  if (!options.profile) return { module: isCompiled ? source : await compileModule(source) };
  if (isCompiled) throw new NnccError("bad-module", "a module that is compiled already cannot be profiled");
  return Profiler.prepare(await readBytes(source));
}

async function instantiate(
  module: WebAssembly.Module, memory: WebAssembly.Memory | undefined,
): Promise<WebAssembly.Instance> {
  try {
    return await WebAssembly.instantiate(module, memory === undefined ? {} : { env: { memory } });
  } catch (error) {
    const code = error instanceof RangeError ? "out-of-memory" : "bad-module";
    throw new NnccError(code, `the module cannot be instantiated: ${messageOf(error)}`, { cause: error });
  }
}

async function loadWeights(
  source: Source | WebAssembly.Module, signature: Signature, exports: ModuleExports, options: LoadOptions,
): Promise<void> {
  if (signature.weights === "embedded") return;
  const { file, sha256 } = signature.weights;
  const place = options.weights ?? (source instanceof WebAssembly.Module ? undefined : await beside(source, file));
  if (place === undefined) {
    throw new NnccError("bad-weights", `the weights are in '${file}': give them with the option 'weights'`);
  }
  let bytes: Uint8Array;
  try {
    bytes = await readBytes(place, options.onProgress);
  } catch (error) {
    throw new NnccError("bad-weights", `weights '${file}': ${messageOf(error)}`, { cause: error });
  }
  if (sha256 !== "" && (await sha256Of(bytes)) !== sha256) {
    throw new NnccError("bad-weights", `'${file}' is not the weight file that the module was compiled with`);
  }
  const data = safetensorsData(bytes);
  if (data?.length !== signature.weightBytes) {
    throw new NnccError("bad-weights", `'${file}' does not hold the ${signature.weightBytes} bytes of weights`);
  }
  const address = (exports.nncc_weights?.() ?? 0) >>> 0;
  if (address === 0 || address + bytes.length > exports.memory.buffer.byteLength) {
    throw new NnccError("bad-weights", `the module has no room for the ${bytes.length} bytes of '${file}'`);
  }
  // The whole file: the module knows how long the header is.
  new Uint8Array(exports.memory.buffer).set(bytes, address);
}

/** What follows the header of a safetensors file; undefined when it is not one. */
function safetensorsData(bytes: Uint8Array): Uint8Array | undefined {
  if (bytes.length < 8) return undefined;
  const header = new DataView(bytes.buffer, bytes.byteOffset, 8).getBigUint64(0, true);
  return header <= BigInt(bytes.length - 8) ? bytes.subarray(8 + Number(header)) : undefined;
}

/** In hex; empty (which no check accepts) where the page is not in a secure context. */
async function sha256Of(bytes: Uint8Array): Promise<string> {
  const digest = new Uint8Array(await globalThis.crypto.subtle.digest("SHA-256", bytes as BufferSource));
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
