//===- ContribLayers.cpp - layers of com.microsoft --------------*- C++ -*-===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "frontends/onnx/OnnxToNN/Normalization.h"
#include "frontends/onnx/OnnxToNN/Rows.h"
#include "frontends/onnx/OnnxToNN/Spatial.h"
#include "nncc/Dialect/NN/NN.h"

using namespace mlir;
using namespace nncc::onnx;
namespace nn = nncc::nn;

static Value number(Node &node, double value, Value like) {
  return like ? node.constant(value, Node::elementType(like)) : Value();
}

static Value silu(Node &node, Value x) {
  return node.mul(x, node.create<nn::SigmoidOp>(x));
}

static Value gelu(Node &node, Value x) {
  Value inner =
      node.create<nn::ErfOp>(node.mul(x, number(node, 0.7071067811865476, x)));
  return node.mul(node.mul(x, number(node, 0.5, x)),
                  node.add(inner, number(node, 1, x)));
}

//===----------------------------------------------------------------------===//
// Normalisation of groups of channels
//===----------------------------------------------------------------------===//

/// [batch, spatial..., channels] normalised, scaled and shifted. gamma and beta
/// are the node's inputs 1 and 2.
static Value normalizeGroups(Node &node, Value x) {
  int64_t groups = node.getInt("groups", 0);
  double epsilon = node.getFloat("epsilon", 1e-5f);
  int64_t activation = node.getInt("activation", 0);
  if (!x || !node.hasRank(0, 2, anyRank) || !node.hasRank(1, 1) ||
      !node.hasRank(2, 1))
    return Value();
  Dims dims = Node::dims(x), split = dims;
  auto channels = nn::getConstantValue(dims.back());
  if (!channels || groups < 1 || *channels % groups)
    return node.failValue("groups must divide a constant number of channels");
  split.back() = node.dim(groups);
  split.push_back(node.dim(*channels / groups));
  Ints axes;
  for (int64_t i = 1; i < static_cast<int64_t>(split.size()); ++i)
    if (i != static_cast<int64_t>(dims.size()) - 1)
      axes.push_back(i);
  Value normal = normalize(node, node.reshape(x, split), axes, epsilon);
  Value y =
      node.add(node.mul(node.reshape(normal, dims), node.in(1)), node.in(2));
  return activation ? silu(node, y) : y;
}

static LogicalResult convertGroupNorm(Node &node) {
  bool isLast = node.getInt("channels_last", 1) != 0;
  Value x = isLast ? node.in(0) : toChannelsLast(node, node.in(0));
  Value y = normalizeGroups(node, x);
  return node.result(isLast ? y : toChannelsFirst(node, y));
}

static LogicalResult convertSkipGroupNorm(Node &node) {
  bool isLast = node.getInt("channels_last", 1) != 0;
  Value x = node.in(0), skip = node.in(3);
  if (!isLast) {
    x = toChannelsLast(node, x);
    skip = toChannelsLast(node, skip);
  }
  if (!x || !skip)
    return failure();
  if (Node::rank(skip) == 2 && Node::rank(x) > 2) {
    Dims wide(Node::rank(x), node.dim(1));
    wide.front() = Node::dims(skip)[0];
    wide.back() = Node::dims(skip)[1];
    skip = node.reshape(skip, wide);
  }
  Value sum = node.add(x, skip);
  if (node.in(4))
    sum = node.add(sum, node.in(4));
  Value y = normalizeGroups(node, sum);
  if (isLast)
    return node.results({y, sum});
  return node.results({toChannelsFirst(node, y), toChannelsFirst(node, sum)});
}

