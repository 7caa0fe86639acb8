//===- Matmul.cpp - matrix products -----------------------------*- C++ -*-===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "SpatialUtils.h"
#include "nncc/Dialect/NN/NN.h"
#include "nncc/Dialect/NN/Symbols.h"

using namespace mlir;
using namespace nncc;
using namespace nncc::nn;

/// The size of a batch dimension from those of the operands, null where they
/// do not broadcast. Two different symbolic sizes are taken as equal.
static AffineExpr broadcastDim(AffineExpr lhs, AffineExpr rhs) {
  std::optional<int64_t> left = getConstantValue(lhs),
                         right = getConstantValue(rhs);
  if (left == 1)
    return rhs;
  if (right == 1)
    return lhs;
  if (left && right && *left != *right)
    return nullptr;
  return left ? lhs : rhs;
}

/// Appends the broadcast batch dimensions of two matrices to `dims`.
static LogicalResult broadcastBatch(ArrayRef<AffineExpr> lhs,
                                    ArrayRef<AffineExpr> rhs,
                                    SmallVectorImpl<AffineExpr> &dims) {
  AffineExpr one = getAffineConstantExpr(1, lhs[0].getContext());
  size_t rank = std::max(lhs.size(), rhs.size());
  for (size_t i = 0; i + 2 < rank; ++i) {
    auto at = [&](ArrayRef<AffineExpr> side) {
      size_t missing = rank - side.size();
      return i < missing ? one : side[i - missing];
    };
    dims.push_back(broadcastDim(at(lhs), at(rhs)));
    if (!dims.back())
      return failure();
  }
  return success();
}

/// The dimensions of an operand as a matrix: a vector is a row on the left and
/// a column on the right.
static SmallVector<AffineExpr> getMatrixDims(RankedTensorType type,
                                             bool isLeft) {
  SmallVector<AffineExpr> dims = getDims(type);
  if (dims.size() == 1)
    dims.insert(isLeft ? dims.begin() : dims.end(),
                getAffineConstantExpr(1, type.getContext()));
  return dims;
}

LogicalResult MatmulOp::inferReturnTypes(MLIRContext *,
                                         std::optional<Location> loc,
                                         Adaptor op,
                                         SmallVectorImpl<Type> &types) {
  auto lhs = cast<RankedTensorType>(op.getLhs().getType());
  auto rhs = cast<RankedTensorType>(op.getRhs().getType());
  if (lhs.getElementType() != rhs.getElementType())
    return emitOptionalError(loc, "operands have elements of types ",
                             lhs.getElementType(), " and ",
                             rhs.getElementType());
  if (lhs.getRank() < 1 || rhs.getRank() < 1)
    return emitOptionalError(loc, "operands need at least one dimension, got ",
                             lhs, " and ", rhs);
  SmallVector<AffineExpr> left = getMatrixDims(lhs, true);
  SmallVector<AffineExpr> right = getMatrixDims(rhs, false);
  std::optional<int64_t> leftDepth = getConstantValue(left.back());
  std::optional<int64_t> rightDepth = getConstantValue(right[right.size() - 2]);
  if (leftDepth && rightDepth && *leftDepth != *rightDepth)
    return emitOptionalError(loc, "the inner dimensions of ", lhs, " and ", rhs,
                             " differ");
  SmallVector<AffineExpr> dims;
  if (failed(broadcastBatch(left, right, dims)))
    return emitOptionalError(loc, "the batch dimensions of ", lhs, " and ", rhs,
                             " do not broadcast");
  if (lhs.getRank() > 1)
    dims.push_back(left[left.size() - 2]);
  if (rhs.getRank() > 1)
    dims.push_back(right.back());
  types.push_back(makeTensorType(dims, getSumType(lhs.getElementType())));
  return success();
}

//===----------------------------------------------------------------------===//
// Lowering
//===----------------------------------------------------------------------===//

namespace {
/// Both operands as matrices, with batch dimensions or without.
struct MatmulBuilder {
  LoweringBuilder &b;
  Location loc;
  Value lhs, rhs;
  SmallVector<AffineExpr> lhsDims, rhsDims, dims;
  /// The numbers of `lhs` are 0 to 255.
  bool bytes;

