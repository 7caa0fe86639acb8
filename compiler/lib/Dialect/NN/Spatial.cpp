//===- Spatial.cpp - types of the spatial ops -------------------*- C++ -*-===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Everything that can be wrong with a spatial op is found while its type is
// inferred, which the verifier does again: there are no other verifiers.
//
//===----------------------------------------------------------------------===//

#include "nncc/Dialect/NN/Spatial.h"
#include "SpatialUtils.h"
#include "nncc/Dialect/NN/NN.h"
#include "nncc/Dialect/NN/Symbols.h"
#include <cmath>

using namespace mlir;
using namespace nncc;
using namespace nncc::nn;

//===----------------------------------------------------------------------===//
// Sizes
//===----------------------------------------------------------------------===//

AffineExpr nn::getWindowedDim(AffineExpr size, const Window &window,
                              bool ceilMode) {
  int64_t padding = window.low + window.high;
  if (!ceilMode)
    return (size + (padding - window.extent())).floorDiv(window.stride) + 1;
  // The least of ceil((padded - extent) / stride) + 1 and the number of windows
  // that start before the high padding, ceil((size + low) / stride).
  int64_t over =
      std::min<int64_t>(window.high - window.extent() + window.stride, 0);
  return (size + (window.low + over)).ceilDiv(window.stride);
}

std::optional<std::pair<AffineExpr, AffineExpr>>
nn::getSamePadding(AffineExpr size, const Window &window, bool lower) {
  int64_t stride = window.stride, extent = window.extent();
  // The last window starts at (ceil(size / stride) - 1) * stride.
  AffineExpr total = (size - 1).floorDiv(stride) * stride + extent - size;
  if (stride == 1 || extent == 1)
    total = getAffineConstantExpr(extent - 1, size.getContext());
  if (std::optional<int64_t> constant = getConstantValue(total))
    total = getAffineConstantExpr(std::max<int64_t>(*constant, 0),
                                  size.getContext());
  else if (extent < stride)
    return std::nullopt;
  // So that their sum is seen to be the total.
  AffineExpr less = total.floorDiv(2), more = simplify(total - less);
  return lower ? std::make_pair(more, less) : std::make_pair(less, more);
}

std::optional<AffineExpr> nn::getResizedDim(AffineExpr size, double scale) {
  if (!std::isfinite(scale) || scale <= 0 || scale > (1 << 20))
    return std::nullopt;
  if (std::optional<int64_t> constant = getConstantValue(size))
    return getAffineConstantExpr(
        static_cast<int64_t>(std::floor(*constant * scale)), size.getContext());
  for (int64_t denominator = 1; denominator <= 64; ++denominator) {
    double numerator = scale * denominator;
    // Scales are floats in a model: 1/3 has an error of 2^-25 or so.
    if (std::abs(numerator - std::round(numerator)) < numerator * 1e-7)
      return (size * static_cast<int64_t>(std::round(numerator)))
          .floorDiv(denominator);
  }
  return std::nullopt;
}

//===----------------------------------------------------------------------===//
// Windows of an op
//===----------------------------------------------------------------------===//

/// Emits an error where `values` has not `count` entries between `least` and
/// the largest that index arithmetic can take.
static LogicalResult checkArray(std::optional<Location> loc, StringRef name,
                                ArrayRef<int64_t> values, size_t count,
                                int64_t least) {
  if (values.size() != count)
    return emitOptionalError(loc, name, " has ", values.size(),
                             " entries where the op has ", count,
                             " spatial dimensions");
  for (int64_t value : values)
    if (value < least || value > INT32_MAX)
      return emitOptionalError(loc, name, " has the entry ", value,
                               ", which is not from ", least, " to 2^31 - 1");
  return success();
}

