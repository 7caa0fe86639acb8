//===- Scalars.cpp - Scalar code with the types that WGSL has -------------===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "targets/webgpu/Scalars.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "targets/webgpu/Schedule.h"

using namespace mlir;

namespace nncc::webgpu {

Type getStorageType(Type element) {
  MLIRContext *context = element.getContext();
  if (element.isF32() || element.isF16() || element.isBF16())
    return Float32Type::get(context);
  if (element.isInteger() && element.getIntOrFloatBitWidth() <= 64)
    return IntegerType::get(context, 32);
  return Type();
}

Type getValueType(Type type) {
  if (type.isIndex() || type.isInteger(1))
    return type;
  return getStorageType(type);
}

static bool isNarrow(Type type) {
  auto integer = dyn_cast<IntegerType>(type);
  return integer && integer.getWidth() > 1 && integer.getWidth() < 32;
}

Value toVector(OpBuilder &b, Location loc, Value value) {
  if (isa<VectorType>(value.getType()))
    return value;
  auto type = VectorType::get(lanes, value.getType());
  return b.create<vector::BroadcastOp>(loc, type, value);
}

/// The type, or vectors of it where `like` is a vector.
static Type withLanesOf(Type type, Value like) {
  if (auto vector = dyn_cast<VectorType>(like.getType()))
    return VectorType::get(vector.getShape(), type);
  return type;
}

/// An i32, in all lanes of `like`.
static Value constant(OpBuilder &b, Location loc, int64_t value, Value like) {
  TypedAttr number = b.getI32IntegerAttr(value);
  if (auto vector = dyn_cast<VectorType>(like.getType()))
    number = DenseElementsAttr::get(
        VectorType::get(vector.getShape(), b.getI32Type()), number);
  return b.create<arith::ConstantOp>(loc, number);
}

/// The low bits, sign-extended.
static Value wrap(OpBuilder &b, Location loc, Value value, Type type) {
  if (!isNarrow(type))
    return value;
  Value shift = constant(b, loc, 32 - type.getIntOrFloatBitWidth(), value);
  Value high = b.create<arith::ShLIOp>(loc, value, shift);
  return b.create<arith::ShRSIOp>(loc, high, shift);
}

/// The low bits, zero-extended.
static Value mask(OpBuilder &b, Location loc, Value value, Type type) {
  if (!isNarrow(type))
    return value;
  int64_t bits = (int64_t(1) << type.getIntOrFloatBitWidth()) - 1;
  return b.create<arith::AndIOp>(loc, value, constant(b, loc, bits, value));
}

Value fromStorage(OpBuilder &b, Location loc, Value value, Type element) {
  if (element.isInteger(1))
    return b.create<arith::CmpIOp>(loc, arith::CmpIPredicate::ne, value,
                                   constant(b, loc, 0, value));
  return wrap(b, loc, value, element);
}

Value toStorage(OpBuilder &b, Location loc, Value value) {
  Type type = getElementTypeOrSelf(value.getType());
  Type word = withLanesOf(b.getI32Type(), value);
  if (type.isInteger(1))
    return b.create<arith::ExtUIOp>(loc, word, value);
  if (type.isIndex())
    return b.create<arith::IndexCastOp>(loc, word, value);
  return value;
}

Value fromHalf(OpBuilder &b, Location loc, Value value) {
  return b.create<arith::ExtFOp>(loc, withLanesOf(b.getF32Type(), value),
                                 value);
}

Value toHalf(OpBuilder &b, Location loc, Value value) {
  auto limit = [&](double number) -> Value {
    Type type = b.getF32Type();
    TypedAttr attr = b.getFloatAttr(type, number);
    if (auto vector = dyn_cast<VectorType>(value.getType()))
      attr = DenseElementsAttr::get(vector, attr);
    return b.create<arith::ConstantOp>(loc, attr);
  };
  constexpr double largest = 65504;
  value = b.create<arith::MaxNumFOp>(loc, value, limit(-largest));
  value = b.create<arith::MinNumFOp>(loc, value, limit(largest));
  return b.create<arith::TruncFOp>(loc, withLanesOf(b.getF16Type(), value),
                                   value);
}

bool isGpuConstant(arith::ConstantOp op) {
  auto number = dyn_cast<IntegerAttr>(op.getValue());
  if (!number || op.getType().isIndex() || op.getType().isInteger(1))
    return true;
  int64_t value = number.getValue().getSExtValue();
  return llvm::isInt<32>(value) ||
         value == std::numeric_limits<int64_t>::min() ||
         value == std::numeric_limits<int64_t>::max();
}

static Value cloneConstant(OpBuilder &b, arith::ConstantOp op) {
  Location loc = op.getLoc();
  if (auto number = dyn_cast<FloatAttr>(op.getValue())) {
    APFloat value = number.getValue();
    bool losesInfo = false;
    value.convert(APFloat::IEEEsingle(), APFloat::rmNearestTiesToEven,
                  &losesInfo);
    return b.create<arith::ConstantOp>(loc,
                                       FloatAttr::get(b.getF32Type(), value));
  }
  auto number = dyn_cast<IntegerAttr>(op.getValue());
  if (!number)
    return Value();
  if (op.getType().isIndex() || op.getType().isInteger(1))
    return b.clone(*op)->getResult(0);
  constexpr int64_t low = std::numeric_limits<int32_t>::min();
  constexpr int64_t high = std::numeric_limits<int32_t>::max();
  int64_t value = number.getValue().getSExtValue();
  if (!isGpuConstant(op)) {
    op.emitError("the constant ")
        << value << " does not fit the 32-bit integers of a GPU";
    return Value();
  }
  return b.create<arith::ConstantIntOp>(loc, std::clamp(value, low, high), 32);
}

/// Whether the op reads its operands as unsigned numbers.
static bool isUnsigned(Operation *op) {
  if (auto compare = dyn_cast<arith::CmpIOp>(op))
    return compare.getPredicate() >= arith::CmpIPredicate::ult;
  return isa<arith::DivUIOp, arith::RemUIOp, arith::CeilDivUIOp, arith::ShRUIOp,
             arith::MinUIOp, arith::MaxUIOp, arith::UIToFPOp>(op);
}

static Value cloneConversion(OpBuilder &b, Operation *op, Value value) {
  Location loc = op->getLoc();
  Type from = op->getOperand(0).getType(), to = op->getResult(0).getType();
  Type type = getValueType(to);
  if (isa<arith::ExtUIOp>(op) && isNarrow(from))
    return mask(b, loc, value, from);
  if (isa<arith::TruncIOp>(op) && to.isInteger(1)) {
    Value bit = b.create<arith::AndIOp>(loc, value, constant(b, loc, 1, value));
    return fromStorage(b, loc, bit, to);
  }
  if (getElementTypeOrSelf(value.getType()) == type)
    return wrap(b, loc, value, to);
  return Value();
}

Value cloneScalar(OpBuilder &b, Operation *op, const IRMapping &values) {
  if (auto number = dyn_cast<arith::ConstantOp>(op))
    return cloneConstant(b, number);
  Location loc = op->getLoc();
  SmallVector<Value> operands;
  for (Value operand : op->getOperands()) {
    Value value = values.lookup(operand);
    operands.push_back(isUnsigned(op) ? mask(b, loc, value, operand.getType())
                                      : value);
  }
  if (op->getNumResults() != 1 || op->getNumRegions() != 0) {
    op->emitError("has no form in a GPU's kernel");
    return Value();
  }
  Type result = op->getResult(0).getType(), type = getValueType(result);
  if (!type) {
    op->emitError("a GPU has no numbers of type ") << result;
    return Value();
  }
  if (isa<arith::ExtUIOp, arith::ExtSIOp, arith::TruncIOp, arith::ExtFOp,
          arith::TruncFOp, arith::BitcastOp, arith::IndexCastOp,
          arith::IndexCastUIOp>(op))
    if (Value converted = cloneConversion(b, op, operands[0]))
      return converted;
  // Lanes are all or none.
  auto wide = llvm::find_if(operands, [](Value operand) {
    return isa<VectorType>(operand.getType());
  });
  if (wide != operands.end()) {
    type = withLanesOf(type, *wide);
    for (Value &operand : operands)
      operand = toVector(b, loc, operand);
  }
  OperationState state(loc, op->getName(), operands, type, op->getAttrs());
  return wrap(b, loc, b.create(state)->getResult(0), result);
}

} // namespace nncc::webgpu
