//===- Scans.cpp - products and states along a sequence ---------*- C++ -*-===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "frontends/onnx/OnnxToNN/Attention.h"
#include "frontends/onnx/OnnxToNN/AxesByData.h"
#include "frontends/onnx/OnnxToNN/Rows.h"
#include "nncc/Dialect/NN/NN.h"

#include <cmath>

using namespace mlir;
using namespace nncc;
using namespace nncc::onnx;

//===----------------------------------------------------------------------===//
// CumProd
//===----------------------------------------------------------------------===//

/// The product so far for each element along an axis.
static Value multiplyAlong(Node &node, Value x, int64_t axis, bool exclusive) {
  if (!x)
    return x;
  Dims dims = Node::dims(x), rest = dims;
  AffineExpr count = dims[axis];
  rest.erase(rest.begin() + axis);
  Value one = node.broadcast(node.constant(1, Node::elementType(x)), rest);
  SmallVector<Value> results =
      node.loop(count, {one}, [&](Value step, ValueRange states) {
        Value element = node.create<nn::GatherOp>(x, step, axis);
        Value product = node.mul(states[0], element);
        return SmallVector<Value>{product, exclusive ? states[0] : product};
      });
  if (results.empty())
    return Value();
  Ints permutation =
      llvm::to_vector(llvm::seq<int64_t>(1, static_cast<int64_t>(dims.size())));
  permutation.insert(permutation.begin() + axis, 0);
  return node.transpose(results[1], permutation);
}

static LogicalResult convertCumProd(Node &node) {
  bool exclusive = node.getInt("exclusive", 0) != 0;
  bool reverse = node.getInt("reverse", 0) != 0;
  return node.result(computeAlong(node, node.in(1), [&](int64_t axis) {
    Value x = reverse ? node.reverse(node.in(0), axis) : node.in(0);
    Value y = multiplyAlong(node, x, axis, exclusive);
    return reverse && y ? node.reverse(y, axis) : y;
  }));
}

//===----------------------------------------------------------------------===//
// CausalConvWithState
//===----------------------------------------------------------------------===//

/// A convolution of each channel with what came before: [N, C, length].
static LogicalResult convertCausalConv(Node &node) {
  Value x = node.in(0), weight = node.in(1), past = node.in(3);
  std::string activation = node.getString("activation", "none");
  if (activation != "none" && activation != "silu" && activation != "swish")
    return node.fail("the activation must be none, silu or swish");
  auto sizes = node.staticDims(weight, "the weight");
  if (!sizes || !node.hasRank(0, 3) || !node.hasRank(1, 3) ||
      !node.hasRank(3, 3))
    return failure();
  int64_t channels = (*sizes)[0], taps = (*sizes)[2];
  Dims dims = Node::dims(x), before = dims;
  before[2] = node.dim(taps - 1);
  if (!past)
    past = node.broadcast(node.constant(0, Node::elementType(x)), before);
  Value all = taps > 1 ? node.concat({past, x}, 2) : x;
  Value y = node.create<nn::ConvOp>(node.transpose(all, {0, 2, 1}),
                                    node.transpose(weight, {2, 1, 0}), Ints{1},
                                    Ints{0}, Ints{0}, Ints{1}, channels);
  if (node.in(2))
    y = node.add(y, node.in(2));
  if (activation != "none")
    y = node.mul(y, node.create<nn::SigmoidOp>(y));
  Value present =
      taps > 1 ? node.slice(all, 2, dims[2], node.dim(taps - 1)) : past;
  return node.results({node.transpose(y, {0, 2, 1}), present});
}

//===----------------------------------------------------------------------===//
// LinearAttention
//===----------------------------------------------------------------------===//

namespace {

/// Attention whose state is a matrix [batch, heads, key size, value size].
class LinearAttention {
public:
  explicit LinearAttention(Node &node) : node(node) {}

  LogicalResult read();
  LogicalResult convert();

private:
  SmallVector<Value> step(Value number, Value state);
  Value take(Value value, Value number, ArrayRef<AffineExpr> dims);

  Node &node;
  Value query, key, value;
  Value decay, beta; ///< [batch, heads or 1, length, size or 1], or null
  double scale = 1;
  int64_t shared = 1; ///< query heads that share a state
  Dims dims;          ///< batch, heads, key size, value size
};

} // namespace

