//===- OnnxToNN/Spatial.cpp - convolutions and pools ------------*- C++ -*-===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "frontends/onnx/OnnxToNN/Spatial.h"

#include "frontends/onnx/OnnxToNN/Rows.h"
#include "frontends/onnx/OnnxToNN/Unpool.h"
#include "nncc/Dialect/NN/NN.h"
#include "nncc/Dialect/NN/Spatial.h"

using namespace mlir;
using namespace nncc::onnx;
namespace nn = nncc::nn;

Value nncc::onnx::toChannelsLast(Node &node, Value value) {
  if (!value || Node::rank(value) <= 2)
    return value;
  Ints permutation{0};
  for (int64_t i = 2, rank = Node::rank(value); i < rank; ++i)
    permutation.push_back(i);
  permutation.push_back(1);
  return node.transpose(value, permutation);
}

Value nncc::onnx::toChannelsFirst(Node &node, Value value) {
  if (!value || Node::rank(value) <= 2)
    return value;
  int64_t rank = Node::rank(value);
  Ints permutation{0, rank - 1};
  for (int64_t i = 1; i < rank - 1; ++i)
    permutation.push_back(i);
  return node.transpose(value, permutation);
}

//===----------------------------------------------------------------------===//
// Convolutions
//===----------------------------------------------------------------------===//

/// The kernel sizes of a filter [_, _, K...] that fits the input.
static std::optional<Ints> getKernel(Node &node, Value input, Value filter) {
  if (Node::rank(filter) != Node::rank(input) || Node::rank(filter) < 3) {
    (void)node.fail("the filter must have the input's rank");
    return std::nullopt;
  }
  std::optional<Ints> sizes = node.staticDims(filter, "the filter");
  if (!sizes)
    return std::nullopt;
  return Ints(sizes->begin() + 2, sizes->end());
}

static TypedAttr getZero(Node &node, Value input) {
  return input ? node.getBuilder().getZeroAttr(Node::elementType(input))
               : TypedAttr();
}

/// Whether a window fits into the padded input at all.
static LogicalResult checkWindows(Node &node, Value result) {
  if (!result)
    return failure();
  for (int64_t size : Node::type(result).getShape())
    if (size == 0 && !llvm::is_contained(Node::type(node.in(0)).getShape(), 0))
      return node.fail("the window is larger than the padded input");
  return success();
}

static LogicalResult finishConv(Node &node, Value result) {
  if (failed(checkWindows(node, result)))
    return failure();
  if (node.in(2))
    result = node.add(result, node.in(2));
  return node.result(toChannelsFirst(node, result));
}

Value nncc::onnx::convolve(Node &node, Value input, Value filter) {
  std::optional<Ints> kernel = getKernel(node, input, filter);
  if (!kernel)
    return Value();
  std::optional<Windows> windows = readWindows(node, input, *kernel);
  if (!windows)
    return Value();
  if (windows->kernel != *kernel)
    return node.failValue("kernel_shape differs from the filter's shape");
  int64_t groups = node.getInt("group", 1);

  Ints permutation;
  for (int64_t i = 2, rank = Node::rank(filter); i < rank; ++i)
    permutation.push_back(i);
  permutation.append({1, 0});
  input = node.withSize(input, 1, Node::dims(filter)[1] * groups);
  input = padOpenSizes(node, *windows, input, getZero(node, input));
  Value result = node.create<nn::ConvOp>(
      toChannelsLast(node, input), node.transpose(filter, permutation),
      windows->strides, windows->low, windows->high, windows->dilations,
      groups);
  return failed(checkWindows(node, result)) ? Value() : result;
}

static LogicalResult convertConv(Node &node) {
  return finishConv(node, convolve(node, node.in(0), node.in(1)));
}

