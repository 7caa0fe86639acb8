//===- ElementaryFunctions.h - Functions of f32 as arithmetic ---*- C++ -*-===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef NNCC_TARGETS_WASM_ELEMENTARYFUNCTIONS_H
#define NNCC_TARGETS_WASM_ELEMENTARYFUNCTIONS_H

#include "targets/wasm/MathBuilder.h"

namespace nncc::wasm {

/// Each takes a scalar or vector of f32 and returns the same type; valid for
/// every argument, with the usual results for zeros, infinities and NaN. The
/// errors are the largest seen with fused or separate multiply-adds.
mlir::Value expandExp(MathBuilder &b, mlir::Value x);   // 1.0 ulp
mlir::Value expandExp2(MathBuilder &b, mlir::Value x);  // 1.0 ulp
mlir::Value expandExpM1(MathBuilder &b, mlir::Value x); // 3 ulp
mlir::Value expandLog(MathBuilder &b, mlir::Value x);   // 0.8 ulp
mlir::Value expandLog1p(MathBuilder &b, mlir::Value x); // 2 ulp
mlir::Value expandTanh(MathBuilder &b, mlir::Value x);  // 5.6 ulp
mlir::Value expandErf(MathBuilder &b, mlir::Value x);   // 7.4 ulp
mlir::Value expandRsqrt(MathBuilder &b, mlir::Value x); // 1.5 ulp
mlir::Value expandRound(MathBuilder &b, mlir::Value x); // exact, half away

/// e^x, or e^-x if `opposite`, for 1 / (1 + e^x) alone: that is right to 2.4
/// ulp where it is a normal number, and 1.2e-38 where it would be less.
mlir::Value expandExpInSigmoid(MathBuilder &b, mlir::Value x, bool opposite);

/// e^x for x up to 88, 1.0 ulp; 0 where the exact result is denormal.
mlir::Value expandExpOfNegative(MathBuilder &b, mlir::Value x);

/// sin(x + quarterTurns * pi / 2) for |x| <= 1e8, 0.6 ulp.
mlir::Value expandCircle(MathBuilder &b, mlir::Value x, int quarterTurns);

} // namespace nncc::wasm

#endif
