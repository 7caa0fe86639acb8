//===- Generic.cpp - building linalg.generic ops ----------------*- C++ -*-===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Generic.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace nncc;
using namespace nncc::nn;

SmallVector<AffineExpr> nn::getLoops(MLIRContext *context, unsigned count) {
  SmallVector<AffineExpr> loops;
  for (unsigned i = 0; i != count; ++i)
    loops.push_back(getAffineDimExpr(i, context));
  return loops;
}

SmallVector<AffineExpr> nn::dropAxes(ArrayRef<AffineExpr> dims,
                                     ArrayRef<int64_t> axes) {
  SmallVector<AffineExpr> kept;
  for (auto [i, dim] : llvm::enumerate(dims))
    if (!llvm::is_contained(axes, static_cast<int64_t>(i)))
      kept.push_back(dim);
  return kept;
}

Value nn::buildGeneric(LoweringBuilder &b, Location loc,
                       ArrayRef<Access> inputs, Value init, unsigned outputRank,
                       unsigned reductions, ScalarBody body) {
  MLIRContext *context = b.getContext();
  unsigned loops = outputRank + reductions;
  SmallVector<Value> values;
  SmallVector<AffineMap> maps;
  for (const Access &input : inputs) {
    values.push_back(input.value);
    maps.push_back(AffineMap::get(loops, 0, input.index, context));
  }
  maps.push_back(
      AffineMap::get(loops, 0, getLoops(context, outputRank), context));
  SmallVector<utils::IteratorType> iterators(outputRank,
                                             utils::IteratorType::parallel);
  iterators.append(reductions, utils::IteratorType::reduction);
  auto generic = b.create<linalg::GenericOp>(
      loc, init.getType(), values, init, maps, iterators,
      [&](OpBuilder &inner, Location loc, ValueRange args) {
        inner.create<linalg::YieldOp>(loc, body(inner, loc, args));
      });
  return generic.getResult(0);
}

Value nn::buildParallel(LoweringBuilder &b, Location loc,
                        ArrayRef<AffineExpr> dims, Type elementType,
                        ArrayRef<Access> inputs, ScalarBody body) {
  Value init = b.empty(loc, dims, elementType);
  return buildGeneric(b, loc, inputs, init, dims.size(), 0, body);
}

Value nn::buildReduction(LoweringBuilder &b, Location loc, Value input,
                         ArrayRef<AffineExpr> dims, ArrayRef<int64_t> axes,
                         TypedAttr neutral, ScalarBody body, Value kept) {
  MLIRContext *context = b.getContext();
  SmallVector<AffineExpr> keptDims = dropAxes(dims, axes);
  unsigned rank = keptDims.size(), reductions = dims.size() - rank;
  SmallVector<AffineExpr> index(dims.size());
  unsigned nextKept = 0, nextReduced = rank;
  for (auto [i, expr] : llvm::enumerate(index))
    expr = getAffineDimExpr(llvm::is_contained(axes, static_cast<int64_t>(i))
                                ? nextReduced++
                                : nextKept++,
                            context);
  SmallVector<Access> inputs = {{input, index}};
  if (kept)
    inputs.push_back({kept, getLoops(context, rank)});
  Value init = b.fill(loc, keptDims, neutral);
  return buildGeneric(b, loc, inputs, init, rank, reductions, body);
}

//===----------------------------------------------------------------------===//
// Reshapes
//===----------------------------------------------------------------------===//

namespace {
/// Runs of dimensions of two shapes with equal products, and those products.
struct Grouping {
  SmallVector<ReassociationIndices> from, to;
  SmallVector<AffineExpr> sizes;
};
} // namespace

/// Of tensors with elements: how those without any are grouped is all one.
static bool isProvablyLess(AffineExpr lhs, AffineExpr rhs) {
  if (getLowerBound(rhs - lhs, 1).value_or(0) > 0)
    return true;
  // One that is a multiple of the other is not less.
  std::optional<AffineExpr> factor = divideExactly(rhs, lhs);
  return factor && getLowerBound(*factor, 1).value_or(0) >= 1 &&
         !divideExactly(lhs, rhs);
}

/// Splits both shapes into the most runs of equal size.
static Grouping getGrouping(ArrayRef<AffineExpr> from,
                            ArrayRef<AffineExpr> to) {
  Grouping groups;
  size_t i = 0, j = 0;
  while (i < from.size() && j < to.size()) {
    ReassociationIndices fromRun = {static_cast<int64_t>(i)};
    ReassociationIndices toRun = {static_cast<int64_t>(j)};
    AffineExpr left = from[i++], right = to[j++];
    while (simplify(left - right) != 0) {
      // A size of 1 joins the next one, however large the other side may be.
      bool growLeft =
          i < from.size() && (isOne(left) || isProvablyLess(left, right));
      bool growRight =
          j < to.size() && (isOne(right) || isProvablyLess(right, left));
      if (growLeft) {
        fromRun.push_back(i);
        left = simplify(left * from[i++]);
      } else if (growRight) {
        toRun.push_back(j);
        right = simplify(right * to[j++]);
      } else {
        // Not comparable: all that remains is one run.
        for (; i < from.size(); ++i) {
          left = simplify(left * from[i]);
          fromRun.push_back(i);
        }
        for (; j < to.size(); ++j)
          toRun.push_back(j);
        break;
      }
    }
    groups.from.push_back(fromRun);
    groups.to.push_back(toRun);
    groups.sizes.push_back(left);
  }
  // Trailing dimensions of size 1.
  for (; i < from.size(); ++i)
    groups.from.back().push_back(i);
  for (; j < to.size(); ++j)
    groups.to.back().push_back(j);
  return groups;
}

/// `value` as `type`, which knows other sizes of it.
static Value castTo(LoweringBuilder &b, Location loc, Value value,
                    RankedTensorType type) {
  if (value.getType() == type)
    return value;
  return b.create<tensor::CastOp>(loc, type, value);
}

Value nn::buildCollapsed(LoweringBuilder &b, Location loc, Value value,
                         RankedTensorType type,
                         ArrayRef<ReassociationIndices> groups) {
  // What comes of a run with an open size is open, even where it is known.
  Value collapsed = b.create<tensor::CollapseShapeOp>(loc, value, groups);
  return castTo(b, loc, collapsed, type);
}

Value nn::buildReshaped(LoweringBuilder &b, Location loc, Value value,
                        ArrayRef<AffineExpr> from, ArrayRef<AffineExpr> to) {
  Type element = cast<RankedTensorType>(value.getType()).getElementType();
  Grouping groups;
  // A tensor of rank 0 has no runs; the other side's sizes are all 1.
  if (!from.empty() && !to.empty())
    groups = getGrouping(from, to);
  if (groups.sizes.size() != from.size())
    value = buildCollapsed(b, loc, value, b.getPlainType(groups.sizes, element),
                           groups.from);
  RankedTensorType result = b.getPlainType(to, element);
  if (cast<RankedTensorType>(value.getType()).getRank() == result.getRank())
    return castTo(b, loc, value, result);
  // One side may know a size that the other leaves open.
  SmallVector<AffineExpr> joined;
  for (const ReassociationIndices &run : groups.to)
    joined.push_back(
        getProduct(to.slice(run.front(), run.size()), b.getContext()));
  if (!groups.to.empty())
    value = castTo(b, loc, value, b.getPlainType(joined, element));
  return b.create<tensor::ExpandShapeOp>(loc, result, value, groups.to,
                                         b.sizes(to));
}
