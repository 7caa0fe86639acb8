//===- OnnxToNN/Quantization.cpp - scales and zero points -------*- C++ -*-===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "frontends/onnx/OnnxToNN/Quantization.h"

#include "frontends/onnx/OnnxToNN/Narrow.h"
#include "nncc/Dialect/NN/NN.h"

using namespace mlir;
using namespace nncc::onnx;
namespace nn = nncc::nn;

Value nncc::onnx::asBytes(Value value) {
  return value && isFloat8(Node::elementType(value)) ? value
                                                     : unwrapNarrow(value);
}

static bool isOneNumber(Value value) {
  return Node::type(value).hasStaticShape() &&
         Node::type(value).getNumElements() == 1;
}

/// One number a block to one a position.
static Value spreadBlocks(Node &node, Value parameter, Value value,
                          int64_t axis, int64_t block) {
  Dims dims = Node::dims(parameter), split = dims, wide, merged = dims;
  AffineExpr size = Node::dims(value)[axis];
  split.insert(split.begin() + axis + 1, node.dim(1));
  wide = split;
  wide[axis + 1] = node.dim(block);
  merged[axis] = dims[axis] * block;
  Value repeated = node.reshape(
      node.broadcast(node.reshape(parameter, split), wide), merged);
  if (nn::simplify(merged[axis] - size) == 0)
    return repeated;
  return node.slice(repeated, axis, node.dim(0), size);
}

Value nncc::onnx::spread(Node &node, Value parameter, Value value, int64_t axis,
                         int64_t block) {
  parameter = asBytes(parameter);
  if (!parameter || !value)
    return Value();
  if (isOneNumber(parameter))
    return node.reshape(parameter, {});
  int64_t rank = Node::rank(value);
  if (axis < 0)
    axis += rank;
  if (axis < 0 || axis >= rank)
    return node.failValue("the axis is out of range");
  if (block > 0) {
    if (Node::rank(parameter) != rank)
      return node.failValue(
          "a scale for each block must have the input's rank");
    return spreadBlocks(node, parameter, value, axis, block);
  }
  if (Node::rank(parameter) != 1 || axis == rank - 1)
    return parameter;
  if (!nn::getConstantValue(Node::dims(parameter)[0]))
    parameter = node.stretch(parameter, 0, Node::dims(value)[axis]);
  if (!parameter)
    return Value();
  Dims dims(rank, node.dim(1));
  dims[axis] = Node::dims(parameter)[0];
  return node.reshape(parameter, dims);
}

Value nncc::onnx::unpackBits(Node &node, Value bytes, int64_t bits) {
  if (!bytes || bits == 8)
    return bytes;
  Type u8 = Node::elementType(bytes);
  Dims dims = Node::dims(bytes), split = dims;
  split.push_back(node.dim(1));
  SmallVector<Value> parts;
  for (int64_t shift = 0; shift < 8; shift += bits) {
    Value moved = node.create<nn::ShiftRightOp>(
        bytes, node.constant(static_cast<double>(shift), u8));
    Value part = node.create<nn::AndOp>(
        moved, node.constant(static_cast<double>((1 << bits) - 1), u8));
    parts.push_back(node.reshape(part, split));
  }
  dims.back() = dims.back() * (8 / bits);
  return node.reshape(node.concat(parts, dims.size()), dims);
}

Value nncc::onnx::dequantize(Node &node, Value value, Value scale,
                             Value zeroPoint) {
  value = asBytes(value);
  if (!value || !scale)
    return Value();
  if (!zeroPoint)
    zeroPoint = node.constant(0, Node::elementType(value));
  return node.create<nn::DequantizeOp>(value, scale, asBytes(zeroPoint));
}

Value nncc::onnx::quantize(Node &node, Value value, Value scale,
                           Value zeroPoint) {
  if (!zeroPoint)
    zeroPoint = node.constant(0, node.getBuilder().getIntegerType(8, false));
  return node.create<nn::QuantizeOp>(value, scale, zeroPoint);
}

Value nncc::onnx::subtractZeroPoint(Node &node, Value value, Value zeroPoint) {
  value = asBytes(value);
  if (!value)
    return Value();
  if (Node::elementType(value).getIntOrFloatBitWidth() != 8)
    return node.failValue("the operands of an integer product must have 8 "
                          "bits: " +
                          node.describe(value));
  Type i16 = node.getBuilder().getI16Type();
  Value wide = node.cast(value, i16);
  return zeroPoint ? node.sub(wide, node.cast(zeroPoint, i16)) : wide;
}

QuantizedValue nncc::onnx::quantizeDynamically(Node &node, Value value) {
  if (!value)
    return {};
  Type f32 = node.getBuilder().getF32Type();
  Type u8 = node.getBuilder().getIntegerType(8, false);
  Ints axes = llvm::to_vector(llvm::seq<int64_t>(0, Node::rank(value)));
  Value zero = node.constant(0, f32), one = node.constant(1, f32);
  Value most = node.create<nn::MaxOp>(
      node.create<nn::ReduceMaxOp>(value, axes, /*keepdims=*/false), zero);
  Value least = node.create<nn::MinOp>(
      node.create<nn::ReduceMinOp>(value, axes, /*keepdims=*/false), zero);
  Value range = node.sub(most, least);
  Value isFlat = node.create<nn::EqualOp>(range, zero);
  Value scale =
      node.select(isFlat, one, node.div(range, node.constant(255, f32)));
  Value none = node.constant(0, u8);
  Value zeroPoint =
      node.create<nn::QuantizeOp>(node.sub(zero, least), scale, none);
  return {quantize(node, value, scale, zeroPoint), scale, zeroPoint};
}
