//===- OnnxToNN/Selection.cpp - elements that data select -------*- C++ -*-===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// How many elements there are is known when the module runs. Until then they
// lie in front of as many as there can be at most.
//
//===----------------------------------------------------------------------===//

#include "frontends/onnx/OnnxToNN/Selection.h"

#include "frontends/onnx/OnnxToNN/Rows.h"
#include "nncc/Dialect/NN/NN.h"

#include <limits>

using namespace mlir;
using namespace nncc::onnx;
namespace nn = nncc::nn;

static RankedTensorType getIntType(Node &node, ArrayRef<AffineExpr> dims) {
  return nn::makeTensorType(dims, node.getBuilder().getI64Type());
}

/// The first rows of a tensor, as many as an i64 of rank 0 says.
static Value takeFirst(Node &node, Value rows, Value count) {
  AffineExpr size = node.bindSize(count, "the number of results");
  return size ? node.slice(rows, 0, node.dim(0), size) : Value();
}

Value nncc::onnx::getTruePositions(Node &node, Value flags) {
  if (!flags)
    return Value();
  SmallVector<Value> found = node.callLibrary(
      "true_positions", flags,
      {getIntType(node, Node::dims(flags)), getIntType(node, {})});
  return takeFirst(node, found[0], found[1]);
}

static Value isNotZero(Node &node, Value value) {
  Type i1 = node.getBuilder().getI1Type();
  if (Node::elementType(value) == i1)
    return value;
  Value zero = node.constant(0, Node::elementType(value));
  return node.create<nn::NotOp>(node.create<nn::EqualOp>(value, zero));
}

//===----------------------------------------------------------------------===//
// NonZero and Compress
//===----------------------------------------------------------------------===//

/// The positions where known numbers are not 0, [rank, k]; null where they are
/// not known.
static Value foldNonZero(Node &node, Value input) {
  auto numbers = node.tryFloats(input);
  if (!numbers || !Node::type(input).hasStaticShape())
    return Value();
  auto shape = Node::type(input).getShape();
  Ints found;
  for (auto [i, number] : llvm::enumerate(*numbers))
    if (number != 0)
      found.push_back(i);
  Ints positions(found.size() * shape.size());
  int64_t stride = 1;
  for (size_t axis = shape.size(); axis-- > 0; stride *= shape[axis])
    for (auto [i, position] : llvm::enumerate(found))
      positions[axis * found.size() + i] = position / stride % shape[axis];
  if (positions.empty())
    return Value();
  return node.reshape(node.constant(ArrayRef<int64_t>(positions)),
                      node.dims({static_cast<int64_t>(shape.size()),
                                 static_cast<int64_t>(found.size())}));
}

/// All positions of a vector of equal elements other than 0, which is how
/// exporters write a range; null for others.
static Value foldRange(Node &node, Value input) {
  Value source = input;
  while (auto stretched = source.getDefiningOp<nn::BroadcastToOp>())
    source = stretched.getInput();
  auto constant = source.getDefiningOp<nn::ConstantOp>();
  auto value =
      constant ? dyn_cast<DenseElementsAttr>(constant.getValue()) : nullptr;
  auto numbers = node.tryFloats(source);
  bool isFilled = value && value.isSplat() &&
                  (!numbers || (!numbers->empty() && numbers->front() != 0));
  if (Node::rank(input) != 1 || !isFilled)
    return Value();
  Dims dims = Node::dims(input);
  Value iota = node.createTyped<nn::IotaOp>(getIntType(node, dims), 0);
  return node.reshape(iota, {node.dim(1), dims[0]});
}

static LogicalResult convertNonZero(Node &node) {
  Value input = node.in(0);
  if (Value range = foldRange(node, input))
    return node.result(range);
  if (Value folded = foldNonZero(node, input))
    return node.result(folded);
  Dims dims = Node::dims(input);
  AffineExpr total = nn::getProduct(dims, node.getContext());
  Value flags = node.reshape(isNotZero(node, input), total);
  Value rest = getTruePositions(node, flags);
  if (!rest)
    return failure();
  Type i64 = node.getBuilder().getI64Type();
  SmallVector<Value> rows(dims.size());
  Dims row = {node.dim(1), Node::dims(rest)[0]};
  for (size_t axis = dims.size(); axis-- > 0;) {
    if (axis == 0) {
      rows[0] = node.reshape(rest, row);
      continue;
    }
    Value size = node.cast(node.reshape(node.sizeValues(dims[axis]), {}), i64);
    Value quotient = node.div(rest, size);
    rows[axis] = node.reshape(node.sub(rest, node.mul(quotient, size)), row);
    rest = quotient;
  }
  // A scalar has no coordinates.
  if (rows.empty())
    return node.result(
        node.broadcast(node.reshape(node.constant(0, i64), node.dims({1, 1})),
                       {node.dim(0), row[1]}));
  return node.result(rows.size() == 1 ? rows[0] : node.concat(rows, 0));
}

