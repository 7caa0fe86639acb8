//===- SpatialConvTranspose.cpp - by stride phases --------------*- C++ -*-===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Along one dimension, output element `y = q * stride + r` meets the filter
// elements k with `(r + low - k * dilation) mod stride = 0`, which are the same
// for every q: k0, k0 + step, ... Each r, a phase, is therefore a convolution
// of stride 1 with a part of the (reversed) filter, and the result interleaves
// the phases. Unlike zero insertion, this multiplies by no zero.
//
//===----------------------------------------------------------------------===//

#include "SpatialConv.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "nncc/Dialect/NN/NN.h"
#include "nncc/Dialect/NN/Symbols.h"
#include "llvm/Support/MathExtras.h"
#include <numeric>

using namespace mlir;
using namespace nncc;
using namespace nncc::nn;

/// Above so many phases the zeros of a joint contraction cost less.
static constexpr int64_t maxPhases = 64;

namespace {
/// One phase along one dimension: a window of stride 1.
struct Phase {
  int64_t remainder; ///< r
  int64_t first;     ///< the first element in the reversed filter
  int64_t step;      ///< between its elements in the reversed filter
  Window window;     ///< kernel, dilation; padding may be negative (a crop)
  AffineExpr size;   ///< how many output elements belong to the phase
};
} // namespace

/// The phases of one dimension that meet any filter element.
static SmallVector<Phase> getPhases(const Window &window, int64_t outputPadding,
                                    AffineExpr size) {
  SmallVector<Phase> phases;
  int64_t common = std::gcd(window.stride, window.dilation);
  int64_t step = window.stride / common, dilation = window.dilation / common;
  for (int64_t r = 0; r != window.stride; ++r) {
    int64_t first = 0;
    while (first != step &&
           (r + window.low - first * window.dilation) % window.stride != 0)
      ++first;
    if (first == step || first >= window.kernel)
      continue;
    Phase phase;
    phase.remainder = r;
    phase.step = step;
    int64_t count = llvm::divideCeil(window.kernel - first, step);
    phase.first = window.kernel - 1 - first - (count - 1) * step;
    // Output q reads the inputs offset + q + j * dilation.
    int64_t offset =
        (r + window.low - first * window.dilation) / window.stride -
        (count - 1) * dilation;
    // The phase has size + extra elements.
    int64_t total =
        window.extent() + outputPadding - window.low - window.high - r;
    int64_t extra = llvm::divideCeilSigned(total, window.stride) - 1;
    phase.window.kernel = count;
    phase.window.dilation = dilation;
    phase.window.low = -offset;
    phase.window.high = offset + extra + (count - 1) * dilation;
    phase.size = size + extra;
    std::optional<int64_t> input = getConstantValue(size);
    if (input && (*input + extra <= 0 || -phase.window.low >= *input ||
                  -phase.window.high >= *input))
      continue; // it has no element or reads none
    phases.push_back(phase);
  }
  return phases;
}

/// Reverses the kernel dimensions. On a constant filter, which is the rule,
/// this happens at compile time.
static Value reverseKernel(LoweringBuilder &b, Location loc, Value filter,
                           ArrayRef<AffineExpr> dims,
                           ArrayRef<int64_t> kernel) {
  if (llvm::all_of(kernel, [](int64_t size) { return size == 1; }))
    return filter;
  SmallVector<AffineExpr> index = getMapDims(b.getContext(), 0, dims.size());
  for (auto [i, size] : llvm::enumerate(kernel))
    index[i] = (size - 1) - index[i];
  return buildCopy(b, loc, filter, index, dims);
}

//===----------------------------------------------------------------------===//
// All phases in one contraction
//===----------------------------------------------------------------------===//

namespace {
/// Where the kernel divides by the stride, all phases have filters of one size
/// and can be computed as loops of one contraction, with the result's elements
/// in order:
///   (n, q1, r1, q2, r2, ..., q, (r, o)) over (j1, j2, ..., j, c).
/// It computes the result without its padding, which is cut away.
struct JointBuilder {
  LoweringBuilder &b;
  Location loc;
  Value input, filter;
  SmallVector<AffineExpr> inputDims, filterDims;
  SmallVector<Window> windows;

