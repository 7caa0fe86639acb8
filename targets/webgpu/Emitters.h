//===- Emitters.h - Kernels as code for a workgroup -------------*- C++ -*-===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef NNCC_TARGETS_WEBGPU_EMITTERS_H
#define NNCC_TARGETS_WEBGPU_EMITTERS_H

#include "targets/webgpu/Schedule.h"

namespace nncc::webgpu {

// One emitter for each kind of schedule. All emit code for one thread and
// return the number of workgroups over the symbols; failure after a diagnostic.

/// Each thread computes a tile, its reductions as loops.
mlir::FailureOr<mlir::AffineExpr>
emitThreadKernel(mlir::OpBuilder &b, mlir::func::FuncOp func,
                 const kernels::LoopNest &nest, const Schedule &schedule);

/// Each workgroup computes a tile, its threads sharing the reduction.
mlir::FailureOr<mlir::AffineExpr> emitRowKernel(mlir::OpBuilder &b,
                                                mlir::func::FuncOp func,
                                                const kernels::LoopNest &nest,
                                                const Schedule &schedule);

/// Each workgroup computes a block of a product of matrices.
mlir::FailureOr<mlir::AffineExpr> emitBlockKernel(mlir::OpBuilder &b,
                                                  mlir::func::FuncOp func,
                                                  const kernels::LoopNest &nest,
                                                  const Schedule &schedule);

} // namespace nncc::webgpu

#endif
