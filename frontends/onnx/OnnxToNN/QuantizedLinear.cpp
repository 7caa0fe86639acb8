//===- OnnxToNN/QuantizedLinear.cpp - quantised operators -------*- C++ -*-===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// An operator on quantised operands is the operator on the numbers that they
// stand for, between dequantisation and quantisation; what computes it in
// integers is up to the compiler.
//
//===----------------------------------------------------------------------===//

#include "frontends/onnx/OnnxToNN/Narrow.h"
#include "frontends/onnx/OnnxToNN/Quantization.h"
#include "frontends/onnx/OnnxToNN/Rows.h"
#include "frontends/onnx/OnnxToNN/Spatial.h"
#include "frontends/onnx/Types.h"
#include "nncc/Dialect/NN/NN.h"

using namespace mlir;
using namespace nncc::onnx;
namespace nn = nncc::nn;

//===----------------------------------------------------------------------===//
// Conversions
//===----------------------------------------------------------------------===//

/// Floats of 8 bits have no zero point but 0.
static Value dequantizeFloat8(Node &node, Value scale, Type type) {
  Type f32 = node.getBuilder().getF32Type();
  Value number = castNarrow(node, node.in(0), f32, false);
  return node.cast(node.mul(number, node.cast(scale, f32)), type);
}

static LogicalResult quantizeFloat8(Node &node, Value scale, Type type,
                                    bool saturates) {
  Type f32 = node.getBuilder().getF32Type();
  Value ratio = node.div(node.cast(node.in(0), f32), node.cast(scale, f32));
  return node.result(castNarrow(node, ratio, type, saturates));
}

static LogicalResult convertDequantizeLinear(Node &node) {
  int64_t axis = node.getInt("axis", 1), block = node.getInt("block_size", 0);
  int64_t dataType = node.getInt("output_dtype", 0);
  Value value = asBytes(node.in(0));
  Type held = Node::elementType(node.in(1));
  Value scale = spread(node, node.in(1), value, axis, block);
  Value result;
  if (isFloat8(Node::elementType(value)))
    result = dequantizeFloat8(node, scale, held);
  else
    result = dequantize(node, value, scale,
                        spread(node, node.in(2), value, axis, block));
  if (dataType) {
    Type type = getElementType(dataType, node.getContext());
    if (!type)
      return node.fail("the output type is not supported");
    node.setType(0, type);
    result = node.cast(result, type);
  }
  return node.result(result);
}

/// The type that the result is quantised to; null after an error.
static Type getQuantizedType(Node &node) {
  int64_t dataType = node.getInt("output_dtype", 0);
  Type type = node.getBuilder().getIntegerType(8, false);
  if (node.in(2))
    type = Node::elementType(node.in(2));
  else if (dataType)
    type = getElementType(dataType, node.getContext());
  if (type && (isa<IntegerType>(type) || isFloat8(type)))
    return type;
  (void)node.fail("the output type is not supported");
  return Type();
}

static LogicalResult convertQuantizeLinear(Node &node) {
  int64_t axis = node.getInt("axis", 1), block = node.getInt("block_size", 0);
  bool saturates = node.getInt("saturate", 1) != 0;
  (void)node.getInt("precision", 0);
  Type type = getQuantizedType(node);
  if (!type)
    return failure();
  Value value = node.in(0);
  Value scale = spread(node, node.in(1), value, axis, block);
  if (isFloat8(type))
    return quantizeFloat8(node, scale, type, saturates);
  unsigned width = type.getIntOrFloatBitWidth();
  Type held = isNarrow(type) ? getHeldType(type) : type;
  Value zeroPoint = spread(node, node.in(2), value, axis, block);
  if (!node.in(2))
    zeroPoint = node.constant(0, held);
  Value result = quantize(node, value, scale, zeroPoint);
  if (width < 8) {
    bool isUnsigned = type.isUnsignedInteger();
    double low = isUnsigned ? 0 : -(1 << (width - 1));
    double high = (1 << (isUnsigned ? width : width - 1)) - 1;
    result = node.create<nn::ClampOp>(result, node.constant(low, held),
                                      node.constant(high, held));
  }
  return node.result(node.cast(result, type));
}

static LogicalResult convertDynamicQuantizeLinear(Node &node) {
  QuantizedValue result = quantizeDynamically(node, node.in(0));
  return node.results({result.value, result.scale, result.zeroPoint});
}

//===----------------------------------------------------------------------===//
// com.microsoft
//===----------------------------------------------------------------------===//

/// Operands first, first + 1 and first + 2 as numbers; one scale a tensor.
static Value dequantizeOperand(Node &node, unsigned first) {
  Value value = node.in(first);
  return dequantize(node, value, spread(node, node.in(first + 1), value, 0),
                    spread(node, node.in(first + 2), value, 0));
}

/// Quantises with the scale and the zero point of operands first, first + 1; of
/// the type `otherwise` where there is no zero point.
static LogicalResult quantizeResult(Node &node, Value value, unsigned first,
                                    Type otherwise) {
  Value zeroPoint = spread(node, node.in(first + 1), value, 0);
  if (!node.in(first + 1))
    zeroPoint = node.constant(0, otherwise);
  return node.result(
      quantize(node, value, spread(node, node.in(first), value, 0), zeroPoint));
}

