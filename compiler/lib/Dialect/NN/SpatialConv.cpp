//===- SpatialConv.cpp - convolutions as contractions -----------*- C++ -*-===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "SpatialConv.h"
#include "nncc/Dialect/NN/NN.h"
#include "nncc/Dialect/NN/Symbols.h"
#include <numeric>

using namespace mlir;
using namespace nncc;
using namespace nncc::nn;

//===----------------------------------------------------------------------===//
// Convolution of a padded input
//===----------------------------------------------------------------------===//

namespace {
/// The operands of a convolution of stride and dilation over an input that is
/// padded already, and its result's sizes.
struct ConvBuilder {
  LoweringBuilder &b;
  Location loc;
  Value input, filter;
  /// The symbolic sizes of the input (padded), the filter and the result.
  SmallVector<AffineExpr> inputDims, filterDims, dims;
  ArrayRef<Window> windows;
  int64_t groups;
  /// The input's numbers are 0 to 255.
  bool bytes;

  MLIRContext *context() const { return b.getContext(); }
  unsigned rank() const { return windows.size(); }
  AffineExpr constant(int64_t value) const {
    return getAffineConstantExpr(value, context());
  }

  bool isWhole() const;
  bool usesPlanes() const;
  Value buildMatmul();
  Value buildPlanes();
  Value buildDense();
  Value buildDepthwise();
  Value buildGrouped();
  Value build();

  /// The input's index for the loops (n, s..., rest...), with the kernel's
  /// loops from `kernelLoop` on.
  SmallVector<AffineExpr> getInputIndex(unsigned kernelLoop) const {
    SmallVector<AffineExpr> index = {getAffineDimExpr(0, context())};
    for (auto [i, window] : llvm::enumerate(windows))
      index.push_back(
          getWindowIndex(window, getAffineDimExpr(1 + i, context()),
                         getAffineDimExpr(kernelLoop + i, context())));
    return index;
  }
};
} // namespace

/// One window that is the whole input.
bool ConvBuilder::isWhole() const {
  for (auto [i, window] : llvm::enumerate(windows))
    if (window.dilation != 1 ||
        getConstantValue(inputDims[1 + i]) != window.kernel)
      return false;
  return groups == 1;
}

/// A matrix product of [N, depth] and [depth, O].
Value ConvBuilder::buildMatmul() {
  auto product = [&](ArrayRef<AffineExpr> sizes) {
    return std::accumulate(sizes.begin(), sizes.end(), constant(1),
                           [](AffineExpr a, AffineExpr b) { return a * b; });
  };
  ArrayRef<AffineExpr> all = inputDims;
  AffineExpr rows = all.front();
  AffineExpr depth = product(all.drop_front());
  AffineExpr outputs = filterDims.back();
  int64_t total = all.size();

  SmallVector<ReassociationIndices> split(2);
  for (int64_t i = 0; i != total; ++i)
    split[i == 0 ? 0 : 1].push_back(i);
  Value lhs = buildReshape(b, loc, input, {rows, depth}, split);
  Value rhs = buildReshape(b, loc, filter, {depth, outputs},
                           mergeDims(total, 0, total - 1));
  auto d = getMapDims(context(), 0, 3);
  Value result = buildContraction(b, loc, lhs, {d[0], d[2]}, rhs, {d[2], d[1]},
                                  {rows, outputs}, 1, bytes);
  return buildReshape(b, loc, result, dims, mergeDims(total, 0, total - 1));
}

/// Whether the output channels are too few to be lanes, where pixels beside
/// each other can be: windows of several elements, fewer in steps of two, whose
/// pixels are every other lane.
bool ConvBuilder::usesPlanes() const {
  constexpr int64_t few = 4, enough = 12;
  std::optional<int64_t> outputs = getConstantValue(filterDims.back());
  std::optional<int64_t> width = getConstantValue(dims[rank()]);
  bool isPointwise = llvm::all_of(
      windows, [](const Window &window) { return window.kernel == 1; });
  int64_t stride = windows.back().stride;
  return groups == 1 && outputs && *outputs * stride <= few && stride <= 2 &&
         !isPointwise && !isWhole() && (!width || *width >= enough) &&
         isa<FloatType>(getElementTypeOrSelf(input));
}

