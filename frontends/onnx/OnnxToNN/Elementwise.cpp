//===- OnnxToNN/Elementwise.cpp - operators on single elements --*- C++ -*-===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "frontends/onnx/OnnxToNN/Narrow.h"
#include "frontends/onnx/OnnxToNN/Node.h"
#include "frontends/onnx/OnnxToNN/Rows.h"
#include "frontends/onnx/OnnxToNN/SizeMath.h"
#include "frontends/onnx/Types.h"
#include "nncc/Dialect/NN/NN.h"

#include "mlir/IR/BuiltinAttributes.h"

using namespace mlir;
using namespace nncc::onnx;
namespace nn = nncc::nn;

template <typename OpT> static LogicalResult unary(Node &node) {
  return node.result(node.create<OpT>(node.in(0)));
}

template <typename OpT> static LogicalResult binary(Node &node) {
  return node.result(node.create<OpT>(node.in(0), node.in(1)));
}

/// Any number of operands, joined from the left.
template <Value (*join)(Node &, Value, Value)>
static LogicalResult variadic(Node &node) {
  Value value = node.in(0);
  for (Value input : node.ins().drop_front()) {
    if (!input)
      return node.fail("an input is missing");
    value = join(node, value, input);
    if (!value)
      return failure();
  }
  return node.result(value);
}

static LogicalResult convertMean(Node &node) {
  Value value = node.in(0);
  for (Value input : node.ins().drop_front())
    value = node.add(value, input);
  if (!value)
    return failure();
  Value count =
      node.constant(double(node.ins().size()), Node::elementType(value));
  return node.result(node.div(value, count));
}

static LogicalResult identity(Node &node) { return node.result(node.in(0)); }

static LogicalResult convertDropout(Node &node) {
  // The ratio and the seed matter in training alone.
  (void)node.getFloat("ratio", 0);
  (void)node.getInt("seed", 0);
  (void)node.getInt("is_test", 0);
  if (node.in(2)) {
    std::optional<double> training = node.scalar(node.in(2), "training_mode");
    if (training && *training != 0)
      return node.fail("training_mode is not supported");
  }
  if (!node.isUsed(1))
    return node.result(node.in(0));
  Type boolType = node.getBuilder().getI1Type();
  Value mask =
      node.broadcast(node.constant(1, boolType), Node::dims(node.in(0)));
  return node.results({node.in(0), mask});
}

static LogicalResult cast(Node &node, Type type, bool saturates) {
  Value value = node.in(0);
  node.setType(0, type);
  if (isNarrow(type) || isNarrow(Node::elementType(value)))
    return node.result(castNarrow(node, value, type, saturates));
  return node.result(node.cast(value, type));
}

static LogicalResult convertCast(Node &node) {
  int64_t to = node.getInt("to", 0);
  bool saturates = node.getInt("saturate", 1) != 0;
  (void)node.getString("round_mode", ""); // of a type that is not supported
  Type type = getElementType(static_cast<int32_t>(to), node.getContext());
  if (!type)
    return node.fail("a cast to " + getDataTypeName(to) + " is not supported");
  return cast(node, type, saturates);
}

static LogicalResult convertCastLike(Node &node) {
  bool saturates = node.getInt("saturate", 1) != 0;
  return cast(node, Node::elementType(node.getGiven(1)), saturates);
}

static LogicalResult convertBitCast(Node &node) {
  int64_t to = node.getInt("to", 0);
  Type type = getElementType(static_cast<int32_t>(to), node.getContext());
  Value value = unwrapNarrow(node.getGiven(0));
  Type from = Node::elementType(node.getGiven(0));
  if (type)
    node.setType(0, type);
  // A bool is a byte, 0 or 1.
  if (type && from.isInteger(1) && type.isInteger(8))
    return node.result(node.cast(value, type));
  if (!type || type.getIntOrFloatBitWidth() != from.getIntOrFloatBitWidth())
    return node.fail("a cast of the bits to " + getDataTypeName(to) +
                     " is not supported");
  if (!isNarrow(type))
    return node.result(bitcast(node, value, type));
  if (!isFloat8(type))
    return node.fail("types of less than a byte are not supported");
  value = bitcast(node, value, getHeldType(type));
  return node.result(wrapNarrow(node.getBuilder(), node.getLoc(), value, type));
}

