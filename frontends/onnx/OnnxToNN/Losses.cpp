//===- Losses.cpp - losses --------------------------------------*- C++ -*-===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "frontends/onnx/OnnxToNN/Node.h"
#include "frontends/onnx/OnnxToNN/Rows.h"
#include "nncc/Dialect/NN/NN.h"

using namespace mlir;
using namespace nncc::onnx;
namespace nn = nncc::nn;

/// What each example counts, of the shape of `target`; those to ignore nothing.
static Value weigh(Node &node, Value target, Value isIgnored, Value weights,
                   Type type) {
  Value one = node.constant(1, type);
  Value weight = weights ? node.create<nn::GatherOp>(weights, target, 0)
                         : node.broadcast(one, Node::dims(target));
  if (!isIgnored)
    return weight;
  return node.select(isIgnored, node.constant(0, type), weight);
}

/// The loss of logarithms [batch, classes, ...] for classes [batch, ...].
static Value getLoss(Node &node, Value logs, Value target, Value weights) {
  std::string reduction = node.getString("reduction", "mean");
  if (!logs || !node.hasRank(2, 1))
    return Value();
  Value isIgnored;
  if (node.hasAttr("ignore_index")) {
    Type type = Node::elementType(target);
    Value ignored = node.constant(
        static_cast<double>(node.getInt("ignore_index", 0)), type);
    isIgnored = node.create<nn::EqualOp>(target, ignored);
    target = node.select(isIgnored, node.constant(0, type), target);
  }
  if (!target || Node::rank(target) < 1 ||
      Node::rank(logs) != Node::rank(target) + 1)
    return node.failValue("the target must lack the classes' dimension");
  Dims dims = Node::dims(target), wide = dims;
  wide.insert(wide.begin() + 1, node.dim(1));
  Value chosen = node.reshape(
      node.create<nn::GatherElementsOp>(logs, node.reshape(target, wide), 1),
      dims);
  Value weight =
      weigh(node, target, isIgnored, weights, Node::elementType(logs));
  Value loss = node.create<nn::NegOp>(node.mul(chosen, weight));
  if (reduction == "none")
    return loss;
  if (reduction != "mean" && reduction != "sum")
    return node.failValue("reduction must be none, mean or sum");
  Ints axes = llvm::to_vector(llvm::seq<int64_t>(0, dims.size()));
  Value sum = node.create<nn::ReduceSumOp>(loss, axes, false);
  if (reduction == "sum")
    return sum;
  return node.div(sum, node.create<nn::ReduceSumOp>(weight, axes, false));
}

static LogicalResult convertLogLikelihood(Node &node) {
  return node.result(getLoss(node, node.in(0), node.in(1), node.in(2)));
}

static LogicalResult convertCrossEntropy(Node &node) {
  if (!node.hasRank(0, 2, anyRank))
    return failure();
  Value logs = node.create<nn::LogSoftmaxOp>(node.in(0), 1);
  return node.results({getLoss(node, logs, node.in(1), node.in(2)), logs});
}

static const Row rows[] = {
    {"NegativeLogLikelihoodLoss", 12, 2, 3, convertLogLikelihood},
    {"SoftmaxCrossEntropyLoss", 12, 2, 3, convertCrossEntropy},
};

ArrayRef<Row> nncc::onnx::getLossRows() { return rows; }
