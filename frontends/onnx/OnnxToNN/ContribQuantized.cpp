//===- ContribQuantized.cpp - quantised tables and sums ---------*- C++ -*-===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "frontends/onnx/OnnxToNN/Normalization.h"
#include "frontends/onnx/OnnxToNN/Quantization.h"
#include "frontends/onnx/OnnxToNN/Rows.h"
#include "nncc/Dialect/NN/NN.h"

using namespace mlir;
using namespace nncc::onnx;
namespace nn = nncc::nn;

//===----------------------------------------------------------------------===//
// Elementwise and reductions
//===----------------------------------------------------------------------===//

/// i32 [...]: value less its zero point, which may be null.
static Value center(Node &node, Value value, Value zeroPoint) {
  Value wide =
      subtractZeroPoint(node, value, spread(node, zeroPoint, value, 0));
  return node.cast(wide, node.getBuilder().getI32Type());
}

static LogicalResult convertMulInteger(Node &node) {
  if (!node.in(2))
    return node.fail("B is missing");
  return node.result(node.mul(center(node, node.in(0), node.in(1)),
                              center(node, node.in(2), node.in(3))));
}

static LogicalResult convertMatMulInteger16(Node &node) {
  Type i32 = node.getBuilder().getI32Type();
  return node.result(
      node.matmul(node.cast(node.in(0), i32), node.cast(node.in(1), i32)));
}

/// The attribute 'axes', or all.
static std::optional<Ints> readAxes(Node &node) {
  int64_t rank = Node::rank(node.in(0));
  Ints all = llvm::to_vector(llvm::seq<int64_t>(0, rank));
  auto axes = node.axes(node.getInts("axes").value_or(all), rank);
  if (axes)
    llvm::sort(*axes);
  return axes;
}

static LogicalResult convertReduceSumInteger(Node &node) {
  auto axes = readAxes(node);
  bool keepDims = node.getInt("keepdims", 1) != 0;
  if (!axes)
    return failure();
  Value wide = node.cast(node.in(0), node.getBuilder().getI32Type());
  return node.result(node.create<nn::ReduceSumOp>(wide, *axes, keepDims));
}

static LogicalResult convertReduceMean(Node &node) {
  auto axes = readAxes(node);
  bool keepDims = node.getInt("keepdims", 1) != 0;
  if (!axes || !node.in(3))
    return axes ? node.fail("the result's scale is missing") : failure();
  Value x = node.in(0);
  Value value = dequantize(node, x, spread(node, node.in(1), x, 0),
                           spread(node, node.in(2), x, 0));
  Value mean = node.create<nn::ReduceMeanOp>(value, *axes, keepDims);
  Value zeroPoint = spread(node, node.in(4), x, 0);
  if (!node.in(4))
    zeroPoint = node.constant(0, Node::elementType(x));
  return node.result(
      quantize(node, mean, spread(node, node.in(3), x, 0), zeroPoint));
}

//===----------------------------------------------------------------------===//
// Tables
//===----------------------------------------------------------------------===//

/// The numbers that a table of `bits` bits holds along its last dimension.
static Value unpackTable(Node &node, Value table, int64_t bits) {
  bool isPacked = Node::elementType(table).isUnsignedInteger(8);
  table = asBytes(table);
  return isPacked ? unpackBits(node, table, bits) : table;
}

/// The rows of a table with a scale for each block, f32 or f16.
static LogicalResult convertGatherBlocks(Node &node) {
  Value table = node.in(0), scales = node.in(2), points = node.in(3);
  int64_t rank = Node::rank(table);
  auto gatherAxis = node.axis(node.getInt("gather_axis", 0), rank);
  auto axis = node.axis(node.getInt("quantize_axis", 1), rank);
  int64_t block = node.getInt("block_size", 128);
  int64_t bits = node.getInt("bits", 4);
  if (!gatherAxis || !axis || !node.hasRank(2, rank) || !node.hasRank(3, rank))
    return failure();
  if ((bits != 2 && bits != 4 && bits != 8) || block < 16)
    return node.fail("bits must be 2, 4 or 8 and block_size at least 16");
  if (*axis == *gatherAxis || !isa<IntegerType>(Node::elementType(table)))
    return node.fail("a table of integers with blocks across the rows is "
                     "supported alone");
  // Bytes hold numbers around their middle.
  bool isPacked = Node::elementType(table).isUnsignedInteger(8);
  Value held = unpackTable(node, table, bits);
  Value zero = points ? unpackTable(node, points, bits) : Value();
  if (!held || (points && !zero))
    return failure();
  if (!points && isPacked)
    zero = node.constant(static_cast<double>(1 << (bits - 1)),
                         Node::elementType(held));
  Value rows = node.create<nn::GatherOp>(held, node.in(1), *gatherAxis);
  auto gatherBlocks = [&](Value value) {
    if (!value || Node::rank(value) == 0)
      return value;
    // The last block may be a part of one, the last byte half full.
    value = node.slice(value, *axis, node.dim(0), Node::dims(scales)[*axis]);
    return node.create<nn::GatherOp>(value, node.in(1), *gatherAxis);
  };
  if (!rows)
    return failure();
  int64_t moved = *axis;
  if (*axis > *gatherAxis)
    moved += Node::rank(node.in(1)) - 1;
  Type type = Node::elementType(scales), f32 = node.getBuilder().getF32Type();
  Value scale = node.cast(gatherBlocks(scales), f32);
  Value result =
      dequantize(node, rows, spread(node, scale, rows, moved, block),
                 spread(node, gatherBlocks(zero), rows, moved, block));
  return node.result(node.cast(result, type));
}

