//===- RowKernel.h - Kernels that work row by row ---------------*- C++ -*-===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef NNCC_LIB_KERNELS_ROWKERNEL_H
#define NNCC_LIB_KERNELS_ROWKERNEL_H

#include "nncc/Kernels/LoopNest.h"

namespace nncc::kernels {

/// Generates a kernel that calls others (exec-merge-rows): a loop over its
/// steps, which are rows, some at a time, so that what a part writes is still
/// in the cache when the next one reads it. The parts, not yet generated,
/// become its code. Returns the number of steps.
mlir::FailureOr<mlir::AffineExpr> generateRowKernel(mlir::func::FuncOp kernel);

/// Replaces the linalg body of a kernel by the loops of `nest`, whose ops it
/// holds. Returns the number of steps.
mlir::AffineExpr generateLoops(mlir::func::FuncOp kernel, const LoopNest &nest);

} // namespace nncc::kernels

#endif
