//===- Windows.cpp - windows and filters of signals -------------*- C++ -*-===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "frontends/onnx/OnnxToNN/Node.h"
#include "frontends/onnx/OnnxToNN/Rows.h"
#include "frontends/onnx/Types.h"
#include "nncc/Dialect/NN/NN.h"

#include <cmath>

using namespace mlir;
using namespace nncc::onnx;
namespace nn = nncc::nn;

static constexpr double pi = 3.14159265358979323846;

/// The type that the attribute output_datatype names; null after an error.
static Type readType(Node &node) {
  Type type =
      getElementType(static_cast<int32_t>(node.getInt("output_datatype", 1)),
                     node.getContext());
  if (!type)
    (void)node.fail("the type that output_datatype names is not supported");
  return type;
}

/// One size; null after an error.
static AffineExpr readSize(Node &node, Value value, const llvm::Twine &what) {
  auto sizes = node.sizes(value, what);
  if (sizes && sizes->size() == 1)
    return sizes->front();
  if (sizes)
    (void)node.fail(what + " must be one number");
  return AffineExpr();
}

static Value countTo(Node &node, AffineExpr count, Type type) {
  return node.createTyped<nn::IotaOp>(nn::makeTensorType(count, type), 0);
}

//===----------------------------------------------------------------------===//
// Windows
//===----------------------------------------------------------------------===//

/// a0 - a1 cos(2 pi i / N) + a2 cos(4 pi i / N), a = numerators / denominator
template <int numerators0, int numerators1, int numerators2, int denominator>
static LogicalResult convertWindow(Node &node) {
  AffineExpr size = readSize(node, node.in(0), "the size");
  bool isPeriodic = node.getInt("periodic", 1) != 0;
  Type type = readType(node);
  if (!size || !type)
    return failure();
  Type real = type.isF64() ? type : node.getBuilder().getF32Type();
  auto number = [&](double value) { return node.constant(value, real); };
  Value length = node.cast(node.sizeValues(size), real);
  Value period =
      isPeriodic
          ? length
          : node.create<nn::MaxOp>(node.sub(length, number(1)), number(1));
  Value turn = node.div(countTo(node, size, real), period);
  auto wave = [&](double factor, int numerator) {
    Value cos = node.create<nn::CosOp>(node.mul(turn, number(factor * pi)));
    return node.mul(cos, number(double(numerator) / denominator));
  };
  Value window =
      node.sub(number(double(numerators0) / denominator), wave(2, numerators1));
  if (numerators2)
    window = node.add(window, wave(4, numerators2));
  return node.result(node.cast(window, type));
}

//===----------------------------------------------------------------------===//
// MelWeightMatrix
//===----------------------------------------------------------------------===//

/// The edges of the bands as bins of the spectrum, f64 [bands + 2].
static Value getBandEdges(Node &node, AffineExpr bands, AffineExpr length) {
  Type f64 = node.getBuilder().getF64Type();
  auto number = [&](double value) { return node.constant(value, f64); };
  auto operand = [&](unsigned i) {
    return node.cast(node.reshape(node.in(i), {}), f64);
  };
  double perMel = 2595 / std::log(10);
  auto toMel = [&](Value hertz) {
    Value scaled = node.add(node.div(hertz, number(700)), number(1));
    return node.mul(node.create<nn::LogOp>(scaled), number(perMel));
  };
  Value low = toMel(operand(3)), high = toMel(operand(4));
  AffineExpr edges = nn::simplify(bands + 2);
  Value step =
      node.div(node.sub(high, low), node.cast(node.sizeValues(edges), f64));
  Value mel = node.add(node.mul(countTo(node, edges, f64), step), low);
  Value hertz =
      node.mul(node.sub(node.create<nn::ExpOp>(node.div(mel, number(perMel))),
                        number(1)),
               number(700));
  Value bins = node.mul(hertz, node.cast(node.sizeValues(length + 1), f64));
  return node.create<nn::FloorOp>(node.div(bins, operand(2)));
}

/// Triangles over the bins of a spectrum, one a band: [bins, bands].
static LogicalResult convertMelWeights(Node &node) {
  AffineExpr bands = readSize(node, node.in(0), "the number of bands");
  AffineExpr length = readSize(node, node.in(1), "the length");
  Type type = readType(node);
  if (!bands || !length || !type)
    return failure();
  Type f64 = node.getBuilder().getF64Type();
  Value edges = getBandEdges(node, bands, length);
  auto edge = [&](int64_t which) {
    return node.slice(edges, 0, node.dim(which), bands);
  };
  Value low = edge(0), center = edge(1), high = edge(2);
  AffineExpr bins = nn::simplify(length.floorDiv(2) + 1);
  Value bin = node.reshape(countTo(node, bins, f64), {bins, node.dim(1)});
  Value zero = node.constant(0, f64), one = node.constant(1, f64);
  auto ramp = [&](Value from, Value to, Value at) {
    Value span = node.create<nn::MaxOp>(node.sub(to, from), one);
    return node.div(at, span);
  };
  Value rising = ramp(low, center, node.sub(bin, low));
  Value falling = ramp(center, high, node.sub(high, bin));
  Value isFlat = node.create<nn::EqualOp>(low, center);
  Value isCenter = node.create<nn::EqualOp>(bin, center);
  // The peak belongs to the falling side where there is one.
  Value isFalling =
      node.create<nn::AndOp>(node.create<nn::GreaterEqualOp>(bin, center),
                             node.create<nn::LessOp>(bin, high));
  Value isRising =
      node.create<nn::AndOp>(node.create<nn::GreaterEqualOp>(bin, low),
                             node.create<nn::LessEqualOp>(bin, center));
  isRising = node.create<nn::AndOp>(isRising, node.create<nn::NotOp>(isFlat));
  Value peak = node.select(node.create<nn::AndOp>(isFlat, isCenter), one, zero);
  Value weights =
      node.select(isFalling, falling, node.select(isRising, rising, peak));
  return node.result(node.cast(weights, type));
}

static const Row rows[] = {
    {"BlackmanWindow", 17, 1, 1, convertWindow<42, 50, 8, 100>},
    {"HammingWindow", 17, 1, 1, convertWindow<25, 21, 0, 46>},
    {"HannWindow", 17, 1, 1, convertWindow<1, 1, 0, 2>},
    {"MelWeightMatrix", 17, 5, 5, convertMelWeights},
};

ArrayRef<Row> nncc::onnx::getWindowRows() { return rows; }
