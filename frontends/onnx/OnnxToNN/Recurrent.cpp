//===- OnnxToNN/Recurrent.cpp - recurrent layers ----------------*- C++ -*-===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "frontends/onnx/OnnxToNN/Node.h"
#include "frontends/onnx/OnnxToNN/Rows.h"
#include "nncc/Dialect/NN/NN.h"

#include "mlir/IR/BuiltinAttributes.h"

using namespace mlir;
using namespace nncc::onnx;
namespace nn = nncc::nn;

namespace {

/// An activation function and the parameters that it takes in ONNX.
struct ActivationInfo {
  const char *name; // In lower case, without underscores.
  nn::Activation activation;
  bool hasAlpha, hasBeta;
  float alpha, beta;
};

constexpr ActivationInfo activationInfos[] = {
    {"affine", nn::Activation::Affine, true, true, 1, 0},
    {"elu", nn::Activation::Elu, true, false, 1, 0},
    {"hardsigmoid", nn::Activation::HardSigmoid, true, true, 0.2f, 0.5f},
    {"leakyrelu", nn::Activation::LeakyRelu, true, false, 0.01f, 0},
    {"relu", nn::Activation::Relu, false, false, 0, 0},
    {"scaledtanh", nn::Activation::ScaledTanh, true, true, 1, 1},
    {"sigmoid", nn::Activation::Sigmoid, false, false, 0, 0},
    {"softplus", nn::Activation::Softplus, false, false, 0, 0},
    {"softsign", nn::Activation::Softsign, false, false, 0, 0},
    {"tanh", nn::Activation::Tanh, false, false, 0, 0},
    {"thresholdedrelu", nn::Activation::ThresholdedRelu, true, false, 1, 0},
};

/// The attributes that the three layers share.
struct Recurrent {
  nn::Direction direction = nn::Direction::Forward;
  ArrayAttr activations;
  DenseF32ArrayAttr alphas, betas;
  FloatAttr clip;
  bool batchFirst = false;
};

} // namespace

static LogicalResult readActivations(Node &node, Recurrent &layer,
                                     ArrayRef<StringRef> defaults) {
  SmallVector<std::string> names = node.getStrings("activations");
  size_t directions = layer.direction == nn::Direction::Bidirectional ? 2 : 1;
  if (names.empty())
    for (size_t i = 0; i < directions; ++i)
      for (StringRef name : defaults)
        names.push_back(name.str());
  size_t count = directions * defaults.size();
  if (names.size() < count)
    return node.fail("activations must have " + llvm::Twine(count) +
                     " entries");
  // RNN's default, which some tools write out, is one for two directions.
  names.resize(count);

  auto alphas =
      node.getFloats("activation_alpha").value_or(SmallVector<float>());
  auto betas = node.getFloats("activation_beta").value_or(SmallVector<float>());
  SmallVector<Attribute> attributes;
  SmallVector<float> allAlphas, allBetas;
  size_t nextAlpha = 0, nextBeta = 0;
  OpBuilder &b = node.getBuilder();
  for (StringRef name : names) {
    std::string lower = name.lower();
    const ActivationInfo *info = llvm::find_if(
        activationInfos, [&](auto &entry) { return entry.name == lower; });
    if (info == std::end(activationInfos))
      return node.fail("the activation '" + name + "' is unknown");
    attributes.push_back(
        b.getStringAttr(nn::stringifyActivation(info->activation)));
    bool takesAlpha = info->hasAlpha && nextAlpha < alphas.size();
    bool takesBeta = info->hasBeta && nextBeta < betas.size();
    allAlphas.push_back(takesAlpha ? alphas[nextAlpha++] : info->alpha);
    allBetas.push_back(takesBeta ? betas[nextBeta++] : info->beta);
  }
  layer.activations = b.getArrayAttr(attributes);
  layer.alphas = b.getDenseF32ArrayAttr(allAlphas);
  layer.betas = b.getDenseF32ArrayAttr(allBetas);
  return success();
}

