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

#include "ResizeCoordinates.h"
#include "SpatialUtils.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
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
/// Interpolation along one axis.
struct AxisBuilder : ResizeAxis {
  LoweringBuilder &b;

  AxisBuilder(const ResizeAxis &axis, LoweringBuilder &b)
      : ResizeAxis(axis), b(b) {}

  Location loc() { return op.getLoc(); }

  /// The index and weight tables, [to, taps] of i32 and f32.
  std::pair<Value, Value> buildTables();
  Value buildGather(Value input, ArrayRef<AffineExpr> dims);
  Value buildCropFill(Value resized, ArrayRef<AffineExpr> dims);
};

/// Reads the input in the body of a loop over the output: at an index along the
/// axis, and where the loop stands along the others.
struct TapReader {
  OpBuilder &b;
  Location loc;
  Value input;
  int64_t axis;

  Value load(Value index);
  Value weigh(Value index, Value weight);

  /// The sum of so many taps and what comes before, if anything; `args` begin
  /// with their indices and weights.
  Value sum(ValueRange args, unsigned taps, Value before);
};
} // namespace

std::pair<Value, Value> AxisBuilder::buildTables() {
  AffineExpr taps = getAffineConstantExpr(getTapCount(), b.getContext());
  Type i32 = b.getI32Type(), f32 = b.getF32Type();
  Value fromSize = b.dim(from), toSize = b.dim(to);
  auto build = [&](bool isIndex) {
    return buildElementwise(
        b, loc(), {}, {to, taps}, isIndex ? i32 : f32,
        [&](OpBuilder &body, Location loc, ValueRange) -> Value {
          ResizeCoordinates at(*this, body, loc, fromSize, toSize);
          Value x = body.create<linalg::IndexOp>(loc, 0);
          Value tap = body.create<linalg::IndexOp>(loc, 1);
          Value source = at.getSource(x);
          auto [index, weight] = at.getTap(source, tap);
          return isIndex ? index : at.normalize(weight, source);
        });
  };
  Value indices = build(true);
  return {indices, getTapCount() == 1 ? Value() : build(false)};
}

Value TapReader::load(Value index) {
  SmallVector<Value> position;
  int64_t rank = cast<RankedTensorType>(input.getType()).getRank();
  for (int64_t i = 0; i != rank; ++i)
    if (i == axis)
      position.push_back(
          b.create<arith::IndexCastOp>(loc, b.getIndexType(), index));
    else
      position.push_back(b.create<linalg::IndexOp>(loc, i));
  return b.create<tensor::ExtractOp>(loc, input, position);
}

Value TapReader::weigh(Value index, Value weight) {
  Type element = getElementTypeOrSelf(input);
  unsigned width = element.getIntOrFloatBitWidth();
  if (width < 32)
    weight = b.create<arith::TruncFOp>(loc, element, weight);
  else if (width > 32)
    weight = b.create<arith::ExtFOp>(loc, element, weight);
  return b.create<arith::MulFOp>(loc, load(index), weight);
}

Value TapReader::sum(ValueRange args, unsigned taps, Value before) {
  Value result = before;
  for (unsigned tap = 0; tap != taps; ++tap) {
    Value term = weigh(args[tap], args[taps + tap]);
    result =
        result ? b.create<arith::AddFOp>(loc, result, term).getResult() : term;
  }
  return result;
}

/// Sums the taps: an elementwise op for a few, a reduction for many.
Value AxisBuilder::buildGather(Value input, ArrayRef<AffineExpr> dims) {
  MLIRContext *context = b.getContext();
  Value indices, weights;
  std::tie(indices, weights) = buildTables();
  unsigned rank = dims.size();
  bool reduces = getTapCount() > 4;
  unsigned loops = reduces ? rank + 1 : rank;
  unsigned taps = reduces ? 1 : getTapCount(); // in a turn of the loops
  AffineExpr x = getAffineDimExpr(axis, context);

  // The tables' operands: each tap of a row, or the row along the last loop.
  SmallVector<Value> operands;
  SmallVector<AffineMap> maps;
  for (Value table : {indices, weights}) {
    for (unsigned tap = 0; table && tap != taps; ++tap) {
      AffineExpr column = reduces ? getAffineDimExpr(rank, context)
                                  : getAffineConstantExpr(tap, context);
      operands.push_back(table);
      maps.push_back(AffineMap::get(loops, 0, {x, column}, context));
    }
  }
  maps.push_back(
      AffineMap::getMultiDimIdentityMap(loops, context).getMajorSubMap(rank));
  Type element = getElementTypeOrSelf(input);
  Value init = reduces ? b.fill(loc(), dims, b.getZeroAttr(element))
                       : b.empty(loc(), dims, element);
  SmallVector<utils::IteratorType> iterators(loops,
                                             utils::IteratorType::parallel);
  if (reduces)
    iterators.back() = utils::IteratorType::reduction;
  auto generic = b.create<linalg::GenericOp>(
      loc(), init.getType(), operands, init, maps, iterators,
      [&](OpBuilder &body, Location loc, ValueRange args) {
        TapReader reader{body, loc, input, axis};
        Value sum = reduces ? args.back() : Value();
        body.create<linalg::YieldOp>(loc, weights ? reader.sum(args, taps, sum)
                                                  : reader.load(args[0]));
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
        ResizeCoordinates at(*this, body, loc, fromSize, toSize);
        Value x = body.create<linalg::IndexOp>(loc, axis);
        Value outside = at.isOutside(at.getSource(x));
        Value filler = body.create<arith::ConstantOp>(
            loc, body.getFloatAttr(
                     element, op.getExtrapolationValue().convertToFloat()));
        return body.create<arith::SelectOp>(loc, outside, filler, args[0]);
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
    unsigned number = static_cast<unsigned>(entry);
    AxisBuilder builder({*this, number, axis, dims[axis], target[axis]}, b);
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