/// [C, O / groups, K...] to [K..., C / groups, O].
static Value transposeFilter(Node &node, Value filter, int64_t groups) {
  Ints sizes(Node::type(filter).getShape());
  int64_t rank = sizes.size();
  if (groups < 1 || sizes[0] % groups != 0)
    return node.failValue("group = " + llvm::Twine(groups) +
                          " does not divide the input's channels");
  // [g, C / g, O / g, K...] to [K..., C / g, g, O / g].
  Ints split{groups, sizes[0] / groups}, permutation, merged;
  split.append(sizes.begin() + 1, sizes.end());
  for (int64_t i = 2; i < rank; ++i) {
    permutation.push_back(i + 1);
    merged.push_back(sizes[i]);
  }
  permutation.append({1, 0, 2});
  merged.append({sizes[0] / groups, groups * sizes[1]});
  if (groups == 1) {
    Ints direct;
    for (int64_t i = 2; i < rank; ++i)
      direct.push_back(i);
    direct.append({0, 1});
    return node.transpose(filter, direct);
  }
  Value value = node.reshape(filter, node.dims(split));
  return node.reshape(node.transpose(value, permutation), node.dims(merged));
}

/// Pads that give the requested output sizes.
static LogicalResult setTransposedPadding(Node &node, Windows &windows,
                                          Ints &outputPadding, Value input) {
  std::string autoPad = node.getString("auto_pad", "NOTSET");
  std::optional<Ints> outputShape = node.getInts("output_shape");
  bool same = autoPad == "SAME_UPPER" || autoPad == "SAME_LOWER";
  size_t spatial = windows.kernel.size();
  if (outputShape && outputShape->size() != spatial)
    return node.fail("output_shape must have one entry a spatial dimension");
  if (autoPad == "VALID") {
    windows.low.assign(spatial, 0);
    windows.high.assign(spatial, 0);
  }
  if (!same && !outputShape)
    return success();

  Dims dims = Node::dims(input);
  for (size_t i = 0; i < spatial; ++i) {
    AffineExpr size = dims[i + 2];
    AffineExpr target =
        outputShape ? node.dim((*outputShape)[i]) : size * windows.strides[i];
    AffineExpr total = (size - 1) * windows.strides[i] + outputPadding[i] +
                       (windows.kernel[i] - 1) * windows.dilations[i] + 1 -
                       target;
    auto amount = dyn_cast<AffineConstantExpr>(nn::simplify(total));
    if (!amount)
      return node.fail("output_shape of a symbolic dimension is not supported: "
                       "fix the size with --dim");
    int64_t pads = std::max<int64_t>(amount.getValue(), 0);
    outputPadding[i] += pads - amount.getValue();
    int64_t half = pads / 2;
    windows.low[i] = autoPad == "SAME_UPPER" ? half : pads - half;
    windows.high[i] = pads - windows.low[i];
  }
  return success();
}

static LogicalResult convertConvTranspose(Node &node) {
  Value input = node.in(0), filter = node.in(1);
  std::optional<Ints> kernel = getKernel(node, input, filter);
  if (!kernel)
    return failure();
  std::optional<Windows> windows =
      readWindows(node, input, *kernel, /*transposed=*/true);
  if (!windows)
    return failure();
  auto outputPadding =
      readSpatialList(node, "output_padding", windows->kernel.size(), 0, 0);
  if (!outputPadding ||
      failed(setTransposedPadding(node, *windows, *outputPadding, input)))
    return failure();
  int64_t groups = node.getInt("group", 1);
  input = node.withSize(input, 1, Node::dims(filter)[0]);
  return finishConv(node, node.create<nn::ConvTransposeOp>(
                              toChannelsLast(node, input),
                              transposeFilter(node, filter, groups),
                              windows->strides, windows->low, windows->high,
                              *outputPadding, windows->dilations, groups));
}

//===----------------------------------------------------------------------===//
// Pools
//===----------------------------------------------------------------------===//

/// Creates a pool over an input with a border, where sizes are open; the
/// attributes behind ceil_mode are the caller's.
template <typename OpT, typename... Args>
static Value pool(Node &node, Value input, TypedAttr border, Args... args) {
  std::optional<Windows> windows;
  if (input)
    windows = readWindows(node, input, {});
  if (!windows)
    return Value();
  bool ceilMode = node.getInt("ceil_mode", 0) != 0;
  input = padOpenSizes(node, *windows, input, border);
  Value pooled = node.create<OpT>(toChannelsLast(node, input), windows->kernel,
                                  windows->strides, windows->low, windows->high,
                                  windows->dilations, ceilMode, args...);
  if (failed(checkWindows(node, pooled)))
    return Value();
  return toChannelsFirst(node, pooled);
}