/// Moves the channels of [N, S..., C] in front of the pixels.
static Value buildChannelsFirst(LoweringBuilder &b, Location loc, Value value,
                                ArrayRef<AffineExpr> dims) {
  unsigned rank = dims.size();
  SmallVector<AffineExpr> moved(dims);
  std::rotate(moved.begin() + 1, moved.end() - 1, moved.end());
  SmallVector<AffineExpr> index = getMapDims(b.getContext(), 0, rank);
  std::rotate(index.begin() + 1, index.begin() + 2, index.end());
  return buildCopy(b, loc, value, index, moved);
}

/// And back, of [N, C, S...], where `dims` is [N, S..., C].
static Value buildChannelsLast(LoweringBuilder &b, Location loc, Value value,
                               ArrayRef<AffineExpr> dims) {
  SmallVector<AffineExpr> index = getMapDims(b.getContext(), 0, dims.size());
  std::rotate(index.begin() + 1, index.end() - 1, index.end());
  return buildCopy(b, loc, value, index, dims);
}

/// (n, o, s...) over (c, k...): the weights are the same in all lanes. Where a
/// neighbour does likewise, the copies cancel.
Value ConvBuilder::buildPlanes() {
  unsigned r = rank(), kernelLoop = r + 3;
  AffineExpr channel = getAffineDimExpr(r + 2, context());
  SmallVector<AffineExpr> inputIndex = {getAffineDimExpr(0, context()),
                                        channel};
  for (auto [i, window] : llvm::enumerate(windows))
    inputIndex.push_back(
        getWindowIndex(window, getAffineDimExpr(2 + i, context()),
                       getAffineDimExpr(kernelLoop + i, context())));
  SmallVector<AffineExpr> filterIndex = getMapDims(context(), kernelLoop, r);
  filterIndex.push_back(channel);
  filterIndex.push_back(getAffineDimExpr(1, context()));
  SmallVector<AffineExpr> planes(dims);
  std::rotate(planes.begin() + 1, planes.end() - 1, planes.end());
  Value result = buildContraction(b, loc, input, inputIndex, filter,
                                  filterIndex, planes, r + 1);
  return buildChannelsLast(b, loc, result, dims);
}

/// (n, s..., o) over (k..., c).
Value ConvBuilder::buildDense() {
  unsigned r = rank(), kernelLoop = r + 2;
  SmallVector<AffineExpr> inputIndex = getInputIndex(kernelLoop);
  SmallVector<AffineExpr> filterIndex = getMapDims(context(), kernelLoop, r);
  AffineExpr channel = getAffineDimExpr(kernelLoop + r, context());
  inputIndex.push_back(channel);
  filterIndex.push_back(channel);
  filterIndex.push_back(getAffineDimExpr(r + 1, context()));
  return buildContraction(b, loc, input, inputIndex, filter, filterIndex, dims,
                          r + 1, bytes);
}

/// (n, s..., c) over (k...): one input and one output channel a group.
Value ConvBuilder::buildDepthwise() {
  unsigned r = rank(), kernelLoop = r + 2;
  SmallVector<AffineExpr> kernelDims(filterDims);
  kernelDims.erase(kernelDims.begin() + r);
  Value plain =
      buildReshape(b, loc, filter, kernelDims, mergeDims(r + 2, r, 2));
  SmallVector<AffineExpr> inputIndex = getInputIndex(kernelLoop);
  SmallVector<AffineExpr> filterIndex = getMapDims(context(), kernelLoop, r);
  AffineExpr channel = getAffineDimExpr(r + 1, context());
  inputIndex.push_back(channel);
  filterIndex.push_back(channel);
  return buildContraction(b, loc, input, inputIndex, plain, filterIndex, dims,
                          r);
}

