//===- OnnxToNN/Normalization.cpp - normalisations --------------*- C++ -*-===//
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

static Value mean(Node &node, Value value, ArrayRef<int64_t> axes) {
  return node.create<nn::ReduceMeanOp>(value, Ints(axes), /*keepdims=*/true);
}

Value nncc::onnx::normalize(Node &node, Value x, ArrayRef<int64_t> axes,
                            double epsilon, Value *meanOut, Value *inverseOut) {
  if (!x)
    return Value();
  Value average = mean(node, x, axes);
  Value centered = node.sub(x, average);
  Value variance = mean(node, node.mul(centered, centered), axes);
  Value shifted =
      node.add(variance, node.constant(epsilon, Node::elementType(x)));
  Value inverse = node.create<nn::RsqrtOp>(shifted);
  if (meanOut)
    *meanOut = average;
  if (inverseOut)
    *inverseOut = inverse;
  return node.mul(centered, inverse);
}

/// Normalises with the batch's own statistics, and moves the others towards
/// them.
static LogicalResult trainBatchNormalization(Node &node, double momentum,
                                             double epsilon) {
  Value x = toChannelsLast(node, node.in(0));
  if (!x)
    return failure();
  Ints axes = llvm::to_vector(llvm::seq<int64_t>(0, Node::rank(x) - 1));
  Value average = mean(node, x, axes), centered = node.sub(x, average);
  Value variance = mean(node, node.mul(centered, centered), axes);
  auto number = [&](double value, Value like) {
    return node.constant(value, Node::elementType(like));
  };
  Value inverse =
      node.create<nn::RsqrtOp>(node.add(variance, number(epsilon, x)));
  Value y =
      node.add(node.mul(node.mul(centered, inverse), node.in(1)), node.in(2));
  auto move = [&](Value running, Value current) {
    Value flat = node.cast(node.reshape(current, Node::dims(running)),
                           Node::elementType(running));
    return node.add(node.mul(running, number(momentum, running)),
                    node.mul(flat, number(1 - momentum, running)));
  };
  return node.results({toChannelsFirst(node, y), move(node.in(3), average),
                       move(node.in(4), variance)});
}

static LogicalResult convertBatchNormalization(Node &node) {
  double momentum = node.getFloat("momentum", 0.9f);
  bool isTraining = node.getInt("training_mode", 0) != 0;
  // Of early files, which hold networks to run alone.
  (void)node.getInt("is_test", 1);
  if (node.getInt("spatial", 1) != 1)
    return node.fail("spatial = 0 is not supported");
  double epsilon = node.getFloat("epsilon", 1e-5f);
  Value x = node.in(0);
  if (Node::rank(x) < 2)
    return node.fail("the input must have a channel dimension");
  for (unsigned i = 1; i < 5; ++i)
    if (Node::rank(node.in(i)) != 1)
      return node.fail("the statistics must be vectors");
  if (isTraining)
    return trainBatchNormalization(node, momentum, epsilon);

  // A factor and a term for each channel, computed from constants.
  Value shifted = node.add(
      node.in(4), node.constant(epsilon, Node::elementType(node.in(4))));
  Value factor = node.mul(node.in(1), node.create<nn::RsqrtOp>(shifted));
  Value term = node.sub(node.in(2), node.mul(node.in(3), factor));
  Value scaled = node.mul(toChannelsLast(node, x), factor);
  return node.result(toChannelsFirst(node, node.add(scaled, term)));
}

/// The axes 1 up to rank - 1 of a channels-last value.
static Ints getSpatialAxes(Value x) {
  Ints axes;
  for (int64_t i = 1; i < Node::rank(x) - 1; ++i)
    axes.push_back(i);
  return axes;
}

static LogicalResult convertInstanceNormalization(Node &node) {
  if (Node::rank(node.in(0)) < 3)
    return node.fail("the input must have spatial dimensions");
  Value x = toChannelsLast(node, node.in(0));
  if (!x)
    return failure();
  double epsilon = node.getFloat("epsilon", 1e-5f);
  // The mean is subtracted first: a shift that holds it would lose the digits
  // of elements near zero.
  Value average, inverse;
  normalize(node, x, getSpatialAxes(x), epsilon, &average, &inverse);
  Value factor = node.mul(inverse, node.in(1));
  Value scaled = node.add(node.mul(node.sub(x, average), factor), node.in(2));
  return node.result(toChannelsFirst(node, scaled));
}

static Ints axesFrom(int64_t axis, int64_t rank) {
  Ints axes;
  for (int64_t i = axis; i < rank; ++i)
    axes.push_back(i);
  return axes;
}

/// Statistics have the type that they are computed in, f32 at least.
static void typeStatistics(Node &node) {
  for (unsigned output : {1, 2})
    node.setType(output, Node::elementType(node.in(0)));
}