LogicalResult LinearAttention::read() {
  int64_t heads = node.getInt("q_num_heads", 0);
  int64_t states = node.getInt("kv_num_heads", 0);
  (void)node.getInt("chunk_size", 64); // how, not what
  scale = node.getFloat("scale", 0);
  std::string rule = node.getString("update_rule", "gated_delta");
  bool isGated = rule == "gated" || rule == "gated_delta";
  bool isDelta = rule == "delta" || rule == "gated_delta";
  if (!isGated && !isDelta && rule != "linear")
    return node.fail("update_rule = '" + llvm::Twine(rule) + "' is unknown");
  if (states < 1 || heads < 1 || heads % states)
    return node.fail("q_num_heads must be a multiple of kv_num_heads");
  if ((isGated && !node.in(4)) || (isDelta && !node.in(5)))
    return node.fail("the update rule needs a decay or an update rate");
  for (unsigned i : {0, 1, 2, 4, 5})
    if (!node.hasRank(i, 3))
      return failure();
  if (!node.hasRank(3, 4))
    return failure();
  shared = heads / states;
  query = splitHeads(node, node.in(0), heads);
  key = splitHeads(node, node.in(1), states);
  value = splitHeads(node, node.in(2), states);
  if (isGated)
    decay = splitHeads(node, node.in(4), states);
  if (isDelta && nn::isOne(Node::dims(node.in(5)).back()))
    beta = splitHeads(node, node.in(5), 1);
  else if (isDelta)
    beta = splitHeads(node, node.in(5), states);
  if (!query || !key || !value || node.hasFailed())
    return failure();
  dims = {Node::dims(key)[0], node.dim(states), Node::dims(key)[3],
          Node::dims(value)[3]};
  auto size = nn::getConstantValue(Node::dims(query)[3]);
  if (scale == 0)
    scale = 1 / std::sqrt(static_cast<double>(size.value_or(1)));
  return success();
}

/// Element `number` of a sequence, reshaped.
Value LinearAttention::take(Value sequence, Value number,
                            ArrayRef<AffineExpr> shape) {
  return node.reshape(node.create<nn::GatherOp>(sequence, number, 2), shape);
}

/// The next state, and the output of this step, [batch, query heads, value
/// size].
SmallVector<Value> LinearAttention::step(Value number, Value state) {
  AffineExpr one = node.dim(1);
  Value k = take(key, number, {dims[0], dims[1], dims[2], one});
  Value v = take(value, number, {dims[0], dims[1], one, dims[3]});
  if (decay) {
    AffineExpr size = Node::dims(decay)[3];
    Value factor = node.create<nn::ExpOp>(
        take(decay, number, {dims[0], dims[1], size, one}));
    state = node.mul(state, factor);
  }
  if (beta) {
    Value known = node.create<nn::ReduceSumOp>(node.mul(state, k), Ints{2},
                                               /*keepdims=*/true);
    Value rate = take(beta, number, {dims[0], Node::dims(beta)[1], one, one});
    v = node.mul(node.sub(v, known), rate);
  }
  state = node.add(state, node.mul(k, v));
  AffineExpr group = node.dim(shared);
  Value q = take(query, number, {dims[0], dims[1], group, dims[2]});
  Value output = node.matmul(q, state);
  if (!output)
    return {Value(), Value()};
  output = node.mul(output, node.constant(scale, Node::elementType(output)));
  return {state, node.reshape(output, {dims[0], nn::simplify(dims[1] * group),
                                       dims[3]})};
}

LogicalResult LinearAttention::convert() {
  Type type = Node::elementType(key);
  if (node.in(3) && Node::dims(node.in(3)) != dims)
    return node.fail("the past state does not fit the keys and values");
  Value initial =
      node.in(3) ? node.in(3) : node.broadcast(node.constant(0, type), dims);
  SmallVector<Value> results = node.loop(
      Node::dims(key)[2], {initial},
      [&](Value number, ValueRange states) { return step(number, states[0]); });
  if (results.empty())
    return failure();
  Value heads = node.transpose(results[1], {1, 2, 0, 3});
  return node.results({mergeHeads(node, heads), results[0]});
}

static LogicalResult convertLinearAttention(Node &node) {
  LinearAttention attention(node);
  return failed(attention.read()) ? failure() : attention.convert();
}

static constexpr const char *microsoft = "com.microsoft";
static const Row rows[] = {
    {"CausalConvWithState", 27, 2, 4, convertCausalConv},
    {"CausalConvWithState", 1, 2, 4, convertCausalConv, microsoft},
    {"CumProd", 26, 2, 2, convertCumProd},
    {"LinearAttention", 27, 3, 6, convertLinearAttention},
    {"LinearAttention", 1, 3, 6, convertLinearAttention, microsoft},
};

ArrayRef<Row> nncc::onnx::getScanRows() { return rows; }