/// (n, s..., g, o) over (k..., c), without c where a group has one.
Value ConvBuilder::buildGrouped() {
  unsigned r = rank(), kernelLoop = r + 3;
  AffineExpr group = constant(groups), perGroup = filterDims[r];
  AffineExpr outputs = dims.back().floorDiv(groups);
  bool single = getConstantValue(perGroup) == 1;

  SmallVector<AffineExpr> splitFilter(filterDims);
  splitFilter.back() = group;
  splitFilter.push_back(outputs);
  Value rhs =
      buildReshape(b, loc, filter, splitFilter, mergeDims(r + 3, r + 1, 2));
  Value lhs = input;
  SmallVector<AffineExpr> inputIndex = getInputIndex(kernelLoop);
  SmallVector<AffineExpr> filterIndex = getMapDims(context(), kernelLoop, r);
  inputIndex.push_back(getAffineDimExpr(r + 1, context()));
  if (single) {
    splitFilter.erase(splitFilter.begin() + r);
    rhs = buildReshape(b, loc, rhs, splitFilter, mergeDims(r + 3, r, 2));
  } else {
    SmallVector<AffineExpr> splitInput(inputDims);
    splitInput.back() = group;
    splitInput.push_back(perGroup);
    lhs = buildReshape(b, loc, lhs, splitInput, mergeDims(r + 3, r + 1, 2));
    AffineExpr channel = getAffineDimExpr(kernelLoop + r, context());
    inputIndex.push_back(channel);
    filterIndex.push_back(channel);
  }
  filterIndex.push_back(getAffineDimExpr(r + 1, context()));
  filterIndex.push_back(getAffineDimExpr(r + 2, context()));
  SmallVector<AffineExpr> splitDims(dims);
  splitDims.back() = group;
  splitDims.push_back(outputs);
  Value result = buildContraction(b, loc, lhs, inputIndex, rhs, filterIndex,
                                  splitDims, single ? r : r + 1, bytes);
  return buildReshape(b, loc, result, dims, mergeDims(r + 3, r + 1, 2));
}

Value ConvBuilder::build() {
  if (usesPlanes())
    return buildPlanes();
  if (isWhole())
    return buildMatmul();
  if (groups == 1)
    return buildDense();
  if (getConstantValue(filterDims[rank()]) == 1 &&
      getConstantValue(filterDims.back()) == groups)
    return buildDepthwise();
  return buildGrouped();
}

Value nn::buildConv(LoweringBuilder &b, Location loc, Value input,
                    ArrayRef<AffineExpr> inputDims, Value filter,
                    ArrayRef<AffineExpr> filterDims, ArrayRef<Window> windows,
                    int64_t groups, bool bytes) {
  SmallVector<AffineExpr> padded(inputDims), dims(inputDims);
  SmallVector<int64_t> low(padded.size()), high(padded.size());
  for (auto [i, window] : llvm::enumerate(windows)) {
    low[1 + i] = window.low;
    high[1 + i] = window.high;
    dims[1 + i] = getWindowedDim(inputDims[1 + i], window);
    padded[1 + i] = inputDims[1 + i] + (window.low + window.high);
  }
  dims.back() = filterDims.back();
  ConvBuilder conv{b,      loc,     input,
                   filter, padded,  SmallVector<AffineExpr>(filterDims),
                   dims,   windows, groups,
                   bytes};
  if (conv.usesPlanes()) {
    conv.input = buildChannelsFirst(b, loc, input, inputDims);
    std::rotate(low.begin() + 1, low.end() - 1, low.end());
    std::rotate(high.begin() + 1, high.end() - 1, high.end());
  }
  conv.input = buildPad(b, loc, conv.input, low, high,
                        b.getZeroAttr(getElementTypeOrSelf(input)));
  return conv.build();
}

FailureOr<SmallVector<Value>> ConvOp::lowerToLinalg(LoweringBuilder &b,
                                                    ValueRange operands) {
  ArrayRef<int64_t> kernel = getFilter().getType().getShape().drop_back(2);
  SmallVector<Window> windows = makeWindows(
      kernel, getStrides(), getDilations(), getPadsLow(), getPadsHigh());
  return SmallVector<Value>{
      buildConv(b, getLoc(), operands[0], getDims(getInput().getType()),
                operands[1], getDims(getFilter().getType()), windows,
                getGroups(), holdsBytes(getInput()))};
}
