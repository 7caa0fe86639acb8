//===- ResizeCoordinates.cpp - where a resize reads -----------------------===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ResizeCoordinates.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "nncc/Dialect/NN/Symbols.h"
#include <cmath>

using namespace mlir;
using namespace nncc;
using namespace nncc::nn;

std::optional<double> ResizeAxis::getScale() {
  if (auto scales = op.getScales())
    return (*scales)[entry];
  std::optional<int64_t> in = getConstantValue(from),
                         out = getConstantValue(to);
  if (in && out && *in > 0)
    return static_cast<double>(*out) / *in;
  // A symbolic size times a whole number.
  for (int64_t factor = 1; factor <= 16; ++factor) {
    if (to == from * factor)
      return factor;
    if (from == to * factor)
      return 1.0 / factor;
  }
  return std::nullopt;
}

std::optional<AffineExpr> ResizeAxis::getNearestMap() {
  std::optional<double> scale = getScale();
  if (op.getMode() != ResizeMode::Nearest || !scale)
    return std::nullopt;
  AffineExpr x = getAffineDimExpr(axis, op.getContext());
  CoordinateMode coordinate = op.getCoordinateMode();
  NearestMode rounding = op.getNearestMode();
  bool roundsDown = rounding == NearestMode::Floor;
  bool roundsNear = rounding == NearestMode::RoundPreferFloor ||
                    rounding == NearestMode::RoundPreferCeil;
  bool halfPixel = coordinate == CoordinateMode::HalfPixel ||
                   coordinate == CoordinateMode::PytorchHalfPixel;
  double whole = std::round(*scale);
  if (whole >= 1 && *scale == whole) {
    // Upwards, the pixels that stem from one input pixel lie less than half a
    // pixel around it.
    int64_t factor = static_cast<int64_t>(whole);
    if (factor == 1 && coordinate != CoordinateMode::TfCropAndResize)
      return x;
    if ((halfPixel && roundsNear) ||
        (coordinate == CoordinateMode::Asymmetric &&
         (roundsDown || rounding == NearestMode::Simple)))
      return x.floorDiv(factor);
    return std::nullopt;
  }
  double inverse = std::round(1 / *scale);
  if (inverse > 1 && 1 / *scale == inverse &&
      coordinate == CoordinateMode::Asymmetric)
    return x * static_cast<int64_t>(inverse);
  return std::nullopt;
}

int64_t ResizeAxis::getTapCount() {
  if (op.getMode() == ResizeMode::Nearest)
    return 1;
  int64_t taps = op.getMode() == ResizeMode::Linear ? 2 : 4;
  double scale = getScale().value_or(1);
  if (op.getAntialias() && scale < 1)
    taps = static_cast<int64_t>(std::ceil(taps / scale)) + 1;
  return taps;
}

//===----------------------------------------------------------------------===//
// Arithmetic
//===----------------------------------------------------------------------===//

ResizeCoordinates::ResizeCoordinates(ResizeAxis axis, OpBuilder &b,
                                     Location loc, Value inputSize,
                                     Value outputSize)
    : axis(axis), b(b), loc(loc), inputSize(indexToFloat(inputSize)),
      outputSize(indexToFloat(outputSize)) {
  std::optional<double> known = axis.getScale();
  scale = known ? constant(*known) : div(this->outputSize, this->inputSize);
}

Value ResizeCoordinates::constant(double value) {
  return b.create<arith::ConstantOp>(loc, b.getF32FloatAttr(value));
}

Value ResizeCoordinates::integer(int64_t value) {
  return b.create<arith::ConstantOp>(loc, b.getI32IntegerAttr(value));
}

Value ResizeCoordinates::add(Value x, Value y) {
  return b.create<arith::AddFOp>(loc, x, y);
}

Value ResizeCoordinates::sub(Value x, Value y) {
  return b.create<arith::SubFOp>(loc, x, y);
}

Value ResizeCoordinates::mul(Value x, Value y) {
  return b.create<arith::MulFOp>(loc, x, y);
}

Value ResizeCoordinates::div(Value x, Value y) {
  return b.create<arith::DivFOp>(loc, x, y);
}

Value ResizeCoordinates::floor(Value x) {
  return b.create<math::FloorOp>(loc, x);
}

Value ResizeCoordinates::ceil(Value x) {
  return b.create<math::CeilOp>(loc, x);
}

Value ResizeCoordinates::less(Value x, Value y) {
  return b.create<arith::CmpFOp>(loc, arith::CmpFPredicate::OLT, x, y);
}

Value ResizeCoordinates::select(Value condition, Value x, Value y) {
  return b.create<arith::SelectOp>(loc, condition, x, y);
}

/// x in [0, last].
Value ResizeCoordinates::clamp(Value x, Value last) {
  Value zero = constant(0);
  x = select(less(x, zero), zero, x);
  return select(less(last, x), last, x);
}

Value ResizeCoordinates::toInteger(Value x) {
  return b.create<arith::FPToSIOp>(loc, b.getI32Type(), x);
}

Value ResizeCoordinates::indexToInteger(Value index) {
  return b.create<arith::IndexCastOp>(loc, b.getI32Type(), index);
}

Value ResizeCoordinates::indexToFloat(Value index) {
  return b.create<arith::SIToFPOp>(loc, b.getF32Type(), indexToInteger(index));
}

//===----------------------------------------------------------------------===//
// Sources and taps
//===----------------------------------------------------------------------===//