/// Normalises groups of as many elements as the scale has.
static LogicalResult convertGatedRmsNorm(Node &node) {
  Value x = node.in(0), scale = node.in(1), gate = node.in(2);
  std::string activation = node.getString("activation", "silu");
  double epsilon = node.getFloat("epsilon", 1e-5f);
  if (activation != "silu" && activation != "swish" && activation != "sigmoid")
    return node.fail("the activation must be silu, swish or sigmoid");
  if (!node.hasRank(0, 1, anyRank) || !node.hasRank(1, 1))
    return failure();
  Type f32 = node.getBuilder().getF32Type(), type = Node::elementType(x);
  Dims dims = Node::dims(x), split = dims;
  split.back() = dims.back().floorDiv(Node::dims(scale).back());
  split.push_back(Node::dims(scale).back());
  Value wide = node.reshape(node.cast(x, f32), split);
  Value square = node.create<nn::ReduceMeanOp>(
      node.mul(wide, wide), Ints{static_cast<int64_t>(dims.size())}, true);
  Value inverse =
      node.create<nn::RsqrtOp>(node.add(square, node.constant(epsilon, f32)));
  Value normal = node.mul(node.mul(wide, inverse), node.cast(scale, f32));
  Value open = node.cast(gate, f32);
  Value factor = activation == "sigmoid" ? node.create<nn::SigmoidOp>(open)
                                         : silu(node, open);
  return node.result(
      node.cast(node.mul(node.reshape(normal, dims), factor), type));
}

//===----------------------------------------------------------------------===//
// Sums with a bias
//===----------------------------------------------------------------------===//

static LogicalResult convertBiasAdd(Node &node) {
  return node.result(node.add(node.add(node.in(0), node.in(1)), node.in(2)));
}

static LogicalResult convertBiasSplitGelu(Node &node) {
  Value sum = node.add(node.in(0), node.in(1));
  if (!sum || !node.hasRank(0, 1, anyRank))
    return failure();
  int64_t last = Node::rank(sum) - 1;
  AffineExpr half = nn::simplify(Node::dims(sum)[last].floorDiv(2));
  Value left = node.slice(sum, last, node.dim(0), half);
  Value right = node.slice(sum, last, half, half);
  return node.result(node.mul(left, gelu(node, right)));
}

static LogicalResult convertBiasDropout(Node &node) {
  // The ratio and the seed matter in training alone.
  (void)node.getInt("seed", 0);
  if (node.in(4)) {
    std::optional<double> training = node.scalar(node.in(4), "training_mode");
    if (!training || *training != 0)
      return node.fail("training_mode is not supported");
  }
  Value sum = node.add(node.in(0), node.in(1));
  return node.result(node.in(2) ? node.add(sum, node.in(2)) : sum);
}

/// The bias lacks dimensions, inner or outer ones.
static LogicalResult convertBiasSoftmax(Node &node) {
  Value x = node.in(0), bias = node.in(1);
  int64_t rank = Node::rank(x);
  auto axis = node.axis(node.getInt("axis", 1), rank);
  bool isInner = node.getInt("is_inner_broadcast", 1) != 0;
  if (!axis || !node.hasRank(1, rank - *axis, rank))
    return failure();
  Dims dims = Node::dims(bias), wide;
  if (isInner) {
    wide.assign(dims.begin(), dims.begin() + (dims.size() - (rank - *axis)));
    wide.append(rank - dims.size(), node.dim(1));
    wide.append(dims.end() - (rank - *axis), dims.end());
    bias = node.reshape(bias, wide);
  }
  // All dimensions from the axis on are one.
  Value sum = node.add(x, bias);
  Dims all = Node::dims(x), flat(all.begin(), all.begin() + *axis);
  flat.push_back(
      nn::getProduct(ArrayRef(all).drop_front(*axis), node.getContext()));
  Value result = node.create<nn::SoftmaxOp>(node.reshape(sum, flat), *axis);
  return node.result(node.reshape(result, all));
}

static LogicalResult convertGatedAdd(Node &node) {
  return node.result(node.add(node.in(0), node.mul(node.in(1), node.in(2))));
}

static LogicalResult convertScaledSilu(Node &node) {
  Value x = node.in(0);
  Value scale = node.in(1) ? node.reshape(node.in(1), {})
                           : number(node, node.getFloat("alpha", 1), x);
  return node.result(silu(node, node.mul(x, scale)));
}