static LogicalResult convertLayerNormalization(Node &node) {
  Value x = node.in(0);
  int64_t rank = Node::rank(x);
  auto axis = node.axis(node.getInt("axis", -1), rank);
  if (!axis)
    return failure();
  double epsilon = node.getFloat("epsilon", 1e-5f);
  if (node.getInt("stash_type", 1) != 1)
    return node.fail("stash_type other than 1 is not supported");
  Value average, inverse;
  Value y =
      normalize(node, x, axesFrom(*axis, rank), epsilon, &average, &inverse);
  y = node.mul(y, node.in(1));
  if (node.in(2))
    y = node.add(y, node.in(2));
  typeStatistics(node);
  return node.results({y, average, inverse});
}

static LogicalResult convertRMSNormalization(Node &node) {
  Value x = node.in(0);
  int64_t rank = Node::rank(x);
  auto axis = node.axis(node.getInt("axis", -1), rank);
  if (!axis)
    return failure();
  (void)node.getInt("stash_type", 1);
  Value epsilon =
      node.constant(node.getFloat("epsilon", 1e-5f), Node::elementType(x));
  Value square = mean(node, node.mul(x, x), axesFrom(*axis, rank));
  Value inverse = node.create<nn::RsqrtOp>(node.add(square, epsilon));
  Value y = node.mul(node.mul(x, inverse), node.in(1));
  typeStatistics(node);
  return node.results({y, inverse});
}

static LogicalResult convertGroupNormalization(Node &node) {
  Value x = node.in(0);
  int64_t groups = node.getInt("num_groups", 0);
  double epsilon = node.getFloat("epsilon", 1e-5f);
  (void)node.getInt("stash_type", 1);
  // Scale and bias are one a group (18), or one a channel (21).
  bool isPerGroup = node.getOpset() < 21;
  if (!isPerGroup && Node::rank(x) >= 2 && Node::rank(node.in(1)) == 1)
    x = node.withSize(x, 1, Node::dims(node.in(1))[0]);
  Dims dims = Node::dims(x);
  auto channels = dims.size() >= 2 ? nn::getConstantValue(dims[1])
                                   : std::optional<int64_t>();
  if (!channels || groups < 1 || *channels % groups != 0)
    return node.fail("num_groups must divide a constant number of channels");
  Dims split{dims[0], node.dim(groups), node.dim(*channels / groups)};
  split.append(dims.begin() + 2, dims.end());
  Value grouped = node.reshape(x, split);
  Value normal = normalize(node, grouped, axesFrom(2, split.size()), epsilon);

  Dims factorDims(dims.size() - 1, node.dim(1));
  if (isPerGroup) {
    factorDims.push_back(node.dim(1));
    factorDims[0] = node.dim(groups);
  } else {
    normal = node.reshape(normal, dims);
    factorDims[0] = dims[1];
  }
  Value scale = node.reshape(node.in(1), factorDims);
  Value bias = node.reshape(node.in(2), factorDims);
  Value y = node.add(node.mul(normal, scale), bias);
  return node.result(node.reshape(y, dims));
}

/// x / (bias + alpha / size * sum of the squares of `size` channels) ^ beta
static LogicalResult convertLRN(Node &node) {
  int64_t size = node.getInt("size", 0);
  if (size < 1 || size > 256 || Node::rank(node.in(0)) < 3)
    return node.fail("needs spatial dimensions and a size of 1 to 256");
  Value x = toChannelsLast(node, node.in(0));
  if (!x)
    return failure();
  Type type = Node::elementType(x);
  auto number = [&](double value) { return node.constant(value, type); };
  int64_t last = Node::rank(x) - 1;
  AffineExpr channels = Node::dims(x)[last];
  Dims low(last + 1, node.dim(0)), high = low;
  low[last] = node.dim((size - 1) / 2);
  high[last] = node.dim(size - 1 - (size - 1) / 2);
  Value square = node.mul(x, x);
  Value padded = node.create<nn::PadOp>(square, node.map(low), node.map(high),
                                        nn::PadMode::Constant,
                                        node.getBuilder().getZeroAttr(type));
  Value sum = node.slice(padded, last, node.dim(0), channels);
  for (int64_t i = 1; i < size; ++i)
    sum = node.add(sum, node.slice(padded, last, node.dim(i), channels));
  double alpha = node.getFloat("alpha", 1e-4f);
  Value base = node.add(node.mul(sum, number(alpha / double(size))),
                        number(node.getFloat("bias", 1)));
  Value power =
      node.create<nn::PowOp>(base, number(node.getFloat("beta", 0.75f)));
  return node.result(toChannelsFirst(node, node.div(x, power)));
}

