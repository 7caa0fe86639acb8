// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Packed values in a module's memory; docs/module-format.md has the layout.

import type { ModuleExports } from "./abi.js";
import { NnccError } from "./errors.js";
import {
  allocate, CPU, FLOAT, FUNCTION, HANDLE, INT, NONE, readDescriptor, readTensor, readText, STRING, TENSOR, TENSOR_BYTES,
  viewOf, writeDescriptor, writeElements, writeShape,
} from "./module-memory.js";
import { makeTensor } from "./tensor.js";
import type { Tensor } from "./tensor.js";

/** An address or number that only its maker understands. */
export class Handle {
  readonly value: bigint;

  constructor(value: bigint) {
    this.value = BigInt.asUintN(64, value);
  }
}

/** What crosses the boundary: none, int, float, handle, string, tensor, function. */
export type PackedValue = null | bigint | number | Handle | string | Tensor | PackedFunction;

/**
 * A function of the host or of a module. Functions among the arguments are
 * borrowed: who keeps one takes a `retain()` of it.
 */
export type PackedFunction = (...args: PackedValue[]) => PackedValue | undefined | void;

/** What the registry of a module exports (runtime/core/Packed.cpp). */
export interface PackedExports extends ModuleExports {
  nncc_function(name: number, length: number): number;
  nncc_wrap(number: number): number;
  nncc_call(target: number, args: number, nargs: number, ret: number): number;
  nncc_retain(target: number): void;
  nncc_release(target: number): void;
  nncc_fail(text: number, length: number): void;
}

/** What functions are in the memory: the address of an object with a reference. */
export interface FunctionTable {
  /** A reference to a function, for the module. */
  lend(target: PackedFunction): number;
  /** The function at an address, with a reference of its own. */
  borrow(address: number): PackedFunction;
}

/** Blocks of the module's memory that values point to, until they are freed. */
export class Blocks {
  readonly #exports: PackedExports;
  #addresses: number[] = [];
  #references: number[] = [];

  constructor(exports: PackedExports) {
    this.#exports = exports;
  }

  allocate(bytes: number): number {
    const address = allocate(this.#exports, bytes);
    this.#addresses.push(address);
    return address;
  }

  /** Releases the reference together with the blocks. */
  keep(reference: number): void {
    this.#references.push(reference);
  }

  free(): void {
    for (const address of this.#addresses) this.#exports.nncc_free(address);
    for (const reference of this.#references) this.#exports.nncc_release(reference);
    this.#addresses = [];
    this.#references = [];
  }
}

/** Reads and writes values. */
export class ValueCodec {
  readonly #exports: PackedExports;
  readonly #functions: FunctionTable;

  constructor(exports: PackedExports, functions: FunctionTable) {
    this.#exports = exports;
    this.#functions = functions;
  }

  /** A function written to an argument is lent with `blocks`, one to a result is given away. */
  write(at: number, value: PackedValue | undefined | void, blocks: Blocks, isResult = false): void {
    const [tag, payload] = this.#encode(value, blocks, isResult);
    const view = this.#view();
    view.setBigUint64(at, BigInt(tag!), true);
    view.setBigUint64(at + 8, BigInt.asUintN(64, payload), true);
  }

  read(at: number): PackedValue {
    const view = this.#view();
    const payload = at + 8;
    const tag = view.getUint32(at, true);
    switch (tag) {
      case NONE: return null;
      case INT: return view.getBigInt64(payload, true);
      case FLOAT: return view.getFloat64(payload, true);
      case HANDLE: return new Handle(view.getBigUint64(payload, true));
      case STRING: return readText(this.#exports.memory, view.getUint32(payload, true), view.getUint32(payload + 4, true));
      case TENSOR: return readTensor(this.#exports.memory, view.getUint32(payload, true));
      case FUNCTION: return this.#functions.borrow(view.getUint32(payload, true));
      default: throw new NnccError("run-failed", `a packed value has the unknown tag ${tag}`);
    }
  }

  /** Writes the elements of a tensor that an argument describes. Throws when it is another one. */
  fill(at: number, tensor: Tensor, what: string): void {
    const view = this.#view();
    const wanted = readDescriptor(view, view.getUint32(at + 8, true));
    const same = tensor.dtype === wanted.dtype && `${tensor.shape}` === `${wanted.shape}`;
    if (!same) {
      const given = `${tensor.dtype}[${tensor.shape}]`;
      throw new NnccError("wrong-shape", `${what} is ${given}, not ${wanted.dtype}[${wanted.shape}]`);
    }
    const { data } = makeTensor(tensor.dtype, tensor.shape, tensor.data);
    writeElements(this.#exports.memory, wanted.address, data);
  }

  #encode(value: PackedValue | undefined | void, blocks: Blocks, isResult: boolean): [number | undefined, bigint] {
    if (value === null || value === undefined) return [NONE, 0n];
    if (typeof value === "bigint") return [INT, value];
    if (typeof value === "number") return [FLOAT, new BigUint64Array(Float64Array.of(value).buffer)[0]!];
    if (value instanceof Handle) return [HANDLE, value.value];
    if (typeof value === "string") {
      const [address, length] = this.encodeText(value, blocks);
      return [STRING, BigInt(address) | (BigInt(length) << 32n)];
    }
    if (typeof value === "object") return [TENSOR, BigInt(this.#encodeTensor(value, blocks))];
    const reference = this.#functions.lend(value);
    if (!isResult) blocks.keep(reference);
    return [FUNCTION, BigInt(reference)];
  }

  encodeText(text: string, blocks: Blocks): [address: number, length: number] {
    const bytes = new TextEncoder().encode(text);
    const address = blocks.allocate(bytes.length);
    writeElements(this.#exports.memory, address, bytes);
    return [address, bytes.length];
  }

  #encodeTensor({ dtype, shape, data }: Tensor, blocks: Blocks): number {
    makeTensor(dtype, shape, data); // Throws unless they fit.
    const elements = blocks.allocate(data.byteLength);
    const descriptor = blocks.allocate(TENSOR_BYTES + 8 * shape.length);
    writeElements(this.#exports.memory, elements, data);
    const view = this.#view();
    const sizes = descriptor + TENSOR_BYTES;
    writeDescriptor(view, descriptor, { dtype, rank: shape.length, data: elements, shape: sizes, device: CPU });
    writeShape(view, sizes, shape);
    return descriptor;
  }

  #view(): DataView {
    return viewOf(this.#exports.memory);
  }
}
