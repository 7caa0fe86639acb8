//===- Rows.cpp - Kernels that work row by row ----------------------------===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "nncc/Kernels/Rows.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "nncc/Dialect/NN/Symbols.h"
#include "nncc/Kernels/Schedule.h"

using namespace mlir;

namespace nncc::kernels {

static bool isEqual(AffineExpr a, AffineExpr b) {
  return nn::getDifference(a, b) == 0;
}

AffineExpr getCount(const LoopNest &nest, ArrayRef<unsigned> dims,
                    MLIRContext *context) {
  SmallVector<AffineExpr> sizes;
  for (unsigned dim : dims)
    sizes.push_back(nest.dims[dim].size);
  return nn::getProduct(sizes, context);
}

/// Whether each thread may start from the initial value: a sum from 0, a
/// product from 1, a maximum from anything.
static bool isNeutral(ArrayRef<Operation *> combiner, TypedAttr init) {
  auto is = [&](double number) {
    if (auto attr = dyn_cast<FloatAttr>(init))
      return attr.getValueAsDouble() == number;
    auto attr = dyn_cast<IntegerAttr>(init);
    return attr && attr.getValue().getSExtValue() == int64_t(number);
  };
  return llvm::all_of(combiner, [&](Operation *op) {
    if (isa<arith::AddFOp, arith::AddIOp>(op))
      return is(0);
    return !isa<arith::MulFOp, arith::MulIOp>(op) || is(1);
  });
}

std::optional<RowSplit> getReducedRows(const LoopNest &nest) {
  if (!nest.main.inits.front())
    return std::nullopt;
  Value element;
  SmallVector<Operation *> combiner = getCombiner(nest.main.op, element);
  if (combiner.empty() || !isNeutral(combiner, nest.main.inits.front()))
    return std::nullopt;
  RowSplit split;
  split.reduces = true;
  for (auto [i, dim] : llvm::enumerate(nest.dims))
    (dim.isReduction ? split.columns : split.rows).push_back(i);
  return split;
}

std::optional<RowSplit> splitRows(const LoopNest &nest, AffineExpr count) {
  MLIRContext *context = count.getContext();
  if (nest.main.inits.front()) {
    std::optional<RowSplit> split = getReducedRows(nest);
    if (!split || !isEqual(getCount(nest, split->rows, context), count))
      return std::nullopt;
    return split;
  }
  RowSplit split;
  for (unsigned dim = 0; dim < nest.dims.size(); ++dim) {
    bool complete = isEqual(getCount(nest, split.rows, context), count);
    (complete ? split.columns : split.rows).push_back(dim);
  }
  if (!isEqual(getCount(nest, split.rows, context), count))
    return std::nullopt;
  return split;
}

/// Elements of the only row there is: it is not shared out, so a long one would
/// take longer than the dispatches that it saves.
static constexpr int64_t longestOnlyRow = 4096;

/// The number of elements from the first to the last that a row touches.
static AffineExpr getExtent(const LoopNest &nest, const RowSplit &split,
                            const Access &access, MLIRContext *context) {
  AffineExpr extent = getAffineConstantExpr(1, context);
  for (unsigned dim : split.columns)
    extent = extent + access.coefs[dim] * (nest.dims[dim].size - 1);
  return extent;
}

AffineExpr getRowStride(const LoopNest &nest, const RowSplit &split,
                        const Access &access) {
  if (!access.terms.empty() || !access.guards.empty())
    return AffineExpr();
  MLIRContext *context = access.offset.getContext();
  if (split.rows.empty()) {
    AffineExpr extent = getExtent(nest, split, access, context);
    auto known = dyn_cast<AffineConstantExpr>(extent);
    return known && known.getValue() <= longestOnlyRow ? extent : AffineExpr();
  }
  // From the innermost row dimension outwards, distances multiply.
  AffineExpr stride, expected;
  for (unsigned dim : llvm::reverse(split.rows)) {
    AffineExpr size = nest.dims[dim].size, coef = access.coefs[dim];
    if (isEqual(size, getAffineConstantExpr(1, context)))
      continue;
    if (!stride)
      stride = coef;
    else if (!isEqual(coef, expected))
      return AffineExpr();
    expected = coef * size;
  }
  if (!stride)
    stride = getExtent(nest, split, access, context);
  auto distance =
      nn::getDifference(stride, getExtent(nest, split, access, context));
  return distance && *distance >= 0 ? stride : AffineExpr();
}

bool collapseRows(LoopNest &nest, const RowSplit &split) {
  for (unsigned dim : split.rows)
    nest.dims[dim].isRow = true;
  collapseDims(nest);
  return llvm::count_if(nest.dims,
                        [](const LoopDim &dim) { return dim.isRow; }) == 1;
}

} // namespace nncc::kernels
