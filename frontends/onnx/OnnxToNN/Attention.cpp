//===- OnnxToNN/Attention.cpp - what attention ops are made of ------------===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "frontends/onnx/OnnxToNN/Attention.h"

#include "nncc/Dialect/NN/NN.h"

#include <cmath>
#include <limits>

using namespace mlir;
using namespace nncc;
using namespace nncc::onnx;

Value onnx::splitHeads(Node &node, Value value, int64_t heads) {
  if (!value)
    return Value();
  Dims dims = Node::dims(value);
  if (dims.size() != 3)
    return node.failValue("an operand must be [batch, length, hidden]");
  auto hidden = dyn_cast<AffineConstantExpr>(dims[2]);
  if (!hidden || heads < 1 || hidden.getValue() % heads)
    return node.failValue("the hidden size " + node.describe(dims[2]) +
                          " is not a multiple of the number of heads, " +
                          llvm::Twine(heads));
  Value split = node.reshape(value, {dims[0], dims[1], node.dim(heads),
                                     node.dim(hidden.getValue() / heads)});
  return node.transpose(split, {0, 2, 1, 3});
}

Value onnx::mergeHeads(Node &node, Value value) {
  if (!value)
    return Value();
  Dims dims = Node::dims(value);
  return node.reshape(node.transpose(value, {0, 2, 1, 3}),
                      {dims[0], dims[2], dims[1] * dims[3]});
}

Value onnx::both(Node &node, Value a, Value b) {
  if (!a || !b)
    return a ? a : b;
  return node.create<nn::AndOp>(a, b);
}

Value onnx::countTo(Node &node, AffineExpr count, Type type) {
  return node.createTyped<nn::IotaOp>(nn::makeTensorType({count}, type), 0);
}

Value onnx::sizeValue(Node &node, AffineExpr size) {
  Value counted = countTo(node, size, node.getBuilder().getI64Type());
  return node.reshape(node.create<nn::ShapeOfOp>(counted), {});
}

Value onnx::keepWindow(Node &node, AffineExpr length, AffineExpr total,
                       Value offset, int64_t left, int64_t right) {
  Type i64 = node.getBuilder().getI64Type();
  Value query = node.reshape(countTo(node, length, i64), {length, node.dim(1)});
  Value position = node.add(query, offset);
  Value key = countTo(node, total, i64);
  auto moved = [&](int64_t by) {
    return node.add(position, node.constant(double(by), i64));
  };
  Value keep;
  if (right >= 0)
    keep = node.create<nn::LessEqualOp>(key, moved(right));
  if (left >= 0)
    keep = both(node, keep, node.create<nn::GreaterEqualOp>(key, moved(-left)));
  return keep;
}

/// The heads that share a key become rows of one product.
static Value joinGroups(Node &node, Value value, AffineExpr sharedHeads) {
  if (!value)
    return Value();
  Dims dims = Node::dims(value);
  AffineExpr groups = dims[1].floorDiv(sharedHeads);
  return node.reshape(value, {dims[0], sharedHeads, groups * dims[2], dims[3]});
}

static Value splitGroups(Node &node, Value value, const Dims &queryDims) {
  if (!value)
    return Value();
  return node.reshape(
      value, {queryDims[0], queryDims[1], queryDims[2], Node::dims(value)[3]});
}

LogicalResult onnx::checkHeads(Node &node, const Attention &attention) {
  if (!attention.query || !attention.key || !attention.value)
    return failure();
  for (Value operand : {attention.query, attention.key, attention.value})
    if (Node::rank(operand) != 4)
      return node.fail("query, key and value must have 3 or 4 dimensions");
  return success();
}

static LogicalResult checkOperands(Node &node, const Attention &attention) {
  if (failed(checkHeads(node, attention)))
    return failure();
  auto heads = nn::getConstantValue(Node::dims(attention.query)[1]);
  auto shared = nn::getConstantValue(Node::dims(attention.key)[1]);
  if (!heads || !shared || *shared < 1 || *heads % *shared)
    return node.fail("the heads of the query must be a multiple of the key's");
  if (!nn::getConstantValue(Node::dims(attention.query)[3]))
    return node.fail("the size of a head must be static");
  return success();
}

/// The softmax of scores and a sink, which takes its part.
static Value softmaxWithSink(Node &node, Value scores, Value sink) {
  if (!scores || !sink)
    return Value();
  Dims dims = Node::dims(scores), column = dims;
  column[3] = node.dim(1);
  Value scored =
      node.cast(node.reshape(sink, {dims[1], node.dim(1), node.dim(1)}),
                Node::elementType(scores));
  Value all = node.concat({scores, node.broadcast(scored, column)}, 3);
  return node.slice(node.create<nn::SoftmaxOp>(all, 3), 3, node.dim(0),
                    dims[3]);
}

