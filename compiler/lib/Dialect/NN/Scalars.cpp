//===- Scalars.cpp - scalar forms of elementwise ops ------------*- C++ -*-===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Scalars.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "nncc/Dialect/NN/LoweringBuilder.h"

using namespace mlir;
using namespace nncc;
using namespace nncc::nn;
using arith::CmpFPredicate;
using arith::CmpIPredicate;

static bool isFloat(Type type) { return isa<FloatType>(type); }
static bool isUnsigned(Type type) {
  return type.isUnsignedInteger() || type.isInteger(1);
}

//===----------------------------------------------------------------------===//
// Constants
//===----------------------------------------------------------------------===//

static TypedAttr getInteger(Type type, const APInt &value) {
  return IntegerAttr::get(getPlainElementType(type), value);
}

TypedAttr scalar::getNumber(Type type, double value) {
  if (isFloat(type))
    return FloatAttr::get(type, value);
  return getInteger(type,
                    APInt(type.getIntOrFloatBitWidth(),
                          static_cast<uint64_t>(static_cast<int64_t>(value)),
                          /*isSigned=*/true));
}

TypedAttr scalar::getZero(Type type) { return getNumber(type, 0); }
TypedAttr scalar::getOne(Type type) { return getNumber(type, 1); }

TypedAttr scalar::getLeast(Type type) {
  if (auto floatType = dyn_cast<FloatType>(type))
    return FloatAttr::get(type, APFloat::getInf(floatType.getFloatSemantics(),
                                                /*Negative=*/true));
  unsigned width = type.getIntOrFloatBitWidth();
  return getInteger(type, isUnsigned(type) ? APInt::getMinValue(width)
                                           : APInt::getSignedMinValue(width));
}

TypedAttr scalar::getGreatest(Type type) {
  if (auto floatType = dyn_cast<FloatType>(type))
    return FloatAttr::get(type, APFloat::getInf(floatType.getFloatSemantics()));
  unsigned width = type.getIntOrFloatBitWidth();
  return getInteger(type, isUnsigned(type) ? APInt::getMaxValue(width)
                                           : APInt::getSignedMaxValue(width));
}

Value scalar::constant(OpBuilder &b, Location loc, TypedAttr value) {
  return b.create<arith::ConstantOp>(loc, value);
}

Value scalar::constant(OpBuilder &b, Location loc, Type type, double value) {
  return constant(b, loc, getNumber(type, value));
}

//===----------------------------------------------------------------------===//
// Comparisons
//===----------------------------------------------------------------------===//

static Value compare(OpBuilder &b, Location loc, Type type, ValueRange args,
                     CmpFPredicate floats, CmpIPredicate signedInts,
                     CmpIPredicate unsignedInts) {
  if (isFloat(type))
    return b.create<arith::CmpFOp>(loc, floats, args[0], args[1]);
  return b.create<arith::CmpIOp>(
      loc, isUnsigned(type) ? unsignedInts : signedInts, args[0], args[1]);
}

Value scalar::equal(OpBuilder &b, Location loc, Type type, ValueRange args) {
  return compare(b, loc, type, args, CmpFPredicate::OEQ, CmpIPredicate::eq,
                 CmpIPredicate::eq);
}

Value scalar::less(OpBuilder &b, Location loc, Type type, ValueRange args) {
  return compare(b, loc, type, args, CmpFPredicate::OLT, CmpIPredicate::slt,
                 CmpIPredicate::ult);
}

Value scalar::lessEqual(OpBuilder &b, Location loc, Type type,
                        ValueRange args) {
  return compare(b, loc, type, args, CmpFPredicate::OLE, CmpIPredicate::sle,
                 CmpIPredicate::ule);
}

Value scalar::greater(OpBuilder &b, Location loc, Type type, ValueRange args) {
  return compare(b, loc, type, args, CmpFPredicate::OGT, CmpIPredicate::sgt,
                 CmpIPredicate::ugt);
}

Value scalar::greaterEqual(OpBuilder &b, Location loc, Type type,
                           ValueRange args) {
  return compare(b, loc, type, args, CmpFPredicate::OGE, CmpIPredicate::sge,
                 CmpIPredicate::uge);
}

static Value select(OpBuilder &b, Location loc, Value condition, Value yes,
                    Value no) {
  return b.create<arith::SelectOp>(loc, condition, yes, no);
}

Value scalar::min(OpBuilder &b, Location loc, Type type, ValueRange args) {
  return select(b, loc, less(b, loc, type, {args[1], args[0]}), args[1],
                args[0]);
}

Value scalar::max(OpBuilder &b, Location loc, Type type, ValueRange args) {
  return select(b, loc, less(b, loc, type, args), args[1], args[0]);
}