static LogicalResult readLayer(Node &node, Recurrent &layer,
                               ArrayRef<StringRef> defaults) {
  for (unsigned i = 0; i < 3; ++i)
    if (Node::rank(node.in(i)) != 3)
      return node.fail("X, W and R must be of rank 3");
  auto direction =
      nn::symbolizeDirection(node.getString("direction", "forward"));
  if (!direction)
    return node.fail("the direction is unknown");
  layer.direction = *direction;
  layer.batchFirst = node.getInt("layout", 0) != 0;
  int64_t hidden = Node::type(node.in(2)).getDimSize(2);
  if (node.getInt("hidden_size", hidden) != hidden)
    return node.fail("hidden_size differs from the recurrence's shape");
  if (node.hasAttr("clip"))
    layer.clip = node.getBuilder().getF32FloatAttr(node.getFloat("clip", 0));
  // The sequences' outputs are always there (an attribute of early files).
  (void)node.getInt("output_sequence", 0);
  return readActivations(node, layer, defaults);
}

/// With layout = 1, X and the states have the batch first.
static Value getSteps(Node &node, const Recurrent &layer, unsigned index) {
  Value value = node.in(index);
  if (!value || !layer.batchFirst || Node::rank(value) != 3)
    return value;
  return node.transpose(value, {1, 0, 2});
}

/// y [T, D, N, H] and the last states [D, N, H].
static LogicalResult finishLayer(Node &node, const Recurrent &layer,
                                 Operation *op) {
  if (!op)
    return failure();
  SmallVector<Value> values(op->getResults());
  if (layer.batchFirst)
    for (auto [i, value] : llvm::enumerate(values))
      value = i == 0 ? node.transpose(value, {2, 0, 1, 3})
                     : node.transpose(value, {1, 0, 2});
  return node.results(values);
}

static LogicalResult convertLSTM(Node &node) {
  Recurrent layer;
  if (failed(readLayer(node, layer, {"sigmoid", "tanh", "tanh"})))
    return failure();
  bool inputForget = node.getInt("input_forget", 0) != 0;
  return finishLayer(node, layer,
                     node.createOp<nn::LstmOp, 3>(
                         getSteps(node, layer, 0), node.in(1), node.in(2),
                         MaybeValue{node.in(3)}, MaybeValue{node.in(4)},
                         MaybeValue{getSteps(node, layer, 5)},
                         MaybeValue{getSteps(node, layer, 6)},
                         MaybeValue{node.in(7)}, layer.activations,
                         layer.alphas, layer.betas, layer.direction, layer.clip,
                         inputForget));
}

static LogicalResult convertGRU(Node &node) {
  Recurrent layer;
  if (failed(readLayer(node, layer, {"sigmoid", "tanh"})))
    return failure();
  bool linear = node.getInt("linear_before_reset", 0) != 0;
  return finishLayer(node, layer,
                     node.createOp<nn::GruOp, 2>(
                         getSteps(node, layer, 0), node.in(1), node.in(2),
                         MaybeValue{node.in(3)}, MaybeValue{node.in(4)},
                         MaybeValue{getSteps(node, layer, 5)},
                         layer.activations, layer.alphas, layer.betas,
                         layer.direction, layer.clip, linear));
}

static LogicalResult convertRNN(Node &node) {
  Recurrent layer;
  if (failed(readLayer(node, layer, {"tanh"})))
    return failure();
  return finishLayer(node, layer,
                     node.createOp<nn::RnnOp, 2>(
                         getSteps(node, layer, 0), node.in(1), node.in(2),
                         MaybeValue{node.in(3)}, MaybeValue{node.in(4)},
                         MaybeValue{getSteps(node, layer, 5)},
                         layer.activations, layer.alphas, layer.betas,
                         layer.direction, layer.clip));
}

static const Row rows[] = {
    {"GRU", 1, 3, 6, convertGRU},
    {"LSTM", 1, 3, 8, convertLSTM},
    {"RNN", 1, 3, 6, convertRNN},
};

ArrayRef<Row> nncc::onnx::getRecurrentRows() { return rows; }
