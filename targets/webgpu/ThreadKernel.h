//===- ThreadKernel.h - Kernels of one element a thread ---------*- C++ -*-===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef NNCC_TARGETS_WEBGPU_THREADKERNEL_H
#define NNCC_TARGETS_WEBGPU_THREADKERNEL_H

#include "nncc/Kernels/LoopNest.h"

namespace nncc::webgpu {

/// Emits `nest` so that each thread computes one element of the result, with
/// its reductions as loops. Works for every nest. Returns the number of
/// workgroups over the symbols; failure after a diagnostic.
mlir::FailureOr<mlir::AffineExpr>
emitThreadKernel(mlir::OpBuilder &b, mlir::func::FuncOp func,
                 const kernels::LoopNest &nest, int64_t workgroupSize);

} // namespace nncc::webgpu

#endif
