//===- SpatialUtils.h - building windowed linalg ops ------------*- C++ -*-===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What the lowerings of convolutions, pooling, matrix products and recurrent
// ops have in common. Sizes are affine expressions over the program's symbols.
//
//===----------------------------------------------------------------------===//

#ifndef NNCC_LIB_DIALECT_NN_SPATIALUTILS_H
#define NNCC_LIB_DIALECT_NN_SPATIALUTILS_H

#include "mlir/Dialect/Utils/ReshapeOpsUtils.h"
#include "mlir/IR/TypeUtilities.h"
#include "nncc/Dialect/NN/LoweringBuilder.h"
#include "nncc/Dialect/NN/Spatial.h"
#include "nncc/Dialect/NN/Symbols.h"

namespace nncc::nn {

llvm::SmallVector<Window> makeWindows(llvm::ArrayRef<int64_t> kernel,
                                      llvm::ArrayRef<int64_t> strides,
                                      llvm::ArrayRef<int64_t> dilations,
                                      llvm::ArrayRef<int64_t> low,
                                      llvm::ArrayRef<int64_t> high);

/// The dims [begin, begin + count) of a map.
llvm::SmallVector<mlir::AffineExpr> getMapDims(mlir::MLIRContext *context,
                                               unsigned begin, unsigned count);

/// The input index of window position `position` at kernel element `offset`.
mlir::AffineExpr getWindowIndex(const Window &window, mlir::AffineExpr position,
                                mlir::AffineExpr offset);

/// Pads each dimension by constants. Returns `input` where there is none.
mlir::Value buildPad(LoweringBuilder &b, mlir::Location loc, mlir::Value input,
                     llvm::ArrayRef<int64_t> low, llvm::ArrayRef<int64_t> high,
                     mlir::TypedAttr value);

/// An operand of an elementwise op and the index that element (d0, d1, ...) of
/// the result reads.
struct Operand {
  mlir::Value value;
  llvm::SmallVector<mlir::AffineExpr> index;
};

using ScalarBody = llvm::function_ref<mlir::Value(
    mlir::OpBuilder &, mlir::Location, mlir::ValueRange)>;

/// A tensor of the sizes `dims` whose elements `body` computes from those of
/// the operands.
mlir::Value buildElementwise(LoweringBuilder &b, mlir::Location loc,
                             llvm::ArrayRef<Operand> operands,
                             llvm::ArrayRef<mlir::AffineExpr> dims,
                             mlir::Type elementType, ScalarBody body);

/// A tensor of the sizes `dims` whose element at (d0, d1, ...) is the input's
/// at `index`.
mlir::Value buildCopy(LoweringBuilder &b, mlir::Location loc, mlir::Value input,
                      llvm::ArrayRef<mlir::AffineExpr> index,
                      llvm::ArrayRef<mlir::AffineExpr> dims);

/// The type that products of `element` are summed up in: i32 for i16.
mlir::Type getSumType(mlir::Type element);

/// sum(lhs * rhs) over the loops from `dims.size()` on; the loops before are
/// the result's dimensions, of the sizes `dims`. With `bytes` the numbers of
/// `lhs`, integers, are 0 to 255.
mlir::Value
buildContraction(LoweringBuilder &b, mlir::Location loc, mlir::Value lhs,
                 llvm::ArrayRef<mlir::AffineExpr> lhsIndex, mlir::Value rhs,
                 llvm::ArrayRef<mlir::AffineExpr> rhsIndex,
                 llvm::ArrayRef<mlir::AffineExpr> dims, unsigned reductions,
                 bool bytes = false, mlir::AffineExpr depthSize = {});

/// The same for operands of i16, two products at a time: `lhs` is read in pairs
/// along its last dimension, `rhs` becomes a tensor of pairs. Null where the
/// last loop is not that dimension, or its size is open and not `depthSize`.
mlir::Value
buildDotProducts(LoweringBuilder &b, mlir::Location loc, mlir::Value lhs,
                 llvm::ArrayRef<mlir::AffineExpr> lhsIndex, mlir::Value rhs,
                 llvm::ArrayRef<mlir::AffineExpr> rhsIndex,
                 llvm::ArrayRef<mlir::AffineExpr> dims, unsigned reductions,
                 mlir::AffineExpr depthSize, bool bytes);

/// The same elements in row-major order with the sizes `dims`; `groups` says
/// which dimensions of the side of higher rank make one of the other.
mlir::Value buildReshape(LoweringBuilder &b, mlir::Location loc,
                         mlir::Value value,
                         llvm::ArrayRef<mlir::AffineExpr> dims,
                         llvm::ArrayRef<mlir::ReassociationIndices> groups);

/// Groups for a reshape that makes the `count` dimensions from `begin` on one,
/// or the other way round; `rank` is the higher rank.
llvm::SmallVector<mlir::ReassociationIndices>
mergeDims(int64_t rank, int64_t begin, int64_t count);

} // namespace nncc::nn

#endif // NNCC_LIB_DIALECT_NN_SPATIALUTILS_H
