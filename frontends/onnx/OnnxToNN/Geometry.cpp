//===- Geometry.cpp - grids, crops and their samples ------------*- C++ -*-===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "frontends/onnx/OnnxToNN/Node.h"
#include "frontends/onnx/OnnxToNN/Rows.h"
#include "nncc/Dialect/NN/NN.h"

using namespace mlir;
using namespace nncc::onnx;
namespace nn = nncc::nn;

/// A size as a number of a type, rank 0.
static Value sizeAs(Node &node, AffineExpr size, Type type) {
  return node.cast(node.reshape(node.sizeValues(size), {}), type);
}

//===----------------------------------------------------------------------===//
// AffineGrid
//===----------------------------------------------------------------------===//

/// From -1 to 1 along one axis of `rank` dimensions.
static Value spanAxis(Node &node, AffineExpr size, int64_t axis, int64_t rank,
                      bool alignsCorners, Type type) {
  Dims line(rank, node.dim(1));
  line[axis] = size;
  Value at = node.createTyped<nn::IotaOp>(nn::makeTensorType(line, type), axis);
  Value count = sizeAs(node, size, type);
  Value one = node.constant(1, type), two = node.constant(2, type);
  if (alignsCorners)
    return node.sub(node.div(node.mul(at, two), node.sub(count, one)), one);
  return node.sub(node.div(node.add(node.mul(at, two), one), count), one);
}

/// theta [N, d, d + 1] times the positions in [N, spatial..., d].
static LogicalResult convertAffineGrid(Node &node) {
  Value theta = node.in(0);
  auto sizes = node.sizes(node.in(1), "the size");
  bool alignsCorners = node.getInt("align_corners", 0) != 0;
  if (!sizes)
    return failure();
  int64_t spatial = static_cast<int64_t>(sizes->size()) - 2;
  if (spatial < 2 || spatial > 3 || Node::rank(theta) != 3)
    return node.fail("needs matrices, and a size of an image or a volume");
  Dims dims = Node::dims(theta), factor(spatial + 2, node.dim(1));
  factor.front() = dims[0];
  factor.back() = dims[1];
  Value sum;
  for (int64_t i = 0; i <= spatial; ++i) {
    Value part =
        node.reshape(node.slice(theta, 2, node.dim(i), node.dim(1)), factor);
    // x is the last axis.
    int64_t axis = spatial - i;
    if (i < spatial)
      part =
          node.mul(part, spanAxis(node, (*sizes)[axis + 1], axis, spatial + 2,
                                  alignsCorners, Node::elementType(theta)));
    sum = sum ? node.add(sum, part) : part;
  }
  return node.result(sum);
}

//===----------------------------------------------------------------------===//
// CenterCropPad
//===----------------------------------------------------------------------===//

/// Half of a difference of sizes, rounded down where it is positive and up
/// where it is negative: i64 of rank 0.
static Value getOffset(Node &node, AffineExpr from, AffineExpr to) {
  Type i64 = node.getBuilder().getI64Type();
  // Division cuts off.
  return node.div(node.sub(sizeAs(node, from, i64), sizeAs(node, to, i64)),
                  node.constant(2, i64));
}

static Value cropOrPad(Node &node, Value value, int64_t axis, AffineExpr size) {
  if (!value)
    return value;
  AffineExpr from = Node::dims(value)[axis];
  if (nn::getDifference(from, size) == 0)
    return value;
  Type i64 = node.getBuilder().getI64Type();
  Value at = node.createTyped<nn::IotaOp>(nn::makeTensorType(size, i64), 0);
  at = node.add(at, getOffset(node, from, size));
  Value zero = node.constant(0, i64);
  Value last = node.sub(sizeAs(node, from, i64), node.constant(1, i64));
  Value inside = node.create<nn::ClampOp>(at, zero, last);
  Value taken = node.create<nn::GatherOp>(value, inside, axis);
  if (!taken)
    return taken;
  Dims line(Node::rank(value), node.dim(1));
  line[axis] = size;
  Value isInside = node.reshape(node.create<nn::EqualOp>(at, inside), line);
  return node.select(isInside, taken,
                     node.constant(0, Node::elementType(value)));
}

static LogicalResult convertCenterCropPad(Node &node) {
  Value value = node.in(0);
  auto sizes = node.sizes(node.in(1), "the shape");
  int64_t rank = Node::rank(value);
  Ints all = llvm::to_vector(llvm::seq<int64_t>(0, rank));
  auto axes = node.axes(node.getInts("axes").value_or(all), rank);
  if (!sizes || !axes)
    return failure();
  if (sizes->size() != axes->size())
    return node.fail("the shape must have one entry an axis");
  for (auto [axis, size] : llvm::zip_equal(*axes, *sizes))
    value = cropOrPad(node, value, axis, size);
  return node.result(value);
}

//===----------------------------------------------------------------------===//
// CropAndResize
//===----------------------------------------------------------------------===//

namespace {

/// Reads boxes [R, 4] of images [N, C, H, W] as crops [R, C, h, w].
class Cropper {
public:
  Cropper(Node &node, ArrayRef<AffineExpr> crop)
      : node(node), image(node.transpose(node.in(0), {0, 2, 3, 1})),
        boxes(node.in(1)), crop(crop), type(Node::elementType(node.in(0))) {}

