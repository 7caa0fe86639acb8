//===- OnnxToNN/Signal.cpp - Fourier transforms ----------------*- C++ -*-===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Transforms are products with matrices of sines and cosines, of the sizes that
// networks use (some hundreds) no slower than the recursive ones.
//
//===----------------------------------------------------------------------===//

#include "frontends/onnx/OnnxToNN/Node.h"
#include "frontends/onnx/OnnxToNN/Rows.h"
#include "nncc/Dialect/NN/NN.h"

#include <cmath>

using namespace mlir;
using namespace nncc::onnx;
namespace nn = nncc::nn;

static constexpr double pi = 3.14159265358979323846;
// Larger matrices would be much larger than the networks around them.
static constexpr int64_t maxLength = 4096;

namespace {

/// What a transform multiplies with.
struct Fourier {
  int64_t rows;     ///< elements of the signal
  int64_t length;   ///< of the transform: the signal is cut or padded to it
  int64_t columns;  ///< frequencies
  double direction; ///< -1, or 1 for the inverse
  double scale;
};

} // namespace

/// function(2 pi * row * column / length) * scale, [rows, columns].
static Value getMatrix(Node &node, const Fourier &fourier,
                       double (*function)(double)) {
  SmallVector<float> values;
  values.reserve(fourier.rows * fourier.columns);
  for (int64_t row = 0; row < fourier.rows; ++row)
    for (int64_t column = 0; column < fourier.columns; ++column) {
      // The angle's periods do not count, their rounding would.
      int64_t turn = row * column % fourier.length;
      double angle = 2 * pi * static_cast<double>(turn) /
                     static_cast<double>(fourier.length);
      values.push_back(static_cast<float>(
          row < fourier.length ? function(angle) * fourier.scale : 0));
    }
  return node.reshape(node.constant(ArrayRef<float>(values)),
                      node.dims({fourier.rows, fourier.columns}));
}

static double sine(double x) { return std::sin(x); }
static double cosine(double x) { return std::cos(x); }

/// The transform of [..., rows, 1 or 2] along the last but one dimension.
static Value transform(Node &node, Value signal, const Fourier &fourier) {
  Value cos = getMatrix(node, fourier, cosine);
  Value sin = getMatrix(node, fourier, sine);
  if (!signal)
    return signal;
  int64_t last = Node::rank(signal) - 1;
  bool isComplex = nn::getConstantValue(Node::dims(signal)[last]) == 2;
  Value direction = node.constant(fourier.direction, Node::elementType(signal));
  auto part = [&](int64_t which) {
    Dims dims = Node::dims(signal);
    dims.pop_back();
    return node.reshape(node.slice(signal, last, node.dim(which), node.dim(1)),
                        dims);
  };
  auto product = [&](Value a, Value b) { return node.matmul(a, b); };
  Value real = product(part(0), cos);
  Value imaginary = node.mul(product(part(0), sin), direction);
  if (isComplex) {
    Value crossed = node.mul(product(part(1), sin), direction);
    real = node.sub(real, crossed);
    imaginary = node.add(imaginary, product(part(1), cos));
  }
  if (!real)
    return real;
  Dims dims = Node::dims(real);
  dims.push_back(node.dim(1));
  return node.concat({node.reshape(real, dims), node.reshape(imaginary, dims)},
                     last);
}

/// The parts that a signal [..., 1 or 2] of floats has; false after an error.
static bool checkSignal(Node &node, Value signal) {
  if (!Node::elementType(signal).isF32())
    return succeeded(node.fail("the signal must be of f32"));
  std::optional<int64_t> parts;
  if (Node::rank(signal) >= 2)
    parts = nn::getConstantValue(Node::dims(signal).back());
  if (!parts || *parts < 1 || *parts > 2)
    return succeeded(node.fail("the signal's last dimension must be 1 or 2"));
  return true;
}