  bool hasOneRight() const {
    return llvm::all_of(
        ArrayRef<AffineExpr>(rhsDims).drop_back(2),
        [](AffineExpr dim) { return getConstantValue(dim) == 1; });
  }
  Value buildFlat();
  Value buildBatched();
};
} // namespace

/// One matrix on the right: (m..., n) over k. Kernels walk all rows as one.
Value MatmulBuilder::buildFlat() {
  unsigned rank = dims.size();
  AffineExpr depth = lhsDims.back(), columns = rhsDims.back();
  Value right = buildReshape(b, loc, rhs, {depth, columns},
                             mergeDims(rhsDims.size(), 0, rhsDims.size() - 1));
  AffineExpr n = getAffineDimExpr(rank - 1, b.getContext());
  AffineExpr k = getAffineDimExpr(rank, b.getContext());
  SmallVector<AffineExpr> left = getMapDims(b.getContext(), 0, rank - 1);
  left.push_back(k);
  return buildContraction(b, loc, lhs, left, right, {k, n}, dims, 1, bytes,
                          depth);
}

/// (batch..., m, n) over k.
Value MatmulBuilder::buildBatched() {
  unsigned rank = dims.size();
  auto getIndex = [&](ArrayRef<AffineExpr> side) {
    SmallVector<AffineExpr> index;
    unsigned missing = rank - side.size();
    for (unsigned i = 0; i + 2 < side.size(); ++i)
      index.push_back(getConstantValue(side[i]) == 1
                          ? getAffineConstantExpr(0, b.getContext())
                          : getAffineDimExpr(missing + i, b.getContext()));
    return index;
  };
  AffineExpr m = getAffineDimExpr(rank - 2, b.getContext());
  AffineExpr n = getAffineDimExpr(rank - 1, b.getContext());
  AffineExpr k = getAffineDimExpr(rank, b.getContext());
  SmallVector<AffineExpr> left = getIndex(lhsDims), right = getIndex(rhsDims);
  left.append({m, k});
  right.append({k, n});
  return buildContraction(b, loc, lhs, left, rhs, right, dims, 1, bytes,
                          lhsDims.back());
}

FailureOr<SmallVector<Value>> MatmulOp::lowerToLinalg(LoweringBuilder &b,
                                                      ValueRange operands) {
  Location loc = getLoc();
  RankedTensorType lhsType = getLhs().getType(), rhsType = getRhs().getType();
  SmallVector<AffineExpr> left = getMatrixDims(lhsType, true);
  SmallVector<AffineExpr> right = getMatrixDims(rhsType, false);
  SmallVector<AffineExpr> dims;
  if (failed(broadcastBatch(left, right, dims)))
    return emitOpError() << "has batch dimensions that do not broadcast";
  dims.append({left[left.size() - 2], right.back()});
  MatmulBuilder matmul{
      b,
      loc,
      buildReshape(b, loc, operands[0], left, mergeDims(2, 0, 2)),
      buildReshape(b, loc, operands[1], right, mergeDims(2, 0, 2)),
      left,
      right,
      dims,
      holdsBytes(getLhs())};
  Value result = matmul.hasOneRight() && left.size() >= right.size()
                     ? matmul.buildFlat()
                     : matmul.buildBatched();
  if (lhsType.getRank() > 1 && rhsType.getRank() > 1)
    return SmallVector<Value>{result};
  // A vector's dimension of one goes again: a product of two leaves none.
  if (lhsType.getRank() == 1 && rhsType.getRank() == 1)
    return SmallVector<Value>{
        buildReshape(b, loc, result, {}, ArrayRef<ReassociationIndices>())};
  unsigned rank = dims.size();
  dims.erase(dims.begin() + (lhsType.getRank() == 1 ? rank - 2 : rank - 1));
  return SmallVector<Value>{
      buildReshape(b, loc, result, dims, mergeDims(rank, rank - 2, 2))};
}

std::optional<unsigned> MatmulOp::getWeightsOperand() {
  if (getRhs().getType().getRank() < 2)
    return std::nullopt;
  return getRhsMutable().getOperandNumber();
}
