//===- Math.h - Elementary functions of f64 ---------------------*- C++ -*-===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What generated code calls for the functions that it does not compute in
// place. The same source is compiled for wasm32 and for the build machine: the
// compiler evaluates constants with it. Errors are a few ulp of f64 (pow:
// 1e-13 relative), so that results rounded to f32 are nearly always correctly
// rounded. Zeros, infinities and NaN follow C's Annex F.
//
//===----------------------------------------------------------------------===//

#ifndef NNCC_RUNTIME_CORE_MATH_H
#define NNCC_RUNTIME_CORE_MATH_H

// clang-format never settles on this one.
// clang-format off
#define NNCC_MATH_UNARY_FUNCTIONS(F)                                           \
  F(exp)                                                                       \
  F(exp2)                                                                      \
  F(expm1)                                                                     \
  F(log)                                                                       \
  F(log2)                                                                      \
  F(log10)                                                                     \
  F(log1p) F(sin) F(cos) F(tan) F(asin) F(acos) F(atan) F(sinh) F(cosh)        \
      F(tanh) F(asinh) F(acosh) F(atanh) F(erf) F(cbrt)
// clang-format on
#define NNCC_MATH_BINARY_FUNCTIONS(F) F(atan2) F(pow)
#define NNCC_MATH_FUNCTIONS(F)                                                 \
  NNCC_MATH_UNARY_FUNCTIONS(F) NNCC_MATH_BINARY_FUNCTIONS(F)

extern "C" {
#define NNCC_DECLARE_UNARY(NAME) double nncc_math_##NAME(double);
#define NNCC_DECLARE_BINARY(NAME) double nncc_math_##NAME(double, double);
NNCC_MATH_UNARY_FUNCTIONS(NNCC_DECLARE_UNARY)
NNCC_MATH_BINARY_FUNCTIONS(NNCC_DECLARE_BINARY)
#undef NNCC_DECLARE_UNARY
#undef NNCC_DECLARE_BINARY
}

#endif