static LogicalResult convertIsInf(Node &node) {
  bool negative = node.getInt("detect_negative", 1) != 0;
  bool positive = node.getInt("detect_positive", 1) != 0;
  return node.result(node.create<nn::IsInfOp>(node.in(0), negative, positive));
}

static LogicalResult convertFloor(Node &node) {
  // Sizes are whole numbers.
  if (asSizes(node, node.in(0)))
    return node.result(node.in(0));
  return node.result(node.create<nn::FloorOp>(node.in(0)));
}

static LogicalResult convertMod(Node &node) {
  bool fmod = node.getInt("fmod", 0) != 0;
  Type type = Node::elementType(node.in(0));
  bool followsDivisor = !fmod && isa<FloatType>(type);
  Value rest =
      node.create<nn::ModOp>(node.in(0), node.in(1), fmod || followsDivisor);
  if (!followsDivisor)
    return node.result(rest);
  // The remainder has the divisor's sign.
  Value zero = node.constant(0, type);
  Value signs = node.mul(node.create<nn::SignOp>(rest),
                         node.create<nn::SignOp>(node.in(1)));
  Value isOpposite = node.create<nn::LessOp>(signs, zero);
  return node.result(node.select(isOpposite, node.add(rest, node.in(1)), rest));
}

static LogicalResult convertBitShift(Node &node) {
  std::string direction = node.getString("direction", "");
  if (direction == "LEFT")
    return binary<nn::ShiftLeftOp>(node);
  if (direction == "RIGHT")
    return binary<nn::ShiftRightOp>(node);
  return node.fail("direction must be LEFT or RIGHT");
}

static LogicalResult convertWhere(Node &node) {
  return node.result(node.select(node.in(0), node.in(1), node.in(2)));
}

/// Bounds may be missing.
static LogicalResult clip(Node &node, Value low, Value high) {
  Value value = node.in(0);
  if (low && high)
    value = node.create<nn::ClampOp>(value, low, high);
  else if (low)
    value = node.create<nn::MaxOp>(value, low);
  else if (high)
    value = node.create<nn::MinOp>(value, high);
  return node.result(value);
}

static LogicalResult convertClip6(Node &node) {
  Type type = Node::elementType(node.in(0));
  auto bound = [&](StringRef name) {
    return node.hasAttr(name) ? node.constant(node.getFloat(name, 0), type)
                              : Value();
  };
  return clip(node, bound("min"), bound("max"));
}

static LogicalResult convertClip11(Node &node) {
  auto bound = [&](unsigned index) {
    Value value = node.in(index);
    // Some exporters write scalars as vectors of one element.
    return value ? node.reshape(value, {}) : Value();
  };
  return clip(node, bound(1), bound(2));
}

