//===- Unpool.cpp - where the maxima of windows lie -------------*- C++ -*-===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "frontends/onnx/OnnxToNN/Unpool.h"

#include "frontends/onnx/OnnxToNN/Rows.h"
#include "nncc/Dialect/NN/NN.h"

#include <limits>

using namespace mlir;
using namespace nncc::onnx;
namespace nn = nncc::nn;

namespace {

/// The position of a window's element in the tensor, as it goes over its
/// windows.
class MaximumFinder {
public:
  MaximumFinder(Node &node, const Windows &windows, Value input,
                ArrayRef<AffineExpr> pooled);

  Value find(bool columnMajor);

private:
  Value pad(Value value);
  Value takeTap(ArrayRef<int64_t> tap);
  Value locateTap(ArrayRef<int64_t> tap, bool columnMajor);
  Value locatePlane();

  Node &node;
  const Windows &windows;
  Dims dims, pooled; ///< [N, C, spatial...]
  Type i64;
  Value padded;
};

} // namespace

MaximumFinder::MaximumFinder(Node &node, const Windows &windows, Value input,
                             ArrayRef<AffineExpr> pooled)
    : node(node), windows(windows), dims(Node::dims(input)), pooled(pooled),
      i64(node.getBuilder().getI64Type()) {
  // So that the border is less than all elements.
  if (isa<IntegerType>(Node::elementType(input)))
    input = node.cast(input, node.getBuilder().getI32Type());
  padded = pad(input);
}

Value MaximumFinder::pad(Value value) {
  if (!value)
    return value;
  Dims low(dims.size(), node.dim(0)), high = low;
  for (size_t i = 0; i < windows.kernel.size(); ++i) {
    low[i + 2] = node.dim(windows.low[i]);
    // The last window may end a step later.
    high[i + 2] = node.dim(windows.high[i] + windows.strides[i] - 1);
  }
  OpBuilder &b = node.getBuilder();
  Type type = Node::elementType(value);
  TypedAttr least = b.getI32IntegerAttr(std::numeric_limits<int32_t>::min());
  if (auto floats = dyn_cast<FloatType>(type))
    least = b.getFloatAttr(
        type, APFloat::getInf(floats.getFloatSemantics(), /*Negative=*/true));
  return node.create<nn::PadOp>(value, node.map(low), node.map(high),
                                nn::PadMode::Constant, least);
}

/// One element of each window, [N, C, spatial...] of the result.
Value MaximumFinder::takeTap(ArrayRef<int64_t> tap) {
  Dims starts(dims.size(), node.dim(0));
  Ints steps(dims.size(), 1);
  for (size_t i = 0; i < tap.size(); ++i) {
    starts[i + 2] = node.dim(tap[i] * windows.dilations[i]);
    steps[i + 2] = windows.strides[i];
  }
  return node.create<nn::SliceOp>(padded, node.map(starts), node.map(pooled),
                                  steps);
}

/// Where these elements lie in their channel.
Value MaximumFinder::locateTap(ArrayRef<int64_t> tap, bool columnMajor) {
  Value sum = node.constant(0, i64);
  AffineExpr stride = node.dim(1);
  for (size_t i = 0; i < tap.size(); ++i) {
    size_t axis = columnMajor ? i : tap.size() - 1 - i;
    Dims line(dims.size(), node.dim(1));
    line[axis + 2] = pooled[axis + 2];
    Value at =
        node.createTyped<nn::IotaOp>(nn::makeTensorType(line, i64), axis + 2);
    int64_t first = tap[axis] * windows.dilations[axis] - windows.low[axis];
    at = node.add(
        node.mul(
            at, node.constant(static_cast<double>(windows.strides[axis]), i64)),
        node.constant(static_cast<double>(first), i64));
    sum = node.add(sum, node.mul(at, node.sizeValues(stride)));
    stride = nn::simplify(stride * dims[axis + 2]);
  }
  return sum;
}

/// Where each channel begins: [N, C, 1...].
Value MaximumFinder::locatePlane() {
  Dims plane(dims.size(), node.dim(1)), rest(dims.begin() + 2, dims.end());
  plane[0] = dims[0];
  plane[1] = dims[1];
  RankedTensorType type = nn::makeTensorType(plane, i64);
  Value image =
      node.mul(node.createTyped<nn::IotaOp>(type, 0), node.sizeValues(dims[1]));
  Value channel = node.add(image, node.createTyped<nn::IotaOp>(type, 1));
  return node.mul(channel,
                  node.sizeValues(nn::getProduct(rest, node.getContext())));
}

/// The first maximum of each window counts.
Value MaximumFinder::find(bool columnMajor) {
  Ints tap(windows.kernel.size(), 0);
  Value best, where;
  while (true) {
    Value value = takeTap(tap), at = locateTap(tap, columnMajor);
    if (best) {
      Value isMore = node.create<nn::GreaterOp>(value, best);
      where = node.select(isMore, at, where);
      best = node.create<nn::MaxOp>(value, best);
    } else {
      best = value;
      where = node.broadcast(at, pooled);
    }
    size_t axis = tap.size();
    while (axis > 0 && ++tap[axis - 1] == windows.kernel[axis - 1])
      tap[--axis] = 0;
    if (axis == 0 || node.hasFailed())
      return node.add(where, locatePlane());
  }
}

Value nncc::onnx::findMaxima(Node &node, const Windows &windows, Value input,
                             ArrayRef<AffineExpr> pooled, bool columnMajor) {
  int64_t taps = 1;
  for (int64_t size : windows.kernel)
    taps *= size;
  constexpr int64_t maxTaps = 256;
  if (taps > maxTaps)
    return node.failValue("Indices of windows of more than " +
                          llvm::Twine(maxTaps) + " elements are not supported");
  return MaximumFinder(node, windows, input, pooled).find(columnMajor);
}

/// The sizes that MaxPool had before it.
static std::optional<Dims> getUnpooledDims(Node &node, Value input) {
  auto windows = readWindows(node, input, {}, /*transposed=*/true);
  if (!windows)
    return std::nullopt;
  Dims dims = Node::dims(input);
  for (size_t i = 0; i < windows->kernel.size(); ++i)
    dims[i + 2] =
        nn::simplify((dims[i + 2] - 1) * windows->strides[i] +
                     windows->kernel[i] - windows->low[i] - windows->high[i]);
  return dims;
}

static LogicalResult convertMaxUnpool(Node &node) {
  Value input = node.in(0), where = node.in(1);
  if (Node::dims(where) != Node::dims(input))
    return node.fail("the positions must have the input's sizes");
  auto dims = getUnpooledDims(node, input);
  if (dims && node.in(2))
    dims = node.sizes(node.in(2), "the output's shape");
  if (!dims)
    return failure();
  MLIRContext *context = node.getContext();
  AffineExpr count = nn::getProduct(Node::dims(input), context);
  Value zeros = node.broadcast(node.constant(0, Node::elementType(input)),
                               nn::getProduct(*dims, context));
  Value flat = node.create<nn::ScatterElementsOp>(
      zeros, node.reshape(where, count), node.reshape(input, count), 0,
      nn::ScatterReduction::None);
  return node.result(node.reshape(flat, *dims));
}

static const Row rows[] = {
    {"MaxUnpool", 9, 2, 3, convertMaxUnpool},
};

ArrayRef<Row> nncc::onnx::getUnpoolRows() { return rows; }
