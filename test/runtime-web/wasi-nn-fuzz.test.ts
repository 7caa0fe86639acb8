// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Random calls of a guest whose memory is random too. Whatever it does, each call
// answers an errno of the specification, a call that fails leaves the memory as it
// was, and an honest guest of the same models is served afterwards.
//
// NNCC_FUZZ_ROUNDS sets how many guests there are, NNCC_FUZZ_SEED the first seed; a
// failure names the seed of its guest.

import assert from "node:assert/strict";
import { test } from "node:test";
import { loadModel } from "nncc";
import { Errno } from "nncc/wasi-nn";
import { AT, FakeGuest, OK, PAGE, floatBytes } from "./fake-guest.ts";
import { makeModule } from "./fixture.ts";

const ROUNDS = Number(process.env["NNCC_FUZZ_ROUNDS"] ?? 60);
const SEED = Number(process.env["NNCC_FUZZ_SEED"] ?? 1);
const CALLS_A_GUEST = 200;

/** Call names and how many parameters each has. */
const CALLS: readonly (readonly [name: string, parameters: number])[] = [
  ["load", 5], ["load_by_name", 3], ["load_by_name_with_config", 5], ["unload", 1],
  ["init_execution_context", 2], ["finalize_execution_context", 1], ["set_input", 3],
  ["compute", 1], ["compute_single", 1], ["fini_single", 1], ["get_output", 5], ["get_output_single", 5],
];
const LEGACY: readonly (readonly [name: string, parameters: number])[] = [
  ["load", 4], ["load_by_name", 3], ["init_execution_context", 2], ["set_input", 3], ["compute", 1], ["get_output", 4],
];

// Half of all numbers are such as mean something to some call.
const TELLING = [
  ...Object.values(AT), 0, 1, 2, 3, 4, 5, 6, 7, 8, 16, 64, 65, 1023, 1024, PAGE - 20, PAGE - 4, PAGE - 1, PAGE,
  0x7fffffff, 0x80000000, 0xfffffffc, 0xffffffff,
];

/** Numbers below 2^32 by the generator "mulberry32". */
function generator(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return (t ^ (t >>> 14)) >>> 0;
  };
}

function pick<T>(next: () => number, items: readonly T[]): T {
  return items[next() % items.length]!;
}

const number = (next: () => number): number => (next() % 2 === 0 ? pick(next, TELLING) : next());

/** Puts something into the guest's memory that calls may read. */
function scribble(guest: FakeGuest, next: () => number): void {
  const at = pick(next, [...Object.values(AT), next() % (PAGE - 8)]);
  guest.words(at & ~3, number(next), number(next));
  if (next() % 3 === 0) guest.text(AT.name, "demo");
  if (next() % 3 === 0) guest.tensor([1, 2], next() % 6, floatBytes(1, 2), pick(next, [8, 8, 4, number(next)]));
}

function callOnce(guest: FakeGuest, next: () => number): void {
  const isLegacy = next() % 5 === 0;
  const [name, parameters] = pick(next, isLegacy ? LEGACY : CALLS);
  const args = Array.from({ length: parameters }, () => number(next));
  const before = guest.memory.buffer.slice(0);
  const errno = isLegacy ? guest.legacy(name, ...args) : guest.call(name, ...args);
  const call = `${name}(${args.join(", ")})`;
  assert.ok((Object.values(Errno) as number[]).includes(errno), `${call} answers ${errno}`);
  if (errno !== OK) assert.deepEqual(new Uint8Array(guest.memory.buffer), new Uint8Array(before), call);
}

const demo = await loadModel(makeModule());

function runHonestGuest(): void {
  const guest = new FakeGuest({ demo });
  const context = guest.open();
  assert.equal(guest.call("set_input", context, 0, guest.tensor([1, 2], 1, floatBytes(1, 2))), OK);
  assert.equal(guest.call("compute", context), OK);
  assert.equal(guest.call("get_output", context, 0, AT.data, 8, AT.out), OK);
  assert.deepEqual(guest.floats(AT.data, 2), [12, 24]);
}

test(`${ROUNDS} guests that do anything`, () => {
  for (let seed = SEED; seed < SEED + ROUNDS; ++seed) {
    const next = generator(seed);
    const guest = new FakeGuest({ demo });
    guest.open();
    try {
      for (let i = 0; i < CALLS_A_GUEST; ++i) {
        scribble(guest, next);
        callOnce(guest, next);
      }
      runHonestGuest();
    } catch (error) {
      throw new Error(`NNCC_FUZZ_SEED=${seed}`, { cause: error });
    }
  }
});
