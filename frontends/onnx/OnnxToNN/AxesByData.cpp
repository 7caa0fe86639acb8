//===- AxesByData.cpp - axes that data tell -------------------------------===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "frontends/onnx/OnnxToNN/AxesByData.h"

#include "nncc/Dialect/NN/NN.h"

using namespace mlir;
using namespace nncc::onnx;
namespace nn = nncc::nn;

bool nncc::onnx::isData(Node &node, Value value) {
  return value && !node.tryFloats(value) && !nn::symbolicElements(value);
}

static Value countTo(Node &node, int64_t count) {
  Type i64 = node.getBuilder().getI64Type();
  return node.createTyped<nn::IotaOp>(nn::makeTensorType(node.dim(count), i64),
                                      0);
}

Value nncc::onnx::computeAlong(Node &node, Value axis,
                               function_ref<Value(int64_t)> compute) {
  int64_t rank = Node::rank(node.in(0));
  if (!Node::type(axis).hasStaticShape() ||
      Node::type(axis).getNumElements() != 1)
    return node.failValue("the axis must be one number");
  if (!isData(node, axis)) {
    auto given = node.ints(axis, "the axis");
    auto known = given ? node.axis(given->front(), rank) : std::nullopt;
    return known ? compute(*known) : Value();
  }
  Type i64 = node.getBuilder().getI64Type();
  Value given = node.reshape(node.cast(axis, i64), {});
  Value result = rank > 0 ? compute(0) : Value();
  for (int64_t i = 1; i < rank; ++i) {
    auto isGiven = [&](int64_t number) {
      Value constant = node.constant(static_cast<double>(number), i64);
      return node.create<nn::EqualOp>(given, constant);
    };
    Value isThis = node.create<nn::OrOp>(isGiven(i), isGiven(i - rank));
    result = node.select(isThis, compute(i), result);
  }
  return result;
}

/// For each of `rank` axes 1 if it is among `axes`, else 0: i64 [rank].
static Value markAxes(Node &node, Value axes, int64_t rank) {
  Type i64 = node.getBuilder().getI64Type();
  AffineExpr one = node.dim(1);
  Value column = node.reshape(node.cast(axes, i64), {Node::dims(axes)[0], one});
  Value count = countTo(node, rank);
  Value fromEnd =
      node.sub(count, node.constant(static_cast<double>(rank), i64));
  Value isAxis =
      node.create<nn::OrOp>(node.create<nn::EqualOp>(column, count),
                            node.create<nn::EqualOp>(column, fromEnd));
  return node.create<nn::ReduceMaxOp>(node.cast(isAxis, i64), Ints{0},
                                      /*keepdims=*/false);
}

/// The elements of a vector [rank] that are not marked, which are `count`.
static Value takeUnmarked(Node &node, Value vector, Value marks,
                          int64_t count) {
  Type i64 = node.getBuilder().getI64Type();
  Value isKept = node.create<nn::EqualOp>(marks, node.constant(0, i64));
  Value place = node.create<nn::CumSumOp>(node.cast(isKept, i64), 0,
                                          /*exclusive=*/true,
                                          /*reverse=*/false);
  Value row = node.reshape(countTo(node, count), node.dims({count, 1}));
  Value isHere =
      node.create<nn::AndOp>(node.create<nn::EqualOp>(row, place), isKept);
  return node.create<nn::ReduceSumOp>(
      node.select(isHere, vector, node.constant(0, i64)), Ints{1},
      /*keepdims=*/false);
}

/// How many numbers a vector of axes has; none after an error.
static std::optional<int64_t> countAxes(Node &node, Value axes) {
  if (Node::rank(axes) == 1 && Node::type(axes).hasStaticShape())
    return Node::type(axes).getNumElements();
  (void)node.fail("the axes must be a vector of static size");
  return std::nullopt;
}

Value nncc::onnx::reduceAlong(Node &node, Value value, Value axes,
                              bool keepDims,
                              function_ref<Value(Value, int64_t)> reduce) {
  auto count = countAxes(node, axes);
  auto sizes = node.staticDims(value, "what data tell to reduce");
  if (!count || !sizes)
    return Value();
  if (llvm::is_contained(*sizes, 0))
    return node.failValue("what data tell to reduce must not be empty");
  int64_t rank = sizes->size();
  Value marks = markAxes(node, axes, rank);
  auto isReduced = node.bindSizes(marks, "the axes");
  if (!isReduced)
    return Value();
  // Along each axis all elements are the result; the first is taken.
  for (int64_t i = 0; i < rank; ++i) {
    Value mark =
        node.reshape(node.slice(marks, 0, node.dim(i), node.dim(1)), {});
    Value isThis = node.cast(mark, node.getBuilder().getI1Type());
    value = node.select(isThis, reduce(value, i), value);
  }
  for (int64_t i = 0; i < rank && value; ++i)
    value = node.slice(
        value, i, node.dim(0),
        nn::simplify((*isReduced)[i] * (1 - (*sizes)[i]) + (*sizes)[i]));
  if (keepDims || !value)
    return value;
  Value kept = takeUnmarked(node, node.constant(*sizes), marks, rank - *count);
  auto result = node.bindSizes(kept, "the axes");
  return result ? node.reshape(value, *result) : Value();
}

std::optional<Dims> nncc::onnx::squeezeAlong(Node &node, Value value,
                                             Value axes) {
  auto count = countAxes(node, axes);
  Dims dims = Node::dims(value);
  int64_t rank = dims.size();
  if (!count)
    return std::nullopt;
  Value kept = takeUnmarked(node, node.sizeValues(dims),
                            markAxes(node, axes, rank), rank - *count);
  return node.bindSizes(kept, "the axes");
}

std::optional<Dims> nncc::onnx::unsqueezeAlong(Node &node, Value value,
                                               Value axes) {
  auto count = countAxes(node, axes);
  if (!count)
    return std::nullopt;
  Dims dims = Node::dims(value);
  int64_t rank = static_cast<int64_t>(dims.size()) + *count;
  Type i64 = node.getBuilder().getI64Type();
  Value marks = markAxes(node, axes, rank);
  Value one = node.constant(1, i64);
  if (dims.empty())
    return Dims(rank, node.dim(1));
  // The sizes in order, at the places that are no axes.
  Value isKept = node.sub(one, marks);
  Value place = node.create<nn::CumSumOp>(isKept, 0, /*exclusive=*/true,
                                          /*reverse=*/false);
  Value last = node.constant(static_cast<double>(dims.size() - 1), i64);
  place = node.create<nn::MinOp>(place, last);
  Value sizes = node.create<nn::GatherOp>(node.sizeValues(dims), place, 0);
  Value isAxis = node.create<nn::EqualOp>(marks, one);
  return node.bindSizes(node.select(isAxis, one, sizes), "the axes");
}
