//===- Reduction.cpp - reductions along axes --------------------*- C++ -*-===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Reduction.h"
#include "Generic.h"
#include "Scalars.h"
#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/TypeUtilities.h"

using namespace mlir;
using namespace nncc;
using namespace nncc::nn;

//===----------------------------------------------------------------------===//
// Types
//===----------------------------------------------------------------------===//

static LogicalResult checkAxis(std::optional<Location> loc, int64_t axis,
                               RankedTensorType type) {
  if (axis < 0 || axis >= type.getRank())
    return emitOptionalError(loc, "axis ", axis, " is out of range for ", type);
  return success();
}

LogicalResult nn::inferReduction(std::optional<Location> loc, Type input,
                                 ArrayRef<int64_t> axes, bool keepdims,
                                 SmallVectorImpl<Type> &types) {
  auto type = cast<RankedTensorType>(input);
  if (!type.getElementType().isIntOrFloat())
    return emitOptionalError(loc, "cannot reduce ", type);
  SmallVector<AffineExpr> dims = getDims(type);
  llvm::SmallDenseSet<int64_t> seen;
  for (int64_t axis : axes) {
    if (failed(checkAxis(loc, axis, type)))
      return failure();
    if (!seen.insert(axis).second)
      return emitOptionalError(loc, "axis ", axis, " is given twice");
    dims[axis] = getAffineConstantExpr(1, type.getContext());
  }
  if (!keepdims)
    dims = dropAxes(dims, axes);
  types.push_back(makeTensorType(dims, type.getElementType()));
  return success();
}

/// Ops whose result has the input's type.
static LogicalResult inferAlong(std::optional<Location> loc, StringRef name,
                                Type input, int64_t axis, bool floats,
                                SmallVectorImpl<Type> &types) {
  auto type = cast<RankedTensorType>(input);
  if (floats ? !isa<FloatType>(type.getElementType())
             : !type.getElementType().isIntOrFloat())
    return emitOptionalError(loc, "'", name, "' does not take ", type);
  types.push_back(type);
  return checkAxis(loc, axis, type);
}

/// The result, which does not have the axes, with the sizes of the op's type.
static Value restoreAxes(LoweringBuilder &b, Location loc, Value value,
                         ArrayRef<AffineExpr> dims, ArrayRef<int64_t> axes,
                         Type result) {
  return buildReshaped(b, loc, value, dropAxes(dims, axes), getDims(result));
}

//===----------------------------------------------------------------------===//
// Sums, products, extrema
//===----------------------------------------------------------------------===//

static Value reduce(ReductionOpInterface op, ArrayRef<int64_t> axes,
                    LoweringBuilder &b, Value input) {
  Type type = op->getOperand(0).getType();
  return buildReduction(b, op.getLoc(), input, getDims(type), axes,
                        op.getNeutral(getElementTypeOrSelf(type)),
                        [&](OpBuilder &inner, Location, ValueRange args) {
                          return op.combine(inner, args[0], args[1]);
                        });
}

FailureOr<SmallVector<Value>> nn::lowerReduction(ReductionOpInterface op,
                                                 ArrayRef<int64_t> axes,
                                                 LoweringBuilder &b,
                                                 Value input) {
  Value value = reduce(op, axes, b, input);
  return SmallVector<Value>{restoreAxes(b, op.getLoc(), value,
                                        getDims(op->getOperand(0).getType()),
                                        axes, op->getResult(0).getType())};
}

