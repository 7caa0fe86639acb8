// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// The register-only limit of 4-lane f32 arithmetic: no load, no store, and
// twelve independent chains of one multiply and one add. Each product is of the
// chain's own accumulator, so that no engine can hoist it or move registers
// about; twelve chains cover the latency of both on CPUs with two of each unit
// (a multiply and an add of 3 or 4 cycles) and, with the factor and a
// temporary, still fit 16 registers. With RELAXED it uses relaxed madd.

#include <wasm_simd128.h>

#ifdef RELAXED
#define MUL_ADD(a, b, c) wasm_f32x4_relaxed_madd(a, b, c)
#else
#define MUL_ADD(a, b, c) wasm_f32x4_add(c, wasm_f32x4_mul(a, b))
#endif

#define REPEAT(X) X(1) X(2) X(3) X(4) X(5) X(6) X(7) X(8) X(9) X(10) X(11) X(12)
#define DECLARE(i) v128_t a##i = wasm_f32x4_splat(i);
#define STEP(i) a##i = MUL_ADD(a##i, factor, a##i);
#define ADD_UP(i) total = wasm_f32x4_add(total, a##i);

// 96 operations an iteration. A factor like 1e-9 leaves the accumulators as
// they are, far from infinities and subnormal numbers.
__attribute__((export_name("peak"))) float peak(int count, float value) {
  const v128_t factor = wasm_f32x4_splat(value);
  REPEAT(DECLARE)
#pragma clang loop unroll(disable)
  for (int i = 0; i < count; ++i) {
    REPEAT(STEP)
  }
  v128_t total = factor;
  REPEAT(ADD_UP)
  return wasm_f32x4_extract_lane(total, 0);
}
