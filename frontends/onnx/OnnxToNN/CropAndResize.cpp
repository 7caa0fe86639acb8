//===- OnnxToNN/CropAndResize.cpp - crops that data tell --------*- C++ -*-===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "frontends/onnx/OnnxToNN/CropAndResize.h"

using namespace mlir;
using namespace nncc::onnx;
namespace nn = nncc::nn;

namespace {

/// Resamples one axis after the other.
class Cropper {
public:
  Cropper(Node &node, const CropMode &mode, Value input)
      : node(node), mode(mode), f32(node.getBuilder().getF32Type()),
        result(input), rank(Node::rank(input)) {}

  void resample(int64_t axis, AffineExpr size, Value start, Value end);
  Value finish();

private:
  Value number(double value) { return node.constant(value, f32); }
  Value count(AffineExpr size) {
    return node.cast(node.reshape(node.sizeValues(size), {}), f32);
  }
  Value locate(AffineExpr size, Value last, Value start, Value end);
  Value roundToNearest(Value position);
  Value take(Value at, int64_t axis);
  Value alongAxis(Value vector, int64_t axis);

  Node &node;
  const CropMode &mode;
  Type f32;
  Value result;
  int64_t rank;
  Value isOutside; ///< i1, broadcasts to the result; null if none is
};

} // namespace

/// The positions in the input, f32[size]; `last` is its last one.
Value Cropper::locate(AffineExpr size, Value last, Value start, Value end) {
  Value steps = node.sub(count(size), number(1));
  Value step = node.div(node.mul(node.sub(end, start), last),
                        node.create<nn::MaxOp>(steps, number(1)));
  Value index = node.createTyped<nn::IotaOp>(nn::makeTensorType(size, f32), 0);
  Value grid = node.add(node.mul(start, last), node.mul(index, step));
  Value middle = node.mul(node.mul(node.add(start, end), last), number(0.5));
  return node.select(node.create<nn::GreaterOp>(steps, number(0)), grid,
                     middle);
}

Value Cropper::roundToNearest(Value position) {
  switch (mode.nearest) {
  case nn::NearestMode::Ceil:
    return node.create<nn::CeilOp>(position);
  case nn::NearestMode::RoundPreferFloor:
    return node.create<nn::CeilOp>(node.sub(position, number(0.5)));
  case nn::NearestMode::RoundPreferCeil:
    return node.create<nn::FloorOp>(node.add(position, number(0.5)));
  default:
    return node.create<nn::FloorOp>(position);
  }
}

/// The elements at positions of an axis, which are whole numbers.
Value Cropper::take(Value at, int64_t axis) {
  Type i64 = node.getBuilder().getI64Type();
  return node.create<nn::GatherOp>(result, node.cast(at, i64), axis);
}

/// A vector so that it broadcasts along an axis of the result.
Value Cropper::alongAxis(Value vector, int64_t axis) {
  if (!vector)
    return vector;
  Dims dims(rank, node.dim(1));
  dims[axis] = Node::dims(vector)[0];
  return node.reshape(vector, dims);
}

void Cropper::resample(int64_t axis, AffineExpr size, Value start, Value end) {
  Value last = count(nn::simplify(Node::dims(result)[axis] - 1));
  Value position = locate(size, last, start, end);
  Value isBeyond =
      node.create<nn::OrOp>(node.create<nn::LessOp>(position, number(0)),
                            node.create<nn::GreaterOp>(position, last));
  isBeyond = alongAxis(isBeyond, axis);
  isOutside = isOutside ? node.create<nn::OrOp>(isOutside, isBeyond) : isBeyond;
  auto inside = [&](Value at) {
    return node.create<nn::ClampOp>(at, number(0), last);
  };
  if (!mode.isLinear) {
    result = take(inside(roundToNearest(position)), axis);
    return;
  }
  position = inside(position);
  Value low = node.create<nn::FloorOp>(position);
  Value weight = alongAxis(node.sub(position, low), axis);
  Value before = take(low, axis);
  Value after = take(inside(node.add(low, number(1))), axis);
  result = node.add(before, node.mul(node.sub(after, before), weight));
}

Value Cropper::finish() {
  return isOutside ? node.select(isOutside, number(mode.extrapolation), result)
                   : result;
}

/// An element of a vector, f32[]; of what was concatenated, the operand's.
static Value getElement(Node &node, Value vector, int64_t at) {
  while (auto concat = vector.getDefiningOp<nn::ConcatOp>()) {
    auto sources = nn::getElementSources(concat);
    if (!sources)
      break;
    vector = concat->getOperand((*sources)[at].operand);
    at = (*sources)[at].element;
  }
  Value element = node.slice(vector, 0, node.dim(at), node.dim(1));
  return node.cast(node.reshape(element, {}), node.getBuilder().getF32Type());
}

Value nncc::onnx::cropAndResize(Node &node, Value input, Value roi,
                                ArrayRef<int64_t> axes,
                                ArrayRef<AffineExpr> sizes,
                                const CropMode &mode) {
  if (!input || !roi)
    return Value();
  if (nn::getConstantValue(Node::dims(roi)[0]) != 2 * int64_t(axes.size()))
    return node.failValue("roi must have two entries an axis");
  Dims dims = Node::dims(input);
  Type type = Node::elementType(input);
  Cropper cropper(node, mode, node.cast(input, node.getBuilder().getF32Type()));
  for (auto [i, axis] : llvm::enumerate(axes)) {
    Value start = getElement(node, roi, i);
    Value end = getElement(node, roi, i + axes.size());
    bool isWhole = dims[axis] == sizes[axis] && node.tryFloats(start) &&
                   node.tryFloats(start)->front() == 0 && node.tryFloats(end) &&
                   node.tryFloats(end)->front() == 1;
    if (!isWhole)
      cropper.resample(axis, sizes[axis], start, end);
  }
  return node.cast(cropper.finish(), type);
}
