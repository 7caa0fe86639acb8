//===- Symbols.h - symbolic sizes -------------------------------*- C++ -*-===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A dimension of an nn tensor is an affine expression over the program's
// symbols, kept in the encoding of the tensor's type. Symbols are sizes: they
// are at least 0. Expressions are polynomials in a normal form, so that equal
// sizes compare equal.
//
//===----------------------------------------------------------------------===//

#ifndef NNCC_DIALECT_NN_SYMBOLS_H
#define NNCC_DIALECT_NN_SYMBOLS_H

#include "mlir/IR/AffineExpr.h"
#include "mlir/IR/AffineMap.h"
#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Value.h"
#include <optional>

namespace nncc::nn {

/// The elements of a small integer tensor; none where they are not known.
using SymbolicElements = std::optional<llvm::SmallVector<mlir::AffineExpr>>;

/// The most elements that a tensor may have for its elements to be followed.
constexpr int64_t maxSymbolicElements = 64;

/// The normal form of an expression over symbols.
mlir::AffineExpr simplify(mlir::AffineExpr expr);

/// The value of a constant expression.
std::optional<int64_t> getConstantValue(mlir::AffineExpr expr);

/// Whether a size is the constant 1.
bool isOne(mlir::AffineExpr expr);

/// lhs - rhs where that is a constant.
std::optional<int64_t> getDifference(mlir::AffineExpr lhs,
                                     mlir::AffineExpr rhs);

/// The product of sizes.
mlir::AffineExpr getProduct(llvm::ArrayRef<mlir::AffineExpr> dims,
                            mlir::MLIRContext *context);

/// The expression e with `divisor * e = dividend`, if there is one.
std::optional<mlir::AffineExpr> divideExactly(mlir::AffineExpr dividend,
                                              mlir::AffineExpr divisor);

/// A value that `expr` is never less than, if one is known, where no symbol is
/// less than `least` (0 or 1).
std::optional<int64_t> getLowerBound(mlir::AffineExpr expr, int64_t least = 0);

/// The sizes of a ranked tensor type. A dynamic dimension without an encoding
/// (only in plain types) gives a null expression.
llvm::SmallVector<mlir::AffineExpr> getDims(mlir::Type type);

/// The tensor type with these sizes: the encoding is there if one is symbolic.
mlir::RankedTensorType makeTensorType(llvm::ArrayRef<mlir::AffineExpr> dims,
                                      mlir::Type elementType);

/// `type` with other elements.
mlir::RankedTensorType withElementType(mlir::Type type, mlir::Type elementType);

/// The map ()[s0, ...] -> (exprs...), with no more symbols than it uses.
mlir::AffineMap makeSymbolMap(llvm::ArrayRef<mlir::AffineExpr> exprs,
                              mlir::MLIRContext *context);

/// The sizes after numpy broadcasting; none where they do not fit. Two
/// different symbolic sizes are taken as equal, a static size wins over a
/// symbolic one.
std::optional<llvm::SmallVector<mlir::AffineExpr>>
broadcastDims(llvm::ArrayRef<mlir::AffineExpr> lhs,
              llvm::ArrayRef<mlir::AffineExpr> rhs);

/// The sizes that a reshape to `target` gives, where one entry may be the
/// constant -1. None where the number of elements does not divide.
std::optional<llvm::SmallVector<mlir::AffineExpr>>
resolveReshape(llvm::ArrayRef<mlir::AffineExpr> input,
               llvm::ArrayRef<mlir::AffineExpr> target,
               mlir::MLIRContext *context);

/// The elements, in row-major order, of an integer or i1 tensor of rank 0 or
/// more with at most maxSymbolicElements elements, as far as its producers tell
/// (SymbolicValueOpInterface, and constant folding).
SymbolicElements symbolicElements(mlir::Value value);

/// The elements of a tensor with at most maxSymbolicElements elements (or of a
/// splat) if its producers compute them from constants and from sizes that turn
/// out to be constant; null otherwise.
mlir::DenseElementsAttr constantElements(mlir::Value value);

} // namespace nncc::nn

#endif // NNCC_DIALECT_NN_SYMBOLS_H