  Value sample(bool isNearest, double outside);

private:
  Value number(double value) { return node.constant(value, type); }
  Value getCoordinate(int64_t axis);
  Value read(Value y, Value x);

  Node &node;
  Value image, boxes;
  Dims crop;
  Type type;
};

} // namespace

/// Where the rows (axis 0) or columns (1) of the crops lie: [R, h, 1] or
/// [R, 1, w].
Value Cropper::getCoordinate(int64_t axis) {
  AffineExpr one = node.dim(1), count = Node::dims(boxes)[0];
  auto corner = [&](int64_t which) {
    return node.reshape(node.slice(boxes, 1, node.dim(which), one),
                        {count, one, one});
  };
  Value low = corner(axis), high = corner(axis + 2);
  Value last =
      node.sub(sizeAs(node, Node::dims(image)[axis + 1], type), number(1));
  if (nn::isOne(crop[axis]))
    return node.mul(node.mul(node.add(low, high), number(0.5)), last);
  Dims line = {one, one, one};
  line[axis + 1] = crop[axis];
  Value at =
      node.createTyped<nn::IotaOp>(nn::makeTensorType(line, type), axis + 1);
  Value steps = node.sub(sizeAs(node, crop[axis], type), number(1));
  Value stride = node.div(node.mul(node.sub(high, low), last), steps);
  return node.add(node.mul(low, last), node.mul(at, stride));
}

/// The pixels [R, h, w, C] at whole positions inside.
Value Cropper::read(Value y, Value x) {
  Type i64 = node.getBuilder().getI64Type();
  AffineExpr one = node.dim(1), count = Node::dims(boxes)[0];
  Dims points = {count, crop[0], crop[1], one};
  auto coordinate = [&](Value value) {
    if (!value)
      return value;
    Dims dims = Node::dims(value);
    dims.push_back(one);
    return node.broadcast(node.reshape(node.cast(value, i64), dims), points);
  };
  Value number = node.reshape(node.in(2), {count, one, one});
  Value at = node.concat({coordinate(number), coordinate(y), coordinate(x)}, 3);
  return node.create<nn::GatherNDOp>(image, at, 0);
}

Value Cropper::sample(bool isNearest, double outside) {
  Value y = getCoordinate(0), x = getCoordinate(1);
  auto limit = [&](Value value, int64_t axis) {
    Value last =
        node.sub(sizeAs(node, Node::dims(image)[axis + 1], type), number(1));
    return node.create<nn::ClampOp>(value, number(0), last);
  };
  Value insideY = limit(y, 0), insideX = limit(x, 1);
  Value isInside = node.create<nn::AndOp>(node.create<nn::EqualOp>(y, insideY),
                                          node.create<nn::EqualOp>(x, insideX));
  auto wide = [&](Value value) {
    if (!value)
      return value;
    Dims dims = Node::dims(value);
    dims.push_back(node.dim(1));
    return node.reshape(value, dims);
  };
  Value result;
  if (isNearest) {
    // Halves are rounded up.
    result = read(node.create<nn::FloorOp>(node.add(insideY, number(0.5))),
                  node.create<nn::FloorOp>(node.add(insideX, number(0.5))));
  } else {
    Value top = node.create<nn::FloorOp>(insideY);
    Value left = node.create<nn::FloorOp>(insideX);
    Value bottom = node.create<nn::CeilOp>(insideY);
    Value right = node.create<nn::CeilOp>(insideX);
    Value across = wide(node.sub(insideX, left));
    auto blend = [&](Value a, Value b, Value part) {
      return node.add(a, node.mul(node.sub(b, a), part));
    };
    Value above = blend(read(top, left), read(top, right), across);
    Value below = blend(read(bottom, left), read(bottom, right), across);
    result = blend(above, below, wide(node.sub(insideY, top)));
  }
  result = node.select(wide(isInside), result, number(outside));
  return node.transpose(result, {0, 3, 1, 2});
}

static LogicalResult convertCropAndResize(Node &node) {
  std::string mode = node.getString("mode", "bilinear");
  double outside = node.getFloat("extrapolation_value", 0);
  auto crop = node.sizes(node.in(3), "crop_size");
  if (!crop)
    return failure();
  if (mode != "bilinear" && mode != "nearest")
    return node.fail("the mode must be bilinear or nearest");
  if (Node::rank(node.in(0)) != 4 || Node::rank(node.in(1)) != 2 ||
      Node::rank(node.in(2)) != 1 || crop->size() != 2)
    return node.fail("needs images of rank 4, boxes of 4 numbers, the number "
                     "of an image for each and a crop_size of 2 numbers");
  node.checkEqual(Node::dims(node.in(1))[0], Node::dims(node.in(2))[0]);
  return node.result(Cropper(node, *crop).sample(mode == "nearest", outside));
}

static const Row rows[] = {
    {"AffineGrid", 20, 2, 2, convertAffineGrid},
    {"CenterCropPad", 18, 2, 2, convertCenterCropPad},
    {"CropAndResize", 1, 4, 4, convertCropAndResize, "com.microsoft"},
};

ArrayRef<Row> nncc::onnx::getGeometryRows() { return rows; }
