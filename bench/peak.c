// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// The register-only limit of 4-lane f32 arithmetic: no load and no store, a
// tile of two by five accumulators as in a matrix product, the multiply off the
// accumulators' chain. With RELAXED it uses relaxed madd.

#include <wasm_simd128.h>

#ifdef RELAXED
#define MUL_ADD(a, b, c) wasm_f32x4_relaxed_madd(b, c, a)
#else
#define MUL_ADD(a, b, c) wasm_f32x4_add(a, wasm_f32x4_mul(b, c))
#endif

#define REPEAT(X) X(0) X(1) X(2) X(3) X(4)
#define DECLARE(i)                                                             \
  v128_t a##i = wasm_f32x4_splat(seed), d##i = a##i,                           \
         c##i = wasm_f32x4_splat(seed * i);
#define STEP(i)                                                                \
  a##i = MUL_ADD(a##i, b, c##i);                                               \
  d##i = MUL_ADD(d##i, e, c##i);
#define ADD_UP(i) total = wasm_f32x4_add(total, wasm_f32x4_add(a##i, d##i));

// 80 operations an iteration.
__attribute__((export_name("peak"))) float peak(int count, float seed) {
  REPEAT(DECLARE)
  v128_t b = wasm_f32x4_splat(seed), e = wasm_f32x4_splat(-seed);
#pragma clang loop unroll(disable)
  for (int i = 0; i < count; ++i) {
    REPEAT(STEP)
    // The factors change places, so that no engine hoists the products.
    v128_t swap = b;
    b = e;
    e = swap;
  }
  v128_t total = wasm_f32x4_splat(0);
  REPEAT(ADD_UP)
  return wasm_f32x4_extract_lane(total, 0) + wasm_f32x4_extract_lane(total, 3);
}
