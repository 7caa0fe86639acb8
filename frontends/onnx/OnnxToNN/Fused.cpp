//===- OnnxToNN/Fused.cpp - what optimisers make of several nodes ---------===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "frontends/onnx/OnnxToNN/Activation.h"
#include "frontends/onnx/OnnxToNN/Matmul.h"
#include "frontends/onnx/OnnxToNN/Normalization.h"
#include "frontends/onnx/OnnxToNN/Quantization.h"
#include "frontends/onnx/OnnxToNN/Rows.h"
#include "frontends/onnx/OnnxToNN/Spatial.h"
#include "nncc/Dialect/NN/NN.h"

using namespace mlir;
using namespace nncc::onnx;
namespace nn = nncc::nn;

namespace {

/// The function at the end of a fused node, "" for none.
struct FusedActivation {
  std::string name;
  SmallVector<float> parameters;
};

} // namespace

static FusedActivation readListedActivation(Node &node) {
  return {node.getString("activation", ""),
          node.getFloats("activation_params").value_or(SmallVector<float>())};
}

static FusedActivation readActivation(Node &node) {
  FusedActivation function{node.getString("activation", ""), {}};
  for (const char *name :
       {"activation_alpha", "activation_beta", "activation_gamma"})
    if (node.hasAttr(name))
      function.parameters.push_back(node.getFloat(name, 0));
  return function;
}

static Value activate(Node &node, Value x, const FusedActivation &function) {
  return activate(node, x, function.name, function.parameters);
}

/// activation(conv(X, W) + B + Z)
static LogicalResult convertFusedConv(Node &node) {
  FusedActivation function = readListedActivation(node);
  Value result = convolve(node, node.in(0), node.in(1));
  if (result && node.in(2))
    result = node.add(result, node.in(2));
  if (!result)
    return failure();
  result = toChannelsFirst(node, result);
  if (node.in(3))
    result = node.add(result, node.in(3));
  return node.result(activate(node, result, function));
}

/// FusedConv and Conv where the channels are last.
static LogicalResult convertNhwcConv(Node &node) {
  FusedActivation function = readListedActivation(node);
  Value result = convolve(node, toChannelsFirst(node, node.in(0)), node.in(1));
  for (unsigned i : {2, 3})
    if (result && node.in(i))
      result = node.add(result, node.in(i));
  return node.result(activate(node, result, function));
}

static LogicalResult convertFusedMatMulActivation(Node &node) {
  FusedActivation function = readActivation(node);
  int64_t axis = node.getInt("activation_axis", -1);
  Value product = fusedMatMul(node);
  if (function.name == "Softmax" && product && axis == -1)
    return node.result(
        node.create<nn::SoftmaxOp>(product, Node::rank(product) - 1));
  return node.result(activate(node, product, function));
}

static LogicalResult convertFusedGemm(Node &node) {
  FusedActivation function = readActivation(node);
  return node.result(activate(node, gemm(node), function));
}

/// The rows of a table of embeddings, added up.
static Value embed(Node &node, Value sum, Value table, Value indices) {
  Value rows = node.create<nn::GatherOp>(table, indices, 0);
  return sum ? node.add(sum, rows) : rows;
}

/// The layer normalisation of the sum of a word's, its position's and its
/// segment's embeddings.
static LogicalResult convertEmbedLayerNormalization(Node &node) {
  Value ids = node.in(0), segments = node.in(1), positions = node.in(8);
  double epsilon = node.getFloat("epsilon", 1e-12f);
  (void)node.getInt("mask_index_type", 0);
  if (Node::rank(ids) != 2)
    return node.fail("input_ids must be of rank 2");
  if (!node.in(2) || !node.in(3) || !node.in(5) || !node.in(6))
    return node.fail("a table of embeddings, gamma or beta is missing");
  Type i32 = node.getBuilder().getI32Type();
  Dims dims = Node::dims(ids);
  if (!positions)
    positions =
        node.createTyped<nn::IotaOp>(nn::makeTensorType({dims[1]}, i32), 0);
  Value sum = embed(node, Value(), node.in(2), ids);
  sum = embed(node, sum, node.in(3), positions);
  if (segments && node.in(4))
    sum = embed(node, sum, node.in(4), segments);
  Value normal = normalize(node, sum, {2}, epsilon);
  Value result = node.add(node.mul(normal, node.in(5)), node.in(6));
  // How many tokens of each sequence the mask lets through.
  Value lengths = node.broadcast(node.constant(0, i32), {dims[0]});
  if (node.in(7))
    lengths = node.create<nn::ReduceSumOp>(node.cast(node.in(7), i32), Ints{1},
                                           /*keepdims=*/false);
  return node.results({result, lengths, sum});
}

static LogicalResult convertExpandDims(Node &node) {
  auto given = node.ints(node.in(1), "the axis");
  Dims dims = Node::dims(node.in(0));
  if (!given || given->size() != 1)
    return node.fail("the axis must be one number");
  auto axis = node.axis(given->front(), dims.size() + 1);
  if (!axis)
    return failure();
  dims.insert(dims.begin() + *axis, node.dim(1));
  return node.result(node.reshape(node.in(0), dims));
}

/// The distances of the rows of A [N, K] from those of B [M, K].
static LogicalResult convertCDist(Node &node) {
  std::string metric = node.getString("metric", "sqeuclidean");
  if (metric != "sqeuclidean" && metric != "euclidean")
    return node.fail("the metric must be euclidean or sqeuclidean");
  Dims a = Node::dims(node.in(0)), b = Node::dims(node.in(1));
  if (a.size() != 2 || b.size() != 2)
    return node.fail("A and B must be matrices");
  Value difference =
      node.sub(node.reshape(node.in(0), {a[0], node.dim(1), a[1]}),
               node.reshape(node.in(1), {node.dim(1), b[0], b[1]}));
  Value square = node.create<nn::ReduceSumOp>(node.mul(difference, difference),
                                              Ints{2}, /*keepdims=*/false);
  return node.result(metric == "euclidean" ? node.create<nn::SqrtOp>(square)
                                           : square);
}

static constexpr const char *microsoft = "com.microsoft";
static const Row rows[] = {
    {"CDist", 1, 2, 2, convertCDist, microsoft},
    {"EmbedLayerNormalization", 1, 1, 9, convertEmbedLayerNormalization,
     microsoft},
    {"ExpandDims", 1, 2, 2, convertExpandDims, microsoft},
    {"FusedConv", 1, 2, 4, convertFusedConv, microsoft},
    {"FusedMatMulActivation", 1, 2, 2, convertFusedMatMulActivation, microsoft},
    {"NhwcConv", 1, 2, 3, convertNhwcConv, microsoft},
    {"NhwcFusedConv", 1, 2, 4, convertNhwcConv, microsoft},
    {"FusedGemm", 1, 2, 3, convertFusedGemm, microsoft},
};

ArrayRef<Row> nncc::onnx::getFusedRows() { return rows; }
