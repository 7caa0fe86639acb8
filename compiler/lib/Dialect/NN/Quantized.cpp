//===- Quantized.cpp - quantised numbers ------------------------*- C++ -*-===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Elementwise.h"
#include "Scalars.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/IR/TypeUtilities.h"
#include "nncc/Dialect/NN/NN.h"

using namespace mlir;
using namespace nncc;
using namespace nncc::nn;
using arith::CmpFPredicate;
using scalar::constant;

//===----------------------------------------------------------------------===//
// Types
//===----------------------------------------------------------------------===//

/// The type of all three operands broadcast, of the element type of one.
static LogicalResult inferQuantized(std::optional<Location> loc, StringRef name,
                                    ValueRange operands, Value typed,
                                    SmallVectorImpl<Type> &types) {
  // The first operand's type does not bind the others.
  SmallVector<Type> inferred;
  if (failed(inferElementwise(loc, name, operands.take_front(2),
                              ElementKind::Number, ElementwiseResult::Lhs,
                              inferred)) ||
      failed(inferElementwise(loc, name, {operands[0], operands[2]},
                              ElementKind::Number, ElementwiseResult::Lhs,
                              inferred)))
    return failure();
  auto dims = broadcastDims(getDims(inferred[0]), getDims(inferred[1]));
  if (!dims)
    return emitOptionalError(loc, "the shapes of '", name,
                             "' do not broadcast: ", operands.getTypes());
  types.push_back(makeTensorType(*dims, getElementTypeOrSelf(typed)));
  return success();
}

LogicalResult DequantizeOp::inferReturnTypes(MLIRContext *,
                                             std::optional<Location> loc,
                                             Adaptor op,
                                             SmallVectorImpl<Type> &types) {
  Type integer = getElementTypeOrSelf(op.getInput());
  if (!isa<IntegerType>(integer) ||
      integer != getElementTypeOrSelf(op.getZeroPoint()))
    return emitOptionalError(
        loc, "the input and its zero point must have one integer type: ",
        op.getOperands().getTypes());
  if (!isa<FloatType>(getElementTypeOrSelf(op.getScale())))
    return emitOptionalError(loc, "the scale must be of a float type");
  return inferQuantized(loc, getOperationName(), op.getOperands(),
                        op.getScale(), types);
}

LogicalResult QuantizeOp::inferReturnTypes(MLIRContext *,
                                           std::optional<Location> loc,
                                           Adaptor op,
                                           SmallVectorImpl<Type> &types) {
  auto integer = dyn_cast<IntegerType>(getElementTypeOrSelf(op.getZeroPoint()));
  if (!integer || integer.getWidth() > 16)
    return emitOptionalError(
        loc, "the zero point must be an integer of at most 16 bits");
  if (!isa<FloatType>(getElementTypeOrSelf(op.getScale())))
    return emitOptionalError(loc, "the scale must be of a float type");
  return inferQuantized(loc, getOperationName(), op.getOperands(),
                        op.getZeroPoint(), types);
}

LogicalResult SaturateOp::verify() {
  constexpr int64_t limit = 1 << 22;
  Type type = getType().getElementType();
  auto integer = dyn_cast<IntegerType>(type);
  if (!getInput().getType().getElementType().isF32() ||
      (!integer && !type.isF32()))
    return emitOpError("converts f32 to an integer type or f32, not ")
           << getInput().getType() << " to " << getType();
  if (getDims(getInput().getType()) != getDims(getType()))
    return emitOpError("changes the shape");
  unsigned width = std::min(type.getIntOrFloatBitWidth(), 32u);
  bool isUnsigned = integer && integer.isUnsigned();
  int64_t least = isUnsigned ? 0 : llvm::minIntN(width);
  int64_t most = isUnsigned ? llvm::maxUIntN(width) : llvm::maxIntN(width);
  int64_t low = getLow(), high = getHigh();
  if (low > high || low < std::max(least, -limit) ||
      high > std::min(most, limit))
    return emitOpError("has bounds that the result does not hold");
  return success();
}

//===----------------------------------------------------------------------===//
// Scalars
//===----------------------------------------------------------------------===//

Value scalar::dequantize(OpBuilder &b, Location loc, Type type, Type result,
                         ValueRange args) {
  Type i32 = b.getI32Type(), f32 = b.getF32Type();
  Value number = cast(b, loc, type, i32, args[0]);
  Value zero = cast(b, loc, type, i32, args[2]);
  Value steps = b.create<arith::SubIOp>(loc, number, zero);
  Value scale = cast(b, loc, result, f32, args[1]);
  Value product =
      b.create<arith::MulFOp>(loc, cast(b, loc, i32, f32, steps), scale);
  return cast(b, loc, f32, result, product);
}

/// A NaN becomes `low`.
static Value bound(OpBuilder &b, Location loc, Value value, Value low,
                   Value high) {
  Value above = b.create<arith::CmpFOp>(loc, CmpFPredicate::OGT, value, low);
  value = b.create<arith::SelectOp>(loc, above, value, low);
  Value over = b.create<arith::CmpFOp>(loc, CmpFPredicate::OGT, value, high);
  return b.create<arith::SelectOp>(loc, over, high, value);
}

/// The nearest integer of `value`, of less than 2^22, as i32: added to
/// 1.5 * 2^23, it stands in the low bits. A conversion is many instructions.
static Value roundToInteger(OpBuilder &b, Location loc, Value value) {
  constexpr double magic = 12582912;
  Type i32 = b.getI32Type();
  Value moved = b.create<arith::AddFOp>(
      loc, value, constant(b, loc, b.getF32Type(), magic));
  Value bits = b.create<arith::BitcastOp>(loc, i32, moved);
  return b.create<arith::SubIOp>(loc, bits, constant(b, loc, i32, 0x4b400000));
}

Value scalar::saturate(OpBuilder &b, Location loc, Type result, Value value,
                       int64_t low, int64_t high) {
  Type f32 = b.getF32Type(), i32 = b.getI32Type();
  Value bounded = bound(b, loc, value, constant(b, loc, f32, low),
                        constant(b, loc, f32, high));
  if (result.isF32())
    return b.create<math::RoundEvenOp>(loc, bounded);
  return cast(b, loc, i32, result, roundToInteger(b, loc, bounded));
}

Value scalar::quantize(OpBuilder &b, Location loc, Type type, Type scaleType,
                       Type result, ValueRange args) {
  Type f32 = b.getF32Type(), i32 = b.getI32Type();
  unsigned width = result.getIntOrFloatBitWidth();
  bool isUnsigned = result.isUnsignedInteger();
  double low = isUnsigned ? 0 : -double(1 << (width - 1));
  double high = double(1 << (isUnsigned ? width : width - 1)) - 1;

  Value number = cast(b, loc, type, f32, args[0]);
  Value scale = cast(b, loc, scaleType, f32, args[1]);
  Value steps = b.create<arith::DivFOp>(loc, number, scale);
  Value zero = cast(b, loc, result, f32, args[2]);
  auto below = [&](double limit) -> Value {
    return b.create<arith::SubFOp>(loc, constant(b, loc, f32, limit), zero);
  };
  Value bounded = bound(b, loc, steps, below(low), below(high));
  Value moved = b.create<arith::AddIOp>(loc, roundToInteger(b, loc, bounded),
                                        cast(b, loc, result, i32, args[2]));
  return cast(b, loc, i32, result, moved);
}
