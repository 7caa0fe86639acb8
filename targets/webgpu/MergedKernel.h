//===- MergedKernel.h - Kernels that work row by row ------------*- C++ -*-===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef NNCC_TARGETS_WEBGPU_MERGEDKERNEL_H
#define NNCC_TARGETS_WEBGPU_MERGEDKERNEL_H

#include "targets/webgpu/RowPlan.h"

namespace nncc::webgpu {

/// Emits the parts one after the other for the rows that are this workgroup's.
/// The threads of a row share its elements. Returns the number of workgroups.
mlir::FailureOr<mlir::AffineExpr> emitMergedKernel(mlir::OpBuilder &b,
                                                   mlir::func::FuncOp func,
                                                   const RowPlan &plan,
                                                   bool useSubgroups);

} // namespace nncc::webgpu

#endif
