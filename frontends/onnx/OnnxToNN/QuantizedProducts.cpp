//===- OnnxToNN/QuantizedProducts.cpp - quantised products ------*- C++ -*-===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "frontends/onnx/OnnxToNN/Quantization.h"
#include "frontends/onnx/OnnxToNN/Rows.h"
#include "frontends/onnx/OnnxToNN/Spatial.h"
#include "nncc/Dialect/NN/NN.h"

using namespace mlir;
using namespace nncc::onnx;
namespace nn = nncc::nn;

/// A parameter of the left matrix: one number or one a row.
static Value spreadRows(Node &node, Value parameter, Value matrix) {
  return spread(node, parameter, matrix,
                matrix && Node::rank(matrix) > 1 ? -2 : -1);
}

/// A parameter of the right matrix: one number or one a column.
static Value spreadColumns(Node &node, Value parameter, Value matrix) {
  return spread(node, parameter, matrix, -1);
}

//===----------------------------------------------------------------------===//
// Integers to i32
//===----------------------------------------------------------------------===//

static LogicalResult convertMatMulInteger(Node &node) {
  Value a = node.in(0), b = node.in(1);
  Value left = subtractZeroPoint(node, a, spreadRows(node, node.in(2), a));
  Value right = subtractZeroPoint(node, b, spreadColumns(node, node.in(3), b));
  return node.result(node.matmul(left, right));
}

static LogicalResult convertConvInteger(Node &node) {
  Value x = node.in(0), w = node.in(1);
  Value input = subtractZeroPoint(node, x, spread(node, node.in(2), x, 0));
  Value filter = subtractZeroPoint(node, w, spread(node, node.in(3), w, 0));
  if (!input || !filter)
    return failure();
  return node.result(toChannelsFirst(node, convolve(node, input, filter)));
}

//===----------------------------------------------------------------------===//
// Quantised numbers
//===----------------------------------------------------------------------===//

static LogicalResult convertQLinearConv(Node &node) {
  bool channelsLast = node.getInt("channels_last", 0) != 0;
  Value x = node.in(0), w = node.in(3), bias = node.in(8);
  if (channelsLast)
    x = toChannelsFirst(node, x);
  Value inputScale = spread(node, node.in(1), x, 0);
  Value filterScale = spread(node, node.in(4), w, 0);
  Value input = dequantize(node, x, inputScale, spread(node, node.in(2), x, 0));
  Value filter =
      dequantize(node, w, filterScale, spread(node, node.in(5), w, 0));
  if (!input || !filter)
    return failure();
  Value result = convolve(node, input, filter);
  if (!result)
    return failure();
  if (bias) {
    // Its scale is the product of the two, for each output channel.
    Value scale = node.mul(spread(node, node.in(4), bias, 0), inputScale);
    result = node.add(result, dequantize(node, bias, scale, Value()));
  }
  if (!channelsLast)
    result = toChannelsFirst(node, result);
  return node.result(quantize(node, result, spread(node, node.in(6), result, 0),
                              spread(node, node.in(7), result, 0)));
}

static LogicalResult convertQLinearMatMul(Node &node) {
  Value a = node.in(0), b = node.in(3);
  Value left = dequantize(node, a, spreadRows(node, node.in(1), a),
                          spreadRows(node, node.in(2), a));
  Value right = dequantize(node, b, spreadColumns(node, node.in(4), b),
                           spreadColumns(node, node.in(5), b));
  Value result = node.matmul(left, right);
  if (!result)
    return failure();
  return node.result(quantize(node, result,
                              spreadRows(node, node.in(6), result),
                              spreadRows(node, node.in(7), result)));
}

static LogicalResult convertMatMulIntegerToFloat(Node &node) {
  Value a = node.in(0), b = node.in(1);
  Value left = dequantize(node, a, spreadRows(node, node.in(2), a),
                          spreadRows(node, node.in(4), a));
  Value right = dequantize(node, b, spreadColumns(node, node.in(3), b),
                           spreadColumns(node, node.in(5), b));
  Value result = node.matmul(left, right);
  return node.result(node.in(6) ? node.add(result, node.in(6)) : result);
}

static LogicalResult convertDynamicQuantizeMatMul(Node &node) {
  QuantizedValue a = quantizeDynamically(node, node.in(0));
  Value b = node.in(1);
  Value left = dequantize(node, a.value, a.scale, a.zeroPoint);
  Value right = dequantize(node, b, spreadColumns(node, node.in(2), b),
                           spreadColumns(node, node.in(3), b));
  Value result = node.matmul(left, right);
  return node.result(node.in(4) ? node.add(result, node.in(4)) : result);
}

/// A matrix of integers as numbers; its columns, or rows where it is to be
/// transposed, may have scales of their own.
static Value dequantizeMatrix(Node &node, unsigned first, bool isTransposed) {
  Value value = node.in(first);
  int64_t axis = isTransposed ? 0 : 1;
  Value result =
      dequantize(node, value, spread(node, node.in(first + 1), value, axis),
                 spread(node, node.in(first + 2), value, axis));
  return isTransposed ? node.transpose(result, {1, 0}) : result;
}