template <typename Adaptor>
static FailureOr<SmallVector<Window>> checkWindows(std::optional<Location> loc,
                                                   Adaptor adaptor,
                                                   ArrayRef<int64_t> kernel) {
  size_t count = kernel.size();
  if (failed(checkArray(loc, "kernel", kernel, count, 1)) ||
      failed(checkArray(loc, "strides", adaptor.getStrides(), count, 1)) ||
      failed(checkArray(loc, "dilations", adaptor.getDilations(), count, 1)) ||
      failed(checkArray(loc, "pads_low", adaptor.getPadsLow(), count, 0)) ||
      failed(checkArray(loc, "pads_high", adaptor.getPadsHigh(), count, 0)))
    return failure();
  return makeWindows(kernel, adaptor.getStrides(), adaptor.getDilations(),
                     adaptor.getPadsLow(), adaptor.getPadsHigh());
}

/// The number of spatial dimensions of `input`, or an error.
static FailureOr<size_t> getSpatialRank(std::optional<Location> loc,
                                        RankedTensorType input) {
  if (input.getRank() < 3 || input.getRank() > 5)
    return emitOptionalError(loc, "input has rank ", input.getRank(),
                             "; supported are 3 to 5 dimensions, one to three "
                             "of them spatial");
  return input.getRank() - 2;
}

static LogicalResult checkPositive(std::optional<Location> loc,
                                   ArrayRef<AffineExpr> dims) {
  for (auto [i, dim] : llvm::enumerate(dims))
    if (std::optional<int64_t> size = getConstantValue(dim); size && *size < 0)
      return emitOptionalError(loc,
                               "the window is larger than the padded "
                               "input: dimension ",
                               i, " of the result would be ", *size);
  return success();
}

//===----------------------------------------------------------------------===//
// Convolutions
//===----------------------------------------------------------------------===//

/// Checks what nn.conv and nn.conv_transpose have in common and returns the
/// windows along the spatial dimensions.
template <typename Adaptor>
static FailureOr<SmallVector<Window>> checkConv(std::optional<Location> loc,
                                                Adaptor adaptor) {
  auto input = cast<RankedTensorType>(adaptor.getInput().getType());
  auto filter = cast<RankedTensorType>(adaptor.getFilter().getType());
  FailureOr<size_t> rank = getSpatialRank(loc, input);
  if (failed(rank))
    return failure();
  if (filter.getRank() != input.getRank())
    return emitOptionalError(loc, "filter has rank ", filter.getRank(),
                             " and input ", input.getRank());
  if (filter.getElementType() != input.getElementType())
    return emitOptionalError(loc, "filter has elements of type ",
                             filter.getElementType(), " and input ",
                             input.getElementType());
  ArrayRef<int64_t> kernel = filter.getShape().take_front(*rank);
  if (llvm::is_contained(kernel, ShapedType::kDynamic))
    return emitOptionalError(loc, "filter ", filter,
                             " has a kernel of unknown size");
  int64_t groups = adaptor.getGroups();
  if (groups < 1)
    return emitOptionalError(loc, "groups is ", groups);
  int64_t channels = input.getShape().back();
  int64_t perGroup = filter.getDimSize(*rank),
          outputs = filter.getShape().back();
  if (groups > 1 &&
      (ShapedType::isDynamic(channels) || ShapedType::isDynamic(outputs)))
    return emitOptionalError(loc, "a convolution of several groups needs "
                                  "numbers of channels that are known");
  if (!ShapedType::isDynamic(channels) && !ShapedType::isDynamic(perGroup) &&
      (channels % groups || channels / groups != perGroup))
    return emitOptionalError(loc, "input has ", channels, " channels in ",
                             groups, " groups where the filter has ", perGroup,
                             " a group");
  if (groups > 1 && outputs % groups)
    return emitOptionalError(loc, outputs, " output channels do not divide by ",
                             groups, " groups");
  return checkWindows(loc, adaptor, kernel);
}

LogicalResult ConvOp::inferReturnTypes(MLIRContext *,
                                       std::optional<Location> loc,
                                       Adaptor adaptor,
                                       SmallVectorImpl<Type> &types) {
  FailureOr<SmallVector<Window>> windows = checkConv(loc, adaptor);
  if (failed(windows))
    return failure();
  auto input = cast<RankedTensorType>(adaptor.getInput().getType());
  SmallVector<AffineExpr> dims = getDims(input);
  for (auto [i, window] : llvm::enumerate(*windows))
    dims[i + 1] = getWindowedDim(dims[i + 1], window);
  dims.back() = getDims(adaptor.getFilter().getType()).back();
  types.push_back(makeTensorType(dims, getSumType(input.getElementType())));
  return checkPositive(loc, dims);
}