//===----------------------------------------------------------------------===//
// Others
//===----------------------------------------------------------------------===//

static LogicalResult convertIsAllFinite(Node &node) {
  bool nanOnly = node.getInt("isnan_only", 0) != 0;
  bool infOnly = node.getInt("isinf_only", 0) != 0;
  Value isBad;
  for (Value input : node.ins()) {
    if (!input)
      return node.fail("an input is missing");
    Value isNaN = node.create<nn::IsNaNOp>(input);
    Value isInf = node.create<nn::IsInfOp>(input, true, true);
    Value bad = nanOnly   ? isNaN
                : infOnly ? isInf
                          : node.create<nn::OrOp>(isNaN, isInf);
    Ints axes = llvm::to_vector(llvm::seq<int64_t>(0, Node::rank(input)));
    bad = node.create<nn::ReduceMaxOp>(bad, axes, false);
    isBad = isBad ? node.create<nn::OrOp>(isBad, bad) : bad;
  }
  return node.result(node.create<nn::NotOp>(isBad));
}

/// The last dimension holds real and imaginary parts, one after the other.
template <bool isConjugate> static LogicalResult convertComplexMul(Node &node) {
  if (!node.hasRank(0, 1, anyRank) || !node.hasRank(1, 1, anyRank))
    return failure();
  auto part = [&](unsigned input, int64_t which) {
    Value value = node.in(input);
    Dims split = Node::dims(value);
    split.back() = split.back().floorDiv(2);
    split.push_back(node.dim(2));
    value = node.reshape(value, split);
    return node.slice(value, split.size() - 1, node.dim(which), node.dim(1));
  };
  Value a = part(0, 0), b = part(0, 1), c = part(1, 0), d = part(1, 1);
  Value ac = node.mul(a, c), bd = node.mul(b, d);
  Value ad = node.mul(a, d), bc = node.mul(b, c);
  Value real = isConjugate ? node.add(ac, bd) : node.sub(ac, bd);
  Value imaginary = isConjugate ? node.sub(bc, ad) : node.add(ad, bc);
  if (!real)
    return failure();
  Dims dims = Node::dims(real);
  dims.pop_back();
  dims.back() = dims.back() * 2;
  Value joined = node.concat({real, imaginary}, Node::rank(real) - 1);
  return node.result(node.reshape(joined, dims));
}

static LogicalResult convertTorchEmbedding(Node &node) {
  return node.result(node.create<nn::GatherOp>(node.in(0), node.in(1), 0));
}

static constexpr const char *microsoft = "com.microsoft";
static const Row rows[] = {
    {"BiasAdd", 1, 3, 3, convertBiasAdd, microsoft},
    {"BiasDropout", 1, 2, 5, convertBiasDropout, microsoft, "training"},
    {"BiasSoftmax", 1, 2, 2, convertBiasSoftmax, microsoft},
    {"BiasSplitGelu", 1, 2, 2, convertBiasSplitGelu, microsoft},
    {"ComplexMul", 1, 2, 2, convertComplexMul<false>, microsoft},
    {"ComplexMulConj", 1, 2, 2, convertComplexMul<true>, microsoft},
    {"GatedAdd", 1, 3, 3, convertGatedAdd, microsoft},
    {"GatedRMSNorm", 1, 3, 3, convertGatedRmsNorm, microsoft},
    {"GroupNorm", 1, 3, 3, convertGroupNorm, microsoft},
    {"IsAllFinite", 1, 1, anyNumber, convertIsAllFinite, microsoft},
    {"ScaledSiLU", 1, 1, 2, convertScaledSilu, microsoft},
    {"SkipGroupNorm", 1, 4, 5, convertSkipGroupNorm, microsoft},
    {"TorchEmbedding", 1, 2, 4, convertTorchEmbedding, microsoft},
};

ArrayRef<Row> nncc::onnx::getContribLayerRows() { return rows; }