static const Row rows[] = {
    {"Abs", 1, 1, 1, unary<nn::AbsOp>},
    {"Acos", 7, 1, 1, unary<nn::AcosOp>},
    {"Acosh", 9, 1, 1, unary<nn::AcoshOp>},
    {"Add", 7, 2, 2, variadic<joinSizes<nn::AddOp>>},
    {"And", 7, 2, 2, binary<nn::AndOp>},
    {"Asin", 7, 1, 1, unary<nn::AsinOp>},
    {"Asinh", 9, 1, 1, unary<nn::AsinhOp>},
    {"Atan", 7, 1, 1, unary<nn::AtanOp>},
    {"Atanh", 9, 1, 1, unary<nn::AtanhOp>},
    {"BitCast", 26, 1, 1, convertBitCast, "", "types of less than a byte"},
    {"BitShift", 11, 2, 2, convertBitShift},
    {"BitwiseAnd", 18, 2, 2, binary<nn::AndOp>},
    {"BitwiseNot", 18, 1, 1, unary<nn::NotOp>},
    {"BitwiseOr", 18, 2, 2, binary<nn::OrOp>},
    {"BitwiseXor", 18, 2, 2, binary<nn::XorOp>},
    {"Cast", 6, 1, 1, convertCast, "", "strings, floats of 4 bits, FLOAT8E8M0"},
    {"CastLike", 15, 2, 2, convertCastLike, "", "as Cast"},
    {"Ceil", 1, 1, 1, unary<nn::CeilOp>},
    {"Clip", 1, 1, 1, convertClip6},
    {"Clip", 11, 1, 3, convertClip11},
    {"Cos", 7, 1, 1, unary<nn::CosOp>},
    {"Cosh", 9, 1, 1, unary<nn::CoshOp>},
    {"Div", 7, 2, 2, binary<nn::DivOp>},
    {"Dropout", 1, 1, 3, convertDropout, "", "training"},
    {"Equal", 7, 2, 2, binary<nn::EqualOp>},
    {"Erf", 9, 1, 1, unary<nn::ErfOp>},
    {"Exp", 1, 1, 1, unary<nn::ExpOp>},
    {"Floor", 1, 1, 1, convertFloor},
    {"Greater", 7, 2, 2, binary<nn::GreaterOp>},
    {"GreaterOrEqual", 12, 2, 2, binary<nn::GreaterEqualOp>},
    {"Identity", 1, 1, 1, identity, "", "", true},
    {"IsInf", 10, 1, 1, convertIsInf},
    {"IsNaN", 9, 1, 1, unary<nn::IsNaNOp>},
    {"Less", 7, 2, 2, binary<nn::LessOp>},
    {"LessOrEqual", 12, 2, 2, binary<nn::LessEqualOp>},
    {"Log", 1, 1, 1, unary<nn::LogOp>},
    {"Max", 1, 1, anyNumber, variadic<joinSizes<nn::MaxOp>>},
    {"Mean", 1, 1, anyNumber, convertMean},
    {"Min", 1, 1, anyNumber, variadic<minimum>},
    {"Mod", 10, 2, 2, convertMod},
    {"Mul", 7, 2, 2, variadic<joinSizes<nn::MulOp>>},
    {"Neg", 1, 1, 1, unary<nn::NegOp>},
    {"Not", 1, 1, 1, unary<nn::NotOp>},
    {"Or", 7, 2, 2, binary<nn::OrOp>},
    {"Pow", 7, 2, 2, binary<nn::PowOp>},
    {"Reciprocal", 1, 1, 1, unary<nn::ReciprocalOp>},
    {"Relu", 1, 1, 1, unary<nn::ReluOp>},
    {"Round", 11, 1, 1, unary<nn::RoundOp>},
    {"Sigmoid", 1, 1, 1, unary<nn::SigmoidOp>},
    {"Sign", 9, 1, 1, unary<nn::SignOp>},
    {"Sin", 7, 1, 1, unary<nn::SinOp>},
    {"Sinh", 9, 1, 1, unary<nn::SinhOp>},
    {"Softplus", 1, 1, 1, unary<nn::SoftplusOp>},
    {"Sqrt", 1, 1, 1, unary<nn::SqrtOp>},
    {"Sub", 7, 2, 2, variadic<joinSizes<nn::SubOp>>},
    {"Sum", 1, 1, anyNumber, variadic<joinSizes<nn::AddOp>>},
    {"Tan", 7, 1, 1, unary<nn::TanOp>},
    {"Tanh", 1, 1, 1, unary<nn::TanhOp>},
    {"Where", 9, 3, 3, convertWhere},
    {"Xor", 7, 2, 2, binary<nn::XorOp>},
};

ArrayRef<Row> nncc::onnx::getElementwiseRows() { return rows; }
