//===- TensorParts.h - Tensors and loops in parts ---------------*- C++ -*-===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef NNCC_LINALG_TENSORPARTS_H
#define NNCC_LINALG_TENSORPARTS_H

#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

namespace nncc {

/// A part of a dimension or loop.
struct Range {
  int64_t begin, size;
};

/// Ranges of `step` that cover `size`; the last may be smaller.
llvm::SmallVector<Range> divide(int64_t size, int64_t step);

/// A range of a tensor's dimension `dim`.
mlir::Value extractPart(mlir::OpBuilder &b, mlir::Location loc,
                        mlir::Value whole, unsigned dim, Range range);

/// `whole` with `part` from `begin` on along dimension `dim`.
mlir::Value insertPart(mlir::OpBuilder &b, mlir::Location loc, mlir::Value part,
                       mlir::Value whole, unsigned dim, int64_t begin);

/// What an op writes without reading it; null for other tensors.
mlir::tensor::EmptyOp getFresh(mlir::Value init);

/// A fresh tensor of `count` along dimension `dim`, filled as the fresh `init`
/// is.
mlir::Value makeFreshPart(mlir::OpBuilder &b, mlir::Value init, unsigned dim,
                          int64_t count);

/// Lets the body of an op that is a part, which begins at `begin`, see the
/// steps of the whole.
void moveIndices(mlir::linalg::GenericOp part, unsigned loop, int64_t begin);

} // namespace nncc

#endif
