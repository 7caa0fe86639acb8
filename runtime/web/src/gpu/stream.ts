// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// The command stream that a module writes for given sizes of its inputs.

import { NnccError } from "../errors.js";
import type { Space } from "./program.js";

/** A range of a buffer, in bytes. */
export interface Range {
  readonly space: { readonly kind: Space; readonly index: number };
  readonly offset: number;
  readonly bytes: number;
}

export interface Dispatch {
  readonly kernel: number;
  /** Workgroups. */
  readonly x: number;
  readonly y: number;
  readonly bindings: readonly Range[];
}

export interface CommandStream {
  readonly arenaBytes: number;
  /** What the uniform buffer holds: sizes, and other numbers of the host's. */
  readonly symbols: Uint32Array<ArrayBuffer>;
  /** What is submitted together. */
  readonly submits: readonly (readonly Dispatch[])[];
}

const VERSION = 1;
const enum Command { End, Dispatch, Flush }
const INPUTS = 0x100;
const WEIGHTS = 0x200;
const SYMBOLS = 0x300;

/** Reads the stream at `address` of a module's memory. Throws `run-failed` on damage. */
export function readStream(memory: WebAssembly.Memory, address: number): CommandStream {
  const [version, length] = new Uint32Array(memory.buffer, address, 2) as unknown as [number, number];
  if (version !== VERSION) throw new NnccError("run-failed", `the command stream has version ${version}, not ${VERSION}`);
  const words = new Words(new Uint32Array(memory.buffer, address, length));
  words.take(2);
  const arenaBytes = words.next();
  const symbols = words.take(words.next()).slice();
  return { arenaBytes, symbols, submits: readCommands(words) };
}

function readCommands(words: Words): Dispatch[][] {
  const submits: Dispatch[][] = [[]];
  for (let command = words.next(); command !== Command.End; command = words.next()) {
    if (command === Command.Flush) submits.push([]);
    else if (command === Command.Dispatch) submits.at(-1)!.push(readDispatch(words));
    else throw new NnccError("run-failed", `the command stream has an unknown command ${command}`);
  }
  return submits.map((dispatches) => dispatches.filter(({ x, y }) => x > 0 && y > 0));
}

function readDispatch(words: Words): Dispatch {
  const [kernel, x, y, count] = [words.next(), words.next(), words.next(), words.next()];
  const bindings = Array.from({ length: count }, (): Range => {
    const space = spaceOf(words.next());
    return { space, offset: words.next(), bytes: words.next() };
  });
  return { kernel, x, y, bindings };
}

function spaceOf(word: number): Range["space"] {
  if (word === SYMBOLS) return { kind: "symbols", index: 0 };
  if (word >= WEIGHTS) return { kind: "weight", index: word - WEIGHTS };
  if (word >= INPUTS) return { kind: "input", index: word - INPUTS };
  return { kind: "arena", index: 0 };
}

class Words {
  private at = 0;
  private readonly words: Uint32Array<ArrayBuffer>;

  constructor(words: Uint32Array<ArrayBuffer>) {
    this.words = words;
  }

  next(): number {
    return this.take(1)[0]!;
  }

  take(count: number): Uint32Array<ArrayBuffer> {
    const part = this.words.subarray(this.at, this.at + count);
    if (part.length !== count) throw new NnccError("run-failed", "the command stream ends too early");
    this.at += count;
    return part;
  }
}