/// What no maximum is, unless all elements are.
static TypedAttr getLeast(Node &node, Value input) {
  if (!input)
    return TypedAttr();
  Type type = Node::elementType(input);
  if (auto floats = dyn_cast<FloatType>(type))
    return FloatAttr::get(type, APFloat::getInf(floats.getFloatSemantics(),
                                                /*Negative=*/true));
  unsigned bits = type.getIntOrFloatBitWidth();
  return IntegerAttr::get(type, type.isUnsignedInteger()
                                    ? APInt::getMinValue(bits)
                                    : APInt::getSignedMinValue(bits));
}

Value nncc::onnx::poolAverage(Node &node, Value input) {
  bool countPadding = node.getInt("count_include_pad", 0) != 0;
  Value average =
      pool<nn::AvgPoolOp>(node, input, getZero(node, input), countPadding);
  if (!average || countPadding)
    return average;
  std::optional<Windows> windows = readWindows(node, input, {});
  if (!windows || windows->openLow.empty())
    return average;
  // How much of each window lies in the input.
  Dims sizes = Node::dims(input);
  sizes[0] = sizes[1] = node.dim(1);
  Value ones =
      node.broadcast(node.constant(1, Node::elementType(input)), sizes);
  return node.div(average, pool<nn::AvgPoolOp>(node, ones, getZero(node, ones),
                                               countPadding));
}

static LogicalResult convertMaxPool(Node &node) {
  // The order in memory that Indices count in.
  bool columnMajor = node.getInt("storage_order", 0) != 0;
  Value pooled =
      pool<nn::MaxPoolOp>(node, node.in(0), getLeast(node, node.in(0)));
  if (!pooled || !node.isUsed(1))
    return node.result(pooled);
  auto windows = readWindows(node, node.in(0), {});
  if (!windows->openLow.empty())
    return node.fail("Indices are not supported with auto_pad of a symbolic "
                     "dimension: fix the size with --dim");
  return node.results({pooled, findMaxima(node, *windows, node.in(0),
                                          Node::dims(pooled), columnMajor)});
}

static LogicalResult convertNhwcMaxPool(Node &node) {
  Value input = toChannelsFirst(node, node.in(0));
  Value pooled = pool<nn::MaxPoolOp>(node, input, getLeast(node, input));
  return node.result(toChannelsLast(node, pooled));
}

static LogicalResult convertAveragePool(Node &node) {
  return node.result(poolAverage(node, node.in(0)));
}

/// |x|^exponent.
static Value raise(Node &node, Value x, double exponent) {
  Value size = node.create<nn::AbsOp>(x);
  return size ? node.create<nn::PowOp>(
                    size, node.constant(exponent, Node::elementType(size)))
              : size;
}

static LogicalResult convertLpPool(Node &node) {
  int64_t p = node.getInt("p", 2);
  if (p < 1)
    return node.fail("p must be positive");
  if (p <= 2)
    return node.result(
        pool<nn::LpPoolOp>(node, node.in(0), getZero(node, node.in(0)), p));
  double exponent = static_cast<double>(p);
  Value powers = raise(node, node.in(0), exponent);
  Value sum =
      pool<nn::LpPoolOp>(node, powers, getZero(node, powers), int64_t(1));
  return node.result(raise(node, sum, 1 / exponent));
}

/// The axes 1 up to rank - 1 of a channels-last value.
static std::optional<Ints> getSpatialAxes(Node &node, Value value) {
  if (Node::rank(value) < 3) {
    (void)node.fail("the input must have spatial dimensions: " +
                    node.describe(value));
    return std::nullopt;
  }
  Ints axes;
  for (int64_t i = 1; i < Node::rank(value) - 1; ++i)
    axes.push_back(i);
  return axes;
}

template <typename ReduceOp>
static LogicalResult convertGlobalPool(Node &node) {
  std::optional<Ints> axes = getSpatialAxes(node, node.in(0));
  if (!axes)
    return failure();
  Value reduced = node.create<ReduceOp>(toChannelsLast(node, node.in(0)), *axes,
                                        /*keepdims=*/true);
  return node.result(toChannelsFirst(node, reduced));
}