std::pair<Value, int64_t> nncc::onnx::getLine(Node &node) {
  Value input = node.in(0);
  if (!node.hasAttr("axis"))
    return {node.reshape(input,
                         nn::getProduct(Node::dims(input), node.getContext())),
            0};
  auto axis = node.axis(node.getInt("axis", 0), Node::rank(input));
  return {axis ? input : Value(), axis.value_or(0)};
}

/// The slices along an axis, or elements, where the condition holds. It may be
/// shorter than the axis.
static LogicalResult convertCompress(Node &node) {
  Value condition = node.in(1);
  auto [input, axis] = getLine(node);
  if (!input)
    return failure();
  if (Node::rank(condition) != 1)
    return node.fail("the condition must be a vector");
  auto missing =
      nn::getDifference(Node::dims(input)[axis], Node::dims(condition)[0]);
  if (missing && *missing < 0)
    return node.fail("the condition is longer than the axis");
  Value positions = getTruePositions(node, condition);
  return node.result(node.create<nn::GatherOp>(input, positions, axis));
}

//===----------------------------------------------------------------------===//
// NonMaxSuppression
//===----------------------------------------------------------------------===//

/// Corners (y1, x1, y2, x2) of boxes (x, y, width, height).
static Value getCorners(Node &node, Value boxes) {
  auto column = [&](int64_t i) {
    return node.slice(boxes, 2, node.dim(i), node.dim(1));
  };
  Value half = node.constant(0.5, Node::elementType(boxes));
  Value high = node.mul(column(3), half), wide = node.mul(column(2), half);
  return node.concat({node.sub(column(1), high), node.sub(column(0), wide),
                      node.add(column(1), high), node.add(column(0), wide)},
                     2);
}

/// A number of rank 0; `otherwise` where it is left out.
static Value getNumber(Node &node, unsigned input, double otherwise,
                       Type type) {
  Value value = node.in(input);
  if (!value)
    return node.constant(otherwise, type);
  return node.reshape(node.cast(value, type), {});
}

/// How many boxes of a class there can be.
static AffineExpr getMostBoxes(Node &node, AffineExpr boxes) {
  if (!node.in(2))
    return node.dim(0);
  auto limit = node.tryFloats(node.in(2));
  auto known = nn::getConstantValue(boxes);
  if (!limit || limit->size() != 1 || !known)
    return boxes;
  return node.dim(std::clamp<double>(limit->front(), 0, *known));
}

static LogicalResult convertNonMaxSuppression(Node &node) {
  Value boxes = node.in(0), scores = node.in(1);
  OpBuilder &b = node.getBuilder();
  if (Node::rank(boxes) != 3 || Node::rank(scores) != 3)
    return node.fail("boxes and scores must be of rank 3");
  Dims dims = Node::dims(scores), boxDims = Node::dims(boxes);
  for (auto [a, c] :
       {std::pair(boxDims[0], dims[0]), std::pair(boxDims[1], dims[2]),
        std::pair(boxDims[2], node.dim(4))}) {
    if (nn::getDifference(a, c).value_or(0) != 0)
      return node.fail("boxes are " + node.describe(boxes) + ", scores " +
                       node.describe(scores) + ", which do not fit");
    node.checkEqual(a, c);
  }
  if (node.getInt("center_point_box", 0) != 0)
    boxes = getCorners(node, boxes);
  AffineExpr most = nn::getProduct(
      {dims[0], dims[1], getMostBoxes(node, dims[2])}, node.getContext());
  constexpr double none = -std::numeric_limits<float>::infinity();
  SmallVector<Value> found = node.callLibrary(
      "select_boxes",
      {boxes, scores, getNumber(node, 2, 0, b.getI64Type()),
       getNumber(node, 3, 0, b.getF32Type()),
       getNumber(node, 4, none, b.getF32Type())},
      {nn::makeTensorType(dims[2], b.getI32Type()),
       getIntType(node, {most, node.dim(3)}), getIntType(node, {})});
  return node.result(takeFirst(node, found[1], found[2]));
}

static const Row rows[] = {
    {"Compress", 9, 2, 2, convertCompress},
    {"NonMaxSuppression", 10, 2, 5, convertNonMaxSuppression},
    {"NonZero", 9, 1, 1, convertNonZero},
};

ArrayRef<Row> nncc::onnx::getSelectionRows() { return rows; }
