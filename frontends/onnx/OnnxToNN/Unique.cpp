//===- OnnxToNN/Unique.cpp - each element once ------------------*- C++ -*-===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Slices along an axis are compared with each other, all with all. The first of
// each kind gets a place: how many firsts are less, or come before it.
//
//===----------------------------------------------------------------------===//

#include "frontends/onnx/OnnxToNN/Node.h"
#include "frontends/onnx/OnnxToNN/Rows.h"
#include "frontends/onnx/OnnxToNN/Selection.h"
#include "nncc/Dialect/NN/NN.h"

using namespace mlir;
using namespace nncc::onnx;
namespace nn = nncc::nn;

namespace {

/// Comparisons of the rows of a matrix [n, m].
class Comparison {
public:
  Comparison(Node &node, Value rows);

  /// i1 [n]: whether no row before it is the same.
  Value isFirst();
  /// i64 [n]: the place of each row's kind.
  Value getPlaces(Value isFirst, bool sorted);
  /// i64 [n]: how many rows are the same.
  Value countSame() { return countTrue(same, 1); }

private:
  Value position(int64_t axis) {
    return node.createTyped<nn::IotaOp>(nn::makeTensorType({n, n}, i64), axis);
  }
  Value countTrue(Value flags, int64_t axis) {
    return node.create<nn::ReduceSumOp>(node.cast(flags, i64), Ints{axis},
                                        false);
  }

  Node &node;
  AffineExpr n;
  Type i64;
  Value same, less; ///< [i, j]: of row i and row j
};

} // namespace

/// The first difference decides: its position times 2, plus 1 where i is more.
Comparison::Comparison(Node &node, Value rows)
    : node(node), n(Node::dims(rows)[0]), i64(node.getBuilder().getI64Type()) {
  AffineExpr m = Node::dims(rows)[1], one = node.dim(1);
  Value left = node.reshape(rows, {n, one, m});
  Value right = node.reshape(rows, {one, n, m});
  Value at =
      node.createTyped<nn::IotaOp>(nn::makeTensorType({one, one, m}, i64), 2);
  Value twice = node.mul(at, node.constant(2, i64));
  Value isMore = node.cast(node.create<nn::GreaterOp>(left, right), i64);
  Value none = node.mul(node.sizeValues(m), node.constant(2, i64));
  Value key = node.create<nn::ReduceMinOp>(
      node.select(node.create<nn::EqualOp>(left, right), none,
                  node.add(twice, isMore)),
      Ints{2}, false);
  same = node.create<nn::EqualOp>(key, none);
  Value half = node.div(key, node.constant(2, i64));
  Value isEven =
      node.create<nn::EqualOp>(node.mul(half, node.constant(2, i64)), key);
  less = node.create<nn::AndOp>(isEven, node.create<nn::NotOp>(same));
}

Value Comparison::isFirst() {
  Value before = node.create<nn::LessOp>(position(1), position(0));
  Value count = countTrue(node.create<nn::AndOp>(same, before), 1);
  return node.create<nn::EqualOp>(count, node.constant(0, i64));
}

Value Comparison::getPlaces(Value isFirst, bool sorted) {
  Value firsts = node.reshape(isFirst, {node.dim(1), n});
  if (sorted) {
    Value isAbove = node.transpose(less, {1, 0});
    return countTrue(node.create<nn::AndOp>(isAbove, firsts), 1);
  }
  Value kind = node.create<nn::ReduceMinOp>(
      node.select(same, position(1), node.sizeValues(n)), Ints{1}, true);
  Value isBefore = node.create<nn::LessOp>(position(1), kind);
  return countTrue(node.create<nn::AndOp>(isBefore, firsts), 1);
}

/// The slices along an axis as rows [n, m].
static Value getSlices(Node &node, Value input, int64_t axis) {
  Ints permutation = {axis};
  for (int64_t i = 0; i < Node::rank(input); ++i)
    if (i != axis)
      permutation.push_back(i);
  Dims dims = Node::dims(input);
  AffineExpr count = dims[axis];
  dims.erase(dims.begin() + axis);
  return node.reshape(node.transpose(input, permutation),
                      {count, nn::getProduct(dims, node.getContext())});
}

static LogicalResult convertUnique(Node &node) {
  bool sorted = node.getInt("sorted", 1) != 0;
  auto [input, axis] = getLine(node);
  if (!input)
    return failure();
  OpBuilder &b = node.getBuilder();
  Value rows = getSlices(node, input, axis);
  // Comparisons take numbers.
  if (rows && Node::elementType(rows) == b.getI1Type())
    rows = node.cast(rows, b.getI32Type());
  if (!rows)
    return failure();
  Comparison comparison(node, rows);
  Value first = comparison.isFirst();
  Value places = comparison.getPlaces(first, sorted);
  Value positions = getTruePositions(node, first);
  if (!positions)
    return failure();
  // Of each kind in its place, where its first is.
  AffineExpr kinds = Node::dims(positions)[0];
  Value at = node.create<nn::GatherOp>(places, positions, 0);
  Value zeros = node.broadcast(node.constant(0, b.getI64Type()), kinds);
  Value indices = node.create<nn::ScatterNDOp>(
      zeros, node.reshape(at, {kinds, node.dim(1)}), positions,
      nn::ScatterReduction::None);
  return node.results(
      {node.create<nn::GatherOp>(input, indices, axis), indices, places,
       node.create<nn::GatherOp>(comparison.countSame(), indices, 0)});
}

static const Row rows[] = {
    {"Unique", 11, 1, 1, convertUnique, "",
     "many elements: time grows with the square of their number"},
};

ArrayRef<Row> nncc::onnx::getUniqueRows() { return rows; }
