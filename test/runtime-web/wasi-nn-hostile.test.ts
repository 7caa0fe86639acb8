// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// What a guest must not be able to do: each call gets its errno, and the host
// answers an honest call after it as before.

import assert from "node:assert/strict";
import { test } from "node:test";
import { loadModel } from "nncc";
import { Errno } from "nncc/wasi-nn";
import { AT, FakeGuest, OK, PAGE, floatBytes } from "./fake-guest.ts";
import { makeModule } from "./fixture.ts";

const { InvalidArgument, InvalidEncoding, MissingMemory, NotFound, RuntimeError, TooLarge } = Errno;
const { UnsupportedOperation } = Errno;
type Row = readonly [call: string, args: readonly number[], errno: Errno, prepare?: (guest: FakeGuest) => void];

const demo = await loadModel(makeModule());
// "demo" lies at AT.name, a sound tensor at AT.tensor, graph 0 and context 0 are open.
const [GRAPH, CONTEXT] = [0, 0];
// Places where not even a byte, or not four, are left.
const OUTSIDE = [PAGE, PAGE + 1, 0x7fffffff, 0x80000000, 0xfffffffc, 0xffffffff];
const CUT_OFF = [PAGE - 1, PAGE - 2, PAGE - 3, ...OUTSIDE];
const LONG = [PAGE + 1, 0x7fffffff, 0x80000000, 0xffffff00, 0xffffffff];
const DEAD = [1, 2, 77, 0x7fffffff, 0x80000000, 0xffffffff];

