//===- Resize.cpp - interpolation along some axes ---------------*- C++ -*-===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// One axis after another. Along an axis, output element x is the sum of
// weights[x, t] * input[indices[x, t]] over a few taps t. The two tables are
// small ops of their own on the loop index: with known sizes they are constant,
// otherwise they are computed once a run. Nearest-neighbour resizing by whole
// factors needs no table, and is one copy for all such axes.
//
//===----------------------------------------------------------------------===//

#include "SpatialUtils.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "nncc/Dialect/NN/NN.h"
#include "nncc/Dialect/NN/Symbols.h"
#include <cmath>

using namespace mlir;
using namespace nncc;
using namespace nncc::nn;

//===----------------------------------------------------------------------===//
// Verification
//===----------------------------------------------------------------------===//

LogicalResult ResizeOp::verify() {
  RankedTensorType input = getInput().getType(), result = getType();
  if (input.getRank() != result.getRank() ||
      input.getElementType() != result.getElementType())
    return emitOpError() << "has input " << input << " and result " << result
                         << ", which differ in more than sizes";
  llvm::SmallBitVector seen(input.getRank());
  for (int64_t axis : getAxes()) {
    if (axis < 0 || axis >= input.getRank() || seen[axis])
      return emitOpError() << "has axes " << getAxes()
                           << " that are not different dimensions of " << input;
    seen.set(axis);
  }
  SmallVector<AffineExpr> from = getDims(input), to = getDims(result);
  for (int64_t i = 0; i != input.getRank(); ++i)
    if (!seen[i] && from[i] != to[i])
      return emitOpError() << "changes dimension " << i
                           << ", which is none of its axes";
  if (auto scales = getScales()) {
    if (scales->size() != getAxes().size())
      return emitOpError() << "has " << scales->size() << " scales for "
                           << getAxes().size() << " axes";
    for (float scale : *scales)
      if (!std::isfinite(scale) || scale <= 0)
        return emitOpError() << "has the scale " << scale;
  }
  bool crops = getCoordinateMode() == CoordinateMode::TfCropAndResize;
  if (crops != getRoi().has_value() ||
      (crops && getRoi()->size() != 2 * getAxes().size()))
    return emitOpError() << "needs a roi with two entries an axis in the mode "
                            "tf_crop_and_resize, and only there";
  if (getMode() != ResizeMode::Nearest &&
      !isa<FloatType>(input.getElementType()))
    return emitOpError() << "interpolates elements of type "
                         << input.getElementType()
                         << "; cast them to a floating-point type";
  return success();
}

//===----------------------------------------------------------------------===//
// One axis
//===----------------------------------------------------------------------===//

namespace {
/// One axis of a resize. Floating-point arithmetic is in f32, as ONNX has it.
struct AxisBuilder {
  LoweringBuilder &b;
  ResizeOp op;
  unsigned entry; ///< in the op's axes
  int64_t axis;
  AffineExpr from, to; ///< the sizes along the axis

  Location loc() { return op.getLoc(); }
  std::optional<double> getScale();
  std::optional<AffineExpr> getNearestMap();
  int64_t getTapCount();
  /// The index and weight tables, [to, taps] of i32 and f32.
  std::pair<Value, Value> buildTables();
  Value buildGather(Value input, ArrayRef<AffineExpr> dims);
  Value buildCropFill(Value resized, ArrayRef<AffineExpr> dims);
};

/// Scalar code for one output position along an axis.
struct Coordinates {
  AxisBuilder &axis;
  OpBuilder &b;
  Location loc;
  Value inputSize, outputSize; ///< f32
  Value scale;                 ///< f32, output per input

  Value constant(double value) {
    return b.create<arith::ConstantOp>(loc, b.getF32FloatAttr(value));
  }
  Value integer(int64_t value) {
    return b.create<arith::ConstantOp>(loc, b.getI32IntegerAttr(value));
  }
  Value add(Value x, Value y) { return b.create<arith::AddFOp>(loc, x, y); }
  Value sub(Value x, Value y) { return b.create<arith::SubFOp>(loc, x, y); }
  Value mul(Value x, Value y) { return b.create<arith::MulFOp>(loc, x, y); }
  Value div(Value x, Value y) { return b.create<arith::DivFOp>(loc, x, y); }
  Value floor(Value x) { return b.create<math::FloorOp>(loc, x); }
  Value ceil(Value x) { return b.create<math::CeilOp>(loc, x); }
  Value less(Value x, Value y) {
    return b.create<arith::CmpFOp>(loc, arith::CmpFPredicate::OLT, x, y);
  }
  Value select(Value condition, Value x, Value y) {
    return b.create<arith::SelectOp>(loc, condition, x, y);
  }
  /// x in [0, last].
  Value clamp(Value x, Value last) {
    Value zero = constant(0);
    x = select(less(x, zero), zero, x);
    return select(less(last, x), last, x);
  }
  Value toInteger(Value x) {
    return b.create<arith::FPToSIOp>(loc, b.getI32Type(), x);
  }