/// The values that 4 bits stand for, in f32.
static Value getCodebook(Node &node, int64_t type) {
  static const float fp4[] = {0,
                              5.208333333e-03f,
                              0.66666667f,
                              1,
                              0.33333333f,
                              0.5f,
                              0.16666667f,
                              0.25f,
                              -0.f,
                              -5.208333333e-03f,
                              -0.66666667f,
                              -1,
                              -0.33333333f,
                              -0.5f,
                              -0.16666667f,
                              -0.25f};
  static const float nf4[] = {-1.0f,
                              -0.6961928009986877f,
                              -0.5250730514526367f,
                              -0.39491748809814453f,
                              -0.28444138169288635f,
                              -0.18477343022823334f,
                              -0.09105003625154495f,
                              0.0f,
                              0.07958029955625534f,
                              0.16093020141124725f,
                              0.24611230194568634f,
                              0.33791524171829224f,
                              0.44070982933044434f,
                              0.5626170039176941f,
                              0.7229568362236023f,
                              1.0f};
  return node.constant(ArrayRef<float>(type == 1 ? nf4 : fp4, 16));
}

/// Weights [N, K] of a codebook's numbers with a factor for each block of them.
static LogicalResult convertMatMulBnb4(Node &node) {
  int64_t depth = node.getInt("K", 0), columns = node.getInt("N", 0);
  int64_t block = node.getInt("block_size", 0);
  int64_t type = node.getInt("quant_type", 1);
  (void)node.getInt("training_mode", 0);
  (void)node.getInt("transB", 1);
  if (depth < 1 || columns < 1 || block < 1 || type < 0 || type > 1 ||
      (depth * columns) % block || (depth * columns) % 2)
    return node.fail("K, N, block_size or quant_type are out of range, or the "
                     "blocks do not fill the matrix");
  Type i32 = node.getBuilder().getI32Type();
  Value bytes = node.reshape(node.in(1), node.dims({columns * depth / 2, 1}));
  if (!bytes)
    return failure();
  Type u8 = Node::elementType(bytes);
  // The first number is in the upper half.
  Value upper = node.create<nn::ShiftRightOp>(bytes, node.constant(4, u8));
  Value lower = node.create<nn::AndOp>(bytes, node.constant(15, u8));
  Value codes = node.cast(node.concat({upper, lower}, 1), i32);
  Value numbers = node.create<nn::GatherOp>(getCodebook(node, type), codes, 0);
  Dims blocks = node.dims({columns * depth / block, block});
  Value scale = node.reshape(node.in(2), {blocks[0], node.dim(1)});
  Value weights = node.mul(node.reshape(numbers, blocks),
                           node.cast(scale, node.getBuilder().getF32Type()));
  weights = node.transpose(node.reshape(weights, node.dims({columns, depth})),
                           {1, 0});
  Type result = Node::elementType(node.in(0));
  return node.result(node.matmul(node.in(0), node.cast(weights, result)));
}

/// EmbedLayerNormalization of quantised tables: their scales are the inputs
/// from 8 on, their zero points those from 13 on.
static LogicalResult convertQEmbed(Node &node) {
  Value ids = node.in(0), segments = node.in(1), mask = node.in(7);
  double epsilon = node.getFloat("epsilon", 1e-12f);
  if (!node.hasRank(0, 2) || !node.in(2) || !node.in(3) || !node.in(5) ||
      !node.in(6))
    return node.fail("a table of embeddings, gamma or beta is missing");
  auto table = [&](unsigned which) {
    Value value = node.in(2 + which);
    return dequantize(node, value, spread(node, node.in(8 + which), value, 0),
                      spread(node, node.in(13 + which), value, 0));
  };
  Type i32 = node.getBuilder().getI32Type();
  Dims dims = Node::dims(ids);
  Value positions =
      node.createTyped<nn::IotaOp>(nn::makeTensorType({dims[1]}, i32), 0);
  Value sum = node.add(node.create<nn::GatherOp>(table(0), ids, 0),
                       node.create<nn::GatherOp>(table(1), positions, 0));
  if (segments && node.in(4))
    sum = node.add(sum, node.create<nn::GatherOp>(table(2), segments, 0));
  Value normal = normalize(node, sum, {2}, epsilon);
  Value result = node.add(node.mul(normal, table(3)), table(4));
  Value lengths = node.broadcast(node.constant(0, i32), {dims[0]});
  if (mask)
    lengths = node.create<nn::ReduceSumOp>(node.cast(mask, i32), Ints{1},
                                           /*keepdims=*/false);
  return node.results({result, lengths});
}

static constexpr const char *ms = "com.microsoft";
static const Row rows[] = {
    {"GatherBlockQuantized", 1, 3, 4, convertGatherBlocks, ms,
     "floats of 8 bits or fewer, blocks along the gathered axis"},
    {"MatMulBnb4", 1, 3, 3, convertMatMulBnb4, ms},
    {"MatMulInteger16", 1, 2, 2, convertMatMulInteger16, ms},
    {"MulInteger", 1, 1, 4, convertMulInteger, ms},
    {"QEmbedLayerNormalization", 1, 1, 18, convertQEmbed, ms},
    {"QLinearReduceMean", 1, 2, 5, convertReduceMean, ms},
    {"ReduceSumInteger", 1, 1, 1, convertReduceSumInteger, ms},
};

ArrayRef<Row> nncc::onnx::getContribQuantizedRows() { return rows; }
