//===- Narrow.cpp - numbers of a byte or less -----------------------------===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "frontends/onnx/OnnxToNN/Narrow.h"

#include "nncc/Dialect/NN/NN.h"

#include "mlir/IR/DialectResourceBlobManager.h"

#include <cmath>

using namespace mlir;
using namespace nncc::onnx;
namespace nn = nncc::nn;

bool nncc::onnx::isFloat8(Type type) {
  return isa<FloatType>(type) && type.getIntOrFloatBitWidth() == 8;
}

bool nncc::onnx::isNarrow(Type type) {
  return isFloat8(type) || (isa<IntegerType>(type) && !type.isInteger(1) &&
                            type.getIntOrFloatBitWidth() < 8);
}

IntegerType nncc::onnx::getHeldType(Type narrow) {
  bool isUnsigned = isFloat8(narrow) || narrow.isUnsignedInteger();
  return IntegerType::get(narrow.getContext(), 8,
                          isUnsigned ? IntegerType::Unsigned
                                     : IntegerType::Signless);
}

Value nncc::onnx::wrapNarrow(OpBuilder &b, Location loc, Value held,
                             Type narrow) {
  return held ? b.create<nn::CastOp>(loc, held, narrow).getResult() : held;
}

Value nncc::onnx::unwrapNarrow(Value value) {
  if (!value || !Node::isTensor(value) || !isNarrow(Node::elementType(value)))
    return value;
  auto cast = value.getDefiningOp<nn::CastOp>();
  return cast ? Value(cast.getInput()) : value;
}

ElementsAttr nncc::onnx::getHeldElements(ElementsAttr value) {
  Type narrow = value.getElementType();
  IntegerType held = getHeldType(narrow);
  auto tensor = cast<RankedTensorType>(value.getType()).clone(held);
  if (auto resource = dyn_cast<DenseResourceElementsAttr>(value))
    return DenseResourceElementsAttr::get(tensor, resource.getRawHandle());
  if (isFloat8(narrow))
    return cast<DenseFPElementsAttr>(value).mapValues(
        held, [](const APFloat &number) { return number.bitcastToAPInt(); });
  return cast<DenseIntElementsAttr>(value).mapValues(
      held, [&](const APInt &number) {
        return narrow.isUnsignedInteger() ? number.zext(8) : number.sext(8);
      });
}

Value nncc::onnx::bitcast(Node &node, Value value, Type to) {
  if (!value)
    return Value();
  return node.createTyped<nn::BitcastOp>(
      nn::makeTensorType(Node::dims(value), to), value);
}

//===----------------------------------------------------------------------===//
// Floats of 8 bits
//===----------------------------------------------------------------------===//

/// The numbers that all bytes stand for, looked up: f32.
static Value readFloat8(Node &node, Value held, FloatType type) {
  SmallVector<float> numbers;
  for (unsigned bits = 0; bits < 256; ++bits) {
    APFloat number(type.getFloatSemantics(), APInt(8, bits));
    bool losesInfo = false;
    number.convert(APFloat::IEEEsingle(), APFloat::rmNearestTiesToEven,
                   &losesInfo);
    numbers.push_back(number.convertToFloat());
  }
  Value index = node.cast(held, node.getBuilder().getI32Type());
  return node.create<nn::GatherOp>(node.constant(numbers), index, 0);
}

namespace {

/// Rounds f32 to floats of 8 bits, on the bits: to nearest, ties to even
/// (OCP 8-bit Floating Point Specification; the FNUZ types have a NaN in the
/// place of the negative zero).
class Float8Writer {
public:
  Float8Writer(Node &node, FloatType type, bool saturates);

  /// f32 to u8.
  Value write(Value value);

private:
  Value number(int64_t value) {
    return node.constant(static_cast<double>(value), i32);
  }
  static int64_t getBits(const APFloat &value) {
    return static_cast<int64_t>(value.bitcastToAPInt().getZExtValue());
  }
  Value round(Value magnitude);

  Node &node;
  Type i32, f32;
  int64_t digits;              ///< of the mantissa
  int64_t smallest;            ///< exponent of the smallest normal number
  int64_t most, overflow, nan; ///< codes
  bool hasSignedZero;
};

} // namespace

