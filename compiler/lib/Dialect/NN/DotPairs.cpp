//===- DotPairs.cpp - integer products two at a time ------------*- C++ -*-===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// An i32 holds a pair of i16 that are neighbours along the reduction. exec.dot
// multiplies two pairs and adds the products, which is one instruction on
// vectors of them.
//
//===----------------------------------------------------------------------===//

#include "SpatialUtils.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/IR/TypeUtilities.h"
#include "nncc/Dialect/Exec/Exec.h"

using namespace mlir;
using namespace nncc;
using namespace nncc::nn;

/// Two i16 as one i32.
static Value buildPair(OpBuilder &b, Location loc, Value first, Value second) {
  Type i32 = b.getI32Type();
  Value low = b.create<arith::ExtUIOp>(loc, i32, first);
  Value high = b.create<arith::ExtUIOp>(loc, i32, second);
  Value half = b.create<arith::ConstantOp>(loc, b.getI32IntegerAttr(16));
  high = b.create<arith::ShLIOp>(loc, high, half);
  return b.create<arith::OrIOp>(loc, low, high);
}

/// `value` with zeros behind dimension `dim` up to an even size; where the size
/// is open, with a zero that counts if that is odd.
static Value padToEven(LoweringBuilder &b, Location loc, Value value,
                       unsigned dim) {
  auto type = cast<RankedTensorType>(value.getType());
  SmallVector<int64_t> low(type.getRank(), 0), high = low;
  high[dim] = type.isDynamicDim(dim) ? 1 : type.getDimSize(dim) % 2;
  return buildPad(b, loc, value, low, high,
                  b.getZeroAttr(type.getElementType()));
}

/// The sizes of an operand that a product reads at `index`, of loops of the
/// sizes `loops`; none where one is not known.
static std::optional<SmallVector<AffineExpr>>
getSizes(Value value, ArrayRef<AffineExpr> index, ArrayRef<AffineExpr> loops) {
  SmallVector<AffineExpr> sizes;
  auto type = cast<RankedTensorType>(value.getType());
  for (auto [size, at] : llvm::zip_equal(type.getShape(), index)) {
    auto loop = dyn_cast<AffineDimExpr>(at);
    if (!ShapedType::isDynamic(size))
      sizes.push_back(getAffineConstantExpr(size, value.getContext()));
    else if (loop && loops[loop.getPosition()])
      sizes.push_back(loops[loop.getPosition()]);
    else
      return std::nullopt;
  }
  return sizes;
}

/// The pairs along dimension `dim` of an operand of the sizes `dims`.
static Value buildPairs(LoweringBuilder &b, Location loc, Value value,
                        SmallVector<AffineExpr> dims, unsigned dim) {
  dims[dim] = dims[dim].ceilDiv(2);
  SmallVector<AffineExpr> first = getMapDims(b.getContext(), 0, dims.size());
  SmallVector<AffineExpr> second = first;
  first[dim] = first[dim] * 2;
  second[dim] = first[dim] + 1;
  value = padToEven(b, loc, value, dim);
  return buildElementwise(b, loc, {{value, first}, {value, second}}, dims,
                          b.getI32Type(),
                          [](OpBuilder &b, Location loc, ValueRange args) {
                            return buildPair(b, loc, args[0], args[1]);
                          });
}

Value nn::buildDotProducts(LoweringBuilder &b, Location loc, Value lhs,
                           ArrayRef<AffineExpr> lhsIndex, Value rhs,
                           ArrayRef<AffineExpr> rhsIndex,
                           ArrayRef<AffineExpr> dims, unsigned reductions,
                           AffineExpr depthSize, bool bytes) {
  MLIRContext *context = b.getContext();
  unsigned rank = dims.size(), loops = rank + reductions;
  AffineExpr depth = getAffineDimExpr(loops - 1, context);
  auto lhsType = cast<RankedTensorType>(lhs.getType());
  const auto *place = llvm::find(rhsIndex, depth);
  unsigned dim = place - rhsIndex.begin();
  SmallVector<AffineExpr> sizes(dims);
  sizes.resize(loops);
  // A row of single products would only be padded.
  int64_t staticDepth = lhsType.getShape().back();
  if (reductions == 0 || lhsIndex.back() != depth || place == rhsIndex.end() ||
      (!ShapedType::isDynamic(staticDepth) && staticDepth < 2))
    return nullptr;
  sizes.back() = depthSize;
  auto rhsSizes = getSizes(rhs, rhsIndex, sizes);
  if (!rhsSizes)
    return nullptr;
  lhs = padToEven(b, loc, lhs, lhsType.getRank() - 1);
  rhs = buildPairs(b, loc, rhs, *rhsSizes, dim);

  SmallVector<AffineExpr> first(lhsIndex), second(lhsIndex);
  first.back() = depth * 2;
  second.back() = depth * 2 + 1;
  SmallVector<AffineMap> maps = {
      AffineMap::get(loops, 0, first, context),
      AffineMap::get(loops, 0, second, context),
      AffineMap::get(loops, 0, rhsIndex, context),
      AffineMap::getMultiDimIdentityMap(loops, context).getMajorSubMap(rank)};
  SmallVector<utils::IteratorType> iterators(rank,
                                             utils::IteratorType::parallel);
  iterators.append(reductions, utils::IteratorType::reduction);
  Value init = b.fill(loc, dims, b.getI32IntegerAttr(0));
  auto generic = b.create<linalg::GenericOp>(
      loc, init.getType(), ValueRange{lhs, lhs, rhs}, ValueRange{init}, maps,
      iterators, [bytes](OpBuilder &body, Location loc, ValueRange args) {
        Value pair = buildPair(body, loc, args[0], args[1]);
        Value dot = body.create<exec::DotOp>(loc, pair, args[2], bytes);
        Value sum = body.create<arith::AddIOp>(loc, args[3], dot);
        body.create<linalg::YieldOp>(loc, sum);
      });
  return generic.getResult(0);
}
