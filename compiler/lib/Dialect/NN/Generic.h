//===- Generic.h - building linalg.generic ops ------------------*- C++ -*-===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef NNCC_LIB_DIALECT_NN_GENERIC_H
#define NNCC_LIB_DIALECT_NN_GENERIC_H

#include "mlir/Dialect/Utils/ReshapeOpsUtils.h"
#include "nncc/Dialect/NN/LoweringBuilder.h"
#include "nncc/Dialect/NN/Symbols.h"

namespace nncc::nn {

/// An input and where it is read: one expression over the loops a dimension.
struct Access {
  mlir::Value value;
  llvm::SmallVector<mlir::AffineExpr> index;
};

using ScalarBody = llvm::function_ref<mlir::Value(
    mlir::OpBuilder &b, mlir::Location loc, mlir::ValueRange args)>;

/// A tensor of sizes `dims`, whose elements `body` computes from those of the
/// inputs.
mlir::Value buildParallel(LoweringBuilder &b, mlir::Location loc,
                          llvm::ArrayRef<mlir::AffineExpr> dims,
                          mlir::Type elementType, llvm::ArrayRef<Access> inputs,
                          ScalarBody body);

/// Continues `init` over loops of which the first are its `outputRank`
/// dimensions and the others are reductions; `body` gets the inputs' elements,
/// then the accumulator.
mlir::Value buildGeneric(LoweringBuilder &b, mlir::Location loc,
                         llvm::ArrayRef<Access> inputs, mlir::Value init,
                         unsigned outputRank, unsigned reductions,
                         ScalarBody body);

/// Reduces `input`, of sizes `dims`, along `axes`. The result does not have
/// these dimensions; `body` gets the inputs' elements, then the accumulator,
/// which starts as `neutral`. Loop i runs over the i-th kept dimension, loops
/// after those over the axes.
mlir::Value buildReduction(LoweringBuilder &b, mlir::Location loc,
                           mlir::Value input,
                           llvm::ArrayRef<mlir::AffineExpr> dims,
                           llvm::ArrayRef<int64_t> axes,
                           mlir::TypedAttr neutral, ScalarBody body,
                           mlir::Value kept = {});

/// The sizes without `axes`.
llvm::SmallVector<mlir::AffineExpr>
dropAxes(llvm::ArrayRef<mlir::AffineExpr> dims, llvm::ArrayRef<int64_t> axes);

/// The first `count` loops.
llvm::SmallVector<mlir::AffineExpr> getLoops(mlir::MLIRContext *context,
                                             unsigned count);

/// `value` with each run of dimensions merged into one, as `type`, which may
/// know sizes that the runs leave open.
mlir::Value buildCollapsed(LoweringBuilder &b, mlir::Location loc,
                           mlir::Value value, mlir::RankedTensorType type,
                           llvm::ArrayRef<mlir::ReassociationIndices> groups);

/// The elements of a tensor of sizes `from`, in row-major order, with the sizes
/// `to`: expand_shape and collapse_shape ops.
mlir::Value buildReshaped(LoweringBuilder &b, mlir::Location loc,
                          mlir::Value value,
                          llvm::ArrayRef<mlir::AffineExpr> from,
                          llvm::ArrayRef<mlir::AffineExpr> to);

} // namespace nncc::nn

#endif // NNCC_LIB_DIALECT_NN_GENERIC_H
