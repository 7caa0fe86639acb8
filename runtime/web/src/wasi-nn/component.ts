// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// `wasi:nn` as jco wants it of a host: a class for each resource, and results as
// values or as what is thrown. Both editions are served by the same classes.

import { NnccError, messageOf } from "../errors.js";
import type { DType, Tensor as ModelTensor } from "../tensor.js";
import { Errno, WasiNNError, errnoOf } from "./errno.js";
import { Context, type Graph as OpenGraph } from "./graph.js";
import type { WasiNNOptions } from "./host.js";
import { Models } from "./models.js";
import { TYPE_NAMES, bytesOf, typeName, type TypeName } from "./tensor.js";

export type ErrorCode =
  | "invalid-argument" | "invalid-encoding" | "timeout" | "runtime-error"
  | "unsupported-operation" | "too-large" | "not-found" | "security" | "unknown";

const CODES: Partial<Record<Errno, ErrorCode>> = {
  [Errno.InvalidArgument]: "invalid-argument",
  [Errno.InvalidEncoding]: "invalid-encoding",
  [Errno.UnsupportedOperation]: "unsupported-operation",
  [Errno.TooLarge]: "too-large",
  [Errno.NotFound]: "not-found",
};

/** The resource `error` of `wasi:nn/errors`. It is no JavaScript error: jco would let those through. */
export class NNError {
  readonly #kind: ErrorCode;
  readonly #text: string;

  constructor(kind: ErrorCode, text: string) {
    this.#kind = kind;
    this.#text = text;
  }

  code(): ErrorCode {
    return this.#kind;
  }

  data(): string {
    return this.#text;
  }
}

/** The resource `tensor`. */
export class Tensor {
  readonly #sizes: Uint32Array;
  readonly #type: TypeName;
  readonly #bytes: Uint8Array;

  constructor(dimensions: Uint32Array, ty: TypeName, data: Uint8Array) {
    this.#sizes = dimensions;
    this.#type = ty;
    this.#bytes = data;
  }

  dimensions(): Uint32Array {
    return this.#sizes;
  }

  ty(): TypeName {
    return this.#type;
  }

  data(): Uint8Array {
    return this.#bytes;
  }
}

type NamedTensor = [name: string, tensor: Tensor];

/** What a resource of an open graph knows. */
class OfGraph {
  protected readonly graph: OpenGraph;
  protected readonly guard: Guard;

  constructor(graph: OpenGraph, guard: Guard) {
    this.graph = graph;
    this.guard = guard;
  }
}

/** The resource `graph-execution-context`. */
export class GraphExecutionContext extends OfGraph {
  readonly #context = new Context(this.graph);

  /** Takes all inputs and gives all outputs; in the edition 2024-08-19 it has neither. */
  compute(inputs?: NamedTensor[]): NamedTensor[] | undefined {
    return this.guard("compute", () => {
      if (inputs === undefined) return void this.#context.compute();
      this.#context.clearInputs();
      for (const [name, tensor] of inputs) this.#set(name, tensor);
      this.#context.compute();
      return this.graph.model.signature.outputs.map(({ name }, i): NamedTensor => [name, toGuest(this.#context.output(i))]);
    });
  }

  setInput(name: string, tensor: Tensor): void {
    this.guard("set-input", () => this.#set(name, tensor));
  }

  getOutput(name: string): Tensor {
    const { outputs } = this.graph.model.signature;
    return this.guard("get-output", () => toGuest(this.#context.output(numberOf(outputs, name, "output"))));
  }

  #set(name: string, tensor: Tensor): void {
    const index = numberOf(this.graph.model.signature.inputs, name, "input");
    const bytes = Uint8Array.from(tensor.data());
    this.#context.setInput(index, { dims: [...tensor.dimensions()], type: TYPE_NAMES.indexOf(tensor.ty()), bytes });
  }
}

/** The resource `graph`. */
export class Graph extends OfGraph {
  initExecutionContext(): GraphExecutionContext {
    return this.guard("init-execution-context", () => new GraphExecutionContext(this.graph, this.guard));
  }
}

/** Runs a call; whatever it throws becomes an NNError, and `onError` is told. */
type Guard = <T>(call: string, body: () => T) => T;

function makeGuard(onError: WasiNNOptions["onError"]): Guard {
  return (call, body) => {
    try {
      return body();
    } catch (error) {
      onError?.(error instanceof Error ? error : new Error(String(error)), call);
      throw new NNError(codeOf(error), messageOf(error));
    }
  };
}

function codeOf(error: unknown): ErrorCode {
  // The core interface has no number for it.
  if (error instanceof NnccError && error.code === "timed-out") return "timeout";
  return CODES[errnoOf(error)] ?? "runtime-error";
}

/** The interfaces of `wasi:nn`, by the names that jco gives them. */
export interface WasiNNInterfaces {
  readonly "wasi:nn/tensor": { readonly Tensor: typeof Tensor };
  readonly "wasi:nn/errors": { readonly Error: typeof NNError };
  readonly "wasi:nn/inference": { readonly GraphExecutionContext: typeof GraphExecutionContext };
  readonly "wasi:nn/graph": {
    readonly Graph: typeof Graph;
    load(builders: Uint8Array[], encoding: string, target: string): Graph;
    loadByName(name: string): Graph;
  };
}

/**
 * Imports for a component that jco transpiled with `--instantiation`:
 *
 *     const guest = await instantiate(getCoreModule, { ...wasi, ...createWasiNNInterfaces({ models }) });
 */
export function createWasiNNInterfaces(options: WasiNNOptions = {}): WasiNNInterfaces {
  const open = new Models(options);
  const guard = makeGuard(options.onError);
  return {
    "wasi:nn/tensor": { Tensor },
    "wasi:nn/errors": { Error: NNError },
    "wasi:nn/inference": { GraphExecutionContext },
    "wasi:nn/graph": {
      Graph,
      load: (builders, encoding, target) => guard("load", () => {
        if (encoding !== "onnx" && encoding !== "autodetect" && !open.takesAnyFile) {
          throw new WasiNNError(Errno.InvalidEncoding, "only ONNX and what nncc made of it are known");
        }
        if (target !== "cpu") throw new WasiNNError(Errno.UnsupportedOperation, "graphs from bytes run on the CPU alone");
        return new Graph(open.fromBytes(concatenate(builders)), guard);
      }),
      loadByName: (name) => guard("load-by-name", () => new Graph(open.byName(name), guard)),
    },
  };
}

/** The place of a tensor that is called `name` or, if none is, has this decimal number. */
function numberOf(types: readonly { readonly name: string }[], name: string, what: string): number {
  const found = types.findIndex((type) => type.name === name);
  const index = found < 0 && /^\d{1,6}$/.test(name) ? Number(name) : found;
  if (types[index] === undefined) throw new WasiNNError(Errno.InvalidArgument, `the model has no ${what} '${name}'`);
  return index;
}

function toGuest(tensor: ModelTensor): Tensor {
  // A scalar has one dimension in wasi-nn.
  const sizes = tensor.shape.length === 0 ? [1] : tensor.shape;
  return new Tensor(Uint32Array.from(sizes), nameOf(tensor.dtype), bytesOf(tensor));
}

function nameOf(dtype: DType): TypeName {
  const name = typeName(dtype);
  if (name === undefined) throw new WasiNNError(Errno.UnsupportedOperation, `wasi:nn has no type for ${dtype}`);
  return name;
}

function concatenate(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
