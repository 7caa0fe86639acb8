//===- ScatterSearch.h - Scatters that look for updates ---------*- C++ -*-===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef NNCC_LIB_DIALECT_NN_SCATTERSEARCH_H
#define NNCC_LIB_DIALECT_NN_SCATTERSEARCH_H

#include "nncc/Dialect/NN/LoweringBuilder.h"
#include "nncc/Dialect/NN/NN.h"

namespace nncc::nn {

/// A scatter along one axis as each element of the result sees it: it tests all
/// `count` updates of its line for the one that is meant for it. For targets
/// that compute elements side by side.
struct ScatterSearch {
  mlir::Type element; ///< as nn has it
  ScatterReduction reduction;
  /// Of the data; those of indices and updates differ along the axis alone.
  llvm::SmallVector<mlir::AffineExpr> dims;
  unsigned numIndexed; ///< Leading dimensions, which the indices have.
  unsigned axis;
  mlir::AffineExpr count;

  /// Whether it is no more work than the builder allows.
  bool isAllowed(const LoweringBuilder &b) const;

  /// The last update of an element counts, or all join it.
  mlir::Value build(LoweringBuilder &b, mlir::Location loc, mlir::Value data,
                    mlir::Value indices, mlir::Value updates) const;

private:
  mlir::Value buildLast(LoweringBuilder &b, mlir::Location loc,
                        mlir::Value data, mlir::Value indices,
                        mlir::Value updates) const;
  /// Reduces over the updates, behind the loops of the first `rank` dimensions.
  /// `body` gets whether an update is meant for the element, the update, if
  /// there are any, and what came out so far.
  mlir::Value
  reduce(LoweringBuilder &b, mlir::Location loc, unsigned rank,
         mlir::Value indices, mlir::Value updates, mlir::TypedAttr neutral,
         llvm::function_ref<mlir::Value(mlir::OpBuilder &, mlir::Value,
                                        mlir::ValueRange)>
             body) const;
};

/// How an update joins an element; null where it replaces it.
using Combine = mlir::Value (*)(mlir::OpBuilder &, mlir::Location, mlir::Type,
                                mlir::ValueRange);
Combine getCombine(ScatterReduction reduction);

} // namespace nncc::nn

#endif // NNCC_LIB_DIALECT_NN_SCATTERSEARCH_H
