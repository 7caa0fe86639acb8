//===- OnnxToNN/TopK.cpp - the largest elements -----------------*- C++ -*-===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A loop takes one element a step: the largest of those that come after the one
// before it, in the order of falling values and, where they are equal, of
// rising positions.
//
//===----------------------------------------------------------------------===//

#include "frontends/onnx/OnnxToNN/Node.h"
#include "frontends/onnx/OnnxToNN/Rows.h"
#include "nncc/Dialect/NN/NN.h"

using namespace mlir;
using namespace nncc::onnx;
namespace nn = nncc::nn;

namespace {

/// The input along the axis, and what is kept of it with size 1 there.
struct Order {
  Node &node;
  Value values;
  Value positions; ///< i32, broadcasts to `values`
  int64_t axis;
  bool largest;
  Value last = nullptr; ///< of the values, in this order

  /// Whether a comes before b, or b before a.
  Value precedes(Value a, Value b) {
    return largest ? node.create<nn::GreaterOp>(a, b)
                   : node.create<nn::LessOp>(a, b);
  }
  /// The first of the values, or the last one.
  Value getEnd(bool first);
  /// The next value and position after those.
  std::pair<Value, Value> getNext(Value value, Value position);
};

} // namespace

Value Order::getEnd(bool first) {
  Ints axes = {axis};
  if (first == largest)
    return node.create<nn::ReduceMaxOp>(values, axes, true);
  return node.create<nn::ReduceMinOp>(values, axes, true);
}

std::pair<Value, Value> Order::getNext(Value value, Value position) {
  Ints axes = {axis};
  Value isLater =
      node.create<nn::AndOp>(node.create<nn::EqualOp>(values, value),
                             node.create<nn::GreaterOp>(positions, position));
  Value isLeft = node.create<nn::OrOp>(precedes(value, values), isLater);
  Value left = node.select(isLeft, values, last);
  Value best = largest ? node.create<nn::ReduceMaxOp>(left, axes, true)
                       : node.create<nn::ReduceMinOp>(left, axes, true);
  Value isBest =
      node.create<nn::AndOp>(isLeft, node.create<nn::EqualOp>(values, best));
  Value none = node.constant(2147483647, Node::elementType(positions));
  Value where = node.select(isBest, positions, none);
  return {best, node.create<nn::ReduceMinOp>(where, axes, true)};
}

/// [k, sizes with 1 at `axis`] with k at the axis.
static Value moveStack(Node &node, Value stack, int64_t axis) {
  if (!stack)
    return stack;
  Dims dims = Node::dims(stack);
  dims.erase(dims.begin() + axis + 1);
  Ints permutation;
  for (int64_t i = 1; i < static_cast<int64_t>(dims.size()); ++i)
    permutation.push_back(i);
  permutation.insert(permutation.begin() + axis, 0);
  return node.transpose(node.reshape(stack, dims), permutation);
}

static LogicalResult convert(Node &node, AffineExpr count, int64_t axis,
                             bool largest) {
  Value values = node.in(0);
  OpBuilder &builder = node.getBuilder();
  Dims dims = Node::dims(values), line(dims.size(), node.dim(1));
  if (auto missing = nn::getDifference(dims[axis], count);
      missing && *missing < 0)
    return node.fail("k is " + node.describe(count) + ", but there are only " +
                     node.describe(dims[axis]) + " elements");
  line[axis] = dims[axis];
  Value positions = node.createTyped<nn::IotaOp>(
      nn::makeTensorType(line, builder.getI32Type()), axis);
  Order order{node, values, positions, axis, largest};
  order.last = order.getEnd(false);
  dims[axis] = node.dim(1);
  SmallVector<Value> initial = {
      order.getEnd(true),
      node.broadcast(node.constant(-1, builder.getI32Type()), dims)};
  SmallVector<Value> results =
      node.loop(count, initial, [&](Value, ValueRange states) {
        auto [value, position] = order.getNext(states[0], states[1]);
        return SmallVector<Value>{value, position, value, position};
      });
  if (results.empty())
    return failure();
  Value where = moveStack(node, results[3], axis);
  return node.results({moveStack(node, results[2], axis),
                       node.cast(where, builder.getI64Type())});
}

static LogicalResult convertTopK1(Node &node) {
  auto axis = node.axis(node.getInt("axis", -1), Node::rank(node.in(0)));
  if (!axis)
    return failure();
  return convert(node, node.dim(node.getInt("k", 1)), *axis, true);
}

static LogicalResult convertTopK10(Node &node) {
  auto axis = node.axis(node.getInt("axis", -1), Node::rank(node.in(0)));
  auto count = node.sizes(node.in(1), "k");
  if (!axis || !count)
    return failure();
  if (count->size() != 1)
    return node.fail("k must be one number");
  // Sorted ones do where any order is allowed.
  (void)node.getInt("sorted", 1);
  return convert(node, count->front(), *axis, node.getInt("largest", 1) != 0);
}

static const Row rows[] = {
    {"TopK", 1, 1, 1, convertTopK1},
    {"TopK", 10, 2, 2, convertTopK10},
};

ArrayRef<Row> nncc::onnx::getTopKRows() { return rows; }