const rows: Row[] = [
  ...CUT_OFF.map((out): Row => ["load_by_name", [AT.name, 4, out], InvalidArgument]),
  ...OUTSIDE.map((name): Row => ["load_by_name", [name, 4, AT.out], InvalidArgument]),
  ...LONG.map((length): Row => ["load_by_name", [AT.name, length, AT.out], InvalidArgument]),
  ...[0, 1, 3, 5].map((length): Row => ["load_by_name", [AT.name, length, AT.out], NotFound]),
  ["load_by_name", [AT.name, 4, AT.out], InvalidArgument, (guest) => guest.words(AT.name, 0xffffffff)],
  ...CUT_OFF.map((out): Row => ["load_by_name_with_config", [AT.name, 4, AT.config, 0, out], InvalidArgument]),
  ...OUTSIDE.map((at): Row => ["load_by_name_with_config", [AT.name, 4, at, 4, AT.out], InvalidArgument]),
  ...LONG.map((length): Row => ["load_by_name_with_config", [AT.name, 4, 0, length, AT.out], InvalidArgument]),
  ...CUT_OFF.map((out): Row => ["load", [AT.builders, 1, 1, 0, out], InvalidArgument]),
  ...CUT_OFF.map((at): Row => ["load", [at, 1, 1, 0, AT.out], InvalidArgument]),
  ...[0, 2, 0x20000000, 0xffffffff].map((count): Row => ["load", [AT.builders, count, 1, 0, AT.out], InvalidArgument]),
  ...[0, 2, 3, 4, 7, 255, 0xffffffff].map((code): Row => ["load", [AT.builders, 1, code, 0, AT.out], InvalidEncoding]),
  ...[1, 2].map((target): Row => ["load", [AT.builders, 1, 1, target, AT.out], UnsupportedOperation]),
  ...[4, 255, 0xffffffff].map((target): Row => ["load", [AT.builders, 1, 1, target, AT.out], InvalidArgument]),
  ...LONG.map((size): Row => ["load", [AT.builders, 1, 1, 0, AT.out], InvalidArgument, builder(AT.model, size)]),
  ...OUTSIDE.map((at): Row => ["load", [AT.builders, 1, 1, 0, AT.out], InvalidArgument, builder(at, 8)]),
  ...[0, 4, 8, 9, 60].map((size): Row => ["load", [AT.builders, 1, 5, 0, AT.out], InvalidEncoding, builder(AT.model, size)]),
  ["load", [AT.builders, 1, 5, 0, AT.out], InvalidEncoding, wasm(8)],
  ["load", [AT.builders, 1, 5, 0, AT.out], InvalidEncoding, wasm(9)],
  ...DEAD.map((graph): Row => ["init_execution_context", [graph, AT.out], InvalidArgument]),
  ...CUT_OFF.map((out): Row => ["init_execution_context", [GRAPH, out], InvalidArgument]),
  ...DEAD.map((graph): Row => ["unload", [graph], InvalidArgument]),
  ["init_execution_context", [GRAPH, AT.out], InvalidArgument, (guest) => guest.call("unload", GRAPH)],
  ["unload", [GRAPH], InvalidArgument, (guest) => guest.call("unload", GRAPH)],
  ...["compute", "compute_single", "fini_single", "finalize_execution_context"].flatMap((call) =>
    DEAD.map((context): Row => [call, [context], InvalidArgument])),
  ...["compute", "compute_single", "fini_single", "finalize_execution_context"].map((call): Row =>
    [call, [CONTEXT], InvalidArgument, (guest) => guest.call("finalize_execution_context", CONTEXT)]),
  ["compute", [CONTEXT], RuntimeError],
  ["compute_single", [CONTEXT], RuntimeError],
  ["compute", [CONTEXT], RuntimeError, (guest) => {
    guest.call("set_input", CONTEXT, 0, AT.tensor);
    guest.call("fini_single", CONTEXT);
  }],
  ["compute", [CONTEXT], RuntimeError, (guest) => tooManyRows(guest)],
  ["get_output", [CONTEXT, 0, AT.data, 8, AT.out], RuntimeError, (guest) => {
    tooManyRows(guest);
    guest.call("compute", CONTEXT);
  }],
  ...DEAD.map((context): Row => ["set_input", [context, 0, AT.tensor], InvalidArgument]),
  ...[1, 2, 0x80000000, 0xffffffff].map((index): Row => ["set_input", [CONTEXT, index, AT.tensor], InvalidArgument]),
  ...[PAGE - 19, PAGE - 4, ...CUT_OFF].map((at): Row => ["set_input", [CONTEXT, 0, at], InvalidArgument]),
  ...[PAGE - 7, ...OUTSIDE].map((dims): Row => tensor(dims, 2, 1, AT.data, 8)),
  ...[0, 1, 3, 64, 65, 0x20000000, 0x40000000, 0xffffffff].map((rank): Row => tensor(AT.dims, rank, 1, AT.data, 8)),
  ...[0, 2, 3, 4, 5, 6, 255].map((type): Row => tensor(AT.dims, 2, type, AT.data, 8)),
  ...[PAGE - 7, ...OUTSIDE].map((data): Row => tensor(AT.dims, 2, 1, data, 8)),
  ...[0, 4, 7, 9, 16, 32, ...LONG].map((size): Row => tensor(AT.dims, 2, 1, AT.data, size)),
  ...[[0, 2], [2, 2], [1, 1], [1, 0], [1, 3], [0xffffffff, 2], [0x80000000, 2], [0x80000001, 2], [1, 0x80000002]].map((dims): Row =>
    ["set_input", [CONTEXT, 0, AT.tensor], InvalidArgument, (guest) => guest.words(AT.dims, ...dims)]),
  ["get_output", [CONTEXT, 0, AT.data, 8, AT.out], RuntimeError],
  ["get_output_single", [CONTEXT, 0, AT.data, 8, AT.out], RuntimeError],
  ...DEAD.map((context): Row => ["get_output", [context, 0, AT.data, 8, AT.out], InvalidArgument, computed]),
  ...[2, 3, 0x80000000, 0xffffffff].map((index): Row =>
    ["get_output", [CONTEXT, index, AT.data, 8, AT.out], InvalidArgument, computed]),
  ...[PAGE - 7, ...OUTSIDE].map((at): Row => ["get_output", [CONTEXT, 0, at, 8, AT.out], InvalidArgument, computed]),
  ...[0, 1, 7].map((size): Row => ["get_output", [CONTEXT, 0, AT.data, size, AT.out], TooLarge, computed]),
  ...LONG.map((size): Row => ["get_output", [CONTEXT, 0, AT.data, size, AT.out], InvalidArgument, computed]),
  ...CUT_OFF.map((at): Row => ["get_output", [CONTEXT, 0, AT.data, 8, at], InvalidArgument, computed]),
];

