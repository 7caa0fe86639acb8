//===- LoweringBuilder.h - building the linalg form -------------*- C++ -*-===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef NNCC_DIALECT_NN_LOWERINGBUILDER_H
#define NNCC_DIALECT_NN_LOWERINGBUILDER_H

#include "mlir/IR/AffineExpr.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/IRMapping.h"

namespace nncc::nn {

/// The element type after lowering: integers lose their sign.
mlir::Type getPlainElementType(mlir::Type elementType);

/// A builder inside a function whose first arguments are the program's symbols.
/// It makes plain tensors: no encoding, signless elements.
class LoweringBuilder : public mlir::OpBuilder {
public:
  /// `symbols` are index values that dominate everything that is built;
  /// sizes are computed at the start of `entry`.
  LoweringBuilder(mlir::Block *entry, mlir::ValueRange symbols,
                  int64_t maxScatterTests = 0);

  /// With how many tests the elements of a scatter's result may look for their
  /// updates; otherwise it is a loop.
  int64_t getMaxScatterTests() const { return maxScatterTests; }

  /// A size as a value of type index.
  mlir::Value dim(mlir::AffineExpr size);
  /// A size as an attribute where it is constant.
  mlir::OpFoldResult size(mlir::AffineExpr size);
  llvm::SmallVector<mlir::OpFoldResult>
  sizes(llvm::ArrayRef<mlir::AffineExpr> dims);

  mlir::RankedTensorType getPlainType(llvm::ArrayRef<mlir::AffineExpr> dims,
                                      mlir::Type elementType);
  /// The plain form of an nn tensor type.
  mlir::RankedTensorType getPlainType(mlir::Type type);

  /// A tensor whose elements are not defined.
  mlir::Value empty(mlir::Location loc, llvm::ArrayRef<mlir::AffineExpr> dims,
                    mlir::Type elementType);
  /// A tensor full of `value`.
  mlir::Value fill(mlir::Location loc, llvm::ArrayRef<mlir::AffineExpr> dims,
                   mlir::TypedAttr value);

  /// Lowers the ops of `block` at the insertion point, with `arguments` for the
  /// block's, and returns what its terminator hands on.
  mlir::FailureOr<llvm::SmallVector<mlir::Value>>
  lowerBlock(mlir::Block &block, mlir::ValueRange arguments);

private:
  mlir::LogicalResult lowerOp(mlir::Operation &op);

  mlir::Block *entry;
  llvm::SmallVector<mlir::Value> symbols;
  int64_t maxScatterTests;
  llvm::DenseMap<mlir::AffineExpr, mlir::Value> dims;
  /// What has been lowered so far.
  mlir::IRMapping lowered;
  mlir::Operation *lastDim = nullptr;
};

} // namespace nncc::nn

#endif // NNCC_DIALECT_NN_LOWERINGBUILDER_H
