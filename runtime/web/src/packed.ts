// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// The host's half of the registry of functions: what a module calls by name or
// number, and the module's functions as JavaScript's own.

import { errorOf, type ModuleExports } from "./abi.js";
import { NnccError, messageOf } from "./errors.js";
import { readText, VALUE_BYTES } from "./module-memory.js";
import { Blocks, ValueCodec } from "./packed-values.js";
import type { FunctionTable, PackedExports, PackedFunction, PackedValue } from "./packed-values.js";
import type { FunctionInfo } from "./signature.js";
import type { Tensor } from "./tensor.js";

/** A function of a module. It is called like any other, and holds a reference until it is disposed of. */
export interface ModuleFunction {
  (...args: PackedValue[]): PackedValue;
  /** Another one of the same function, with a reference of its own. */
  retain(): ModuleFunction;
  /** Calling it afterwards throws. Twice is fine. */
  dispose(): void;
}

/** The attributes of an ONNX node. */
export type Attributes = Readonly<Record<string, number | bigint | string | readonly (number | bigint)[]>>;

/** Computes a custom ONNX operator: its inputs, then the node's attributes. Gives its output, or a list of several. */
export type OperatorFunction = (...args: [...inputs: Tensor[], attributes: Attributes]) => Tensor | readonly Tensor[];

/** Functions by name: operators "my.domain::Op" that the module was compiled with, and others for the module to find. */
export type HostFunctions = Readonly<Record<string, (...args: any[]) => PackedValue | readonly Tensor[] | undefined | void>>;

interface HostEntry {
  readonly name: string;
  readonly target: PackedFunction;
}

/** What there is once the module is. */
interface Link {
  readonly exports: PackedExports;
  readonly codec: ValueCodec;
  /** What the last result of a host function points to. */
  readonly returned: Blocks;
}

/** Joins one instance of a module with functions of the host. */
export class PackedLink implements FunctionTable {
  /** For the import object of a module. */
  readonly imports: WebAssembly.ModuleImports;
  readonly #functions: HostFunctions;
  readonly #operators: ReadonlyMap<string, FunctionInfo>;
  readonly #lent = new Map<number, HostEntry>();
  readonly #addresses = new WeakMap<PackedFunction, () => number>();
  #nextNumber = 0;
  #link: Link | undefined;
  #thrown: unknown;

  /** Throws `missing-function` when an operator of the module is not among the functions. */
  constructor(functions: HostFunctions, operators: readonly FunctionInfo[]) {
    this.#functions = functions;
    this.#operators = new Map(operators.map((operator) => [operator.name, operator]));
    for (const { name } of operators) {
      if (typeof this.#lookup(name) === "function") continue;
      throw new NnccError("missing-function", `the module calls '${name}': give it in the option 'functions'`);
    }
    this.imports = {
      call_packed: (number: number, args: number, nargs: number, ret: number) => this.#run(number, args >>> 0, nargs, ret >>> 0),
      find_packed: (name: number, length: number) => this.#find(name >>> 0, length),
      drop_packed: (number: number) => void this.#lent.delete(number),
    };
  }

  /** Whether a module takes part. */
  static isWanted(module: WebAssembly.Module): boolean {
    return WebAssembly.Module.imports(module).some(({ module: from }) => from === "nncc");
  }

  attach(exports: ModuleExports): void {
    const packed = exports as PackedExports;
    this.#link = { exports: packed, codec: new ValueCodec(packed, this), returned: new Blocks(packed) };
  }

  /** The module's function of that name; the caller disposes of it. */
  function(name: string): ModuleFunction | undefined {
    const { exports, codec } = this.#attached();
    const blocks = new Blocks(exports);
    try {
      const address = exports.nncc_function(...codec.encodeText(name, blocks)) >>> 0;
      return address === 0 ? undefined : this.#wrap(address);
    } finally {
      blocks.free();
    }
  }

  /** How many references the module holds to functions of the host. */
  get references(): number {
    return this.#lent.size;
  }

  /** What a host function threw in the last call that failed. */
  takeThrown(): unknown {
    const thrown = this.#thrown;
    this.#thrown = undefined;
    return thrown;
  }

  lend(target: PackedFunction): number {
    const { exports } = this.#attached();
    const address = this.#addresses.get(target)?.();
    if (address !== undefined) {
      exports.nncc_retain(address);
      return address;
    }
    const reference = exports.nncc_wrap(this.#add({ name: target.name, target })) >>> 0;
    if (reference === 0) throw new NnccError("out-of-memory", "the module has no room for a function");
    return reference;
  }

  borrow(address: number): PackedFunction {
    this.#attached().exports.nncc_retain(address);
    return this.#wrap(address) as PackedFunction;
  }

  /** A function that owns the reference at `address`. */
  #wrap(address: number): ModuleFunction {
    const { exports } = this.#attached();
    let isLive = true;
    const live = (): number => {
      if (!isLive) throw new NnccError("disposed", "the function was disposed of; keep a retain() of a borrowed one");
      return address;
    };
    const call = (...args: PackedValue[]): PackedValue => this.#call(live(), args);
    const wrapped: ModuleFunction = Object.assign(call, {
      retain: (): ModuleFunction => {
        exports.nncc_retain(live());
        return this.#wrap(address);
      },
      dispose: (): void => {
        if (isLive) exports.nncc_release(address);
        isLive = false;
      },
    });
    this.#addresses.set(wrapped as PackedFunction, live);
    return wrapped;
  }

  #call(address: number, args: readonly PackedValue[]): PackedValue {
    const { exports, codec } = this.#attached();
    const blocks = new Blocks(exports);
    try {
      const values = blocks.allocate(VALUE_BYTES * (args.length + 1));
      const ret = values + VALUE_BYTES * args.length;
      args.forEach((value, i) => codec.write(values + VALUE_BYTES * i, value, blocks));
      if (exports.nncc_call(address, values, args.length, ret) !== 0) throw this.#failure();
      const result = codec.read(ret);
      // A function in a result has come with a reference, beside the one of reading it.
      if (typeof result === "function") exports.nncc_release(this.#addresses.get(result)!());
      return result;
    } finally {
      blocks.free();
    }
  }

  #failure(): NnccError {
    const { exports } = this.#attached();
    return new NnccError("run-failed", errorOf(exports), { cause: this.takeThrown() });
  }

