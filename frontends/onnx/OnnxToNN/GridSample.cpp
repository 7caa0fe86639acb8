//===- OnnxToNN/GridSample.cpp - sampling at computed points ----*- C++ -*-===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "frontends/onnx/OnnxToNN/Node.h"
#include "frontends/onnx/OnnxToNN/Rows.h"
#include "nncc/Dialect/NN/NN.h"

#include <array>

using namespace mlir;
using namespace nncc::onnx;
namespace nn = nncc::nn;

namespace {

/// Samples [N, C, H, W] at points [N, Ho, Wo, 2], or volumes at points of three
/// numbers.
class Sampler {
public:
  Sampler(Node &node, Value image, Value grid)
      : node(node), image(image), grid(grid), dims(Node::dims(image)),
        type(Node::elementType(image)) {}

  bool readAttributes();
  Value nearest();
  Value linear();
  Value cubic();

private:
  Value number(double value) { return node.constant(value, type); }
  Value size(unsigned axis);
  Value floor(Value x) { return node.create<nn::FloorOp>(x); }
  Value clamp(Value x, Value low, Value high) {
    return node.create<nn::ClampOp>(x, low, high);
  }
  Value getExactCoordinate(unsigned axis);
  Value getCoordinate(unsigned axis);
  Value bound(Value x, unsigned axis);
  Value reflect(Value x, Value low, Value high);
  Value weigh(Value distance, bool isNear);
  SmallVector<std::pair<Value, Value>> getTaps(unsigned axis);
  Value read(ArrayRef<Value> position);

  Node &node;
  Value image, grid;
  Dims dims;
  Type type;
  std::string padding;
  bool alignsCorners = false;
};

} // namespace

bool Sampler::readAttributes() {
  padding = node.getString("padding_mode", "zeros");
  alignsCorners = node.getInt("align_corners", 0) != 0;
  if (padding != "zeros" && padding != "border" && padding != "reflection")
    return succeeded(
        node.fail("padding_mode = '" + llvm::Twine(padding) + "' is unknown"));
  int64_t rank = Node::rank(image);
  if (rank < 4 || rank > 5 || Node::rank(grid) != rank ||
      nn::getConstantValue(Node::dims(grid).back()) != rank - 2 ||
      Node::elementType(grid) != type)
    return succeeded(node.fail("needs images or volumes and points of two or "
                               "three numbers, of one type"));
  return true;
}

/// The size of an axis as a float.
Value Sampler::size(unsigned axis) {
  if (auto known = nn::getConstantValue(dims[axis]))
    return number(static_cast<double>(*known));
  Value shape = node.create<nn::ShapeOfOp>(image);
  Value one = node.slice(shape, 0, node.dim(axis), node.dim(1));
  return node.cast(node.reshape(one, {}), type);
}

/// x moved back between low and high as between mirrors.
Value Sampler::reflect(Value x, Value low, Value high) {
  Value span = node.sub(high, low);
  Value distance = node.create<nn::AbsOp>(node.sub(x, low));
  Value turns = floor(node.div(distance, span));
  Value rest = node.sub(distance, node.mul(turns, span));
  Value half = node.mul(turns, number(0.5));
  Value isEven = node.create<nn::EqualOp>(floor(half), half);
  return node.select(isEven, node.add(low, rest), node.sub(high, rest));
}

/// The points' positions along a spatial axis, [N, 1, points].
Value Sampler::getExactCoordinate(unsigned axis) {
  // The last axis comes first.
  int64_t last = Node::rank(grid) - 1;
  Value part = node.slice(grid, last, node.dim(last - axis), node.dim(1));
  Dims points = Node::dims(grid);
  AffineExpr count = nn::getProduct(
      ArrayRef<AffineExpr>(points).drop_front().drop_back(), node.getContext());
  part = node.reshape(part, {points[0], node.dim(1), count});
  Value x = node.add(part, number(1)), extent = size(axis);
  Value end = node.sub(extent, number(1));
  if (alignsCorners)
    return node.mul(x, node.mul(end, number(0.5)));
  return node.mul(node.sub(node.mul(x, extent), number(1)), number(0.5));
}

/// Positions inside, unless zeros lie outside.
Value Sampler::bound(Value x, unsigned axis) {
  Value extent = size(axis), last = node.sub(extent, number(1));
  if (padding == "border")
    return clamp(x, number(0), last);
  if (padding == "zeros")
    return x;
  Value low = alignsCorners ? number(0) : number(-0.5);
  Value high = alignsCorners ? last : node.sub(extent, number(0.5));
  return clamp(reflect(x, low, high), number(0), last);
}

Value Sampler::getCoordinate(unsigned axis) {
  return bound(getExactCoordinate(axis), axis);
}