FailureOr<SmallVector<Value>> nn::lowerMean(ReductionOpInterface op,
                                            ArrayRef<int64_t> axes,
                                            LoweringBuilder &b, Value input) {
  Location loc = op.getLoc();
  SmallVector<AffineExpr> dims = getDims(op->getOperand(0).getType());
  Type element = getElementTypeOrSelf(op->getOperand(0).getType());
  Value sum = reduce(op, axes, b, input);
  SmallVector<AffineExpr> reduced;
  for (int64_t axis : axes)
    reduced.push_back(dims[axis]);
  AffineExpr count = getProduct(reduced, b.getContext());
  std::optional<int64_t> known = getConstantValue(count);
  SmallVector<AffineExpr> keptDims = dropAxes(dims, axes);
  Value size = known ? Value() : b.dim(count);
  Value mean = buildParallel(
      b, loc, keptDims, element,
      {{sum, getLoops(b.getContext(), keptDims.size())}},
      [&](OpBuilder &inner, Location loc, ValueRange args) {
        Value divisor;
        if (known) {
          divisor = scalar::constant(inner, loc, element, *known);
        } else {
          // The mean of nothing is its sum, 0, as onnxruntime has it.
          Type i64 = inner.getI64Type();
          divisor = inner.create<arith::IndexCastOp>(loc, i64, size);
          divisor = inner.create<arith::MaxSIOp>(
              loc, divisor, scalar::constant(inner, loc, i64, 1));
          divisor = scalar::cast(inner, loc, i64, element, divisor);
        }
        return scalar::div(inner, loc, element, {args[0], divisor});
      });
  return SmallVector<Value>{
      restoreAxes(b, loc, mean, dims, axes, op->getResult(0).getType())};
}

/// The product of shape elements: a number of elements.
SymbolicElements
ReduceProdOp::inferElements(ArrayRef<SymbolicElements> operands) {
  if (!operands[0] || getType().getNumElements() != 1)
    return std::nullopt;
  return SmallVector<AffineExpr>{getProduct(*operands[0], getContext())};
}

//===----------------------------------------------------------------------===//
// Positions of extrema
//===----------------------------------------------------------------------===//

static LogicalResult inferArgReduce(std::optional<Location> loc, Type input,
                                    int64_t axis, bool keepdims,
                                    SmallVectorImpl<Type> &types) {
  if (failed(inferReduction(loc, input, {axis}, keepdims, types)))
    return failure();
  types[0] =
      withElementType(types[0], IntegerType::get(input.getContext(), 64));
  return success();
}

LogicalResult ArgMaxOp::inferReturnTypes(MLIRContext *,
                                         std::optional<Location> loc,
                                         Adaptor op,
                                         SmallVectorImpl<Type> &types) {
  return inferArgReduce(loc, op.getInput().getType(), op.getAxis(),
                        op.getKeepdims(), types);
}

LogicalResult ArgMinOp::inferReturnTypes(MLIRContext *,
                                         std::optional<Location> loc,
                                         Adaptor op,
                                         SmallVectorImpl<Type> &types) {
  return inferArgReduce(loc, op.getInput().getType(), op.getAxis(),
                        op.getKeepdims(), types);
}

/// Finds the extremum, then the least (greatest) position that holds it.
template <typename Op>
static SmallVector<Value> lowerArgReduce(Op op, LoweringBuilder &b, Value input,
                                         bool isMax) {
  Location loc = op.getLoc();
  Type element = op.getInput().getType().getElementType();
  SmallVector<AffineExpr> dims = getDims(op.getInput().getType());
  int64_t axis = op.getAxis();
  TypedAttr neutral =
      isMax ? scalar::getLeast(element) : scalar::getGreatest(element);
  Value best = buildReduction(
      b, loc, input, dims, {axis}, neutral,
      [&](OpBuilder &inner, Location loc, ValueRange args) {
        return isMax ? scalar::max(inner, loc, element, {args[1], args[0]})
                     : scalar::min(inner, loc, element, {args[1], args[0]});
      });
  bool last = op.getSelectLast();
  // No row is longer, and vectors of i64 have half the lanes.
  Type i32 = b.getI32Type(), i64 = b.getI64Type();
  TypedAttr start =
      last ? scalar::getNumber(i32, -1) : scalar::getGreatest(i32);
  unsigned loop = dims.size() - 1;
  Value position = buildReduction(
      b, loc, input, dims, {axis}, start,
      [&](OpBuilder &inner, Location loc, ValueRange args) {
        Value index = inner.create<arith::IndexCastOp>(
            loc, i32, inner.create<linalg::IndexOp>(loc, loop));
        Value isBest = scalar::equal(inner, loc, element, {args[0], args[1]});
        Value candidate = inner.create<arith::SelectOp>(
            loc, isBest, index, scalar::constant(inner, loc, start));
        return last ? scalar::max(inner, loc, i32, {args[2], candidate})
                    : scalar::min(inner, loc, i32, {args[2], candidate});
      },
      best);
  SmallVector<AffineExpr> kept = dropAxes(dims, {axis});
  Value wide = buildParallel(
      b, loc, kept, i64, {{position, getLoops(b.getContext(), kept.size())}},
      [&](OpBuilder &inner, Location loc, ValueRange args) {
        return scalar::cast(inner, loc, i32, i64, args[0]);
      });
  return {restoreAxes(b, loc, wide, dims, {axis}, op.getType())};
}