static Value keepNaN(OpBuilder &b, Location loc, Type type, Value value,
                     Value result) {
  // A constant's NaN is not worth an instruction.
  if (!isFloat(type) || value.getDefiningOp<arith::ConstantOp>())
    return result;
  return select(b, loc, scalar::isNaN(b, loc, type, value), value, result);
}

Value scalar::minNaN(OpBuilder &b, Location loc, Type type, ValueRange args) {
  return keepNaN(b, loc, type, args[1], min(b, loc, type, args));
}

Value scalar::maxNaN(OpBuilder &b, Location loc, Type type, ValueRange args) {
  return keepNaN(b, loc, type, args[1], max(b, loc, type, args));
}

Value scalar::clamp(OpBuilder &b, Location loc, Type type, ValueRange args) {
  Value raised = max(b, loc, type, {args[0], args[1]});
  return min(b, loc, type, {raised, args[2]});
}

Value scalar::isNaN(OpBuilder &b, Location loc, Type type, ValueRange args) {
  return b.create<arith::CmpFOp>(loc, CmpFPredicate::UNO, args[0], args[0]);
}

Value scalar::isInf(OpBuilder &b, Location loc, Type type, ValueRange args,
                    bool negative, bool positive) {
  Value result;
  auto test = [&](bool wanted, TypedAttr infinity) {
    if (!wanted)
      return;
    Value is = equal(b, loc, type, {args[0], constant(b, loc, infinity)});
    result = result ? b.create<arith::OrIOp>(loc, result, is) : is;
  };
  test(negative, getLeast(type));
  test(positive, getGreatest(type));
  return result ? result : constant(b, loc, b.getI1Type(), 0);
}

//===----------------------------------------------------------------------===//
// One operand
//===----------------------------------------------------------------------===//

Value scalar::neg(OpBuilder &b, Location loc, Type type, ValueRange args) {
  if (isFloat(type))
    return b.create<arith::NegFOp>(loc, args[0]);
  return b.create<arith::SubIOp>(loc, constant(b, loc, type, 0), args[0]);
}

Value scalar::abs(OpBuilder &b, Location loc, Type type, ValueRange args) {
  if (isFloat(type))
    return b.create<math::AbsFOp>(loc, args[0]);
  if (isUnsigned(type))
    return args[0];
  Value isNegative = less(b, loc, type, {args[0], constant(b, loc, type, 0)});
  return select(b, loc, isNegative, neg(b, loc, type, args), args[0]);
}

Value scalar::sign(OpBuilder &b, Location loc, Type type, ValueRange args) {
  Value zero = constant(b, loc, type, 0), one = constant(b, loc, type, 1);
  Value result = args[0]; // zero, or NaN
  if (!isUnsigned(type))
    result = select(b, loc, less(b, loc, type, {args[0], zero}),
                    constant(b, loc, type, -1), result);
  return select(b, loc, greater(b, loc, type, {args[0], zero}), one, result);
}

Value scalar::relu(OpBuilder &b, Location loc, Type type, ValueRange args) {
  Value zero = constant(b, loc, type, 0);
  return select(b, loc, less(b, loc, type, {args[0], zero}), zero, args[0]);
}

Value scalar::rsqrt(OpBuilder &b, Location loc, Type type, ValueRange args) {
  Value root = b.create<math::SqrtOp>(loc, args[0]);
  return reciprocal(b, loc, type, root);
}

Value scalar::reciprocal(OpBuilder &b, Location loc, Type type,
                         ValueRange args) {
  return b.create<arith::DivFOp>(loc, constant(b, loc, type, 1), args[0]);
}

Value scalar::sigmoid(OpBuilder &b, Location loc, Type type, ValueRange args) {
  Value power =
      b.create<math::ExpOp>(loc, b.create<arith::NegFOp>(loc, args[0]));
  Value sum = b.create<arith::AddFOp>(loc, constant(b, loc, type, 1), power);
  return reciprocal(b, loc, type, sum);
}

/// max(x, 0) + log(1 + exp(-|x|)), which does not overflow.
Value scalar::softplus(OpBuilder &b, Location loc, Type type, ValueRange args) {
  Value negative =
      b.create<arith::NegFOp>(loc, b.create<math::AbsFOp>(loc, args[0]));
  Value sum = b.create<arith::AddFOp>(loc, b.create<math::ExpOp>(loc, negative),
                                      constant(b, loc, type, 1));
  return b.create<arith::AddFOp>(loc, relu(b, loc, type, args),
                                 b.create<math::LogOp>(loc, sum));
}

Value scalar::bitNot(OpBuilder &b, Location loc, Type type, ValueRange args) {
  return b.create<arith::XOrIOp>(loc, args[0], constant(b, loc, type, -1));
}

