// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Models that take part of their outputs back: which outputs become which
// inputs of the next call, and what they are in between.

import { zeros, type Inputs, type PlainInputs } from "./bind.js";
import { NnccError } from "./errors.js";
import type { Model } from "./model.js";
import type { IntoOptions } from "./outputs.js";
import type { Signature } from "./signature.js";
import type { Tensor } from "./tensor.js";

/** By output name, the input that takes it in the next call. */
export type StatePairs = Readonly<Record<string, string>>;

export interface StreamOptions {
  /** Instead of those that the model was compiled with (`--state`). */
  readonly state?: StatePairs;
  /** What state inputs start as, instead of zeros. */
  readonly initial?: Readonly<Record<string, Tensor>>;
}

/** The pairs of a model, checked. */
export class StateLoop {
  readonly pairs: readonly (readonly [output: string, input: string])[];
  readonly #signature: Signature;

  /** Throws `unknown-input` and `wrong-dtype`. */
  constructor(signature: Signature, pairs: StatePairs) {
    this.#signature = signature;
    this.pairs = Object.entries(pairs);
    for (const [from, to] of this.pairs) {
      const output = signature.outputs.find((type) => type.name === from);
      const input = signature.inputs.find((type) => type.name === to);
      if (output === undefined) throw new NnccError("unknown-input", `state: the model has no output '${from}'`);
      if (input === undefined) throw new NnccError("unknown-input", `state: the model has no input '${to}'`);
      if (input.dtype !== output.dtype) {
        throw new NnccError("wrong-dtype", `state: '${from}' is ${output.dtype}, but '${to}' is ${input.dtype}`);
      }
    }
  }

  /** The state inputs before the first call: zeros, open sizes as 1. */
  initial(): Record<string, Tensor> {
    const start = (to: string): Tensor => zeros(this.#signature.inputs.find(({ name }) => name === to)!);
    return Object.fromEntries(this.pairs.map(([, to]) => [to, start(to)]));
  }

  /** The state inputs after a call. */
  next(outputs: Readonly<Record<string, Tensor>>): Record<string, Tensor> {
    return Object.fromEntries(this.pairs.map(([from, to]) => [to, outputs[from]!]));
  }
}

/** A sequence of calls of a model that keeps its state in between; a model has as many as one likes. */
export class Stream {
  readonly #model: Model;
  readonly #loop: StateLoop;
  readonly #initial: Readonly<Record<string, Tensor>>;
  #current: Record<string, Tensor>;

  constructor(model: Model, { state = model.signature.state, initial = {} }: StreamOptions) {
    this.#model = model;
    this.#loop = new StateLoop(model.signature, state);
    if (this.#loop.pairs.length === 0) {
      throw new NnccError("unknown-input", "the model has no state: compile it with --state, or give 'state'");
    }
    for (const name of Object.keys(initial)) {
      if (this.#loop.pairs.some(([, to]) => to === name)) continue;
      throw new NnccError("unknown-input", `'${name}' is no input that takes state`);
    }
    this.#initial = initial;
    this.#current = this.#start();
  }

  /** The state inputs of the next call. */
  get state(): Readonly<Record<string, Tensor>> {
    return this.#current;
  }

  /** Runs the model on the other inputs; wait for it before the next call. The outputs include the state. */
  async run(inputs: Inputs, options?: IntoOptions): Promise<Record<string, Tensor>> {
    return this.#advance(await this.#model.run({ ...this.#current, ...inputs }, options));
  }

  /** The same at once, on the CPU only. */
  runSync(inputs: PlainInputs, options?: IntoOptions): Record<string, Tensor> {
    return this.#advance(this.#model.runSync({ ...this.#current, ...inputs }, options));
  }

  /** Begins anew. */
  reset(): void {
    this.#current = this.#start();
  }

  #start(): Record<string, Tensor> {
    return { ...this.#loop.initial(), ...this.#initial };
  }

  #advance(outputs: Record<string, Tensor>): Record<string, Tensor> {
    this.#current = this.#loop.next(outputs);
    return outputs;
  }
}