  unsigned rank() const { return windows.size(); }
  int64_t taps(unsigned i) const {
    return llvm::divideCeil(windows[i].kernel, windows[i].stride);
  }
  AffineExpr constant(int64_t value) const {
    return getAffineConstantExpr(value, b.getContext());
  }
  Value buildFilter();
  Value buildProduct();
  Value crop(Value full, ArrayRef<AffineExpr> dims);
};
} // namespace

/// The filter as [r1, r2, ..., j1, ..., j, C, (r, O)] with j reversed.
Value JointBuilder::buildFilter() {
  MLIRContext *context = b.getContext();
  unsigned r = rank(), loops = 2 * r + 2;
  SmallVector<int64_t> low(r + 2, 0), high(r + 2, 0);
  SmallVector<AffineExpr> dims, index;
  for (unsigned i = 0; i + 1 < r; ++i)
    dims.push_back(constant(windows[i].stride));
  for (unsigned i = 0; i != r; ++i)
    dims.push_back(constant(taps(i)));
  dims.push_back(filterDims[r]);
  dims.push_back(constant(windows[r - 1].stride));
  dims.push_back(filterDims.back());
  for (unsigned i = 0; i != r; ++i) {
    high[i] = taps(i) * windows[i].stride - windows[i].kernel;
    unsigned phaseLoop = i + 1 == r ? loops - 2 : i;
    index.push_back((taps(i) - 1 - getAffineDimExpr(r - 1 + i, context)) *
                        windows[i].stride +
                    getAffineDimExpr(phaseLoop, context));
  }
  index.push_back(getAffineDimExpr(loops - 3, context));
  index.push_back(getAffineDimExpr(loops - 1, context));
  Value padded = buildPad(b, loc, filter, low, high,
                          b.getZeroAttr(getElementTypeOrSelf(filter)));
  Value result = buildCopy(b, loc, padded, index, dims);
  dims.pop_back();
  dims.back() = filterDims.back() * windows[r - 1].stride;
  return buildReshape(b, loc, result, dims, mergeDims(loops, loops - 2, 2));
}

Value JointBuilder::buildProduct() {
  MLIRContext *context = b.getContext();
  unsigned r = rank(), last = 2 * r, tapLoop = last + 1;
  SmallVector<int64_t> padding(r + 2, 0);
  SmallVector<AffineExpr> inputIndex = {getAffineDimExpr(0, context)};
  SmallVector<AffineExpr> filterIndex, dims = {inputDims[0]};
  SmallVector<AffineExpr> split = {inputDims[0]}, result = {inputDims[0]};
  SmallVector<ReassociationIndices> groups = {{0}};
  for (unsigned i = 0; i != r; ++i) {
    padding[1 + i] = taps(i) - 1;
    AffineExpr positions = inputDims[1 + i] + (taps(i) - 1);
    AffineExpr stride = constant(windows[i].stride);
    inputIndex.push_back(getAffineDimExpr(1 + 2 * i, context) +
                         getAffineDimExpr(tapLoop + i, context));
    if (i + 1 != r)
      filterIndex.push_back(getAffineDimExpr(2 + 2 * i, context));
    dims.append({positions, stride});
    split.append({positions, stride});
    groups.push_back({1 + 2 * i, 2 + 2 * i});
    result.push_back(positions * windows[i].stride);
  }
  dims.back() = filterDims.back() * windows[r - 1].stride;
  split.push_back(filterDims.back());
  result.push_back(filterDims.back());
  groups.push_back({last + 1});
  filterIndex.append(getMapDims(context, tapLoop, r + 1));
  filterIndex.push_back(getAffineDimExpr(last, context));
  inputIndex.push_back(getAffineDimExpr(tapLoop + r, context));

  Value padded = buildPad(b, loc, input, padding, padding,
                          b.getZeroAttr(getElementTypeOrSelf(input)));
  Value product = buildContraction(b, loc, padded, inputIndex, buildFilter(),
                                   filterIndex, dims, r + 1);
  product =
      buildReshape(b, loc, product, split, mergeDims(split.size(), last, 2));
  return buildReshape(b, loc, product, result, groups);
}