static Value castFloat(OpBuilder &b, Location loc, Type from, Type to,
                       Value value) {
  unsigned width = to.getIntOrFloatBitWidth();
  if (!isFloat(to)) {
    // Narrow integers wrap, through i32.
    Type wide = b.getIntegerType(std::max(width, 32u));
    Value result;
    if (to.isUnsignedInteger() && width >= 32)
      result = b.create<arith::FPToUIOp>(loc, wide, value);
    else
      result = b.create<arith::FPToSIOp>(loc, wide, value);
    if (width < 32)
      result = b.create<arith::TruncIOp>(loc, b.getIntegerType(width), result);
    return result;
  }
  if (from == to)
    return value;
  unsigned fromWidth = from.getIntOrFloatBitWidth();
  if (fromWidth == width) {
    value = b.create<arith::ExtFOp>(loc, b.getF32Type(), value);
    fromWidth = 32;
  }
  if (fromWidth < width)
    return b.create<arith::ExtFOp>(loc, to, value);
  return b.create<arith::TruncFOp>(loc, to, value);
}

Value scalar::cast(OpBuilder &b, Location loc, Type type, Type to,
                   ValueRange args) {
  Value value = args[0];
  if (type == to)
    return value;
  if (to.isInteger(1)) {
    Value zero = constant(b, loc, type, 0);
    if (isFloat(type))
      return b.create<arith::CmpFOp>(loc, CmpFPredicate::UNE, value, zero);
    return b.create<arith::CmpIOp>(loc, CmpIPredicate::ne, value, zero);
  }
  if (isFloat(type))
    return castFloat(b, loc, type, to, value);
  if (isFloat(to)) {
    if (isUnsigned(type))
      return b.create<arith::UIToFPOp>(loc, to, value);
    return b.create<arith::SIToFPOp>(loc, to, value);
  }
  Type plain = getPlainElementType(to);
  unsigned width = to.getIntOrFloatBitWidth();
  unsigned fromWidth = type.getIntOrFloatBitWidth();
  if (width == fromWidth)
    return value;
  if (width < fromWidth)
    return b.create<arith::TruncIOp>(loc, plain, value);
  if (isUnsigned(type))
    return b.create<arith::ExtUIOp>(loc, plain, value);
  return b.create<arith::ExtSIOp>(loc, plain, value);
}

Value scalar::bitcast(OpBuilder &b, Location loc, Type to, ValueRange args) {
  Type plain = getPlainElementType(to);
  if (args[0].getType() == plain)
    return args[0];
  return b.create<arith::BitcastOp>(loc, plain, args[0]);
}

//===----------------------------------------------------------------------===//
// Two operands
//===----------------------------------------------------------------------===//

template <typename FloatOp, typename IntegerOp>
static Value arithmetic(OpBuilder &b, Location loc, Type type,
                        ValueRange args) {
  if (isFloat(type))
    return b.create<FloatOp>(loc, args[0], args[1]);
  return b.create<IntegerOp>(loc, args[0], args[1]);
}

Value scalar::add(OpBuilder &b, Location loc, Type type, ValueRange args) {
  return arithmetic<arith::AddFOp, arith::AddIOp>(b, loc, type, args);
}

Value scalar::sub(OpBuilder &b, Location loc, Type type, ValueRange args) {
  return arithmetic<arith::SubFOp, arith::SubIOp>(b, loc, type, args);
}

Value scalar::mul(OpBuilder &b, Location loc, Type type, ValueRange args) {
  return arithmetic<arith::MulFOp, arith::MulIOp>(b, loc, type, args);
}

Value scalar::div(OpBuilder &b, Location loc, Type type, ValueRange args) {
  if (isUnsigned(type))
    return b.create<arith::DivUIOp>(loc, args[0], args[1]);
  return arithmetic<arith::DivFOp, arith::DivSIOp>(b, loc, type, args);
}

/// x - y * floor(x / y), or trunc: the targets have no fmod. A finite x is its
/// own remainder by an infinity, before the divisor's sign counts.
static Value modFloat(OpBuilder &b, Location loc, ValueRange args, bool fmod) {
  Value quotient = b.create<arith::DivFOp>(loc, args[0], args[1]);
  if (fmod)
    quotient = b.create<math::TruncOp>(loc, quotient);
  else
    quotient = b.create<math::FloorOp>(loc, quotient);
  Value product = b.create<arith::MulFOp>(loc, quotient, args[1]);
  Value rest = b.create<arith::SubFOp>(loc, args[0], product);
  Type type = args[0].getType();
  Value isInfinite = scalar::isInf(b, loc, type, args[1], true, true);
  // NaN where x is not finite.
  Value nothing = b.create<arith::SubFOp>(loc, args[0], args[0]);
  Value whole = b.create<arith::AddFOp>(loc, args[0], nothing);
  return select(b, loc, isInfinite, whole, rest);
}

