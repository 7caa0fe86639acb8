//===- DeformConv.cpp - deformable convolutions -----------------*- C++ -*-===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "frontends/onnx/OnnxToNN/Rows.h"
#include "frontends/onnx/OnnxToNN/Spatial.h"
#include "nncc/Dialect/NN/NN.h"

using namespace mlir;
using namespace nncc::onnx;
namespace nn = nncc::nn;

namespace {

/// Samples an image [N, C, H, W] where the offsets say, for each tap of the
/// window and each position: [N, C, taps, positions].
class TapSampler {
public:
  TapSampler(Node &node, const Windows &windows, int64_t groups);

  /// Whether the operands fit.
  bool check();
  Value sample();
  const Dims &getOutputDims() const { return output; }

private:
  Value number(double value) { return node.constant(value, type); }
  Value getCoordinate(int64_t axis);
  Value readCorner(Value y, Value x, Value weight);

  Node &node;
  const Windows &windows;
  Value image, offset;
  Dims dims, output; ///< [N, C, H, W], [H', W']
  Type type;
  int64_t groups, taps;
};

} // namespace

TapSampler::TapSampler(Node &node, const Windows &windows, int64_t groups)
    : node(node), windows(windows), image(node.in(0)), offset(node.in(2)),
      dims(Node::dims(image)), type(Node::elementType(image)), groups(groups),
      taps(windows.kernel[0] * windows.kernel[1]) {
  for (int64_t i = 0; i < 2; ++i) {
    AffineExpr span = dims[i + 2] + windows.low[i] + windows.high[i] -
                      (windows.kernel[i] - 1) * windows.dilations[i] - 1;
    output.push_back(nn::simplify(span.floorDiv(windows.strides[i]) + 1));
  }
}

bool TapSampler::check() {
  auto channels = nn::getConstantValue(dims[1]);
  Dims given = Node::dims(offset);
  bool fits = channels && groups >= 1 && *channels % groups == 0 &&
              nn::getConstantValue(given[1]) == groups * taps * 2;
  if (fits && node.in(4))
    fits = nn::getConstantValue(Node::dims(node.in(4))[1]) == groups * taps;
  return fits ||
         succeeded(node.fail("the offsets or the mask do not fit the window"));
}

/// The rows (axis 0) or columns (1) to read: [N * groups, taps, H', W'].
Value TapSampler::getCoordinate(int64_t axis) {
  AffineExpr one = node.dim(1), batch = nn::simplify(dims[0] * groups);
  Value moved = node.reshape(
      offset, {batch, node.dim(taps), node.dim(2), output[0], output[1]});
  moved = node.slice(moved, 2, node.dim(axis), one);
  moved = node.reshape(moved, {batch, node.dim(taps), output[0], output[1]});
  Ints kernel = windows.kernel;
  SmallVector<float> starts;
  for (int64_t tap = 0; tap < taps; ++tap) {
    int64_t at = axis == 0 ? tap / kernel[1] : tap % kernel[1];
    starts.push_back(
        static_cast<float>(at * windows.dilations[axis] - windows.low[axis]));
  }
  Value first = node.reshape(node.constant(ArrayRef<float>(starts)),
                             {node.dim(taps), one, one});
  Dims line = {one, one, one, one};
  line[axis + 2] = output[axis];
  Value at =
      node.createTyped<nn::IotaOp>(nn::makeTensorType(line, type), axis + 2);
  at = node.mul(at, number(static_cast<double>(windows.strides[axis])));
  return node.add(moved, node.add(at, node.cast(first, type)));
}

