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

/** Words that the host computed and the byte of the arena where they go. */
export interface Write {
  readonly offset: number;
  readonly words: Uint32Array<ArrayBuffer>;
}

/** What is submitted together: first the writes. */
export interface Submit {
  readonly writes: Write[];
  readonly dispatches: Dispatch[];
}

/** A range that the next segment needs, and its address in the module's memory. */
export interface HostRead extends Range {
  readonly address: number;
}

/** The commands of a run, or of a segment of it. */
export interface CommandStream {
  readonly arenaBytes: number;
  /** What the uniform buffer holds: sizes, and other numbers of the host's. */
  readonly symbols: Uint32Array<ArrayBuffer>;
  readonly submits: readonly Submit[];
  /** What has to be read before the next segment; undefined in the last one. */
  readonly reads: readonly HostRead[] | undefined;
  /** Equal for streams that differ in what they write alone. */
  readonly key: string;
}

export function dispatchesOf({ submits }: CommandStream): Dispatch[] {
  return submits.flatMap(({ dispatches }) => dispatches);
}

const VERSION = 1;
const [END, DISPATCH, FLUSH, READBACK, UPLOAD] = [0, 1, 2, 3, 4] as const;
const INPUTS = 0x100;
const WEIGHTS = 0x200;
const SYMBOLS = 0x300;

/** Reads the stream at `address` of a module's memory. Throws `run-failed` on damage. */
export function readStream(memory: WebAssembly.Memory, address: number): CommandStream {
  const [version, length] = new Uint32Array(memory.buffer, address, 2) as unknown as [number, number];
  if (version !== VERSION) throw new NnccError("run-failed", `the command stream has version ${version}, not ${VERSION}`);
  const all = new Uint32Array(memory.buffer, address, length);
  const words = new Words(all);
  words.take(2);
  const arenaBytes = words.next();
  const symbols = words.take(words.next()).slice();
  return { arenaBytes, symbols, ...readCommands(words), key: all.join() };
}

function readCommands(words: Words): Pick<CommandStream, "submits" | "reads"> {
  const submits: Submit[] = [];
  const open = (): Submit => submits[submits.push({ writes: [], dispatches: [] }) - 1]!;
  let current = open();
  let reads: HostRead[] | undefined;
  for (let command = words.next(); command !== END; command = words.next()) {
    if (command === FLUSH) {
      current = open();
    } else if (command === DISPATCH) {
      const dispatch = readDispatch(words);
      if (dispatch.x > 0 && dispatch.y > 0) current.dispatches.push(dispatch);
    } else if (command === READBACK) {
      reads = Array.from({ length: words.next() }, () => ({ ...readRange(words), address: words.next() }));
    } else if (command === UPLOAD) {
      // What was dispatched before may still need what lies there.
      if (current.dispatches.length > 0) current = open();
      const offset = words.next();
      const data = words.take(words.next());
      current.writes.push({ offset, words: data.slice() });
      // It is no part of the key.
      data.fill(0);
    } else {
      throw new NnccError("run-failed", `the command stream has an unknown command ${command}`);
    }
  }
  return { submits, reads };
}

function readDispatch(words: Words): Dispatch {
  const [kernel, x, y, count] = [words.next(), words.next(), words.next(), words.next()];
  return { kernel, x, y, bindings: Array.from({ length: count }, () => readRange(words)) };
}

function readRange(words: Words): Range {
  return { space: spaceOf(words.next()), offset: words.next(), bytes: words.next() };
}

function spaceOf(word: number): Range["space"] {
  if (word === SYMBOLS) return { kind: "symbols", index: 0 };
  if (word >= WEIGHTS) return { kind: "weight", index: word - WEIGHTS };
  if (word >= INPUTS) return { kind: "input", index: word - INPUTS };
  return { kind: "arena", index: 0 };
}

class Words {
  #at = 0;
  readonly #words: Uint32Array<ArrayBuffer>;

  constructor(words: Uint32Array<ArrayBuffer>) {
    this.#words = words;
  }

  next(): number {
    return this.take(1)[0]!;
  }

  take(count: number): Uint32Array<ArrayBuffer> {
    const part = this.#words.subarray(this.#at, this.#at + count);
    if (part.length !== count) throw new NnccError("run-failed", "the command stream ends too early");
    this.#at += count;
    return part;
  }
}
