// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

import { exportsOf } from "../abi.js";
import type { PlainInputs } from "../bind.js";
import { CpuRunner } from "../cpu.js";
import { NnccError } from "../errors.js";
import { Model } from "../model.js";
import { checkVersion, signatureOf, type Signature } from "../signature.js";
import { StateLoop, type StatePairs } from "../state.js";
import type { Tensor } from "../tensor.js";
import { Errno, WasiNNError } from "./errno.js";
import { toTensor, type GuestTensor } from "./tensor.js";

/** What guests call: a Model, or what stands for one in another thread (remote.ts). */
export interface GuestModel {
  readonly signature: Signature;
  readonly device: "cpu" | "gpu";
  runSync(inputs: PlainInputs): Record<string, Tensor>;
  run(inputs: PlainInputs): Promise<Record<string, Tensor>>;
}

/** A model and which of its outputs become which inputs of the next call. */
export interface StatefulModel {
  readonly model: GuestModel;
  /** Instead of the pairs that the model was compiled with (`--state`). */
  readonly state: StatePairs;
}

/** A model that guests can open. Contexts hold all that changes from call to call. */
export class Graph {
  readonly model: GuestModel;
  readonly loop: StateLoop;

  constructor(model: GuestModel, state: StatePairs = model.signature.state) {
    this.model = model;
    this.loop = new StateLoop(model.signature, state);
  }
}

/** The inputs, the outputs and the state of one guest's calls. */
export class Context {
  readonly #graph: Graph;
  #inputs: Record<string, Tensor> = {};
  #outputs: Record<string, Tensor> | undefined;

  constructor(graph: Graph) {
    this.#graph = graph;
    this.reset();
  }

  setInput(index: number, tensor: GuestTensor): void {
    const type = this.#graph.model.signature.inputs[index >>> 0];
    if (type === undefined) throw new WasiNNError(Errno.InvalidArgument, `the model has no input ${index >>> 0}`);
    this.#inputs[type.name] = toTensor(tensor, type);
  }

  /** Runs the model; what is state becomes an input of the next call. */
  compute(): void {
    this.#begin();
    this.#finish(this.#graph.model.runSync(this.#inputs));
  }

  /** The same where the guest can be suspended, on any device. */
  async computeWaiting(): Promise<void> {
    this.#begin();
    this.#finish(await this.#graph.model.run(this.#inputs));
  }

  #begin(): void {
    this.#outputs = undefined;
    const missing = this.#graph.model.signature.inputs.find((type) => !Object.hasOwn(this.#inputs, type.name));
    if (missing !== undefined) throw new WasiNNError(Errno.RuntimeError, `input '${missing.name}' was not set`);
  }

  #finish(outputs: Record<string, Tensor>): void {
    Object.assign(this.#inputs, this.#graph.loop.next(outputs));
    this.#outputs = outputs;
  }

  /** Output `index` of the last compute. */
  output(index: number): Tensor {
    const type = this.#graph.model.signature.outputs[index >>> 0];
    if (type === undefined) throw new WasiNNError(Errno.InvalidArgument, `the model has no output ${index >>> 0}`);
    if (this.#outputs === undefined) throw new WasiNNError(Errno.RuntimeError, "nothing was computed yet");
    return this.#outputs[type.name]!;
  }

  /** Forgets the inputs but for the state. */
  clearInputs(): void {
    this.#inputs = Object.fromEntries(this.#graph.loop.pairs.map(([, to]) => [to, this.#inputs[to]!]));
  }

  /** Forgets inputs, outputs and state: a new stream begins. */
  reset(): void {
    this.#outputs = undefined;
    this.#inputs = this.#graph.loop.initial();
  }
}

/** The graph of a module that nncc made, at once. Throws an NnccError as loadModel does. */
export function compileGraph(bytes: Uint8Array<ArrayBuffer>): Graph {
  let instance: WebAssembly.Instance;
  let module: WebAssembly.Module;
  try {
    module = new WebAssembly.Module(bytes);
  } catch (error) {
    // Pages limit what may be compiled at once.
    const code = error instanceof RangeError ? "load-failed" : "bad-module";
    throw NnccError.of(code, "this engine does not accept the module", error);
  }
  const signature = signatureOf(module);
  if (signature.weights !== "embedded") {
    throw new NnccError("bad-weights", "a guest cannot load a module with external weights; register it by name");
  }
  try {
    instance = new WebAssembly.Instance(module, {});
  } catch (error) {
    throw NnccError.of("load-failed", "the module cannot be instantiated", error);
  }
  const exports = exportsOf(instance);
  checkVersion(exports.nncc_abi_version());
  return new Graph(new Model(module, signature, new CpuRunner(signature, exports)));
}