/// weight * the pixels at whole positions, 0 outside of the image.
Value TapSampler::readCorner(Value y, Value x, Value weight) {
  auto size = [&](int64_t axis) {
    return node.cast(node.reshape(node.sizeValues(dims[axis]), {}), type);
  };
  auto limit = [&](Value value, int64_t axis) {
    return node.create<nn::ClampOp>(value, number(0),
                                    node.sub(size(axis), number(1)));
  };
  Value insideY = limit(y, 2), insideX = limit(x, 3);
  Value isInside = node.create<nn::AndOp>(node.create<nn::EqualOp>(y, insideY),
                                          node.create<nn::EqualOp>(x, insideX));
  OpBuilder &b = node.getBuilder();
  Value row = node.mul(node.cast(insideY, b.getI32Type()),
                       node.cast(size(3), b.getI32Type()));
  Value at = node.add(row, node.cast(insideX, b.getI32Type()));
  AffineExpr batch = nn::simplify(dims[0] * groups);
  AffineExpr channels = dims[1].floorDiv(groups);
  AffineExpr points = nn::simplify(output[0] * output[1] * taps);
  Dims flat = {batch, node.dim(1), points}, wide = {batch, channels, points};
  Value pixels =
      node.reshape(image, {batch, channels, nn::simplify(dims[2] * dims[3])});
  Value values = node.create<nn::GatherElementsOp>(
      pixels, node.broadcast(node.reshape(at, flat), wide), 2);
  Value factor = node.select(isInside, weight, number(0));
  return node.mul(values, node.reshape(factor, flat));
}

Value TapSampler::sample() {
  Value y = getCoordinate(0), x = getCoordinate(1), one = number(1);
  Value top = node.create<nn::FloorOp>(y), left = node.create<nn::FloorOp>(x);
  Value bottom = node.add(top, one), right = node.add(left, one);
  Value down = node.sub(y, top), across = node.sub(x, left);
  Value up = node.sub(one, down), back = node.sub(one, across);
  Value sum =
      node.add(node.add(readCorner(top, left, node.mul(up, back)),
                        readCorner(top, right, node.mul(up, across))),
               node.add(readCorner(bottom, left, node.mul(down, back)),
                        readCorner(bottom, right, node.mul(down, across))));
  if (!sum)
    return sum;
  Dims flat = {Node::dims(sum)[0], node.dim(1), Node::dims(sum)[2]};
  if (node.in(4))
    sum = node.mul(sum, node.reshape(node.in(4), flat));
  return node.reshape(sum, {dims[0], dims[1], node.dim(taps),
                            nn::simplify(output[0] * output[1])});
}

static LogicalResult convertDeformConv(Node &node) {
  Value image = node.in(0), filter = node.in(1);
  if (!node.hasRank(0, 4) || !node.hasRank(1, 4) || !node.hasRank(2, 4) ||
      !node.hasRank(3, 1) || !node.hasRank(4, 4))
    return failure();
  auto sizes = node.staticDims(filter, "the filter");
  if (!sizes)
    return failure();
  auto windows = readWindows(node, image, {(*sizes)[2], (*sizes)[3]});
  int64_t groups = node.getInt("group", 1);
  if (!windows)
    return failure();
  TapSampler sampler(node, *windows, node.getInt("offset_group", 1));
  if (!sampler.check())
    return failure();
  int64_t taps = (*sizes)[2] * (*sizes)[3], depth = (*sizes)[1] * taps;
  if (groups < 1 || (*sizes)[0] % groups)
    return node.fail("group must divide the output's channels");
  // [N, groups, depth, positions] from the left with [groups, O', depth].
  Value columns = sampler.sample();
  if (!columns)
    return failure();
  Dims dims = Node::dims(columns), output = sampler.getOutputDims();
  columns = node.reshape(columns,
                         {dims[0], node.dim(groups), node.dim(depth), dims[3]});
  Value rows =
      node.reshape(filter, node.dims({groups, (*sizes)[0] / groups, depth}));
  Value result =
      node.reshape(node.matmul(rows, columns),
                   {dims[0], node.dim((*sizes)[0]), output[0], output[1]});
  if (node.in(3))
    result = node.add(result,
                      node.reshape(node.in(3), node.dims({(*sizes)[0], 1, 1})));
  return node.result(result);
}

static const Row rows[] = {
    {"DeformConv", 19, 3, 5, convertDeformConv, "", "volumes"},
};

ArrayRef<Row> nncc::onnx::getDeformConvRows() { return rows; }