function builder(at: number, length: number): (guest: FakeGuest) => void {
  return (guest) => guest.words(AT.builders, at, length);
}

/** A module of `length` bytes: an empty one, and what does not belong after it. */
function wasm(length: number): (guest: FakeGuest) => void {
  return (guest) => {
    guest.words(AT.model, 0x6d736100, 1, 0xff);
    guest.words(AT.builders, AT.model, length);
  };
}

function tensor(...words: [dims: number, rank: number, type: number, data: number, bytes: number]): Row {
  return ["set_input", [CONTEXT, 0, AT.tensor], InvalidArgument, (guest) => guest.words(AT.tensor, ...words)];
}

function tooManyRows(guest: FakeGuest): void {
  guest.call("set_input", CONTEXT, 0, guest.tensor([1001, 2], 1, new Uint8Array(8008)));
}

function computed(guest: FakeGuest): void {
  guest.call("set_input", CONTEXT, 0, AT.tensor);
  guest.call("compute", CONTEXT);
}

function freshGuest(): FakeGuest {
  const guest = new FakeGuest({ demo });
  guest.open();
  guest.tensor([1, 2], 1, floatBytes(1, 2));
  guest.words(AT.builders, AT.model, 16);
  return guest;
}

/** What an honest guest gets, after whatever went before. */
function checkUsable(guest: FakeGuest, what: string): void {
  const context = guest.open();
  assert.equal(guest.call("set_input", context, 0, guest.tensor([1, 2], 1, floatBytes(1, 2))), OK, what);
  assert.equal(guest.call("compute", context), OK, what);
  assert.equal(guest.call("get_output", context, 0, AT.data, 8, AT.out), OK, what);
  assert.deepEqual(guest.floats(AT.data, 2), [12, 24], what);
}

test(`${rows.length} hostile calls get their errno and do no harm`, () => {
  assert.ok(rows.length >= 200);
  rows.forEach(([call, args, errno, prepare], i) => {
    const guest = freshGuest();
    prepare?.(guest);
    const before = new Uint8Array(guest.memory.buffer).slice();
    const what = `row ${i}: ${call}(${args.join(", ")})`;
    assert.equal(guest.call(call, ...args), errno, `${what}: ${guest.errors.join("; ")}`);
    assert.ok(Buffer.from(guest.memory.buffer).equals(before), `${what} wrote to the memory`);
    checkUsable(guest, what);
  });
});

test("a guest without a memory, and one that opens too much", () => {
  const guest = freshGuest();
  let last: number = OK;
  for (let i = 0; i < 1100 && last === OK; ++i) last = guest.call("init_execution_context", GRAPH, AT.out);
  assert.equal(last, TooLarge);
  assert.equal(guest.call("finalize_execution_context", CONTEXT), OK);
  assert.equal(guest.call("init_execution_context", GRAPH, AT.out), OK);
  const blind = new FakeGuest({ demo }, 1, false);
  assert.equal(blind.call("load_by_name", 0, 4, AT.out), MissingMemory);
});

test("20,000 calls with random numbers end in an errno", () => {
  let seed = 1;
  const random = (below: number) => (seed = (seed * 48271) % 0x7fffffff) % below;
  const edges = [0, 1, 2, 4, 8, ...Object.values(AT), PAGE - 4, ...OUTSIDE];
  const calls: [name: string, arity: number][] = [
    ["load", 5], ["load_by_name", 3], ["load_by_name_with_config", 5], ["init_execution_context", 2],
    ["set_input", 3], ["compute", 1], ["get_output", 5], ["fini_single", 1],
  ];
  const errnos = new Set<number>(Object.values(Errno));
  let guest = freshGuest();
  for (let i = 0; i < 20_000; ++i) {
    if (i % 500 === 0) guest = freshGuest();
    const [name, arity] = calls[random(calls.length)]!;
    for (let j = 0; j < 4; ++j) guest.words(AT.builders + 4 * random(60), edges[random(edges.length)]!);
    const errno = guest.call(name, ...Array.from({ length: arity }, () => edges[random(edges.length)]!));
    assert.ok(errnos.has(errno), `${name} returned ${errno}`);
  }
  checkUsable(freshGuest(), "after all of them");
});