/// The pixels [N, C, Ho * Wo] at whole positions; 0 outside.
Value Sampler::read(ArrayRef<Value> position) {
  Type i32 = node.getBuilder().getI32Type();
  Value at, isInside;
  for (auto [i, x] : llvm::enumerate(position)) {
    unsigned axis = i + 2;
    Value inside = clamp(x, number(0), node.sub(size(axis), number(1)));
    Value step = node.cast(inside, i32);
    at = at ? node.add(node.mul(at, node.cast(size(axis), i32)), step) : step;
    Value isThere = node.create<nn::EqualOp>(inside, x);
    isInside = isInside ? node.create<nn::AndOp>(isInside, isThere) : isThere;
  }
  if (!at)
    return at;
  AffineExpr pixels = nn::getProduct(ArrayRef<AffineExpr>(dims).drop_front(2),
                                     node.getContext());
  Value rows = node.reshape(image, {dims[0], dims[1], pixels});
  at = node.broadcast(at, {dims[0], dims[1], Node::dims(at)[2]});
  Value values = node.create<nn::GatherElementsOp>(rows, at, 2);
  if (padding != "zeros")
    return values;
  return node.select(isInside, values, number(0));
}

Value Sampler::nearest() {
  SmallVector<Value> position;
  for (unsigned axis = 2; axis < dims.size(); ++axis)
    position.push_back(node.create<nn::RoundOp>(getCoordinate(axis)));
  return read(position);
}

Value Sampler::linear() {
  // Along each axis two positions and their weights.
  SmallVector<std::array<std::pair<Value, Value>, 2>> sides;
  Value one = number(1);
  for (unsigned axis = 2; axis < dims.size(); ++axis) {
    Value x = getCoordinate(axis), low = floor(x), part = node.sub(x, low);
    sides.push_back(
        {std::pair(low, node.sub(one, part)), {node.add(low, one), part}});
  }
  Value sum;
  for (unsigned corner = 0; corner < 1u << sides.size(); ++corner) {
    SmallVector<Value> position;
    Value weight;
    for (auto [i, side] : llvm::enumerate(sides)) {
      auto [at, part] = side[corner >> i & 1];
      position.push_back(at);
      weight = weight ? node.mul(weight, part) : part;
    }
    Value value = node.mul(read(position), weight);
    sum = sum ? node.add(sum, value) : value;
  }
  return sum;
}

/// The weight of a pixel that is at most 1 away, or between 1 and 2.
Value Sampler::weigh(Value distance, bool isNear) {
  constexpr double a = -0.75;
  auto step = [&](Value value, double constant) {
    return node.add(node.mul(value, distance), number(constant));
  };
  if (isNear)
    return step(node.mul(step(number(a + 2), -(a + 3)), distance), 1);
  return step(step(step(number(a), -5 * a), 8 * a), -4 * a);
}

/// Of four pixels around each point their positions and weights.
SmallVector<std::pair<Value, Value>> Sampler::getTaps(unsigned axis) {
  Value exact = getExactCoordinate(axis), first = floor(exact);
  Value part = node.sub(exact, first);
  SmallVector<std::pair<Value, Value>> taps;
  for (int i = -1; i <= 2; ++i) {
    Value distance =
        i < 1 ? node.add(part, number(-i)) : node.sub(number(i), part);
    taps.push_back({bound(node.add(first, number(i)), axis),
                    weigh(distance, i == 0 || i == 1)});
  }
  return taps;
}

Value Sampler::cubic() {
  auto rows = getTaps(2), columns = getTaps(3);
  Value sum;
  for (auto [y, rowWeight] : rows) {
    Value row;
    for (auto [x, weight] : columns) {
      Value part = node.mul(read({y, x}), weight);
      row = row ? node.add(row, part) : part;
    }
    row = node.mul(row, rowWeight);
    sum = sum ? node.add(sum, row) : row;
  }
  return sum;
}

static LogicalResult convertGridSample(Node &node) {
  Value image = node.in(0), grid = node.in(1);
  Sampler sampler(node, image, grid);
  std::string mode = node.getString("mode", "linear");
  if (!sampler.readAttributes())
    return failure();
  Value result;
  if (mode == "linear" || mode == "bilinear")
    result = sampler.linear();
  else if (mode == "nearest")
    result = sampler.nearest();
  else if ((mode == "cubic" || mode == "bicubic") && Node::rank(image) == 4)
    result = sampler.cubic();
  else
    return node.fail("mode = '" + llvm::Twine(mode) + "' is not supported");
  Dims points = Node::dims(grid), sampled = Node::dims(image);
  std::copy(points.begin() + 1, points.end() - 1, sampled.begin() + 2);
  return node.result(node.reshape(result, sampled));
}

static const Row rows[] = {
    {"GridSample", 16, 2, 2, convertGridSample, "",
     "cubic sampling of volumes"},
    {"GridSample", 1, 2, 2, convertGridSample, "com.microsoft"},
};

ArrayRef<Row> nncc::onnx::getGridSampleRows() { return rows; }