template <typename OpT> static LogicalResult convertBinary(Node &node) {
  Value a = dequantizeOperand(node, 0), b = dequantizeOperand(node, 3);
  return quantizeResult(node, node.create<OpT>(a, b), 6,
                        Node::elementType(node.in(0)));
}

static LogicalResult convertSigmoid(Node &node) {
  Value value = node.create<nn::SigmoidOp>(dequantizeOperand(node, 0));
  return quantizeResult(node, value, 3, Node::elementType(node.in(0)));
}

static LogicalResult convertLeakyRelu(Node &node) {
  Value value = dequantizeOperand(node, 0);
  if (!value)
    return failure();
  Type type = Node::elementType(value);
  Value slope = node.constant(node.getFloat("alpha", 0.01F), type);
  Value negative = node.create<nn::LessOp>(value, node.constant(0, type));
  Value result = node.select(negative, node.mul(value, slope), value);
  return quantizeResult(node, result, 3, Node::elementType(node.in(0)));
}

static LogicalResult convertAveragePool(Node &node) {
  bool channelsLast = node.getInt("channels_last", 0) != 0;
  Value value = dequantizeOperand(node, 0);
  if (channelsLast)
    value = toChannelsFirst(node, value);
  value = poolAverage(node, value);
  if (channelsLast)
    value = toChannelsLast(node, value);
  return quantizeResult(node, value, 3, Node::elementType(node.in(0)));
}

static LogicalResult convertSoftmax(Node &node) {
  Value value = dequantizeOperand(node, 0);
  if (!value)
    return failure();
  int64_t rank = Node::rank(value);
  auto axis = node.axis(node.getInt("axis", -1), rank);
  if (!axis)
    return failure();
  // Before opset 13 all dimensions from the axis on were one.
  if (node.getInt("opset", 13) < 13 && *axis != rank - 1)
    return node.fail("an opset below 13 is supported for the last axis alone");
  return quantizeResult(node, node.create<nn::SoftmaxOp>(value, *axis), 3,
                        Node::elementType(node.in(0)));
}

static LogicalResult convertWhere(Node &node) {
  Value value = node.select(node.in(0), dequantizeOperand(node, 1),
                            dequantizeOperand(node, 4));
  return quantizeResult(node, value, 7, Node::elementType(node.in(1)));
}

static LogicalResult convertGlobalAveragePool(Node &node) {
  bool channelsLast = node.getInt("channels_last", 0) != 0;
  int64_t rank = Node::rank(node.in(0));
  if (rank < 3)
    return node.fail("the input must have spatial dimensions");
  Value value = dequantizeOperand(node, 0);
  if (!channelsLast)
    value = toChannelsLast(node, value);
  Ints axes = llvm::to_vector(llvm::seq<int64_t>(1, rank - 1));
  value = node.create<nn::ReduceMeanOp>(value, axes, /*keepdims=*/true);
  if (!channelsLast)
    value = toChannelsFirst(node, value);
  return quantizeResult(node, value, 3, Node::elementType(node.in(0)));
}

static LogicalResult convertConcat(Node &node) {
  if (node.ins().size() % 3 != 2)
    return node.fail("each input needs a scale and a zero point");
  SmallVector<Value> parts;
  for (unsigned i = 2; i < node.ins().size(); i += 3) {
    if (!node.in(i) || !node.in(i + 1))
      return node.fail("an input is missing");
    parts.push_back(dequantizeOperand(node, i));
  }
  auto axis = node.axis(node.getInt("axis", 1), Node::rank(node.in(2)));
  if (!axis)
    return failure();
  return quantizeResult(node, node.concat(parts, *axis), 0,
                        Node::elementType(node.in(2)));
}

static constexpr const char *ms = "com.microsoft";
static constexpr const char *noFloat4 = "floats of 4 bits";
static const Row rows[] = {
    {"DequantizeLinear", 10, 2, 3, convertDequantizeLinear, "", noFloat4},
    {"DequantizeLinear", 1, 2, 3, convertDequantizeLinear, ms},
    {"DynamicQuantizeLinear", 11, 1, 1, convertDynamicQuantizeLinear},
    {"QLinearAdd", 1, 7, 8, convertBinary<nn::AddOp>, ms},
    {"QLinearAveragePool", 1, 4, 5, convertAveragePool, ms},
    {"QLinearConcat", 1, 4, anyNumber, convertConcat, ms},
    {"QLinearGlobalAveragePool", 1, 4, 5, convertGlobalAveragePool, ms},
    {"QLinearLeakyRelu", 1, 4, 5, convertLeakyRelu, ms},
    {"QLinearMul", 1, 7, 8, convertBinary<nn::MulOp>, ms},
    {"QLinearSigmoid", 1, 4, 5, convertSigmoid, ms},
    {"QLinearSoftmax", 1, 4, 5, convertSoftmax, ms},
    {"QLinearWhere", 1, 9, 9, convertWhere, ms},
    {"QuantizeLinear", 10, 2, 3, convertQuantizeLinear, "", noFloat4},
    {"QuantizeLinear", 1, 2, 3, convertQuantizeLinear, ms},
};

ArrayRef<Row> nncc::onnx::getQuantizedLinearRows() { return rows; }
