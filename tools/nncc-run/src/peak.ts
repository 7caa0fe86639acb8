// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// The register-only limit of 4-lane f32 arithmetic in this engine, on this
// machine, now: what the speed of kernels is measured against.

const ACCUMULATORS = 8;
const VALUES = 2;
const FLOPS_AN_ITERATION = 8 * ACCUMULATORS;
const ITERATIONS = 1 << 18;
const ROUNDS = 60;

/** In GFLOP/s, the best of some rounds. */
export function measurePeak(): number {
  const instance = new WebAssembly.Instance(new WebAssembly.Module(peakModule()));
  const peak = instance.exports["peak"] as (count: number) => number;
  let best = Infinity;
  for (let round = 0; round < ROUNDS; ++round) {
    const start = performance.now();
    peak(ITERATIONS);
    best = Math.min(best, performance.now() - start);
  }
  return (FLOPS_AN_ITERATION * ITERATIONS) / best / 1e6;
}

/**
 * peak(count): `count` times, each accumulator takes one of two factors times a
 * value that four share. The factors change places, so that no engine hoists products.
 */
function peakModule(): Uint8Array<ArrayBuffer> {
  const section = (id: number, payload: number[]): number[] => [id, ...leb128(payload.length), ...payload];
  const get = (local: number): number[] => [0x20, local];
  const set = (local: number): number[] => [0x21, local];
  // Locals: the counter, two factors and a place to swap them, accumulators,
  // values: less than 16 registers, or engines spill.
  const [count, first, second, spare, sums] = [0, 1, 2, 3, 4];
  const values = sums + ACCUMULATORS;
  const splat = (local: number, value: number): number[] => [
    0x43, ...new Uint8Array(new Float32Array([value]).buffer), 0xfd, 0x13, ...set(local),
  ];
  const body = [1, 3 + ACCUMULATORS + VALUES, 0x7b, ...splat(first, 0.5), ...splat(second, -0.5)];
  for (let i = 0; i < VALUES; ++i) body.push(...splat(values + i, i));
  body.push(0x03, 0x40);
  for (let i = 0; i < ACCUMULATORS; ++i) {
    const factor = i % 2 ? second : first;
    body.push(...get(sums + i), ...get(factor), ...get(values + (i >> 2)), 0xfd, 0xe6, 0x01, 0xfd, 0xe4, 0x01, ...set(sums + i));
  }
  body.push(...get(first), ...set(spare), ...get(second), ...set(first), ...get(spare), ...set(second));
  body.push(...get(count), 0x41, 1, 0x6b, 0x22, count, 0x0d, 0, 0x0b, ...get(sums));
  for (let i = 1; i < ACCUMULATORS; ++i) body.push(...get(sums + i), 0xfd, 0xe4, 0x01);
  body.push(0xfd, 0x1f, 0, 0x0b);
  return new Uint8Array([
    0, 0x61, 0x73, 0x6d, 1, 0, 0, 0,
    ...section(1, [1, 0x60, 1, 0x7f, 1, 0x7d]),
    ...section(3, [1, 0]),
    ...section(7, [1, 4, 0x70, 0x65, 0x61, 0x6b, 0, 0]),
    ...section(10, [1, ...leb128(body.length), ...body]),
  ]);
}

function leb128(value: number): number[] {
  return value < 128 ? [value] : [(value & 127) | 128, ...leb128(value >> 7)];
}