/// The real signal [..., length, 1] of half a spectrum [..., rows, 2]: each
/// element stands for its conjugate, too, but for the first and the middle one.
static Value invertHalf(Node &node, Value spectrum, int64_t rows,
                        int64_t length) {
  SmallVector<float> weights;
  for (int64_t i = 0; i < rows; ++i)
    weights.push_back(2 * i > length                  ? 0.0f
                      : i % length && 2 * i != length ? 2.0f
                                                      : 1.0f);
  Value weighted =
      node.mul(spectrum, node.reshape(node.constant(ArrayRef<float>(weights)),
                                      node.dims({rows, 1})));
  Value whole =
      transform(node, weighted,
                {rows, length, length, 1.0, 1.0 / static_cast<double>(length)});
  return whole ? node.slice(whole, Node::rank(whole) - 1, node.dim(0),
                            node.dim(1))
               : whole;
}

static LogicalResult convertDft(Node &node, std::optional<int64_t> axis) {
  Value signal = node.in(0);
  bool isInverse = node.getInt("inverse", 0) != 0;
  bool isOnesided = node.getInt("onesided", 0) != 0;
  if (!axis || !checkSignal(node, signal))
    return failure();
  if (*axis == Node::rank(signal) - 1)
    return node.fail("the axis must not be that of the parts");
  auto rows = nn::getConstantValue(Node::dims(signal)[*axis]);
  bool isHalf = isInverse && isOnesided;
  std::optional<int64_t> length = rows;
  if (isHalf && rows)
    length = 2 * (*rows - 1);
  if (node.in(1)) {
    auto given = node.ints(node.in(1), "the length");
    if (!given)
      return failure();
    length = given->size() == 1 ? std::optional(given->front()) : std::nullopt;
  }
  if (!rows || !length || *length < 1 || *length > maxLength ||
      *rows > 4 * maxLength)
    return node.fail("the length must be constant and at most " +
                     llvm::Twine(maxLength));
  Fourier fourier{*rows, *length, isOnesided ? *length / 2 + 1 : *length,
                  isInverse ? 1.0 : -1.0,
                  isInverse ? 1.0 / static_cast<double>(*length) : 1.0};
  Ints permutation;
  for (int64_t i = 0; i < Node::rank(signal); ++i)
    permutation.push_back(i);
  std::swap(permutation[*axis], permutation[Node::rank(signal) - 2]);
  Value lines = node.transpose(signal, permutation);
  Value result = isHalf ? invertHalf(node, lines, *rows, *length)
                        : transform(node, lines, fourier);
  return node.result(node.transpose(result, permutation));
}

static LogicalResult convertDft17(Node &node) {
  return convertDft(node,
                    node.axis(node.getInt("axis", 1), Node::rank(node.in(0))));
}

static LogicalResult convertDft20(Node &node) {
  int64_t axis = -2;
  if (node.in(2)) {
    auto given = node.ints(node.in(2), "the axis");
    if (!given || given->size() != 1)
      return node.fail("the axis must be one number");
    axis = given->front();
  }
  return convertDft(node, node.axis(axis, Node::rank(node.in(0))));
}

/// Frames [N, frames, length, parts] of a signal [N, samples, parts].
static Value cutFrames(Node &node, Value signal, int64_t step, int64_t length) {
  Dims dims = Node::dims(signal);
  Type i64 = node.getBuilder().getI64Type();
  AffineExpr frames = nn::simplify((dims[1] - length).floorDiv(step) + 1);
  Value start = node.createTyped<nn::IotaOp>(
      nn::makeTensorType({frames, node.dim(1)}, i64), 0);
  Value offset = node.createTyped<nn::IotaOp>(
      nn::makeTensorType({node.dim(1), node.dim(length)}, i64), 1);
  Value at = node.add(
      node.mul(start, node.constant(static_cast<double>(step), i64)), offset);
  return node.create<nn::GatherOp>(signal, at, 1);
}

