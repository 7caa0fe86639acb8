//===- WholeKernel.h - Kernels that one workgroup runs ----------*- C++ -*-===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef NNCC_TARGETS_WEBGPU_WHOLEKERNEL_H
#define NNCC_TARGETS_WEBGPU_WHOLEKERNEL_H

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "nncc/Kernels/LoopNest.h"

namespace nncc::webgpu {

/// One of the kernels that a kernel calls.
struct WholePart {
  mlir::func::FuncOp callee;
  mlir::func::CallOp call;
  kernels::LoopNest nest;
};

/// Marks the only dimension of open size, whose steps are items, as the nest's
/// row. False where there are several, or where one is reduced.
bool markItem(kernels::LoopNest &nest);

/// The dimension that was marked, if any.
std::optional<unsigned> getItemDim(const kernels::LoopNest &nest);

/// How many steps it has; without one, 1.
mlir::AffineExpr countItems(const kernels::LoopNest &nest);

/// Whether what is done for an item is little enough for one workgroup: less
/// than what a dispatch of its own costs. Each item reads the weights again,
/// and there may be many, so that sums are larger only in the steps of loops.
bool fitsWorkgroup(const kernels::LoopNest &nest, bool isStep);

/// The number of workgroups and the threads of each.
struct WholeShape {
  mlir::AffineExpr items;
  int64_t threads;
};

/// Emits the parts where they are called, one after the other and in loops. A
/// workgroup does an item, marked in all nests, or there is only one. Its
/// threads share the results of each part; between parts they wait for each
/// other, so that a part may read whatever those before have written.
mlir::FailureOr<WholeShape> emitWholeKernel(mlir::OpBuilder &b,
                                            mlir::func::FuncOp func,
                                            llvm::ArrayRef<WholePart> parts);

} // namespace nncc::webgpu

#endif
