//===- ProbeDots.cpp - What the relaxed dot product is here ---------------===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Part of the module with the kernels that multiply bytes. The second operand
// of the instruction has 7 bits; with 8, engines may take it as signed or not,
// and saturate sums of two products. The kernels need it unsigned and exact.
//
//===----------------------------------------------------------------------===//

#include <wasm_simd128.h>

/// A lane of the dot product of four times `x`, from -128 to 127, and `y`, from
/// 0 to 255: 4 * x * y where the kernels are right.
extern "C" __attribute__((export_name("probe_dot"))) int nncc_probe_dot(int x,
                                                                        int y) {
  const v128_t left = wasm_i8x16_splat(static_cast<signed char>(x));
  const v128_t right = wasm_i8x16_splat(static_cast<signed char>(y));
  return wasm_i32x4_extract_lane(
      wasm_i32x4_relaxed_dot_i8x16_i7x16_add(left, right, wasm_i32x4_splat(0)),
      0);
}
