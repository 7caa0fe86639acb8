//===- KernelInfo.h - What a kernel says of itself --------------*- C++ -*-===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef NNCC_DIALECT_EXEC_KERNELINFO_H
#define NNCC_DIALECT_EXEC_KERNELINFO_H

#include "nncc/Dialect/Exec/Exec.h"

namespace nncc::exec {

/// What a kernel says of itself in the attribute `exec.kernel`, for reports and
/// for what depends on how much it computes. What is not known is null.
struct KernelInfo {
  /// The names of the ONNX nodes that it computes (strings).
  mlir::ArrayAttr nodes;
  /// The shapes of its operands as text (strings).
  mlir::ArrayAttr shapes;
  /// The arithmetic operations of one dispatch and the bytes of its operands:
  /// one result each, over the program's symbols.
  mlir::AffineMap flops, bytes;

  mlir::AffineExpr getFlops() const;
  mlir::AffineExpr getBytes() const;
  /// The operations, if they are the same for all sizes.
  std::optional<int64_t> getConstantFlops() const;
};

/// All null if the function is no kernel.
KernelInfo getKernelInfo(mlir::func::FuncOp kernel);

/// Makes the function a kernel.
void setKernelInfo(mlir::func::FuncOp kernel, const KernelInfo &info);

} // namespace nncc::exec

#endif