static LogicalResult convertLpNormalization(Node &node) {
  Value x = node.in(0);
  auto axis = node.axis(node.getInt("axis", -1), Node::rank(x));
  int64_t p = node.getInt("p", 2);
  if (!axis)
    return failure();
  if (p != 1 && p != 2)
    return node.fail("p must be 1 or 2");
  Value powers = p == 1 ? node.create<nn::AbsOp>(x) : node.mul(x, x);
  Value norm = node.create<nn::ReduceSumOp>(powers, Ints{*axis}, true);
  if (p == 2)
    norm = node.create<nn::SqrtOp>(norm);
  if (!norm)
    return failure();
  // A vector of zeros stays one.
  Value zero = node.constant(0, Node::elementType(x));
  Value isZero = node.create<nn::EqualOp>(norm, zero);
  return node.result(node.select(isZero, zero, node.div(x, norm)));
}

static LogicalResult convertMeanVarianceNormalization(Node &node) {
  Value x = node.in(0);
  auto axes =
      node.axes(node.getInts("axes").value_or(Ints{0, 2, 3}), Node::rank(x));
  if (!axes)
    return failure();
  Value centered = node.sub(x, mean(node, x, *axes));
  Value variance = mean(node, node.mul(centered, centered), *axes);
  Value deviation = node.add(node.create<nn::SqrtOp>(variance),
                             node.constant(1e-9, Node::elementType(x)));
  return node.result(node.div(centered, deviation));
}

/// scale * x + bias[channel], of early files.
static LogicalResult convertImageScaler(Node &node) {
  Value x = toChannelsLast(node, node.in(0));
  if (!x)
    return failure();
  Type type = Node::elementType(x);
  Value y = node.mul(x, node.constant(node.getFloat("scale", 1), type));
  if (auto bias = node.getFloats("bias"))
    y = node.add(y, node.cast(node.constant(ArrayRef<float>(*bias)), type));
  return node.result(toChannelsFirst(node, y));
}

/// alpha * x + beta, of early files.
static LogicalResult convertAffine(Node &node) {
  Type type = Node::elementType(node.in(0));
  Value alpha = node.constant(node.getFloat("alpha", 1), type);
  Value beta = node.constant(node.getFloat("beta", 0), type);
  return node.result(node.add(node.mul(node.in(0), alpha), beta));
}

/// Layer normalisation of a sum.
static LogicalResult convertSkipLayerNormalization(Node &node) {
  bool simplified = node.getOpType() == "SkipSimplifiedLayerNormalization";
  unsigned biasIndex = simplified ? 3 : 4;
  Value sum = node.add(node.in(0), node.in(1));
  if (node.in(biasIndex))
    sum = node.add(sum, node.in(biasIndex));
  if (!sum)
    return failure();
  double epsilon = node.getFloat("epsilon", 1e-12f);
  Ints last{Node::rank(sum) - 1};
  Value y;
  if (simplified) {
    Value square = mean(node, node.mul(sum, sum), last);
    Value shifted =
        node.add(square, node.constant(epsilon, Node::elementType(sum)));
    y = node.mul(sum, node.create<nn::RsqrtOp>(shifted));
  } else {
    y = normalize(node, sum, last, epsilon);
  }
  y = node.mul(y, node.in(2));
  if (!simplified && node.in(3))
    y = node.add(y, node.in(3));
  return node.results({y, Value(), Value(), sum});
}

static constexpr const char *microsoft = "com.microsoft";
static const Row rows[] = {
    {"Affine", 1, 1, 1, convertAffine},
    {"BatchNormalization", 1, 5, 5, convertBatchNormalization},
    {"GroupNormalization", 18, 3, 3, convertGroupNormalization},
    {"ImageScaler", 1, 1, 1, convertImageScaler},
    {"InstanceNormalization", 1, 3, 3, convertInstanceNormalization},
    {"LRN", 1, 1, 1, convertLRN},
    {"LayerNormalization", 17, 2, 3, convertLayerNormalization},
    {"LpNormalization", 1, 1, 1, convertLpNormalization},
    {"MeanVarianceNormalization", 9, 1, 1, convertMeanVarianceNormalization},
    {"RMSNormalization", 23, 2, 2, convertRMSNormalization},
    // An exporter's fusion of the same name as LayerNormalization of 17.
    {"LayerNormalization", 1, 2, 3, convertLayerNormalization},
    {"SimplifiedLayerNormalization", 1, 2, 2, convertRMSNormalization},
    {"SkipLayerNormalization", 1, 3, 5, convertSkipLayerNormalization,
     microsoft},
    {"SkipSimplifiedLayerNormalization", 1, 3, 4, convertSkipLayerNormalization,
     microsoft},
};

ArrayRef<Row> nncc::onnx::getNormalizationRows() { return rows; }