FailureOr<SmallVector<Value>> ArgMaxOp::lowerToLinalg(LoweringBuilder &b,
                                                      ValueRange operands) {
  return lowerArgReduce(*this, b, operands[0], /*isMax=*/true);
}

FailureOr<SmallVector<Value>> ArgMinOp::lowerToLinalg(LoweringBuilder &b,
                                                      ValueRange operands) {
  return lowerArgReduce(*this, b, operands[0], /*isMax=*/false);
}

//===----------------------------------------------------------------------===//
// Softmax
//===----------------------------------------------------------------------===//

LogicalResult SoftmaxOp::inferReturnTypes(MLIRContext *,
                                          std::optional<Location> loc,
                                          Adaptor op,
                                          SmallVectorImpl<Type> &types) {
  return inferAlong(loc, getOperationName(), op.getInput().getType(),
                    op.getAxis(), /*floats=*/true, types);
}

LogicalResult LogSoftmaxOp::inferReturnTypes(MLIRContext *,
                                             std::optional<Location> loc,
                                             Adaptor op,
                                             SmallVectorImpl<Type> &types) {
  return inferAlong(loc, getOperationName(), op.getInput().getType(),
                    op.getAxis(), /*floats=*/true, types);
}

namespace {
/// The parts of a softmax along one axis.
struct SoftmaxBuilder {
  LoweringBuilder &b;
  Location loc;
  SmallVector<AffineExpr> dims;
  int64_t axis;
  Type element;

  SmallVector<AffineExpr> keptDims() const { return dropAxes(dims, {axis}); }
  SmallVector<AffineExpr> loops() const {
    return getLoops(b.getContext(), dims.size());
  }
  Value reduceMax(Value input) {
    return buildReduction(
        b, loc, input, dims, {axis}, scalar::getLeast(element),
        [&](OpBuilder &inner, Location loc, ValueRange args) {
          return scalar::max(inner, loc, element, {args[1], args[0]});
        });
  }
  Value reduceSum(Value input) {
    return buildReduction(b, loc, input, dims, {axis}, scalar::getZero(element),
                          [&](OpBuilder &inner, Location loc, ValueRange args) {
                            return scalar::add(inner, loc, element,
                                               {args[1], args[0]});
                          });
  }
  Value mapReduced(Value input, ScalarBody body) {
    SmallVector<AffineExpr> kept = keptDims();
    return buildParallel(b, loc, kept, element,
                         {{input, getLoops(b.getContext(), kept.size())}},
                         body);
  }
  /// `body` of each element and the reduced value of its row.
  Value mapRows(Value input, Value reduced, ScalarBody body) {
    return buildParallel(
        b, loc, dims, element,
        {{input, loops()}, {reduced, dropAxes(loops(), {axis})}}, body);
  }
};
} // namespace

static Value buildSub(OpBuilder &b, Location loc, ValueRange args) {
  return b.create<arith::SubFOp>(loc, args[0], args[1]);
}

/// Of an element less its row's maximum. Beside e^0, which is among them,
/// powers that are denormal do not count.
static Value buildPower(OpBuilder &b, Location loc, Value shifted) {
  return b.create<math::ExpOp>(loc, shifted, arith::FastMathFlags::afn);
}

FailureOr<SmallVector<Value>> SoftmaxOp::lowerToLinalg(LoweringBuilder &b,
                                                       ValueRange operands) {
  SoftmaxBuilder rows{b, getLoc(), getDims(getType()),
                      static_cast<int64_t>(getAxis()),
                      getType().getElementType()};
  Value powers = rows.mapRows(
      operands[0], rows.reduceMax(operands[0]),
      [](OpBuilder &inner, Location loc, ValueRange args) -> Value {
        return buildPower(inner, loc, buildSub(inner, loc, args));
      });
  Value inverse = rows.mapReduced(
      rows.reduceSum(powers),
      [&](OpBuilder &inner, Location loc, ValueRange args) {
        return scalar::reciprocal(inner, loc, rows.element, args);
      });
  return SmallVector<Value>{rows.mapRows(
      powers, inverse,
      [](OpBuilder &inner, Location loc, ValueRange args) -> Value {
        return inner.create<arith::MulFOp>(loc, args[0], args[1]);
      })};
}