/// A real signal may come as [N, samples] too, which onnxruntime allows.
static Value addParts(Node &node, Value signal) {
  if (Node::rank(signal) != 2)
    return signal;
  Dims dims = Node::dims(signal);
  dims.push_back(node.dim(1));
  return node.reshape(signal, dims);
}

static LogicalResult convertStft(Node &node) {
  Value signal = addParts(node, node.in(0)), window = node.in(2);
  bool isOnesided = node.getInt("onesided", 1) != 0;
  auto step = node.ints(node.in(1), "frame_step");
  if (!step || !checkSignal(node, signal))
    return failure();
  std::optional<int64_t> length;
  if (window && Node::rank(window) != 1)
    return node.fail("the window must be a vector");
  if (window)
    length = nn::getConstantValue(Node::dims(window)[0]);
  if (node.in(3)) {
    auto given = node.ints(node.in(3), "frame_length");
    if (!given || given->size() != 1)
      return node.fail("frame_length must be one number");
    length = given->front();
  }
  if (Node::rank(signal) != 3 || step->size() != 1 || step->front() < 1 ||
      !length || *length < 1 || *length > maxLength)
    return node.fail("needs a signal of rank 3, a positive frame_step and a "
                     "constant frame length of at most " +
                     llvm::Twine(maxLength));
  Value frames = cutFrames(node, signal, step->front(), *length);
  if (window && nn::getConstantValue(Node::dims(window)[0]) != length)
    return node.fail("the window must be as long as the frames");
  if (window)
    frames = node.mul(frames, node.reshape(window, node.dims({*length, 1})));
  Fourier fourier{*length, *length, isOnesided ? *length / 2 + 1 : *length,
                  -1.0, 1.0};
  return node.result(transform(node, frames, fourier));
}

/// The transform of the last dimension, or back, as the first versions of
/// com.microsoft have it.
static LogicalResult convertContribDft(Node &node) {
  Value signal = node.in(0);
  bool isInverse = node.getOpType() == "Irfft";
  if (!node.hasRank(0, isInverse ? 2 : 1, anyRank) ||
      !Node::elementType(signal).isF32())
    return node.fail("the signal must be of f32");
  if (node.getInt("normalized", 0) || !node.getInt("onesided", 1) ||
      node.getInt("signal_ndim", 1) != 1)
    return node.fail("transforms of one dimension to or from half a spectrum "
                     "are supported alone");
  Dims dims = Node::dims(signal);
  auto rows = nn::getConstantValue(dims.end()[isInverse ? -2 : -1]);
  if (!rows || *rows < 2 || *rows > maxLength)
    return node.fail("the length must be constant and at most " +
                     llvm::Twine(maxLength));
  if (!isInverse) {
    dims.push_back(node.dim(1));
    return node.result(transform(node, node.reshape(signal, dims),
                                 {*rows, *rows, *rows / 2 + 1, -1.0, 1.0}));
  }
  Value whole = invertHalf(node, signal, *rows, 2 * (*rows - 1));
  if (!whole)
    return failure();
  dims = Node::dims(whole);
  dims.pop_back();
  return node.result(node.reshape(whole, dims));
}

static const Row rows[] = {
    {"DFT", 17, 1, 2, convertDft17, "", "lengths above 4096 or not constant"},
    {"DFT", 20, 1, 3, convertDft20, "", "lengths above 4096 or not constant"},
    {"Irfft", 1, 1, 1, convertContribDft, "com.microsoft",
     "several dimensions, whole spectra, lengths above 4096"},
    {"Rfft", 1, 1, 1, convertContribDft, "com.microsoft",
     "several dimensions, whole spectra, lengths above 4096"},
    {"STFT", 17, 2, 4, convertStft, "",
     "frames longer than 4096 or of open length"},
};

ArrayRef<Row> nncc::onnx::getSignalRows() { return rows; }