  Value indexToInteger(Value index) {
    return b.create<arith::IndexCastOp>(loc, b.getI32Type(), index);
  }
  Value indexToFloat(Value index) {
    return b.create<arith::SIToFPOp>(loc, b.getF32Type(),
                                     indexToInteger(index));
  }

  Value getSource(Value x);
  Value getNearest(Value source);
  Value getCubicWeight(Value distance);
  Value getLinearWeight(Value distance);
  Value getFilterScale();
  std::pair<Value, Value> getTap(Value source, Value tap);
  Value getTotal(Value source);
};
} // namespace

static Coordinates makeCoordinates(AxisBuilder &axis, OpBuilder &b,
                                   Location loc, Value inputSize,
                                   Value outputSize) {
  Coordinates at{axis, b, loc, Value(), Value(), Value()};
  at.inputSize = at.indexToFloat(inputSize);
  at.outputSize = at.indexToFloat(outputSize);
  std::optional<double> known = axis.getScale();
  at.scale = known ? at.constant(*known) : at.div(at.outputSize, at.inputSize);
  return at;
}

/// Output per input elements, if known at compile time.
std::optional<double> AxisBuilder::getScale() {
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

/// Where the nearest neighbour is an affine function of the position.
std::optional<AffineExpr> AxisBuilder::getNearestMap() {
  std::optional<double> scale = getScale();
  if (op.getMode() != ResizeMode::Nearest || !scale)
    return std::nullopt;
  AffineExpr x = getAffineDimExpr(axis, b.getContext());
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

/// The position in the input that output position `x` stands for.
Value Coordinates::getSource(Value x) {
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

Value Coordinates::getNearest(Value source) {
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
Value Coordinates::getLinearWeight(Value distance) {
  Value weight = sub(constant(1), b.create<math::AbsFOp>(loc, distance));
  return select(less(weight, constant(0)), constant(0), weight);
}

/// Keys' cubic of half-width two.
Value Coordinates::getCubicWeight(Value distance) {
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
Value Coordinates::getFilterScale() {
  Value one = constant(1);
  if (!axis.op.getAntialias())
    return one;
  return select(less(scale, one), scale, one);
}

/// How many input elements one output element may depend on.
int64_t AxisBuilder::getTapCount() {
  if (op.getMode() == ResizeMode::Nearest)
    return 1;
  int64_t taps = op.getMode() == ResizeMode::Linear ? 2 : 4;
  double scale = getScale().value_or(1);
  if (op.getAntialias() && scale < 1)
    taps = static_cast<int64_t>(std::ceil(taps / scale)) + 1;
  return taps;
}

/// The index, clamped to the input, and the weight of a tap (i32). Weights are
/// not normalised yet.
std::pair<Value, Value> Coordinates::getTap(Value source, Value tap) {
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

/// The sum of all taps' weights, null where it is one by construction.
Value Coordinates::getTotal(Value source) {
  if (!axis.op.getExcludeOutside() && !axis.op.getAntialias())
    return nullptr;
  Value total = constant(0);
  for (int64_t tap = 0, e = axis.getTapCount(); tap != e; ++tap)
    total = add(total, getTap(source, integer(tap)).second);
  return total;
}

std::pair<Value, Value> AxisBuilder::buildTables() {
  AffineExpr taps = getAffineConstantExpr(getTapCount(), b.getContext());
  Type i32 = b.getI32Type(), f32 = b.getF32Type();
  Value fromSize = b.dim(from), toSize = b.dim(to);
  auto build = [&](bool isIndex) {
    return buildElementwise(
        b, loc(), {}, {to, taps}, isIndex ? i32 : f32,
        [&](OpBuilder &body, Location loc, ValueRange) -> Value {
          Coordinates at = makeCoordinates(*this, body, loc, fromSize, toSize);
          Value x = body.create<linalg::IndexOp>(loc, 0);
          Value tap = body.create<linalg::IndexOp>(loc, 1);
          Value source = at.getSource(at.indexToFloat(x));
          auto [index, weight] = at.getTap(source, at.indexToInteger(tap));
          if (isIndex)
            return index;
          Value total = at.getTotal(source);
          return total ? at.div(weight, total) : weight;
        });
  };
  Value indices = build(true);
  return {indices, getTapCount() == 1 ? Value() : build(false)};
}

/// Sums the taps: an elementwise op for a few, a reduction for many.
Value AxisBuilder::buildGather(Value input, ArrayRef<AffineExpr> dims) {
  MLIRContext *context = b.getContext();
  auto [indices, weights] = buildTables();
  int64_t taps = getTapCount();
  unsigned rank = dims.size();
  bool reduces = taps > 4;
  unsigned loops = rank + (reduces ? 1 : 0);
  AffineExpr x = getAffineDimExpr(axis, context);
  Type element = getElementTypeOrSelf(input);

  // The tables' operands: each tap of a row, or the row along the last loop.
  SmallVector<Value> operands;
  SmallVector<AffineMap> maps;
  for (Value table : {indices, weights}) {
    for (int64_t tap = 0; table && tap != (reduces ? 1 : taps); ++tap) {
      AffineExpr column = reduces ? getAffineDimExpr(rank, context)
                                  : getAffineConstantExpr(tap, context);
      operands.push_back(table);
      maps.push_back(AffineMap::get(loops, 0, {x, column}, context));
    }
  }
  maps.push_back(
      AffineMap::getMultiDimIdentityMap(loops, context).getMajorSubMap(rank));
  Value init = reduces ? b.fill(loc(), dims, b.getZeroAttr(element))
                       : b.empty(loc(), dims, element);
  SmallVector<utils::IteratorType> iterators(rank,
                                             utils::IteratorType::parallel);
  if (reduces)
    iterators.push_back(utils::IteratorType::reduction);
  auto generic = b.create<linalg::GenericOp>(
      loc(), init.getType(), operands, init, maps, iterators,
      [&](OpBuilder &body, Location loc, ValueRange args) {
        auto load = [&](Value index) -> Value {
          SmallVector<Value> position;
          for (unsigned i = 0; i != rank; ++i)
            if (i == axis)
              position.push_back(body.create<arith::IndexCastOp>(
                  loc, body.getIndexType(), index));
            else
              position.push_back(body.create<linalg::IndexOp>(loc, i));
          return body.create<tensor::ExtractOp>(loc, input, position);
        };
        auto weigh = [&](Value index, Value weight) -> Value {
          unsigned width = element.getIntOrFloatBitWidth();
          if (width < 32)
            weight = body.create<arith::TruncFOp>(loc, element, weight);
          else if (width > 32)
            weight = body.create<arith::ExtFOp>(loc, element, weight);
          return body.create<arith::MulFOp>(loc, load(index), weight);
        };
        Value result;
        if (taps == 1) {
          result = load(args[0]);
        } else {
          unsigned count = reduces ? 1 : taps;
          result = reduces ? args.back() : Value();
          for (unsigned tap = 0; tap != count; ++tap) {
            Value term = weigh(args[tap], args[count + tap]);
            result =
                result
                    ? body.create<arith::AddFOp>(loc, result, term).getResult()
                    : term;
          }
        }
        body.create<linalg::YieldOp>(loc, result);
      });
  return generic.getResult(0);
}

/// Elements whose source lies outside of the input become the extrapolation
/// value.
Value AxisBuilder::buildCropFill(Value resized, ArrayRef<AffineExpr> dims) {
  auto element = dyn_cast<FloatType>(getElementTypeOrSelf(resized));
  if (!element)
    return resized;
  Value fromSize = b.dim(from), toSize = b.dim(to);
  Operand operand = {resized, getMapDims(b.getContext(), 0, dims.size())};
  return buildElementwise(
      b, loc(), operand, dims, element,
      [&](OpBuilder &body, Location loc, ValueRange args) {
        Coordinates at = makeCoordinates(*this, body, loc, fromSize, toSize);
        Value x = body.create<linalg::IndexOp>(loc, axis);
        Value source = at.getSource(at.indexToFloat(x));
        Value last = at.sub(at.inputSize, at.constant(1));
        Value outside = body.create<arith::OrIOp>(
            loc, at.less(source, at.constant(0)), at.less(last, source));
        Value filler = body.create<arith::ConstantOp>(
            loc, body.getFloatAttr(
                     element, op.getExtrapolationValue().convertToFloat()));
        return at.select(outside, filler, args[0]);
      });
}

FailureOr<SmallVector<Value>> ResizeOp::lowerToLinalg(LoweringBuilder &b,
                                                      ValueRange operands) {
  SmallVector<AffineExpr> dims = getDims(getInput().getType());
  SmallVector<AffineExpr> target = getDims(getType());
  Value value = operands[0];
  bool crops = getCoordinateMode() == CoordinateMode::TfCropAndResize;
  SmallVector<AxisBuilder> gathered, filled;
  // Axes whose elements are copied are one copy.
  SmallVector<AffineExpr> index = getMapDims(getContext(), 0, dims.size());
  bool copies = false;
  for (auto [entry, axis] : llvm::enumerate(getAxes())) {
    AxisBuilder builder{b,    *this,      static_cast<unsigned>(entry),
                        axis, dims[axis], target[axis]};
    if (getAntialias() && getMode() != ResizeMode::Nearest &&
        !builder.getScale())
      return emitOpError() << "with antialiasing needs a scale that is known "
                              "at compile time";
    if (!crops && dims[axis] == target[axis] &&
        builder.getScale().value_or(1) == 1)
      continue;
    if (std::optional<AffineExpr> map = builder.getNearestMap()) {
      index[axis] = *map;
      dims[axis] = target[axis];
      copies = true;
    } else {
      gathered.push_back(builder);
    }
    if (crops)
      filled.push_back(builder);
  }
  if (copies)
    value = buildCopy(b, getLoc(), value, index, dims);
  for (AxisBuilder &builder : gathered) {
    dims[builder.axis] = builder.to;
    value = builder.buildGather(value, dims);
  }
  for (AxisBuilder &builder : filled)
    value = builder.buildCropFill(value, target);
  return SmallVector<Value>{value};
}