  /** The module calls function `number`. */
  #run(number: number, args: number, nargs: number, ret: number): number {
    const entry = this.#lent.get(number);
    try {
      if (entry === undefined) throw new NnccError("run-failed", `the host has no function ${number}`);
      const operator = this.#operators.get(entry.name);
      if (operator !== undefined) this.#runOperator(operator, entry.target, args, nargs);
      else this.#runPlain(entry.target, args, nargs, ret);
      return 0;
    } catch (error) {
      this.#thrown = error;
      const kind = error instanceof Error && !(error instanceof NnccError) ? `${error.name}: ` : "";
      const origin = entry === undefined || this.#operators.has(entry.name) ? "" : `in '${entry.name}': `;
      this.#fail(origin + kind + messageOf(error));
      return 1;
    }
  }

  #runPlain(target: PackedFunction, args: number, nargs: number, ret: number): void {
    const { codec, returned } = this.#attached();
    const values = Array.from({ length: nargs }, (_, i) => codec.read(args + VALUE_BYTES * i));
    try {
      const result = target(...values);
      returned.free();
      codec.write(ret, result, returned, true);
    } finally {
      for (const value of values) if (typeof value === "function") (value as ModuleFunction).dispose();
    }
  }

  #runOperator({ inputs, outputs }: FunctionInfo, target: PackedFunction, args: number, nargs: number): void {
    const { codec } = this.#attached();
    const read = (i: number): PackedValue => codec.read(args + VALUE_BYTES * i);
    const tensors = Array.from({ length: inputs }, (_, i) => read(i));
    const attributes: Record<string, Attributes[string]> = {};
    for (let i = inputs + outputs; i + 1 < nargs; i += 2) attributes[read(i) as string] = plain(read(i + 1));
    const result: unknown = (target as (...values: unknown[]) => unknown)(...tensors, attributes);
    const results = (Array.isArray(result) ? result : [result]) as (Tensor | undefined)[];
    if (results.length !== outputs) {
      throw new NnccError("run-failed", `it gave ${results.length} outputs, not ${outputs}`);
    }
    results.forEach((tensor, i) => {
      if (tensor?.data === undefined) throw new NnccError("wrong-dtype", `its output ${i} is no tensor`);
      codec.fill(args + VALUE_BYTES * (inputs + i), tensor, `its output ${i}`);
    });
  }

  #fail(message: string): void {
    const { exports, codec } = this.#attached();
    const blocks = new Blocks(exports);
    exports.nncc_fail(...codec.encodeText(message, blocks));
    blocks.free();
  }

  #find(name: number, length: number): number {
    const text = readText(this.#attached().exports.memory, name, length);
    const target = this.#lookup(text);
    return target === undefined ? -1 : this.#add({ name: text, target });
  }

  #lookup(name: string): PackedFunction | undefined {
    return Object.hasOwn(this.#functions, name) ? (this.#functions[name] as PackedFunction) : undefined;
  }

  #add(entry: HostEntry): number {
    this.#lent.set(this.#nextNumber, entry);
    return this.#nextNumber++;
  }

  #attached(): Link {
    if (this.#link === undefined) throw new NnccError("disposed", "the module is not there yet");
    return this.#link;
  }
}

/** An attribute as JavaScript has it: integers as numbers where they fit, lists as arrays. */
function plain(value: PackedValue): Attributes[string] {
  const small = (number: bigint): number | bigint => (Number.isSafeInteger(Number(number)) ? Number(number) : number);
  if (typeof value === "bigint") return small(value);
  if (typeof value === "number" || typeof value === "string") return value;
  const { data } = value as Tensor;
  return Array.from(data as ArrayLike<number | bigint>, (item) => (typeof item === "bigint" ? small(item) : item));
}