static LogicalResult convertQGemm(Node &node) {
  if (Node::rank(node.in(0)) != 2 || Node::rank(node.in(3)) != 2)
    return node.fail("A and B must be matrices");
  Value a = dequantizeMatrix(node, 0, node.getInt("transA", 0) != 0);
  Value b = dequantizeMatrix(node, 3, node.getInt("transB", 0) != 0);
  Value result = node.matmul(a, b);
  if (!result)
    return failure();
  Type type = Node::elementType(result);
  if (Value c = node.in(6)) {
    Value ones = spread(node, node.in(4), result, 1);
    Value scale = node.mul(ones, spread(node, node.in(1), result, 1));
    result = node.add(result, dequantize(node, c, scale, Value()));
  }
  float alpha = node.getFloat("alpha", 1);
  if (alpha != 1)
    result = node.mul(result, node.constant(alpha, type));
  if (!node.in(7))
    return node.result(result);
  return node.result(quantize(node, result, spread(node, node.in(7), result, 0),
                              spread(node, node.in(8), result, 0)));
}

//===----------------------------------------------------------------------===//
// Weights of a few bits
//===----------------------------------------------------------------------===//

/// The zero points [N, blocks] in f32, or the one that all have.
static Value getZeroPoints(Node &node, Value given, int64_t columns,
                           int64_t blocks, int64_t bits) {
  Type f32 = node.getBuilder().getF32Type();
  Dims dims = node.dims({columns, blocks});
  if (!given)
    return node.constant(static_cast<double>(1 << (bits - 1)), f32);
  if (isa<FloatType>(Node::elementType(given)))
    return node.cast(node.reshape(given, dims), f32);
  int64_t packed = llvm::divideCeil(blocks * bits, 8);
  Value rows = node.reshape(given, node.dims({columns, packed}));
  Value points = node.slice(unpackBits(node, rows, bits), 1, node.dim(0),
                            node.dim(blocks));
  return node.cast(node.reshape(points, dims), f32);
}

/// The bits that the product needs at least of its other operand: the levels
/// are f32, f16, bf16 and integers of 8 bits. At the last one onnxruntime
/// rounds too.
static int64_t getOperandBits(Node &node) {
  int64_t level = node.getInt("accuracy_level", 0);
  return level < 2 ? 32 : level < 4 ? 16 : 8;
}

/// Weights [N, K] each of which names its group, the column of its scale and
/// zero point in [N, blocks].
static LogicalResult multiplyGrouped(Node &node, Value weights, Value scales,
                                     Value points, int64_t bits) {
  auto group = node.in(4);
  Dims dims = Node::dims(scales), depth = Node::dims(group);
  if (!node.hasRank(4, 1))
    return failure();
  AffineExpr all = Node::dims(weights)[1] * Node::dims(weights)[2];
  Value numbers = unpackBits(node, node.reshape(weights, {dims[0], all}), bits);
  numbers = node.cast(node.slice(numbers, 1, node.dim(0), depth[0]),
                      Node::elementType(scales));
  if (Node::rank(points) == 2)
    points = node.create<nn::GatherOp>(points, group, 1);
  Value factors = node.create<nn::GatherOp>(scales, group, 1);
  Value matrix = node.mul(node.sub(numbers, points), factors);
  Type type = Node::elementType(node.in(0));
  Value result = node.matmul(node.cast(node.in(0), Node::elementType(scales)),
                             node.transpose(matrix, {1, 0}));
  if (result && node.in(5))
    result = node.add(result, node.cast(node.in(5), Node::elementType(scales)));
  return node.result(node.cast(result, type));
}

static LogicalResult convertMatMulNBits(Node &node) {
  int64_t depth = node.getInt("K", 0), columns = node.getInt("N", 0);
  int64_t bits = node.getInt("bits", 4), block = node.getInt("block_size", 0);
  (void)node.getInt("weight_prepacked", 0);
  if (bits != 2 && bits != 4 && bits != 8)
    return node.fail("bits must be 2, 4 or 8");
  if (depth < 1 || columns < 1)
    return node.fail("K and N must be positive");
  if (block < 16 || (block & (block - 1)))
    return node.fail("block_size must be a power of two, 16 or more");
  Type f32 = node.getBuilder().getF32Type();
  Type type = Node::elementType(node.in(0));
  int64_t blocks = llvm::divideCeil(depth, block);
  Value weights =
      node.reshape(node.in(1), node.dims({columns, blocks, block * bits / 8}));
  Value scales =
      node.cast(node.reshape(node.in(2), node.dims({columns, blocks})), f32);
  Value points = getZeroPoints(node, node.in(3), columns, blocks, bits);
  if (node.in(4) && weights && scales && points)
    return multiplyGrouped(node, weights, scales, points, bits);
  Value result = node.create<nn::BlockMatmulOp>(node.cast(node.in(0), f32),
                                                weights, scales, points, bits,
                                                getOperandBits(node));
  if (result && node.in(5))
    result = node.add(result, node.cast(node.in(5), f32));
  return node.result(node.cast(result, type));
}

static constexpr const char *ms = "com.microsoft";
static const Row rows[] = {
    {"ConvInteger", 10, 2, 4, convertConvInteger},
    {"DynamicQuantizeMatMul", 1, 3, 5, convertDynamicQuantizeMatMul, ms},
    {"MatMulInteger", 10, 2, 4, convertMatMulInteger},
    {"MatMulIntegerToFloat", 1, 4, 7, convertMatMulIntegerToFloat, ms},
    {"MatMulNBits", 1, 3, 6, convertMatMulNBits, ms, "bits other than 2, 4, 8"},
    {"QGemm", 1, 6, 9, convertQGemm, ms},
    {"QLinearConv", 10, 8, 9, convertQLinearConv},
    {"QLinearConv", 1, 8, 9, convertQLinearConv, ms},
    {"QLinearMatMul", 10, 8, 8, convertQLinearMatMul},
};

ArrayRef<Row> nncc::onnx::getQuantizedProductRows() { return rows; }
