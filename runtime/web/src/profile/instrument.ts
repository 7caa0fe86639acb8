// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Makes a module tell when its kernels begin and end, without a second build:
// each kernel's function becomes a wrapper around its old body, which gets a
// number behind all others, so that no instruction has to be decoded. The
// wrapper calls the mark in a table of its own: the module still imports nothing.

import { concatenate, encodeU32, encodeVector, Reader } from "./binary.js";
import { NnccError } from "../errors.js";

/** The export with the table that holds the mark, a function of one i32. */
export const MARK_TABLE = "nncc_profile";

const Id = { Custom: 0, Type: 1, Import: 2, Function: 3, Table: 4, Export: 7, Element: 9, Code: 10 } as const;
const Kind = { Function: 0, Table: 1 } as const;

const FUNC_REF = 0x70;
const I32 = 0x7f;

interface Section {
  readonly id: number;
  readonly payload: Uint8Array;
}

/**
 * `module` with a wrapper around each function that `names` lists. The wrapper
 * of names[k] calls the mark with k before and with ~k after the kernel.
 * Functions that the module does not have are passed over.
 */
export function instrument(module: Uint8Array, names: readonly string[]): Uint8Array<ArrayBuffer> {
  const sections = readSections(module);
  const payload = (id: number): Uint8Array => sections.find((section) => section.id === id)?.payload ?? new Uint8Array([0]);
  const imported = countImports(payload(Id.Import));
  const types = readItems(payload(Id.Type), skipType);
  const typeOf = readItems(payload(Id.Function), (reader) => reader.u32()).map((item) => new Reader(item).u32());
  const tables = readItems(payload(Id.Table), skipTable);
  const exports = readItems(payload(Id.Export), skipExport);
  const bodies = readItems(payload(Id.Code), (reader) => reader.bytes(reader.u32()));

  const functions = functionNames(sections);
  const table = imported.tables + tables.length;
  const markType = types.length;
  const allTypes = [...typeOf];
  names.forEach((name, kernel) => {
    const index = functions.get(name);
    if (index === undefined || index < imported.functions) return;
    const defined = index - imported.functions;
    const type = typeOf[defined]!;
    const moved = imported.functions + bodies.length;
    bodies.push(bodies[defined]!);
    allTypes.push(type);
    bodies[defined] = wrapper(kernel, countParameters(types[type]!), moved, markType, table);
  });
  const changed = new Map<number, Uint8Array>([
    [Id.Type, encodeVector([...types, [0x60, 1, I32, 0]])],
    [Id.Function, encodeVector(allTypes.map(encodeU32))],
    [Id.Table, encodeVector([...tables, [FUNC_REF, 0, 1]])],
    [Id.Export, encodeVector([...exports, [...encodeName(MARK_TABLE), Kind.Table, ...encodeU32(table)]])],
    [Id.Code, encodeVector(bodies)],
  ]);
  return writeSections(module.subarray(0, 8), sections, changed);
}

/** mark(kernel); the kernel with the same arguments; mark(~kernel). */
function wrapper(kernel: number, parameters: number, moved: number, markType: number, table: number): Uint8Array {
  const mark = (value: number): number[] =>
    [0x41, ...encodeS32(value), 0x41, 0, 0x11, ...encodeU32(markType), ...encodeU32(table)];
  const code = [0, ...mark(kernel)];
  for (let i = 0; i < parameters; ++i) code.push(0x20, ...encodeU32(i));
  code.push(0x10, ...encodeU32(moved), ...mark(~kernel), 0x0b);
  return new Uint8Array([...encodeU32(code.length), ...code]);
}

function readSections(module: Uint8Array): Section[] {
  const reader = new Reader(module, 8);
  const sections: Section[] = [];
  while (!reader.atEnd) sections.push({ id: reader.byte(), payload: reader.bytes(reader.u32()) });
  return sections;
}

/** The sections in the order that the format wants, those that are new included. */
function writeSections(
  header: Uint8Array, sections: readonly Section[], changed: ReadonlyMap<number, Uint8Array>,
): Uint8Array<ArrayBuffer> {
  const left = new Map(changed);
  const parts: (Uint8Array | readonly number[])[] = [header];
  const write = (id: number, payload: Uint8Array): void => {
    parts.push([id, ...encodeU32(payload.length)], payload);
  };
  for (const { id, payload } of sections) {
    for (const [key, value] of left) {
      // The data count (12) comes before the code.
      if (id === Id.Custom || key > (id === 12 ? Id.Element : id)) continue;
      left.delete(key);
      write(key, value);
    }
    if (!changed.has(id)) write(id, payload);
  }
  return concatenate(parts);
}

/** The items of a vector, each as its bytes; `skip` reads one. */
function readItems(payload: Uint8Array, skip: (reader: Reader) => void): Uint8Array[] {
  const reader = new Reader(payload);
  return Array.from({ length: reader.u32() }, () => {
    const begin = reader.position;
    skip(reader);
    return payload.subarray(begin, reader.position);
  });
}

function skipType(reader: Reader): void {
  if (reader.byte() !== 0x60) throw new NnccError("bad-module", "the module has a type that is not of a function");
  reader.bytes(reader.u32());
  reader.bytes(reader.u32());
}

function countParameters(type: Uint8Array): number {
  return new Reader(type, 1).u32();
}

function skipLimits(reader: Reader): void {
  const flags = reader.byte();
  reader.u32();
  if (flags & 1) reader.u32();
}

function skipTable(reader: Reader): void {
  reader.byte();
  skipLimits(reader);
}

function skipExport(reader: Reader): void {
  reader.bytes(reader.u32());
  reader.byte();
  reader.u32();
}

function countImports(payload: Uint8Array): { functions: number; tables: number } {
  const reader = new Reader(payload);
  const counts = { functions: 0, tables: 0 };
  for (let rest = reader.u32(); rest > 0; --rest) {
    reader.bytes(reader.u32());
    reader.bytes(reader.u32());
    const kind = reader.byte();
    if (kind === Kind.Function) {
      reader.u32();
      ++counts.functions;
    } else if (kind === Kind.Table) {
      skipTable(reader);
      ++counts.tables;
    } else if (kind === 2) {
      skipLimits(reader);
    } else {
      reader.bytes(2);
    }
  }
  return counts;
}

/** The function names of the section "name". */
function functionNames(sections: readonly Section[]): Map<string, number> {
  const names = new Map<string, number>();
  const decoder = new TextDecoder();
  for (const { id, payload } of sections) {
    if (id !== Id.Custom) continue;
    const reader = new Reader(payload);
    if (decoder.decode(reader.bytes(reader.u32())) !== "name") continue;
    while (!reader.atEnd) {
      const subsection = reader.byte();
      const part = new Reader(reader.bytes(reader.u32()));
      if (subsection !== 1) continue;
      for (let rest = part.u32(); rest > 0; --rest) {
        const index = part.u32();
        names.set(decoder.decode(part.bytes(part.u32())), index);
      }
    }
  }
  return names;
}

function encodeName(name: string): number[] {
  const bytes = new TextEncoder().encode(name);
  return [...encodeU32(bytes.length), ...bytes];
}

function encodeS32(value: number): number[] {
  const last = value >= -64 && value < 64;
  return last ? [value & 127] : [(value & 127) | 128, ...encodeS32(value >> 7)];
}
