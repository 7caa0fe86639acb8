//===- OnnxToNN/GridSample.cpp - sampling at computed points ----*- C++ -*-===//
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

namespace {

/// Samples [N, C, H, W] at points [N, Ho, Wo, 2].
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
  Value read(Value y, Value x);

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
  if (Node::rank(image) != 4 || Node::rank(grid) != 4 ||
      nn::getConstantValue(Node::dims(grid)[3]) != 2 ||
      Node::elementType(grid) != type)
    return succeeded(node.fail("needs images of rank 4 and points of two "
                               "numbers, of one type"));
  return true;
}

/// H (axis 2) or W (3) as a float.
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

/// The points' positions along H (axis 2) or W (3), [N, 1, Ho * Wo].
Value Sampler::getExactCoordinate(unsigned axis) {
  Value part = node.slice(grid, 3, node.dim(axis == 3 ? 0 : 1), node.dim(1));
  Dims points = Node::dims(grid);
  part = node.reshape(
      part, {points[0], node.dim(1), nn::simplify(points[1] * points[2])});
  Value x = node.add(part, number(1)), extent = size(axis);
  Value last = node.sub(extent, number(1));
  if (alignsCorners)
    return node.mul(x, node.mul(last, number(0.5)));
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
Value Sampler::read(Value y, Value x) {
  Value bottom = node.sub(size(2), number(1));
  Value right = node.sub(size(3), number(1));
  Value insideY = clamp(y, number(0), bottom);
  Value insideX = clamp(x, number(0), right);
  Value at = node.add(node.mul(insideY, size(3)), insideX);
  at = node.cast(at, node.getBuilder().getI32Type());
  if (!at)
    return at;
  AffineExpr pixels = nn::simplify(dims[2] * dims[3]);
  Value rows = node.reshape(image, {dims[0], dims[1], pixels});
  at = node.broadcast(at, {dims[0], dims[1], Node::dims(at)[2]});
  Value values = node.create<nn::GatherElementsOp>(rows, at, 2);
  if (padding != "zeros")
    return values;
  Value isInside = node.create<nn::AndOp>(node.create<nn::EqualOp>(insideY, y),
                                          node.create<nn::EqualOp>(insideX, x));
  return node.select(isInside, values, number(0));
}

Value Sampler::nearest() {
  return read(node.create<nn::RoundOp>(getCoordinate(2)),
              node.create<nn::RoundOp>(getCoordinate(3)));
}

Value Sampler::linear() {
  Value y = getCoordinate(2), x = getCoordinate(3);
  Value top = floor(y), left = floor(x), one = number(1);
  Value bottom = node.add(top, one), right = node.add(left, one);
  Value down = node.sub(y, top), across = node.sub(x, left);
  Value up = node.sub(one, down), back = node.sub(one, across);
  auto corner = [&](Value y, Value x, Value a, Value b) {
    return node.mul(read(y, x), node.mul(a, b));
  };
  return node.add(
      node.add(corner(top, left, up, back), corner(top, right, up, across)),
      node.add(corner(bottom, left, down, back),
               corner(bottom, right, down, across)));
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
      Value part = node.mul(read(y, x), weight);
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
  else if (mode == "cubic" || mode == "bicubic")
    result = sampler.cubic();
  else
    return node.fail("mode = '" + llvm::Twine(mode) + "' is not supported");
  Dims points = Node::dims(grid), dims = Node::dims(image);
  return node.result(
      node.reshape(result, {dims[0], dims[1], points[1], points[2]}));
}

static const Row rows[] = {
    {"GridSample", 16, 2, 2, convertGridSample, "", "volumes"},
    {"GridSample", 1, 2, 2, convertGridSample, "com.microsoft"},
};

ArrayRef<Row> nncc::onnx::getGridSampleRows() { return rows; }