LogicalResult ConvTransposeOp::inferReturnTypes(MLIRContext *,
                                                std::optional<Location> loc,
                                                Adaptor adaptor,
                                                SmallVectorImpl<Type> &types) {
  FailureOr<SmallVector<Window>> windows = checkConv(loc, adaptor);
  if (failed(windows) ||
      failed(checkArray(loc, "output_padding", adaptor.getOutputPadding(),
                        windows->size(), 0)))
    return failure();
  auto input = cast<RankedTensorType>(adaptor.getInput().getType());
  SmallVector<AffineExpr> dims = getDims(input);
  for (auto [i, window] : llvm::enumerate(*windows))
    dims[i + 1] = (dims[i + 1] - 1) * window.stride +
                  (window.extent() + adaptor.getOutputPadding()[i] -
                   window.low - window.high);
  dims.back() = getDims(adaptor.getFilter().getType()).back();
  types.push_back(makeTensorType(dims, input.getElementType()));
  return checkPositive(loc, dims);
}

std::optional<unsigned> ConvOp::getWeightsOperand() {
  return getFilterMutable().getOperandNumber();
}

std::optional<unsigned> ConvTransposeOp::getWeightsOperand() {
  return getFilterMutable().getOperandNumber();
}

//===----------------------------------------------------------------------===//
// Pooling
//===----------------------------------------------------------------------===//

template <typename Adaptor>
static LogicalResult inferPool(std::optional<Location> loc, Adaptor adaptor,
                               SmallVectorImpl<Type> &types) {
  auto input = cast<RankedTensorType>(adaptor.getInput().getType());
  FailureOr<size_t> rank = getSpatialRank(loc, input);
  if (failed(rank) ||
      failed(checkArray(loc, "kernel", adaptor.getKernel(), *rank, 1)))
    return failure();
  FailureOr<SmallVector<Window>> windows =
      checkWindows(loc, adaptor, adaptor.getKernel());
  if (failed(windows))
    return failure();
  SmallVector<AffineExpr> dims = getDims(input);
  for (auto [i, window] : llvm::enumerate(*windows))
    dims[i + 1] = getWindowedDim(dims[i + 1], window, adaptor.getCeilMode());
  types.push_back(makeTensorType(dims, input.getElementType()));
  return checkPositive(loc, dims);
}

LogicalResult MaxPoolOp::inferReturnTypes(MLIRContext *,
                                          std::optional<Location> loc,
                                          Adaptor op,
                                          SmallVectorImpl<Type> &types) {
  return inferPool(loc, op, types);
}

LogicalResult AvgPoolOp::inferReturnTypes(MLIRContext *,
                                          std::optional<Location> loc,
                                          Adaptor adaptor,
                                          SmallVectorImpl<Type> &types) {
  auto input = cast<RankedTensorType>(adaptor.getInput().getType());
  if (!isa<FloatType>(input.getElementType()))
    return emitOptionalError(loc, "the mean of elements of type ",
                             input.getElementType(), " is not supported");
  return inferPool(loc, adaptor, types);
}

LogicalResult LpPoolOp::inferReturnTypes(MLIRContext *,
                                         std::optional<Location> loc,
                                         Adaptor adaptor,
                                         SmallVectorImpl<Type> &types) {
  auto input = cast<RankedTensorType>(adaptor.getInput().getType());
  if (!isa<FloatType>(input.getElementType()))
    return emitOptionalError(loc, "the norm of elements of type ",
                             input.getElementType(), " is not supported");
  if (adaptor.getP() != 1 && adaptor.getP() != 2)
    return emitOptionalError(loc, "p = ", adaptor.getP(),
                             " is not supported, only 1 and 2");
  return inferPool(loc, adaptor, types);
}