/// The elements from the low padding on, with zeros after the last one where
/// output padding reaches beyond.
Value JointBuilder::crop(Value full, ArrayRef<AffineExpr> dims) {
  SmallVector<OpFoldResult> offsets(dims.size(), b.getIndexAttr(0));
  SmallVector<OpFoldResult> ones(dims.size(), b.getIndexAttr(1));
  SmallVector<int64_t> low(dims.size(), 0), high(dims.size(), 0);
  bool crops = false;
  for (auto [i, window] : llvm::enumerate(windows)) {
    AffineExpr size = (inputDims[1 + i] + (taps(i) - 1)) * window.stride;
    std::optional<int64_t> rest = getDifference(size, dims[1 + i]);
    int64_t after = rest.value_or(0) - window.low;
    offsets[1 + i] = b.getIndexAttr(window.low);
    high[1 + i] = std::max<int64_t>(-after, 0);
    crops |= window.low != 0 || after > 0;
  }
  full = buildPad(b, loc, full, low, high,
                  b.getZeroAttr(getElementTypeOrSelf(full)));
  if (!crops)
    return full;
  RankedTensorType type = b.getPlainType(dims, getElementTypeOrSelf(full));
  return b.create<tensor::ExtractSliceOp>(loc, type, full, offsets,
                                          b.sizes(dims), ones);
}

//===----------------------------------------------------------------------===//
// Phase after phase
//===----------------------------------------------------------------------===//

namespace {
/// Emits the phases, one choice per dimension, and interleaves them.
struct PhaseBuilder {
  LoweringBuilder &b;
  Location loc;
  Value input, filter; ///< the filter is reversed
  SmallVector<AffineExpr> inputDims, filterDims;
  int64_t groups;
  ArrayRef<int64_t> strides;

  /// Inserts the phase made of `choice`, one a spatial dimension.
  Value insert(Value result, ArrayRef<Phase> choice);
};
} // namespace

/// Cuts away what negative padding says and makes it zero.
static Value cropInput(LoweringBuilder &b, Location loc, Value input,
                       SmallVectorImpl<AffineExpr> &dims,
                       MutableArrayRef<Window> windows) {
  SmallVector<OpFoldResult> offsets(dims.size(), b.getIndexAttr(0));
  SmallVector<OpFoldResult> strides(dims.size(), b.getIndexAttr(1));
  bool crops = false;
  for (auto [i, window] : llvm::enumerate(windows)) {
    int64_t low = std::min<int64_t>(window.low, 0);
    int64_t high = std::min<int64_t>(window.high, 0);
    crops |= low != 0 || high != 0;
    offsets[1 + i] = b.getIndexAttr(-low);
    dims[1 + i] = dims[1 + i] + (low + high);
    window.low -= low;
    window.high -= high;
  }
  if (!crops)
    return input;
  RankedTensorType type = b.getPlainType(dims, getElementTypeOrSelf(input));
  return b.create<tensor::ExtractSliceOp>(loc, type, input, offsets,
                                          b.sizes(dims), strides);
}

