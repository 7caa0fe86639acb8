//===- Experts.cpp - mixtures of experts ------------------------*- C++ -*-===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "frontends/onnx/OnnxToNN/Node.h"
#include "frontends/onnx/OnnxToNN/Quantization.h"
#include "frontends/onnx/OnnxToNN/Rows.h"
#include "nncc/Dialect/NN/NN.h"

using namespace mlir;
using namespace nncc::onnx;
namespace nn = nncc::nn;

namespace {

/// All experts see all tokens, and the router's weights, most of them 0, say
/// what counts.
class Experts {
public:
  explicit Experts(Node &node) : node(node) {}

  LogicalResult convert();

private:
  bool readAttributes();
  Value route(Value odds);
  Value apply(Value tokens, unsigned layer);
  bool has(unsigned layer) { return bool(node.in(place(layer))); }
  unsigned place(unsigned layer) { return 2 + layer * (bits ? 3 : 2); }
  Value readWeights(unsigned layer);
  bool checkLayer(unsigned layer);
  Value activate(Value x);
  Value gelu(Value x);
  Value swiglu(Value x);

  Value number(double value, Value like) {
    return like ? node.constant(value, Node::elementType(like)) : Value();
  }

  Node &node;
  std::string activation;
  int64_t chosen = 1, fusion = 0;
  bool normalizes = false;
  double alpha = 1, beta = 0, limit = 0;
  int64_t bits = 0; ///< of a weight; 0: a float
  int64_t block = 0;
  bool hasLimit = false;
};

} // namespace

bool Experts::readAttributes() {
  activation = node.getString("activation_type", "relu");
  chosen = node.getInt("k", 1);
  normalizes = node.getInt("normalize_routing_weights", 0) != 0;
  fusion = node.getInt("swiglu_fusion", 0);
  alpha = node.getFloat("activation_alpha", 1);
  beta = node.getFloat("activation_beta", 0);
  hasLimit = node.hasAttr("swiglu_limit");
  limit = node.getFloat("swiglu_limit", 0);
  if (node.getInt("use_sparse_mixer", 0))
    return succeeded(node.fail("use_sparse_mixer is not supported"));
  if (node.getOpType() == "QMoE") {
    bits = node.getInt("expert_weight_bits", 4);
    block = node.getInt("block_size", 0);
    normalizes = true; // whatever the attribute says, in onnxruntime
    if ((bits != 2 && bits != 4 && bits != 8) ||
        node.getString("quant_type", "int") != "int")
      return succeeded(node.fail("weights must be integers of 2, 4 or 8 bits"));
  }
  if (chosen < 1 || chosen > 64)
    return succeeded(node.fail("k must be 1 to 64"));
  if (activation == "swiglu" && fusion != 1 && fusion != 2)
    return succeeded(node.fail("swiglu is supported fused alone"));
  return true;
}

/// The weight of each expert for each token, [tokens, experts]: of the odds,
/// which become probabilities, the greatest are kept.
Value Experts::route(Value odds) {
  Value probabilities = node.create<nn::SoftmaxOp>(odds, 1);
  if (!probabilities)
    return Value();
  Type i64 = node.getBuilder().getI64Type();
  Dims dims = Node::dims(odds);
  Value at = node.createTyped<nn::IotaOp>(
      nn::makeTensorType({node.dim(1), dims[1]}, i64), 1);
  Value left = probabilities, kept = number(0, left);
  for (int64_t i = 0; i < chosen; ++i) {
    Value best = node.create<nn::ArgMaxOp>(left, 1, true, false);
    Value isBest = node.create<nn::EqualOp>(at, best);
    kept = node.select(isBest, probabilities, kept);
    left = node.select(isBest, number(-1, left), left);
  }
  if (!normalizes)
    return kept;
  return node.div(kept, node.create<nn::ReduceSumOp>(kept, Ints{1}, true));
}

/// The weights of a layer, [experts, out, in], as floats. Those of a few bits
/// lie in bytes, around the middle of their range or a zero point, with a scale
/// for each output, or for each block of inputs of one.
Value Experts::readWeights(unsigned layer) {
  Value held = node.in(place(layer));
  if (!bits)
    return held;
  Type f32 = node.getBuilder().getF32Type();
  Value numbers = unpackBits(node, held, bits);
  Value scale = node.in(place(layer) + 1);
  Value point = unpackBits(node, node.in(11 + layer), bits);
  if (!numbers)
    return Value();
  auto perWeight = [&](Value value) {
    value = node.cast(value, f32);
    Dims dims = Node::dims(numbers);
    if (value && Node::rank(value) == 2)
      return node.reshape(value, {dims[0], dims[1], node.dim(1)});
    return spread(node, value, numbers, 2, block);
  };
  Value middle = point
                     ? perWeight(point)
                     : node.constant(static_cast<double>(1 << (bits - 1)), f32);
  Value centred = node.sub(node.cast(numbers, f32), middle);
  return node.cast(node.mul(centred, perWeight(scale)),
                   Node::elementType(node.in(0)));
}

