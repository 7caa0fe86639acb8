//===- Transfers.h - Buffers that host and GPU both use ---------*- C++ -*-===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef NNCC_TARGETS_WEBGPU_TRANSFERS_H
#define NNCC_TARGETS_WEBGPU_TRANSFERS_H

#include "nncc/Dialect/Exec/Exec.h"
#include "llvm/ADT/DenseMap.h"

namespace nncc::webgpu {

/// A buffer on the GPU and its copy in the host's memory, whose elements are
/// as a CPU stores them. Those that a GPU has no type for (f64) lie there with
/// the same bits; no kernel sees them.
struct SharedBuffer {
  mlir::Value gpu, host;
  mlir::Type element;
  mlir::AffineExpr count;
};

/// Makes copies of buffers for the host, and moves elements between the two.
class Transfers {
public:
  explicit Transfers(mlir::func::FuncOp program);

  /// The copy of a buffer; made where the buffer is made.
  mlir::Value getHostCopy(mlir::Value root, mlir::Type element);

  /// Emits a readback, and so the begin of a segment.
  void readBack(mlir::OpBuilder &b, mlir::Location loc,
                llvm::ArrayRef<SharedBuffer> buffers);
  void upload(mlir::OpBuilder &b, mlir::Location loc,
              const SharedBuffer &buffer);

  /// The number of elements of a buffer.
  mlir::FailureOr<mlir::AffineExpr> getCount(mlir::Value root,
                                             mlir::Type element);

private:
  mlir::Value allocate(mlir::OpBuilder &b, mlir::Location loc,
                       mlir::AffineExpr bytes);
  mlir::Value view(mlir::OpBuilder &b, mlir::Location loc, mlir::Value memory,
                   mlir::Type element, mlir::AffineExpr count);
  void convertWords(mlir::OpBuilder &b, mlir::Location loc, mlir::Value words,
                    const SharedBuffer &buffer);

  mlir::func::FuncOp program;
  llvm::SmallVector<mlir::Value> symbols;
  llvm::DenseMap<mlir::Value, mlir::Value> copies;
};

/// The type that a host has in memory for an element: a boolean is a byte.
mlir::Type getHostType(mlir::Type element);

/// The word that the GPU has for an element of the host, and back.
mlir::Value toWord(mlir::OpBuilder &b, mlir::Location loc, mlir::Value value);
mlir::Value fromWord(mlir::OpBuilder &b, mlir::Location loc, mlir::Value word,
                     mlir::Type element);

} // namespace nncc::webgpu

#endif
