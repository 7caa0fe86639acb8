//===- ProbeSums.cpp - Which form of sums is faster here ------------------===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Part of the module with the variants of kernels. A loader times both loops:
// where they are alike (CPUs that add and multiply in units of their own), the
// variants gain nothing. Twelve independent chains cover the latencies and fit
// into 16 registers; each product is of its chain's sum, so that no engine
// takes it out of the loop.
//
//===----------------------------------------------------------------------===//

#include <wasm_simd128.h>

#define NNCC_EXPORT(NAME) extern "C" __attribute__((export_name(NAME)))

static v128_t addProduct(v128_t x, v128_t y) {
  return wasm_f32x4_add(x, wasm_f32x4_mul(x, y));
}

static v128_t addProductRelaxed(v128_t x, v128_t y) {
  return wasm_f32x4_relaxed_madd(x, y, x);
}

template <v128_t (*step)(v128_t, v128_t)>
static float run(int count, float value) {
  const v128_t factor = wasm_f32x4_splat(value);
  v128_t sums[12];
  for (int i = 0; i < 12; ++i)
    sums[i] = wasm_f32x4_splat(static_cast<float>(i));
#pragma clang loop unroll(disable)
  for (; count > 0; --count)
#pragma clang loop unroll(full)
    for (v128_t &sum : sums)
      sum = step(sum, factor);
  v128_t total = factor;
  for (v128_t sum : sums)
    total = wasm_f32x4_add(total, sum);
  return wasm_f32x4_extract_lane(total, 0);
}

/// Each does `count` times 48 multiplications and additions. With a `factor`
/// like 1e-9 the sums stay far from infinities and denormals.
NNCC_EXPORT("probe_plain") float nncc_probe_plain(int count, float factor) {
  return run<addProduct>(count, factor);
}

NNCC_EXPORT("probe_relaxed") float nncc_probe_relaxed(int count, float factor) {
  return run<addProductRelaxed>(count, factor);
}
