//===- OpenLoops.h - Loops that segments go through ----------- -*- C++ -*-===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef NNCC_TARGETS_WEBGPU_OPENLOOPS_H
#define NNCC_TARGETS_WEBGPU_OPENLOOPS_H

#include "mlir/Dialect/Func/IR/FuncOps.h"

namespace nncc::webgpu {

/// Makes a loop (scf.for or scf.while) of the program one whose steps may be in
/// different segments: an scf.while that carries its values in the host's
/// memory, in slots. It is marked, and stands where the other was.
void openLoop(mlir::func::FuncOp program, mlir::Operation *loop);

/// Does the same with a branch (scf.if) without results: each side becomes a
/// loop of one step or none.
void openBranch(mlir::func::FuncOp program, mlir::Operation *branch);

/// Whether openLoop or openBranch has made the op.
bool isOpenLoop(mlir::Operation *op);

/// Calls `visit` for the blocks that segments are in: that of the function and
/// those of open loops, outer ones first.
void forEachOpenBlock(mlir::func::FuncOp program,
                      llvm::function_ref<void(mlir::Block &)> visit);

} // namespace nncc::webgpu

#endif