/// [experts, tokens, in] times the transposed weights, and the bias.
Value Experts::apply(Value tokens, unsigned layer) {
  Value product =
      node.matmul(tokens, node.transpose(readWeights(layer), {0, 2, 1}));
  Value bias = node.in(place(layer) + (bits ? 2 : 1));
  if (!bias || !product)
    return product;
  Dims dims = Node::dims(bias);
  return node.add(product, node.reshape(bias, {dims[0], node.dim(1), dims[1]}));
}

bool Experts::checkLayer(unsigned layer) {
  unsigned weights = place(layer);
  if (!node.hasRank(weights, 3) || !node.hasRank(weights + (bits ? 2 : 1), 2))
    return false;
  if (!bits || !has(layer))
    return true;
  bool isPacked = Node::elementType(node.in(weights)).isUnsignedInteger(8);
  if (isPacked && node.in(weights + 1) &&
      node.hasRank(weights + 1, 2, block > 0 ? 3 : 2))
    return true;
  return succeeded(
      node.fail("weights of a few bits must be bytes that have scales"));
}

/// g * sigmoid(alpha * g) * (l + beta) of two halves, or of neighbours.
Value Experts::swiglu(Value x) {
  if (!x)
    return x;
  Dims dims = Node::dims(x);
  AffineExpr half = nn::simplify(dims[2].floorDiv(2));
  bool isInterleaved = fusion == 1;
  Dims split = isInterleaved ? Dims{dims[0], dims[1], half, node.dim(2)}
                             : Dims{dims[0], dims[1], node.dim(2), half};
  Value pairs = node.reshape(x, split);
  auto part = [&](int64_t which) {
    return node.reshape(
        node.slice(pairs, isInterleaved ? 3 : 2, node.dim(which), node.dim(1)),
        {dims[0], dims[1], half});
  };
  Value gate = part(0), linear = part(1);
  if (hasLimit) {
    gate = node.create<nn::MinOp>(gate, number(limit, x));
    linear =
        node.create<nn::ClampOp>(linear, number(-limit, x), number(limit, x));
  }
  Value open = node.create<nn::SigmoidOp>(node.mul(gate, number(alpha, x)));
  return node.mul(node.mul(gate, open), node.add(linear, number(beta, x)));
}

/// As onnxruntime approximates it.
Value Experts::gelu(Value x) {
  Value cubic =
      node.add(node.mul(node.mul(x, x), number(0.044715, x)), number(1, x));
  Value inner = node.create<nn::TanhOp>(
      node.mul(node.mul(x, number(0.7978845608028654, x)), cubic));
  return node.mul(node.mul(x, number(0.5, x)), node.add(inner, number(1, x)));
}

Value Experts::activate(Value x) {
  if (activation == "relu")
    return node.create<nn::ReluOp>(x);
  if (activation == "silu")
    return node.mul(x, node.create<nn::SigmoidOp>(x));
  if (activation == "gelu")
    return gelu(x);
  if (activation == "swiglu")
    return swiglu(x);
  if (activation == "identity")
    return x;
  return node.failValue("activation_type = '" + activation + "' is unknown");
}

LogicalResult Experts::convert() {
  Value input = node.in(0);
  if (!readAttributes())
    return failure();
  if (!has(1))
    return node.fail("the weights of a layer are missing");
  if (!node.hasRank(0, 2, 3) || !node.hasRank(1, 2))
    return failure();
  for (unsigned layer : {0, 1, 2})
    if (!checkLayer(layer))
      return failure();
  Dims dims = Node::dims(input), odds = Node::dims(node.in(1));
  Value tokens = node.reshape(input, {node.dim(1), odds[0], dims.back()});
  Value hidden = activate(apply(tokens, 0));
  if (has(2))
    hidden = node.mul(hidden, apply(tokens, 2));
  Value outputs = apply(hidden, 1);
  Value weights = node.transpose(route(node.in(1)), {1, 0});
  weights = node.reshape(weights, {odds[1], odds[0], node.dim(1)});
  Value sum = node.create<nn::ReduceSumOp>(node.mul(outputs, weights), Ints{0},
                                           /*keepdims=*/false);
  return node.result(node.reshape(sum, dims));
}

static LogicalResult convertMoE(Node &node) { return Experts(node).convert(); }

static const Row rows[] = {
    {"MoE", 1, 3, 8, convertMoE, "com.microsoft", "use_sparse_mixer"},
    {"QMoE", 1, 4, 14, convertMoE, "com.microsoft",
     "use_sparse_mixer, weights that are floats of a few bits"},
};

ArrayRef<Row> nncc::onnx::getExpertRows() { return rows; }
