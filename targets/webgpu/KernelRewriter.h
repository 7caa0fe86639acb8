//===- KernelRewriter.h - A kernel on whole buffers -------------*- C++ -*-===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef NNCC_TARGETS_WEBGPU_KERNELREWRITER_H
#define NNCC_TARGETS_WEBGPU_KERNELREWRITER_H

#include "targets/webgpu/Roots.h"
#include "llvm/ADT/SetVector.h"

namespace nncc::webgpu {

/// A kernel and what a dispatch of it gives.
struct BoundKernel {
  mlir::func::FuncOp kernel;
  llvm::SmallVector<mlir::Value> operands;
};

/// Rewrites a copy of a kernel for one dispatch: takes the operands of the
/// dispatch one by one, then makes arguments that are whole buffers.
class KernelRewriter {
public:
  /// Owns `kernel`, which is in no module.
  KernelRewriter(mlir::func::FuncOp kernel, llvm::ArrayRef<mlir::Value> symbols)
      : kernel(kernel), symbols(symbols) {}

  /// Argument `number` is `view`, a part of `root`.
  void addBuffer(mlir::OpBuilder &host, unsigned number, const Root &root,
                 mlir::memref::ViewOp view);

  /// Argument `number` is a value of the host program.
  void addScalar(unsigned number, mlir::Value value);

  /// On failure there is a diagnostic.
  mlir::FailureOr<BoundKernel> finish(mlir::OpBuilder &host,
                                      mlir::Location loc);

private:
  /// Where in the buffer an argument starts, in elements.
  struct Part {
    unsigned number, buffer;
    /// Over the symbols, and the host's numbers behind them.
    mlir::AffineExpr offset;
  };

  mlir::AffineExpr getExpr(mlir::Value hostIndex);
  mlir::Value getSymbol(unsigned symbol);
  mlir::Value addExtraSymbol(mlir::Value hostValue);
  mlir::Value getOffset(mlir::OpBuilder &b, const Part &part, int64_t already);
  void insertBuffers();
  void moveViews(const Part &part);
  void moveView(mlir::memref::ReinterpretCastOp view, const Part &part);
  mlir::Value bindWhole(mlir::OpBuilder &host, mlir::Location loc,
                        const Root &root);

  mlir::func::FuncOp kernel;
  llvm::ArrayRef<mlir::Value> symbols;
  llvm::SmallVector<const Root *> buffers;
  llvm::SmallVector<Part> parts;
  /// Arguments of the kernel that are symbols, with the host's values.
  llvm::MapVector<mlir::Value, mlir::Value> scalars;
  unsigned numExtra = 0;
  /// What else offsets depend on, as the step of a loop.
  llvm::SetVector<mlir::Value> hostNumbers;
  bool isSupported = true;
};

} // namespace nncc::webgpu

#endif
