//===- ContribPositions.cpp - positions of tokens in attention --*- C++ -*-===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "frontends/onnx/OnnxToNN/Attention.h"
#include "frontends/onnx/OnnxToNN/Rows.h"
#include "nncc/Dialect/NN/NN.h"

#include <cmath>

using namespace mlir;
using namespace nncc;
using namespace nncc::onnx;

/// The position of each token, i64 [batch, length]; a single number is that of
/// the first one.
static Value getPositions(Node &node, Value given, AffineExpr length) {
  Type i64 = node.getBuilder().getI64Type();
  if (Node::rank(given) == 2)
    return given;
  // One number.
  Value first = node.reshape(node.cast(given, i64), {});
  return node.reshape(node.add(countTo(node, length, i64), first),
                      {node.dim(1), length});
}

/// Turns the pairs of each head by angles of the token's position.
static LogicalResult convertRotaryEmbedding(Node &node) {
  Value input = node.in(0), cos = node.in(2), sin = node.in(3);
  int64_t heads = node.getInt("num_heads", 0);
  int64_t rotated = node.getInt("rotary_embedding_dim", 0);
  bool interleaved = node.getInt("interleaved", 0) != 0;
  if (node.getInt("is_packed_batching", 0) || node.getFloat("scale", 1) != 1)
    return node.fail("is_packed_batching and a scale are not supported");
  if (rotated > 0 && heads < 1)
    return node.fail("rotary_embedding_dim needs num_heads");
  if (!node.hasRank(0, 3, 4) || !node.hasRank(1, 0, 2) || !node.hasRank(2, 2) ||
      !node.hasRank(3, 2))
    return failure();
  bool joined = Node::rank(input) == 3;
  if (joined && heads == 0) {
    // All of a head is turned.
    auto hidden = nn::getConstantValue(Node::dims(input)[2]);
    auto pairs = nn::getConstantValue(Node::dims(cos).back());
    if (!hidden || !pairs || *pairs < 1 || *hidden % (2 * *pairs))
      return node.fail("the caches do not fit the hidden size");
    heads = *hidden / (2 * *pairs);
  }
  Value value = joined ? splitHeads(node, input, heads) : input;
  if (!value)
    return failure();
  Value positions = getPositions(node, node.in(1), Node::dims(value)[2]);
  Value result =
      rotate(node, value, node.create<nn::GatherOp>(cos, positions, 0),
             node.create<nn::GatherOp>(sin, positions, 0), interleaved);
  return node.result(joined ? mergeHeads(node, result) : result);
}

/// The bucket of each distance between a query and a key, as T5 has them: i64
/// [queries, keys].
static Value getBuckets(Node &node, Value distance, int64_t buckets,
                        int64_t most, bool isBidirectional) {
  Type i64 = node.getBuilder().getI64Type();
  Type f32 = node.getBuilder().getF32Type();
  auto number = [&](int64_t value) {
    return node.constant(static_cast<double>(value), i64);
  };
  auto real = [&](double value) { return node.constant(value, f32); };
  Value base = number(0);
  if (isBidirectional) {
    buckets /= 2;
    Value isBehind = node.create<nn::GreaterOp>(distance, number(0));
    base = node.select(isBehind, number(buckets), number(0));
    distance = node.create<nn::AbsOp>(distance);
  } else {
    distance =
        node.create<nn::MaxOp>(node.create<nn::NegOp>(distance), number(0));
  }
  int64_t exact = buckets / 2;
  double perBucket =
      std::log(static_cast<double>(most) / static_cast<double>(exact)) /
      static_cast<double>(buckets - exact);
  Value size = node.cast(node.create<nn::MaxOp>(distance, number(1)), f32);
  Value ratio =
      node.create<nn::LogOp>(node.div(size, real(static_cast<double>(exact))));
  Value far = node.cast(node.div(ratio, real(perBucket)), i64);
  far =
      node.create<nn::MinOp>(node.add(far, number(exact)), number(buckets - 1));
  Value isNear = node.create<nn::LessOp>(distance, number(exact));
  return node.add(base, node.select(isNear, distance, far));
}

/// [1, heads, queries, keys] of a table [buckets, heads].
static LogicalResult convertRelativePositionBias(Node &node) {
  Value table = node.in(0);
  auto queries = node.sizes(node.in(1), "the number of queries");
  auto keys = node.sizes(node.in(2), "the number of keys");
  int64_t most = node.getInt("max_distance", 128);
  bool isBidirectional = node.getInt("is_bidirectional", 0) != 0;
  if (!queries || !keys || !node.hasRank(0, 2))
    return failure();
  auto buckets = nn::getConstantValue(Node::dims(table)[0]);
  if (!buckets || *buckets < 4 || most < *buckets || queries->size() != 1 ||
      keys->size() != 1)
    return node.fail("needs a table of at least 4 buckets, a greater "
                     "max_distance and two lengths");
  Type i64 = node.getBuilder().getI64Type();
  Value row = countTo(node, queries->front(), i64);
  row = node.reshape(row, {queries->front(), node.dim(1)});
  Value distance = node.sub(countTo(node, keys->front(), i64), row);
  Value bucket = getBuckets(node, distance, *buckets, most, isBidirectional);
  Value bias =
      node.create<nn::GatherOp>(node.transpose(table, {1, 0}), bucket, 1);
  AffineExpr heads = Node::dims(table)[1];
  return node.result(node.reshape(
      bias, {node.dim(1), heads, queries->front(), keys->front()}));
}

/// A bias [1, heads, length, length] that the queries open and close.
static LogicalResult convertGatedBias(Node &node) {
  int64_t heads = node.getInt("num_heads", 0);
  if (node.in(6))
    return node.fail("packed tokens are not supported");
  if (!node.hasRank(0, 3) || !node.hasRank(3, 2))
    return failure();
  Value query = splitHeads(node, node.add(node.in(0), node.in(1)), heads);
  Value gates = node.matmul(query, node.in(3));
  gates = node.add(gates, node.in(4));
  if (!gates)
    return failure();
  Dims dims = Node::dims(gates);
  AffineExpr half = nn::simplify(dims[3].floorDiv(2));
  Value split =
      node.reshape(gates, {dims[0], dims[1], dims[2], node.dim(2), half});
  Value sums = node.create<nn::SigmoidOp>(
      node.create<nn::ReduceSumOp>(split, Ints{4}, /*keepdims=*/false));
  Value update = node.slice(sums, 3, node.dim(0), node.dim(1));
  Value reset = node.slice(sums, 3, node.dim(1), node.dim(1));
  auto number = [&](double value) {
    return node.constant(value, Node::elementType(gates));
  };
  Value gate = node.sub(node.mul(reset, node.in(5)), number(1));
  gate = node.add(node.mul(update, gate), number(2));
  return node.result(node.mul(gate, node.in(2)));
}

static constexpr const char *ms = "com.microsoft";
static const Row rows[] = {
    {"GatedRelativePositionBias", 1, 6, 7, convertGatedBias, ms,
     "packed tokens"},
    {"RelativePositionBias", 1, 3, 3, convertRelativePositionBias, ms},
    {"RotaryEmbedding", 1, 4, 4, convertRotaryEmbedding, ms,
     "packed batches, a scale"},
};

ArrayRef<Row> nncc::onnx::getContribPositionRows() { return rows; }