Value PhaseBuilder::insert(Value result, ArrayRef<Phase> choice) {
  SmallVector<AffineExpr> partDims(filterDims), sourceDims(inputDims);
  SmallVector<OpFoldResult> zeros(partDims.size(), b.getIndexAttr(0));
  SmallVector<OpFoldResult> ones(partDims.size(), b.getIndexAttr(1));
  SmallVector<OpFoldResult> partOffsets(zeros), partSteps(ones);
  SmallVector<OpFoldResult> offsets(zeros), steps(ones);
  SmallVector<AffineExpr> phaseDims = {inputDims[0]};
  SmallVector<Window> windows;
  for (auto [i, phase] : llvm::enumerate(choice)) {
    partDims[i] = getAffineConstantExpr(phase.window.kernel, b.getContext());
    partOffsets[i] = b.getIndexAttr(phase.first);
    partSteps[i] = b.getIndexAttr(phase.step);
    offsets[1 + i] = b.getIndexAttr(phase.remainder);
    steps[1 + i] = b.getIndexAttr(strides[i]);
    phaseDims.push_back(phase.size);
    windows.push_back(phase.window);
  }
  phaseDims.push_back(filterDims.back());
  Value part = filter;
  if (partDims != filterDims)
    part = b.create<tensor::ExtractSliceOp>(
        loc, b.getPlainType(partDims, getElementTypeOrSelf(filter)), filter,
        partOffsets, b.sizes(partDims), partSteps);
  Value source = cropInput(b, loc, input, sourceDims, windows);
  Value phase =
      buildConv(b, loc, source, sourceDims, part, partDims, windows, groups);
  if (phase.getType() == result.getType() &&
      llvm::all_of(strides, [](int64_t stride) { return stride == 1; }))
    return phase;
  return b.create<tensor::InsertSliceOp>(loc, phase, result, offsets,
                                         b.sizes(phaseDims), steps);
}

/// Inserts every combination of the dimensions' phases into `result`.
static Value insertAll(PhaseBuilder &builder, Value result,
                       ArrayRef<SmallVector<Phase>> phases, size_t total) {
  for (size_t i = 0; i != total; ++i) {
    SmallVector<Phase> choice(phases.size());
    size_t rest = i;
    for (int64_t dim = phases.size() - 1; dim >= 0; --dim) {
      choice[dim] = phases[dim][rest % phases[dim].size()];
      rest /= phases[dim].size();
    }
    result = builder.insert(result, choice);
  }
  return result;
}

FailureOr<SmallVector<Value>>
ConvTransposeOp::lowerToLinalg(LoweringBuilder &b, ValueRange operands) {
  Location loc = getLoc();
  SmallVector<AffineExpr> inputDims = getDims(getInput().getType());
  SmallVector<AffineExpr> filterDims = getDims(getFilter().getType());
  SmallVector<AffineExpr> dims = getDims(getType());
  ArrayRef<int64_t> kernel = getFilter().getType().getShape().drop_back(2);
  SmallVector<Window> windows = makeWindows(
      kernel, getStrides(), getDilations(), getPadsLow(), getPadsHigh());
  int64_t groups = getGroups(), total = 1;
  bool even = true, dilated = false;
  for (const Window &window : windows) {
    total = std::min<int64_t>(total * window.stride, INT32_MAX);
    even &= window.kernel % window.stride == 0;
    dilated |= window.dilation != 1;
  }
  if (groups == 1 && !dilated && total > 1 && (even || total > maxPhases)) {
    JointBuilder joint{b,         loc,        operands[0], operands[1],
                       inputDims, filterDims, windows};
    return SmallVector<Value>{joint.crop(joint.buildProduct(), dims)};
  }
  if (total > maxPhases)
    return emitOpError() << "with strides " << getStrides()
                         << " and groups or dilations is not supported";

  SmallVector<SmallVector<Phase>> phases;
  size_t count = 1;
  for (auto [i, window] : llvm::enumerate(windows)) {
    phases.push_back(
        getPhases(window, getOutputPadding()[i], inputDims[1 + i]));
    count *= phases.back().size();
  }
  Type element = getElementTypeOrSelf(operands[0]);
  Value result = count == static_cast<size_t>(total)
                     ? b.empty(loc, dims, element)
                     : b.fill(loc, dims, b.getZeroAttr(element));
  Value filter = reverseKernel(b, loc, operands[1], filterDims, kernel);
  PhaseBuilder builder{b,         loc,        operands[0], filter,
                       inputDims, filterDims, groups,      getStrides()};
  return SmallVector<Value>{insertAll(builder, result, phases, count)};
}
