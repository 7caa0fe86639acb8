//===- OnnxToNN/LinearModels.cpp - linear models of ai.onnx.ml --*- C++ -*-===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "frontends/onnx/OnnxToNN/Node.h"
#include "frontends/onnx/OnnxToNN/Rows.h"
#include "frontends/onnx/OnnxToNN/Scores.h"
#include "nncc/Dialect/NN/NN.h"

using namespace mlir;
using namespace nncc::onnx;
namespace nn = nncc::nn;

/// rows * coefficients^T + intercepts, [N, targets]; null after an error.
static Value getLinearScores(Node &node, int64_t targets) {
  Value rows = getRows(node, node.in(0));
  auto coefficients = node.getFloats("coefficients");
  auto intercepts = node.getFloats("intercepts");
  if (!rows)
    return Value();
  std::optional<int64_t> features = nn::getConstantValue(Node::dims(rows)[1]);
  if (!coefficients || !features || targets < 1 ||
      static_cast<int64_t>(coefficients->size()) != targets * *features)
    return node.failValue(
        "coefficients must have one entry a target and feature");
  Type f32 = node.getBuilder().getF32Type();
  Value weights = node.reshape(node.constant(ArrayRef(*coefficients)),
                               node.dims({targets, *features}));
  Value scores =
      node.matmul(node.cast(rows, f32), node.transpose(weights, {1, 0}));
  if (!intercepts || intercepts->empty())
    return scores;
  if (static_cast<int64_t>(intercepts->size()) != targets)
    return node.failValue("intercepts must have one entry a target");
  return node.add(scores, node.constant(ArrayRef(*intercepts)));
}

static LogicalResult convertLinearRegressor(Node &node) {
  Value scores = getLinearScores(node, node.getInt("targets", 1));
  return node.result(
      transformScores(node, scores, node.getString("post_transform", "NONE")));
}

/// Both columns of a classifier with two classes and one row of coefficients,
/// as onnxruntime completes them.
static Value completeBinary(Node &node, Value score, StringRef transform) {
  if (transform == "PROBIT")
    return transformScores(node, score, transform);
  if (transform == "LOGISTIC")
    return transformScores(
        node, node.concat({node.create<nn::NegOp>(score), score}, 1),
        transform);
  Type f32 = node.getBuilder().getF32Type();
  return node.concat({node.sub(node.constant(1, f32), score), score}, 1);
}

static LogicalResult convertLinearClassifier(Node &node) {
  auto labels = readLabels(node, "classlabels_ints", "classlabels_strings");
  auto intercepts = node.getFloats("intercepts");
  // Whether the classes are one against the rest changes nothing here.
  (void)node.getInt("multi_class", 0);
  if (!labels)
    return failure();
  int64_t classes = labels->size();
  std::string transform = node.getString("post_transform", "NONE");
  bool isBinary = classes == 2 && intercepts && intercepts->size() == 1;
  Value scores = getLinearScores(node, isBinary ? 1 : classes);
  if (isBinary)
    return node.results({getBinaryLabel(node, scores, 0, *labels),
                         completeBinary(node, scores, transform)});
  return node.results({getBestLabel(node, scores, *labels),
                       transformScores(node, scores, transform)});
}

static const Row rows[] = {
    {"LinearClassifier", 1, 1, 1, convertLinearClassifier, "ai.onnx.ml",
     "labels that are strings: their numbers stand for them"},
    {"LinearRegressor", 1, 1, 1, convertLinearRegressor, "ai.onnx.ml"},
};

ArrayRef<Row> nncc::onnx::getLinearModelRows() { return rows; }
