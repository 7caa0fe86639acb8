// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

import { bindInputs, type BoundInput, type Inputs, type PlainInputs } from "./bind.js";
import { NnccError } from "./errors.js";
import type { GpuTensor } from "./gpu/tensor.js";
import { readPictures } from "./image.js";
import { placesOf, roomsOf, type IntoOptions, type Place, type RunOptions, type RunOutput } from "./outputs.js";
import type { ModuleFunction } from "./packed.js";
import type { Profiler } from "./profile.js";
import type { Runner } from "./runner.js";
import type { Signature } from "./signature.js";
import { Stream, type StreamOptions } from "./state.js";
import type { Tensor } from "./tensor.js";
import type { Threading } from "./threads.js";

/** Where a model goes without a GPU. */
export interface Fallback {
  /** Why the GPU is not used from the start. */
  readonly reason?: string | undefined;
  /** Opens what runs the model on when the GPU is lost and there is no other. */
  readonly open?: (() => Promise<Runner>) | undefined;
}

/** A loaded model. One call at a time: the module has a single arena. */
export class Model {
  readonly signature: Signature;
  readonly module: WebAssembly.Module;
  readonly #fallback: Fallback;
  #runner: Runner | undefined;
  #reason: string | undefined;

  constructor(module: WebAssembly.Module, signature: Signature, runner: Runner, fallback: Fallback = {}) {
    this.module = module;
    this.signature = signature;
    this.#runner = runner;
    this.#fallback = fallback;
    this.#reason = fallback.reason;
  }

  /** Where runs take place. A lost GPU can change it; see `whyNotGpu`. */
  get device(): "cpu" | "gpu" {
    return this.#runner?.device ?? "cpu";
  }

  /** Why the GPU is not used; undefined when it is. */
  get whyNotGpu(): string | undefined {
    return this.#reason;
  }

  /** The GPU that the model runs on, for buffers of the caller's and for other models. */
  get gpu(): GPUDevice | undefined {
    return this.#runner?.gpu;
  }

  /** Of a model that was loaded with `profile`. */
  get profiler(): Profiler | undefined {
    return this.#runner?.profiler;
  }

  /** Whether kernels use relaxed SIMD (see LoadOptions.relaxed). */
  get relaxed(): boolean {
    return this.#runner?.relaxed ?? false;
  }

  /** How many threads runs on the CPU use, and why not as many as were asked for. */
  get threading(): Threading {
    return this.#runner?.threading ?? { count: 1 };
  }

  /**
   * Runs the model. Shapes may change from call to call where the signature
   * has symbols. The outputs are copies and stay valid, but for arrays that the
   * caller gives with `into`; the inputs must not change until the run is over.
   */
  async run(inputs: Inputs, options?: IntoOptions): Promise<Record<string, Tensor>>;
  async run(inputs: Inputs, options: IntoOptions & { readonly keep: "gpu" }): Promise<Record<string, GpuTensor>>;
  async run(inputs: Inputs, options: RunOptions): Promise<Record<string, RunOutput>>;
  async run(inputs: Inputs, options: RunOptions = {}): Promise<Record<string, RunOutput>> {
    const runner = this.#live();
    const { signature } = this;
    const places = placesOf(signature, options);
    const bound = bindInputs(signature, readPictures(signature, inputs));
    return this.#named(await this.#runOn(runner, bound, places));
  }

  /** The same for code that cannot wait, on the CPU only. */
  runSync(inputs: PlainInputs, options: IntoOptions = {}): Record<string, Tensor> {
    const runner = this.#live();
    if (runner.runSync === undefined) {
      throw new NnccError("unsupported-device", "the GPU's results have to be waited for: use run()");
    }
    const rooms = roomsOf(this.signature, options);
    return this.#named(runner.runSync(bindInputs(this.signature, inputs), rooms));
  }

  /** Calls that keep what the model takes back in between. Throws `unknown-input` when it is no such model. */
  stream(options: StreamOptions = {}): Stream {
    return new Stream(this, options);
  }

  /**
   * The module's function of a name, "main" for the network itself, where the
   * module has functions (docs/module-format.md). The caller disposes of it.
   */
  function(name: string): ModuleFunction | undefined {
    return this.#live().function?.(name);
  }

  /** How many references the module holds to functions of the host. */
  get functionReferences(): number {
    return this.#runner?.functionReferences ?? 0;
  }

  /** Bytes of the module's memory and of the GPU's: code apart, all that the model holds. */
  get memoryBytes(): number {
    return this.#runner?.memoryBytes ?? 0;
  }

  /** Lets go of all memory, here and on the GPU, and ends the workers. Calling it twice is fine. */
  dispose(): void {
    this.#runner?.dispose();
    this.#runner = undefined;
  }

  #live(): Runner {
    if (this.#runner === undefined) throw new NnccError("disposed", "the model was disposed of");
    return this.#runner;
  }

  async #runOn(runner: Runner, inputs: readonly BoundInput[], places: readonly Place[]): Promise<RunOutput[]> {
    try {
      return await runner.run(inputs, places);
    } catch (error) {
      const gone = error instanceof NnccError && error.code === "unsupported-device" && runner.device === "gpu";
      const movable = !places.includes("gpu") && inputs.every((input) => "data" in input);
      if (!gone || !movable || this.#fallback.open === undefined) throw error;
      const next = await this.#fallback.open();
      this.#reason = error.message;
      this.#runner = next;
      runner.dispose();
      return next.run(inputs, places);
    }
  }

  #named<T>(outputs: readonly T[]): Record<string, T> {
    return Object.fromEntries(this.signature.outputs.map(({ name }, i) => [name, outputs[i]!]));
  }
}