FailureOr<SmallVector<Value>> LogSoftmaxOp::lowerToLinalg(LoweringBuilder &b,
                                                          ValueRange operands) {
  SoftmaxBuilder rows{b, getLoc(), getDims(getType()),
                      static_cast<int64_t>(getAxis()),
                      getType().getElementType()};
  Value shifted =
      rows.mapRows(operands[0], rows.reduceMax(operands[0]), buildSub);
  Value powers = buildParallel(
      b, getLoc(), rows.dims, rows.element, {{shifted, rows.loops()}},
      [](OpBuilder &inner, Location loc, ValueRange args) {
        return buildPower(inner, loc, args[0]);
      });
  Value logs = rows.mapReduced(
      rows.reduceSum(powers),
      [](OpBuilder &inner, Location loc, ValueRange args) -> Value {
        return inner.create<math::LogOp>(loc, args[0]);
      });
  return SmallVector<Value>{rows.mapRows(shifted, logs, buildSub)};
}

//===----------------------------------------------------------------------===//
// Running sums
//===----------------------------------------------------------------------===//

LogicalResult CumSumOp::inferReturnTypes(MLIRContext *,
                                         std::optional<Location> loc,
                                         Adaptor op,
                                         SmallVectorImpl<Type> &types) {
  return inferAlong(loc, getOperationName(), op.getInput().getType(),
                    op.getAxis(), /*floats=*/false, types);
}

/// A loop along the axis that carries the sum and the result.
FailureOr<SmallVector<Value>> CumSumOp::lowerToLinalg(LoweringBuilder &b,
                                                      ValueRange operands) {
  Location loc = getLoc();
  Type element = getType().getElementType();
  SmallVector<AffineExpr> dims = getDims(getType()), sliceDims(dims);
  int64_t axis = getAxis();
  AffineExpr size = dims[axis];
  sliceDims[axis] = b.getAffineConstantExpr(1);
  SmallVector<OpFoldResult> zeros(dims.size(), b.getIndexAttr(0));
  SmallVector<OpFoldResult> ones(dims.size(), b.getIndexAttr(1));
  SmallVector<OpFoldResult> sliceSizes = b.sizes(sliceDims);
  Value sum = b.fill(loc, sliceDims, scalar::getZero(element));
  Value result = b.empty(loc, dims, element);
  Value lower = b.dim(b.getAffineConstantExpr(0));
  Value step = b.dim(b.getAffineConstantExpr(1));
  Value upper = b.dim(size);
  auto loop =
      b.create<scf::ForOp>(loc, lower, upper, step, ValueRange{sum, result});
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToEnd(loop.getBody());
  Value position = loop.getInductionVar();
  if (getReverse()) {
    Value last = b.dim(simplify(size - 1));
    position = b.create<arith::SubIOp>(loc, last, position);
  }
  SmallVector<OpFoldResult> offsets(zeros);
  offsets[axis] = position;
  RankedTensorType sliceType = b.getPlainType(sliceDims, element);
  Value slice = b.create<tensor::ExtractSliceOp>(loc, sliceType, operands[0],
                                                 offsets, sliceSizes, ones);
  Value before = loop.getRegionIterArg(0);
  SmallVector<AffineExpr> loops = getLoops(b.getContext(), dims.size());
  Value next = buildParallel(
      b, loc, sliceDims, element, {{before, loops}, {slice, loops}},
      [&](OpBuilder &inner, Location loc, ValueRange args) {
        return scalar::add(inner, loc, element, args);
      });
  Value inserted = b.create<tensor::InsertSliceOp>(
      loc, getExclusive() ? before : next, loop.getRegionIterArg(1), offsets,
      sliceSizes, ones);
  b.create<scf::YieldOp>(loc, ValueRange{next, inserted});
  return SmallVector<Value>{loop.getResult(1)};
}
