//===- OnnxToNN/Scores.cpp - what classifiers give --------------*- C++ -*-===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "frontends/onnx/OnnxToNN/Scores.h"

#include "frontends/onnx/Strings.h"
#include "nncc/Dialect/NN/NN.h"

using namespace mlir;
using namespace nncc::onnx;
namespace nn = nncc::nn;

Value nncc::onnx::getRows(Node &node, Value input) {
  if (!input)
    return Value();
  if (Node::rank(input) == 1)
    input = node.reshape(input, {node.dim(1), Node::dims(input)[0]});
  if (Node::rank(input) != 2)
    return node.failValue("the input must be a matrix, one row an example");
  if (isa<FloatType>(Node::elementType(input)))
    return input;
  return node.cast(input, node.getBuilder().getF32Type());
}

static Value number(Node &node, double value, Value like) {
  return node.constant(value, Node::elementType(like));
}

/// Softmax over the scores other than 0, which stay 0.
static Value softmaxOfNonZeros(Node &node, Value scores) {
  Value bound = number(node, 1e-7, scores);
  Value isZero =
      node.create<nn::LessEqualOp>(node.create<nn::AbsOp>(scores), bound);
  Ints axes = {1};
  Value max = node.create<nn::ReduceMaxOp>(scores, axes, true);
  Value exp = node.select(isZero, number(node, 0, scores),
                          node.create<nn::ExpOp>(node.sub(scores, max)));
  Value sum = node.create<nn::ReduceSumOp>(exp, axes, true);
  return node.div(exp,
                  node.create<nn::MaxOp>(sum, number(node, 1e-30, scores)));
}

/// sqrt(2) * erfinv(2 x - 1), with Winitzki's approximation of erfinv, which
/// onnxruntime takes too.
static Value probit(Node &node, Value scores) {
  auto constant = [&](double value) { return number(node, value, scores); };
  constexpr double a = 0.147, pi = 3.14159265358979;
  Value x = node.sub(node.mul(scores, constant(2)), constant(1));
  Value log = node.create<nn::LogOp>(node.sub(constant(1), node.mul(x, x)));
  Value v = node.add(constant(2 / (pi * a)), node.mul(constant(0.5), log));
  Value root = node.create<nn::SqrtOp>(
      node.sub(node.mul(v, v), node.mul(constant(1 / a), log)));
  Value size = node.create<nn::SqrtOp>(node.sub(root, v));
  Value sign = node.create<nn::SignOp>(x);
  return node.mul(constant(1.41421356237), node.mul(sign, size));
}

Value nncc::onnx::transformScores(Node &node, Value scores,
                                  StringRef transform) {
  if (!scores || transform == "NONE")
    return scores;
  if (transform == "LOGISTIC")
    return node.create<nn::SigmoidOp>(scores);
  if (transform == "SOFTMAX")
    return node.create<nn::SoftmaxOp>(scores, 1);
  if (transform == "SOFTMAX_ZERO")
    return softmaxOfNonZeros(node, scores);
  if (transform == "PROBIT")
    return probit(node, scores);
  return node.failValue("post_transform = '" + transform + "' is unknown");
}

std::optional<Ints> nncc::onnx::readLabels(Node &node, StringRef intsName,
                                           StringRef stringsName) {
  std::optional<Ints> labels = node.getInts(intsName);
  SmallVector<std::string> strings = node.getStrings(stringsName);
  if (strings.empty()) {
    if (!labels || labels->empty()) {
      (void)node.fail("the classes have no labels");
      return std::nullopt;
    }
    return labels;
  }
  return node.isUsed(0) ? numberLabels(node, strings) : numberStrings(strings);
}

Ints nncc::onnx::numberLabels(Node &node, ArrayRef<std::string> strings) {
  emitWarning(node.getLoc())
      << node.getOpType() << " has strings as labels, which no tensor of "
      << "the module can hold: its output is the number of the label";
  return numberStrings(strings);
}

Value nncc::onnx::getBestLabel(Node &node, Value scores,
                               ArrayRef<int64_t> labels) {
  Value best = node.create<nn::ArgMaxOp>(scores, 1, false, false);
  return node.create<nn::GatherOp>(node.constant(labels), best, 0);
}

Value nncc::onnx::getBinaryLabel(Node &node, Value score, double bound,
                                 ArrayRef<int64_t> labels) {
  if (!score)
    return Value();
  Type i64 = node.getBuilder().getI64Type();
  Value above = node.create<nn::GreaterOp>(score, number(node, bound, score));
  above = node.reshape(above, {Node::dims(score)[0]});
  auto label = [&](int64_t value) {
    auto type = RankedTensorType::get({}, i64);
    return node.constant(DenseElementsAttr::get(type, value));
  };
  return node.select(above, label(labels[1]), label(labels[0]));
}