Float8Writer::Float8Writer(Node &node, FloatType type, bool saturates)
    : node(node), i32(node.getBuilder().getI32Type()),
      f32(node.getBuilder().getF32Type()) {
  const llvm::fltSemantics &semantics = type.getFloatSemantics();
  digits = APFloat::semanticsPrecision(semantics) - 1;
  smallest = APFloat::semanticsMinExponent(semantics);
  most = getBits(APFloat::getLargest(semantics));
  nan = getBits(APFloat::getNaN(semantics));
  hasSignedZero = !isa<Float8E4M3FNUZType, Float8E5M2FNUZType>(type);
  // Types without infinity give NaN.
  overflow = saturates ? most : getBits(APFloat::getInf(semantics));
}

/// The code of a number that is not negative, from its bits; without limit.
Value Float8Writer::round(Value magnitude) {
  int64_t dropped = 23 - digits;
  Value last = node.create<nn::AndOp>(
      node.create<nn::ShiftRightOp>(magnitude, number(dropped)), number(1));
  Value sum = node.add(node.add(magnitude, last),
                       number((int64_t(1) << (dropped - 1)) - 1));
  Value normal = node.sub(node.create<nn::ShiftRightOp>(sum, number(dropped)),
                          number((smallest + 126) << digits));
  // Below, the last digit of a sum is that of the code.
  double unit = std::ldexp(1.0, static_cast<int>(smallest - digits + 23));
  Value moved =
      node.add(bitcast(node, magnitude, f32), node.constant(unit, f32));
  int64_t base = (smallest - digits + 23 + 127) << 23;
  Value small = node.sub(bitcast(node, moved, i32), number(base));
  Value isSmall =
      node.create<nn::LessOp>(magnitude, number((smallest + 127) << 23));
  return node.select(isSmall, small, normal);
}

Value Float8Writer::write(Value value) {
  Value bits = bitcast(node, value, i32);
  Value magnitude = node.create<nn::AndOp>(bits, number(0x7fffffff));
  Value code = round(magnitude);
  Value isMore = node.create<nn::GreaterOp>(code, number(most));
  code = node.select(isMore, number(overflow), code);
  Value sign = node.create<nn::AndOp>(
      node.create<nn::ShiftRightOp>(bits, number(24)), number(0x80));
  Value isNan = node.create<nn::GreaterOp>(magnitude, number(0x7f800000));
  if (!hasSignedZero) {
    Value isZero = node.create<nn::EqualOp>(code, number(0));
    sign = node.select(isZero, number(0), sign);
  }
  Value signedCode = node.create<nn::OrOp>(code, sign);
  signedCode = node.select(isNan, number(nan), signedCode);
  return node.cast(signedCode, node.getBuilder().getIntegerType(8, false));
}

//===----------------------------------------------------------------------===//
// Conversions
//===----------------------------------------------------------------------===//

/// Keeps the low bits of the held integers, as conversions to integers do.
static Value wrapAround(Node &node, Value held, IntegerType narrow) {
  Type type = getHeldType(narrow);
  int64_t bits = 8 - narrow.getWidth();
  Value amount = node.constant(static_cast<double>(bits), type);
  return node.create<nn::ShiftRightOp>(
      node.create<nn::ShiftLeftOp>(held, amount), amount);
}

Value nncc::onnx::castNarrow(Node &node, Value value, Type to, bool saturates) {
  if (!value)
    return Value();
  Type from = Node::elementType(value);
  Value held = unwrapNarrow(value);
  if (isNarrow(from) && held == value)
    return node.failValue("elements of this type can't be read here");
  if (from == to)
    return value;
  if (isFloat8(from))
    held = readFloat8(node, held, cast<FloatType>(from));
  if (!isNarrow(to))
    return node.cast(held, to);
  if (isFloat8(to)) {
    Value wide = node.cast(held, node.getBuilder().getF32Type());
    held = Float8Writer(node, cast<FloatType>(to), saturates).write(wide);
  } else {
    held = wrapAround(node, node.cast(held, getHeldType(to)),
                      cast<IntegerType>(to));
  }
  return wrapNarrow(node.getBuilder(), node.getLoc(), held, to);
}