Value scalar::mod(OpBuilder &b, Location loc, Type type, ValueRange args,
                  bool fmod) {
  if (isFloat(type))
    return modFloat(b, loc, args, fmod);
  if (isUnsigned(type))
    return b.create<arith::RemUIOp>(loc, args[0], args[1]);
  Value rest = b.create<arith::RemSIOp>(loc, args[0], args[1]);
  if (fmod)
    return rest;
  // The divisor's sign: add the divisor to a remainder of the other sign.
  Value zero = constant(b, loc, type, 0);
  Value signs = b.create<arith::XOrIOp>(loc, rest, args[1]);
  Value differ = less(b, loc, type, {signs, zero});
  Value isWhole = equal(b, loc, type, {rest, zero});
  Value moved = b.create<arith::AddIOp>(loc, rest, args[1]);
  return select(b, loc, isWhole, rest, select(b, loc, differ, moved, rest));
}

/// Powers that need no general power function.
static Value powKnown(OpBuilder &b, Location loc, Type type, Value base,
                      double exponent) {
  auto square = [&](Value value) {
    return scalar::mul(b, loc, type, {value, value});
  };
  if (exponent == 0)
    return scalar::constant(b, loc, type, 1);
  if (exponent == 1)
    return base;
  if (exponent == 2)
    return square(base);
  if (exponent == 3)
    return scalar::mul(b, loc, type, {square(base), base});
  if (exponent == 4)
    return square(square(base));
  if (!isFloat(type))
    return nullptr;
  if (exponent == 0.5)
    return b.create<math::SqrtOp>(loc, base);
  if (exponent == 0.75) { // of local response normalization
    Value root = b.create<math::SqrtOp>(loc, base);
    Value fourth = b.create<math::SqrtOp>(loc, root);
    return scalar::mul(b, loc, type, {root, fourth});
  }
  if (exponent == -0.5)
    return scalar::rsqrt(b, loc, type, base);
  if (exponent == -1)
    return scalar::reciprocal(b, loc, type, base);
  if (exponent == -2)
    return scalar::reciprocal(b, loc, type, square(base));
  return nullptr;
}

Value scalar::pow(OpBuilder &b, Location loc, Type type, Type exponentType,
                  ValueRange args, std::optional<double> known) {
  if (known)
    if (Value value = powKnown(b, loc, type, args[0], *known))
      return value;
  bool isWhole = !isFloat(type) && !isFloat(exponentType) &&
                 !isUnsigned(type) && !isUnsigned(exponentType);
  // Where types are narrower they have to wrap.
  if (isWhole && type.getIntOrFloatBitWidth() >= 32)
    return b.create<math::IPowIOp>(loc, args[0],
                                   cast(b, loc, exponentType, type, args[1]));
  Type work = isFloat(type) ? type : b.getF64Type();
  Value base = cast(b, loc, type, work, args[0]);
  Value exponent = cast(b, loc, exponentType, work, args[1]);
  Value power = b.create<math::PowFOp>(loc, base, exponent);
  return cast(b, loc, work, type, power);
}

/// Whether args[1] is a number of bits less than the width: others are poison
/// to the shifts of arith.
static Value isShiftInRange(OpBuilder &b, Location loc, Type type,
                            ValueRange args) {
  Value width = scalar::constant(b, loc, type, type.getIntOrFloatBitWidth());
  return b.create<arith::CmpIOp>(loc, CmpIPredicate::ult, args[1], width);
}

Value scalar::shiftLeft(OpBuilder &b, Location loc, Type type,
                        ValueRange args) {
  Value shifted = b.create<arith::ShLIOp>(loc, args[0], args[1]);
  return select(b, loc, isShiftInRange(b, loc, type, args), shifted,
                constant(b, loc, type, 0));
}

Value scalar::shiftRight(OpBuilder &b, Location loc, Type type,
                         ValueRange args) {
  Value inRange = isShiftInRange(b, loc, type, args);
  if (isUnsigned(type)) {
    Value shifted = b.create<arith::ShRUIOp>(loc, args[0], args[1]);
    return select(b, loc, inRange, shifted, constant(b, loc, type, 0));
  }
  // Beyond the width only copies of the sign are left.
  Value last = constant(b, loc, type, type.getIntOrFloatBitWidth() - 1);
  return b.create<arith::ShRSIOp>(loc, args[0],
                                  select(b, loc, inRange, args[1], last));
}
