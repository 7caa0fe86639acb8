//===- Elementwise.h - what elementwise ops share ---------------*- C++ -*-===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef NNCC_LIB_DIALECT_NN_ELEMENTWISE_H
#define NNCC_LIB_DIALECT_NN_ELEMENTWISE_H

#include "nncc/Dialect/NN/NN.h"

namespace nncc::nn {

/// The element types that an op takes: Number is Float or an integer but i1.
enum class ElementKind { Any, Float, Number, Integer, Bool };

/// The element type of the result: the operands', i1, that of the first
/// operand, whatever the second's; or select's, whose first operand is of i1.
enum class ElementwiseResult { Operand, Bool, Lhs, Select };

mlir::LogicalResult inferElementwise(std::optional<mlir::Location> loc,
                                     llvm::StringRef name,
                                     mlir::ValueRange operands,
                                     ElementKind kind, ElementwiseResult result,
                                     mlir::SmallVectorImpl<mlir::Type> &types);

/// One linalg.generic over the result's elements.
mlir::FailureOr<mlir::SmallVector<mlir::Value>>
lowerElementwise(ElementwiseOpInterface op, LoweringBuilder &b,
                 mlir::ValueRange operands);

/// The value of the op on small or splat constants.
mlir::OpFoldResult foldElementwise(ElementwiseOpInterface op,
                                   llvm::ArrayRef<mlir::Attribute> operands);

/// The number, among the elements of the shape `from`, of the one that element
/// `number` of the shape that it is broadcast to reads.
int64_t getBroadcastElement(int64_t number, llvm::ArrayRef<int64_t> shape,
                            llvm::ArrayRef<int64_t> from);

/// The operand that an op with a neutral element `value` on the right, with
/// `either` also on the left, leaves as it is.
mlir::Value foldNeutral(mlir::Operation *op, int64_t value, bool either);

/// The one number that a constant tensor holds.
std::optional<double> getKnownNumber(mlir::Value value);

using SymbolicFunction = mlir::AffineExpr (*)(mlir::AffineExpr,
                                              mlir::AffineExpr);

/// The symbolic elements of a binary op, null elements making none.
SymbolicElements inferBinaryElements(mlir::Operation *op,
                                     llvm::ArrayRef<SymbolicElements> operands,
                                     SymbolicFunction function);

mlir::AffineExpr symbolicAdd(mlir::AffineExpr lhs, mlir::AffineExpr rhs);
mlir::AffineExpr symbolicSub(mlir::AffineExpr lhs, mlir::AffineExpr rhs);
mlir::AffineExpr symbolicMul(mlir::AffineExpr lhs, mlir::AffineExpr rhs);
mlir::AffineExpr symbolicDiv(mlir::AffineExpr lhs, mlir::AffineExpr rhs);
mlir::AffineExpr symbolicMod(mlir::AffineExpr lhs, mlir::AffineExpr rhs);
mlir::AffineExpr symbolicMin(mlir::AffineExpr lhs, mlir::AffineExpr rhs);
mlir::AffineExpr symbolicMax(mlir::AffineExpr lhs, mlir::AffineExpr rhs);
mlir::AffineExpr symbolicAnd(mlir::AffineExpr lhs, mlir::AffineExpr rhs);
mlir::AffineExpr symbolicOr(mlir::AffineExpr lhs, mlir::AffineExpr rhs);
mlir::AffineExpr symbolicEqual(mlir::AffineExpr lhs, mlir::AffineExpr rhs);
mlir::AffineExpr symbolicLess(mlir::AffineExpr lhs, mlir::AffineExpr rhs);
mlir::AffineExpr symbolicLessEqual(mlir::AffineExpr lhs, mlir::AffineExpr rhs);
mlir::AffineExpr symbolicGreater(mlir::AffineExpr lhs, mlir::AffineExpr rhs);
mlir::AffineExpr symbolicGreaterEqual(mlir::AffineExpr lhs,
                                      mlir::AffineExpr rhs);

} // namespace nncc::nn

#endif // NNCC_LIB_DIALECT_NN_ELEMENTWISE_H