AttentionValues onnx::attend(Node &node, const Attention &attention) {
  AttentionValues values;
  if (failed(checkOperands(node, attention)))
    return values;
  Dims dims = Node::dims(attention.query);
  AffineExpr shared = Node::dims(attention.key)[1];
  Type type = Node::elementType(attention.query);
  double scale = attention.scale;
  if (scale == 0)
    scale = 1 / std::sqrt(double(*nn::getConstantValue(dims[3])));

  Value query = node.mul(attention.query, node.constant(scale, type));
  Value product = node.matmul(joinGroups(node, query, shared),
                              node.transpose(attention.key, {0, 1, 3, 2}));
  values.scores = splitGroups(node, product, dims);
  values.capped = values.scores;
  if (attention.softcap > 0) {
    Value cap = node.constant(attention.softcap, type);
    values.capped =
        node.mul(node.create<nn::TanhOp>(node.div(values.scores, cap)), cap);
  }

  // Finite, so that a row of which nothing is kept has no NaN.
  Value lowest = node.constant(-std::numeric_limits<float>::max(), type);
  Value keep = attention.keep;
  values.masked = values.capped;
  if (attention.bias) {
    Value bias = node.cast(attention.bias, type);
    values.masked = node.add(values.masked, bias);
    keep = both(node, keep, node.create<nn::GreaterOp>(bias, lowest));
  }
  if (keep)
    values.masked = node.select(keep, values.masked, lowest);
  if (attention.changeScores)
    values.masked = attention.changeScores(values.masked);
  values.probabilities =
      attention.sink ? softmaxWithSink(node, values.masked, attention.sink)
                     : node.create<nn::SoftmaxOp>(values.masked, 3);
  if (keep)
    values.probabilities =
        node.select(keep, values.probabilities, node.constant(0, type));
  if (attention.changeProbabilities)
    values.probabilities = attention.changeProbabilities(values.probabilities);
  values.output =
      splitGroups(node,
                  node.matmul(joinGroups(node, values.probabilities, shared),
                              attention.value),
                  dims);
  return values;
}

/// The features of even and of odd number, or the two halves.
static std::pair<Value, Value> getPairs(Node &node, Value value,
                                        AffineExpr pairs, bool interleaved) {
  if (!value)
    return {};
  if (!interleaved)
    return {node.slice(value, 3, node.dim(0), pairs),
            node.slice(value, 3, pairs, pairs)};
  Dims dims = Node::dims(value);
  Value split =
      node.reshape(value, {dims[0], dims[1], dims[2], pairs, node.dim(2)});
  dims[3] = pairs;
  auto part = [&](int64_t which) {
    return node.reshape(node.slice(split, 4, node.dim(which), node.dim(1)),
                        dims);
  };
  return {part(0), part(1)};
}

static Value joinPairs(Node &node, Value first, Value second,
                       bool interleaved) {
  if (!first || !second)
    return Value();
  if (!interleaved)
    return node.concat({first, second}, 3);
  Dims dims = Node::dims(first), apart = dims;
  apart.push_back(node.dim(1));
  dims[3] = dims[3] * 2;
  return node.reshape(
      node.concat({node.reshape(first, apart), node.reshape(second, apart)}, 4),
      dims);
}

Value onnx::rotate(Node &node, Value value, Value cos, Value sin,
                   bool interleaved) {
  if (!value || !cos || !sin)
    return Value();
  Dims dims = Node::dims(value), angles = Node::dims(cos);
  if (dims.size() != 4 || angles.size() != 3)
    return node.failValue("the operands of the rotation have the wrong rank");
  AffineExpr pairs = angles[2], rotated = pairs * 2;
  std::optional<int64_t> rest = nn::getConstantValue(dims[3] - rotated);
  if (!rest || *rest < 0)
    return node.failValue("the caches hold more angles than a head has pairs");
  for (Value *angle : {&cos, &sin})
    *angle = node.reshape(*angle, {angles[0], node.dim(1), angles[1], pairs});
  auto [x, y] = getPairs(node, node.slice(value, 3, node.dim(0), rotated),
                         pairs, interleaved);
  Value real = node.sub(node.mul(x, cos), node.mul(y, sin));
  Value imaginary = node.add(node.mul(x, sin), node.mul(y, cos));
  Value result = joinPairs(node, real, imaginary, interleaved);
  if (*rest == 0)
    return result;
  Value kept = node.slice(value, 3, rotated, node.dim(*rest));
  return node.concat({result, kept}, 3);
}