static LogicalResult convertGlobalLpPool(Node &node) {
  std::optional<Ints> axes = getSpatialAxes(node, node.in(0));
  double p = static_cast<double>(node.getInt("p", 2));
  if (!axes || p < 1)
    return axes ? node.fail("p must be positive") : failure();
  Value powers = raise(node, toChannelsLast(node, node.in(0)), p);
  Value sum = node.create<nn::ReduceSumOp>(powers, *axes, /*keepdims=*/true);
  return node.result(toChannelsFirst(node, raise(node, sum, 1 / p)));
}

//===----------------------------------------------------------------------===//
// Blocks of pixels
//===----------------------------------------------------------------------===//

/// Checks [N, C, H, W] and the block size.
static std::optional<int64_t> getBlockSize(Node &node) {
  int64_t block = node.getInt("blocksize", 0);
  if (Node::rank(node.in(0)) == 4 && block >= 1 && block <= maxWindowValue)
    return block;
  (void)node.fail("needs an input of rank 4 and a positive blocksize");
  return std::nullopt;
}

static LogicalResult convertDepthToSpace(Node &node) {
  Value input = node.in(0);
  std::optional<int64_t> block = getBlockSize(node);
  if (!block)
    return failure();
  std::string mode = node.getString("mode", "DCR");
  if (mode != "DCR" && mode != "CRD")
    return node.fail("mode = '" + llvm::Twine(mode) + "' is unknown");
  Dims d = Node::dims(input);
  AffineExpr b = node.dim(*block), c = d[1].floorDiv(*block * *block);
  bool dcr = mode == "DCR";
  Dims split =
      dcr ? Dims{d[0], b, b, c, d[2], d[3]} : Dims{d[0], c, b, b, d[2], d[3]};
  Ints permutation = dcr ? Ints{0, 3, 4, 1, 5, 2} : Ints{0, 1, 4, 2, 5, 3};
  Value value = node.transpose(node.reshape(input, split), permutation);
  return node.result(node.reshape(value, {d[0], c, d[2] * b, d[3] * b}));
}

static LogicalResult convertSpaceToDepth(Node &node) {
  Value input = node.in(0);
  std::optional<int64_t> block = getBlockSize(node);
  if (!block)
    return failure();
  std::string mode = node.getString("mode", "DCR");
  if (mode != "DCR" && mode != "CRD")
    return node.fail("mode = '" + llvm::Twine(mode) + "' is unknown");
  Dims d = Node::dims(input);
  AffineExpr b = node.dim(*block);
  AffineExpr height = d[2].floorDiv(*block), width = d[3].floorDiv(*block);
  Value value = node.reshape(input, {d[0], d[1], height, b, width, b});
  value = node.transpose(value, mode == "DCR" ? Ints{0, 3, 5, 1, 2, 4}
                                              : Ints{0, 1, 3, 5, 2, 4});
  return node.result(node.reshape(value, {d[0], d[1] * b * b, height, width}));
}

static const Row rows[] = {
    {"Conv", 1, 2, 3, convertConv},
    {"ConvTranspose", 1, 2, 3, convertConvTranspose},
    {"MaxPool", 1, 1, 1, convertMaxPool},
    {"NhwcMaxPool", 1, 1, 1, convertNhwcMaxPool, "com.microsoft"},
    {"AveragePool", 1, 1, 1, convertAveragePool},
    {"LpPool", 2, 1, 1, convertLpPool},
    {"GlobalLpPool", 2, 1, 1, convertGlobalLpPool},
    {"GlobalAveragePool", 1, 1, 1, convertGlobalPool<nn::ReduceMeanOp>},
    {"GlobalMaxPool", 1, 1, 1, convertGlobalPool<nn::ReduceMaxOp>},
    {"DepthToSpace", 1, 1, 1, convertDepthToSpace},
    {"SpaceToDepth", 1, 1, 1, convertSpaceToDepth},
};

ArrayRef<Row> nncc::onnx::getSpatialRows() { return rows; }
