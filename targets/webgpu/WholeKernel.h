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

/// The kernels that one calls, or else the kernel itself.
llvm::SmallVector<mlir::func::FuncOp> getParts(mlir::func::FuncOp kernel);

/// Whether all that a kernel without parts does is little enough for one
/// workgroup: less than what a dispatch of its own costs. Open sizes are not.
bool isSmall(mlir::func::FuncOp part);

/// Emits the parts where they are called, one after the other and in loops. The
/// threads of the only workgroup share the results of each; between parts they
/// wait for each other, so that a part may read whatever those before have
/// written. Returns the number of threads.
mlir::FailureOr<int64_t> emitWholeKernel(mlir::OpBuilder &b,
                                         mlir::func::FuncOp func,
                                         llvm::ArrayRef<WholePart> parts);

} // namespace nncc::webgpu

#endif