Value ResizeCoordinates::getSource(Value x) {
  x = indexToFloat(x);
  Value half = constant(0.5), one = constant(1), zero = constant(0);
  Value lastOutput = sub(outputSize, one), lastInput = sub(inputSize, one);
  Value several = less(one, outputSize);
  Value halfPixel = sub(div(add(x, half), scale), half);
  switch (axis.op.getCoordinateMode()) {
  case CoordinateMode::HalfPixel:
    return halfPixel;
  case CoordinateMode::PytorchHalfPixel:
    return select(several, halfPixel, zero);
  case CoordinateMode::HalfPixelSymmetric: {
    Value adjustment = div(outputSize, mul(scale, inputSize));
    Value offset = mul(div(inputSize, constant(2)), sub(one, adjustment));
    return add(offset, halfPixel);
  }
  case CoordinateMode::AlignCorners:
    return select(several, div(mul(x, lastInput), lastOutput), zero);
  case CoordinateMode::Asymmetric:
    return div(x, scale);
  case CoordinateMode::TfHalfPixelForNN:
    return div(add(x, half), scale);
  case CoordinateMode::TfCropAndResize: {
    ArrayRef<float> roi = *axis.op.getRoi();
    double start = roi[2 * axis.entry], end = roi[2 * axis.entry + 1];
    Value step = div(mul(constant(end - start), lastInput), lastOutput);
    Value first = mul(constant(start), lastInput);
    Value middle = mul(constant(0.5 * (start + end)), lastInput);
    return select(several, add(first, mul(x, step)), middle);
  }
  }
  llvm_unreachable("all coordinate modes have returned");
}

Value ResizeCoordinates::getNearest(Value source) {
  Value half = constant(0.5);
  switch (axis.op.getNearestMode()) {
  case NearestMode::RoundPreferFloor:
    return ceil(sub(source, half));
  case NearestMode::RoundPreferCeil:
    return floor(add(source, half));
  case NearestMode::Floor:
    return floor(source);
  case NearestMode::Ceil:
    return ceil(source);
  case NearestMode::Simple:
    return select(less(scale, constant(1)), ceil(source), floor(source));
  }
  llvm_unreachable("all nearest modes have returned");
}

/// The triangle of half-width one.
Value ResizeCoordinates::getLinearWeight(Value distance) {
  Value weight = sub(constant(1), b.create<math::AbsFOp>(loc, distance));
  return select(less(weight, constant(0)), constant(0), weight);
}

/// Keys' cubic of half-width two.
Value ResizeCoordinates::getCubicWeight(Value distance) {
  Value x = b.create<math::AbsFOp>(loc, distance);
  double a = axis.op.getCubicCoeffA().convertToFloat();
  // |x| <= 1: ((a + 2) x - (a + 3)) x^2 + 1
  Value near = sub(mul(constant(a + 2), x), constant(a + 3));
  near = add(mul(mul(near, x), x), constant(1));
  // |x| < 2: ((a x - 5a) x + 8a) x - 4a
  Value far = sub(mul(constant(a), x), constant(5 * a));
  far = add(mul(far, x), constant(8 * a));
  far = sub(mul(far, x), constant(4 * a));
  Value weight = select(less(constant(1), x), far, near);
  return select(less(x, constant(2)), weight, constant(0));
}

/// What distances are multiplied by: less than one where antialiasing makes the
/// filter wider.
Value ResizeCoordinates::getFilterScale() {
  Value one = constant(1);
  if (!axis.op.getAntialias())
    return one;
  return select(less(scale, one), scale, one);
}

/// The same of a tap (i32).
std::pair<Value, Value> ResizeCoordinates::getIntegerTap(Value source,
                                                         Value tap) {
  Value last = sub(inputSize, constant(1));
  if (axis.op.getMode() == ResizeMode::Nearest)
    return {toInteger(clamp(getNearest(source), last)), constant(1)};
  bool isLinear = axis.op.getMode() == ResizeMode::Linear;
  int64_t before = axis.getTapCount() / 2 - 1;
  Value offset = b.create<arith::SIToFPOp>(
      loc, b.getF32Type(), b.create<arith::SubIOp>(loc, tap, integer(before)));
  // Without antialiasing a linear source outside is the border itself.
  if (isLinear && !axis.op.getAntialias())
    source = clamp(source, last);
  Value at = add(floor(source), offset);
  Value distance = mul(sub(source, at), getFilterScale());
  Value weight =
      isLinear ? getLinearWeight(distance) : getCubicWeight(distance);
  if (axis.op.getExcludeOutside()) {
    weight = select(less(at, constant(0)), constant(0), weight);
    weight = select(less(last, at), constant(0), weight);
  }
  return {toInteger(clamp(at, last)), weight};
}

std::pair<Value, Value> ResizeCoordinates::getTap(Value source, Value tap) {
  return getIntegerTap(source, indexToInteger(tap));
}

Value ResizeCoordinates::normalize(Value weight, Value source) {
  // Else the sum is one by construction.
  if (!axis.op.getExcludeOutside() && !axis.op.getAntialias())
    return weight;
  Value total = constant(0);
  for (int64_t tap = 0, e = axis.getTapCount(); tap != e; ++tap)
    total = add(total, getIntegerTap(source, integer(tap)).second);
  return div(weight, total);
}

Value ResizeCoordinates::isOutside(Value source) {
  Value last = sub(inputSize, constant(1));
  return b.create<arith::OrIOp>(loc, less(source, constant(0)),
                                less(last, source));
}
