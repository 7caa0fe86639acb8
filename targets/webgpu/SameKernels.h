//===- SameKernels.h - Kernels that are alike are one -----------*- C++ -*-===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef NNCC_TARGETS_WEBGPU_SAMEKERNELS_H
#define NNCC_TARGETS_WEBGPU_SAMEKERNELS_H

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/BuiltinOps.h"
#include "llvm/ADT/StringMap.h"

namespace nncc::webgpu {

/// Puts kernels into a module, each once.
class SameKernels {
public:
  explicit SameKernels(mlir::ModuleOp module) : module(module) {}

  /// Takes `draft`, which is in no module, and adds it under `name`, or one
  /// like it. Returns the kernel with its text, which then names the nodes of
  /// both.
  mlir::func::FuncOp add(mlir::func::FuncOp draft, llvm::StringRef name);

private:
  mlir::ModuleOp module;
  /// By their text without names.
  llvm::StringMap<mlir::func::FuncOp> kernels;
};

} // namespace nncc::webgpu

#endif
