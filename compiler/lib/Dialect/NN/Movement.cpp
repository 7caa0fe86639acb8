//===- Movement.cpp - concat, slice, pad, tile, iota ------------*- C++ -*-===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Constants.h"
#include "Generic.h"
#include "Scalars.h"
#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace nncc;
using namespace nncc::nn;

static Value keepElement(OpBuilder &, Location, ValueRange args) {
  return args[0];
}

//===----------------------------------------------------------------------===//
// Concat
//===----------------------------------------------------------------------===//

LogicalResult ConcatOp::inferReturnTypes(MLIRContext *,
                                         std::optional<Location> loc,
                                         Adaptor op,
                                         SmallVectorImpl<Type> &types) {
  if (op.getInputs().empty())
    return emitOptionalError(loc, "nothing to concatenate");
  auto first = cast<RankedTensorType>(op.getInputs()[0].getType());
  int64_t axis = op.getAxis();
  if (axis < 0 || axis >= first.getRank())
    return emitOptionalError(loc, "axis ", axis, " is out of range for ",
                             first);
  SmallVector<AffineExpr> dims = getDims(first);
  for (Value operand : op.getInputs().drop_front()) {
    auto type = cast<RankedTensorType>(operand.getType());
    SmallVector<AffineExpr> others = getDims(type);
    bool fits = type.getElementType() == first.getElementType() &&
                others.size() == dims.size();
    for (size_t i = 0; fits && i != dims.size(); ++i) {
      if (static_cast<int64_t>(i) == axis) {
        dims[i] = dims[i] + others[i];
        continue;
      }
      std::optional<int64_t> size = getConstantValue(dims[i]);
      std::optional<int64_t> other = getConstantValue(others[i]);
      fits = !size || !other || *size == *other;
      if (!size)
        dims[i] = others[i];
    }
    if (!fits)
      return emitOptionalError(loc, "cannot concatenate ",
                               op.getOperands().getTypes(), " along axis ",
                               axis);
  }
  types.push_back(makeTensorType(dims, first.getElementType()));
  return success();
}

SymbolicElements ConcatOp::inferElements(ArrayRef<SymbolicElements> operands) {
  // Row after row, the part of each operand.
  int64_t rows = 1;
  for (int64_t size : getType().getShape().take_front(getAxis()))
    rows *= size;
  SmallVector<AffineExpr> result;
  for (int64_t row = 0; row != rows; ++row)
    for (const SymbolicElements &elements : operands) {
      if (!elements)
        return std::nullopt;
      size_t size = elements->size() / rows;
      ArrayRef<AffineExpr> part(*elements);
      llvm::append_range(result, part.slice(row * size, size));
    }
  return result;
}

unsigned ConcatOp::getNumMovedOperands() { return getInputs().size(); }

OpFoldResult ConcatOp::fold(FoldAdaptor adaptor) {
  if (getInputs().size() == 1)
    return getInputs()[0];
  return foldMovement(*this, adaptor.getOperands());
}

FailureOr<SmallVector<Value>> ConcatOp::lowerToLinalg(LoweringBuilder &b,
                                                      ValueRange operands) {
  Location loc = getLoc();
  SmallVector<AffineExpr> dims = getDims(getType());
  SmallVector<OpFoldResult> offsets(dims.size(), b.getIndexAttr(0));
  SmallVector<OpFoldResult> ones(dims.size(), b.getIndexAttr(1));
  AffineExpr position = b.getAffineConstantExpr(0);
  Value result = b.empty(loc, dims, getType().getElementType());
  for (auto [input, value] : llvm::zip_equal(getInputs(), operands)) {
    SmallVector<AffineExpr> sizes = getDims(input.getType());
    if (getConstantValue(sizes[getAxis()]) == 0)
      continue;
    offsets[getAxis()] = b.size(position);
    result = b.create<tensor::InsertSliceOp>(loc, value, result, offsets,
                                             b.sizes(sizes), ones);
    position = simplify(position + sizes[getAxis()]);
  }
  return SmallVector<Value>{result};
}

//===----------------------------------------------------------------------===//
// Slice
//===----------------------------------------------------------------------===//

LogicalResult SliceOp::inferReturnTypes(MLIRContext *,
                                        std::optional<Location> loc, Adaptor op,
                                        SmallVectorImpl<Type> &types) {
  auto type = cast<RankedTensorType>(op.getInput().getType());
  size_t rank = type.getRank();
  if (op.getStarts().getNumResults() != rank ||
      op.getSizes().getNumResults() != rank || op.getSteps().size() != rank)
    return emitOptionalError(
        loc, "starts, sizes and steps need one entry a dimension of ", type);
  SmallVector<AffineExpr> dims = getDims(type);
  for (size_t i = 0; i != rank; ++i) {
    int64_t step = op.getSteps()[i];
    if (step == 0)
      return emitOptionalError(loc, "the step of dimension ", i, " is 0");
    std::optional<int64_t> dim = getConstantValue(dims[i]);
    std::optional<int64_t> start =
        getConstantValue(op.getStarts().getResult(i));
    std::optional<int64_t> size = getConstantValue(op.getSizes().getResult(i));
    if (size && *size < 0)
      return emitOptionalError(loc, "the size of dimension ", i, " is ", *size);
    if (!dim || !start || !size || *size == 0)
      continue;
    int64_t last;
    if (*size > *dim || llvm::MulOverflow(*size - 1, step, last) ||
        llvm::AddOverflow(last, *start, last) || *start < 0 || *start >= *dim ||
        last < 0 || last >= *dim)
      return emitOptionalError(loc, "the slice of dimension ", i, ", start ",
                               *start, " size ", *size, " step ", step,
                               ", leaves ", type);
  }
  types.push_back(
      makeTensorType(op.getSizes().getResults(), type.getElementType()));
  return success();
}

SymbolicElements SliceOp::inferElements(ArrayRef<SymbolicElements> operands) {
  auto type = getInput().getType();
  if (!operands[0] || !type.hasStaticShape() || !getType().hasStaticShape())
    return std::nullopt;
  SmallVector<AffineExpr> result;
  for (int64_t i = 0, e = getType().getNumElements(); i != e; ++i) {
    int64_t rest = i, stride = 1, source = 0;
    for (int64_t dim = type.getRank(); dim-- > 0;) {
      std::optional<int64_t> start =
          getConstantValue(getStarts().getResult(dim));
      if (!start)
        return std::nullopt;
      int64_t position = rest % getType().getDimSize(dim);
      rest /= getType().getDimSize(dim);
      source += (*start + position * getSteps()[dim]) * stride;
      stride *= type.getDimSize(dim);
    }
    result.push_back((*operands[0])[source]);
  }
  return result;
}

unsigned SliceOp::getNumMovedOperands() { return 1; }

OpFoldResult SliceOp::fold(FoldAdaptor adaptor) {
  bool isWhole = getType() == getInput().getType();
  for (auto [start, step] :
       llvm::zip_equal(getStarts().getResults(), getSteps()))
    isWhole = isWhole && getConstantValue(start) == 0 && step == 1;
  if (isWhole)
    return getInput();
  return foldMovement(*this, adaptor.getOperands());
}

/// `value` with the elements along `axes` in reverse.
static Value reverse(LoweringBuilder &b, Location loc, Value value,
                     ArrayRef<AffineExpr> dims, ArrayRef<bool> axes,
                     Type element) {
  SmallVector<AffineExpr> index = getLoops(b.getContext(), dims.size());
  bool isKnown = true;
  for (auto [i, expr] : llvm::enumerate(index)) {
    if (!axes[i])
      continue;
    expr = (dims[i] - 1) - expr;
    isKnown = isKnown && getConstantValue(dims[i]);
  }
  if (isKnown)
    return buildParallel(b, loc, dims, element, {{value, index}}, keepElement);
  // An indexing map has no symbols: compute the position.
  SmallVector<Value> last(dims.size());
  for (size_t i = 0; i != dims.size(); ++i)
    if (axes[i])
      last[i] = b.dim(dims[i] - 1);
  return buildParallel(
      b, loc, dims, element, {},
      [&](OpBuilder &inner, Location loc, ValueRange) -> Value {
        SmallVector<Value> position;
        for (size_t i = 0; i != dims.size(); ++i) {
          position.push_back(inner.create<linalg::IndexOp>(loc, i));
          if (axes[i])
            position.back() =
                inner.create<arith::SubIOp>(loc, last[i], position.back());
        }
        return inner.create<tensor::ExtractOp>(loc, value, position);
      });
}

FailureOr<SmallVector<Value>> SliceOp::lowerToLinalg(LoweringBuilder &b,
                                                     ValueRange operands) {
  Location loc = getLoc();
  SmallVector<AffineExpr> dims = getDims(getType());
  SmallVector<OpFoldResult> offsets, steps;
  SmallVector<bool> isReversed;
  for (auto [i, step] : llvm::enumerate(getSteps())) {
    AffineExpr start = getStarts().getResult(i);
    isReversed.push_back(step < 0);
    if (step < 0)
      start = start + (dims[i] - 1) * step;
    // The position in an empty slice does not matter.
    if (getConstantValue(dims[i]) == 0)
      start = b.getAffineConstantExpr(0);
    offsets.push_back(b.size(start));
    steps.push_back(b.getIndexAttr(std::abs(step)));
  }
  Type element = getType().getElementType();
  Value value = b.create<tensor::ExtractSliceOp>(
      loc, b.getPlainType(dims, element), operands[0], offsets, b.sizes(dims),
      steps);
  if (llvm::is_contained(isReversed, true))
    value = reverse(b, loc, value, dims, isReversed, element);
  return SmallVector<Value>{value};
}

//===----------------------------------------------------------------------===//
// Pad
//===----------------------------------------------------------------------===//

LogicalResult PadOp::inferReturnTypes(MLIRContext *,
                                      std::optional<Location> loc, Adaptor op,
                                      SmallVectorImpl<Type> &types) {
  auto type = cast<RankedTensorType>(op.getInput().getType());
  size_t rank = type.getRank();
  if (op.getLow().getNumResults() != rank ||
      op.getHigh().getNumResults() != rank)
    return emitOptionalError(loc, "low and high need one entry a dimension of ",
                             type);
  std::optional<TypedAttr> value = op.getValue();
  if (value && *value &&
      (*value).getType() != getPlainElementType(type.getElementType()))
    return emitOptionalError(loc, "the border's value is of type ",
                             (*value).getType(), " but the elements of ",
                             type.getElementType());
  SmallVector<AffineExpr> dims = getDims(type);
  for (size_t i = 0; i != rank; ++i) {
    AffineExpr low = op.getLow().getResult(i), high = op.getHigh().getResult(i);
    std::optional<int64_t> before = getConstantValue(dims[i]);
    dims[i] = simplify(dims[i] + low + high);
    std::optional<int64_t> after = getConstantValue(dims[i]);
    if (after && *after < 0)
      return emitOptionalError(loc, "removes more of dimension ", i,
                               " than there is of ", type);
    if (op.getMode() != PadMode::Constant && before == 0)
      return emitOptionalError(loc, "no elements to pad ", type, " with");
    // Each side takes elements from the input once.
    int64_t limit = before ? *before - (op.getMode() == PadMode::Reflect) : 0;
    bool isOnce =
        op.getMode() == PadMode::Reflect || op.getMode() == PadMode::Wrap;
    if (before && isOnce &&
        (getConstantValue(low).value_or(0) > limit ||
         getConstantValue(high).value_or(0) > limit))
      return emitOptionalError(loc, "the padding of dimension ", i,
                               " is larger than ", type, " allows");
  }
  types.push_back(makeTensorType(dims, type.getElementType()));
  return success();
}

OpFoldResult PadOp::fold(FoldAdaptor) {
  auto isZero = [](AffineExpr expr) { return getConstantValue(expr) == 0; };
  return llvm::all_of(getLow().getResults(), isZero) &&
                 llvm::all_of(getHigh().getResults(), isZero)
             ? OpFoldResult(getInput())
             : OpFoldResult();
}

/// The input's index for the result's index `position`, which may lie outside:
/// `size` is the input's.
static Value getBorderIndex(OpBuilder &b, Location loc, PadMode mode,
                            Value position, Value size) {
  Value zero = b.create<arith::ConstantIndexOp>(loc, 0);
  Value one = b.create<arith::ConstantIndexOp>(loc, 1);
  Value last = b.create<arith::SubIOp>(loc, size, one);
  if (mode == PadMode::Edge) {
    Value raised = b.create<arith::MaxSIOp>(loc, position, zero);
    return b.create<arith::MinSIOp>(loc, raised, last);
  }
  if (mode == PadMode::Reflect) {
    Value negated = b.create<arith::SubIOp>(loc, zero, position);
    Value raised = b.create<arith::MaxSIOp>(loc, position, negated);
    Value twice = b.create<arith::AddIOp>(loc, last, last);
    Value mirrored = b.create<arith::SubIOp>(loc, twice, raised);
    return b.create<arith::MinSIOp>(loc, raised, mirrored);
  }
  Value before =
      b.create<arith::CmpIOp>(loc, arith::CmpIPredicate::slt, position, zero);
  Value beyond =
      b.create<arith::CmpIOp>(loc, arith::CmpIPredicate::sge, position, size);
  Value raised = b.create<arith::AddIOp>(loc, position, size);
  Value lowered = b.create<arith::SubIOp>(loc, position, size);
  Value inside = b.create<arith::SelectOp>(loc, beyond, lowered, position);
  return b.create<arith::SelectOp>(loc, before, raised, inside);
}

/// Padding with elements of the input.
static Value padFromInput(PadOp op, LoweringBuilder &b, Value input) {
  SmallVector<AffineExpr> inputDims = getDims(op.getInput().getType());
  SmallVector<Value> lows, sizes;
  for (auto [i, dim] : llvm::enumerate(inputDims)) {
    AffineExpr low = op.getLow().getResult(i), high = op.getHigh().getResult(i);
    bool isInside = getConstantValue(low) == 0 && getConstantValue(high) == 0;
    lows.push_back(isInside ? Value() : b.dim(low));
    sizes.push_back(isInside ? Value() : b.dim(dim));
  }
  return buildParallel(
      b, op.getLoc(), getDims(op.getType()), op.getType().getElementType(), {},
      [&](OpBuilder &inner, Location loc, ValueRange) -> Value {
        SmallVector<Value> index;
        for (size_t i = 0; i != inputDims.size(); ++i) {
          index.push_back(inner.create<linalg::IndexOp>(loc, i));
          if (!lows[i])
            continue;
          Value moved = inner.create<arith::SubIOp>(loc, index.back(), lows[i]);
          index.back() =
              getBorderIndex(inner, loc, op.getMode(), moved, sizes[i]);
        }
        return inner.create<tensor::ExtractOp>(loc, input, index);
      });
}

FailureOr<SmallVector<Value>> PadOp::lowerToLinalg(LoweringBuilder &b,
                                                   ValueRange operands) {
  Location loc = getLoc();
  Type element = getType().getElementType();
  if (getMode() != PadMode::Constant)
    return SmallVector<Value>{padFromInput(*this, b, operands[0])};
  // Negative padding first removes elements.
  SmallVector<AffineExpr> dims = getDims(getInput().getType());
  SmallVector<OpFoldResult> offsets, low, high;
  SmallVector<OpFoldResult> ones(dims.size(), b.getIndexAttr(1));
  bool removes = false;
  for (auto [i, dim] : llvm::enumerate(dims)) {
    int64_t cutLow = std::min<int64_t>(
        getConstantValue(getLow().getResult(i)).value_or(0), 0);
    int64_t cutHigh = std::min<int64_t>(
        getConstantValue(getHigh().getResult(i)).value_or(0), 0);
    removes = removes || cutLow != 0 || cutHigh != 0;
    dim = simplify(dim + cutLow + cutHigh);
    offsets.push_back(b.getIndexAttr(-cutLow));
    low.push_back(b.size(getLow().getResult(i) - cutLow));
    high.push_back(b.size(getHigh().getResult(i) - cutHigh));
  }
  Value input = operands[0];
  if (removes)
    input =
        b.create<tensor::ExtractSliceOp>(loc, b.getPlainType(dims, element),
                                         input, offsets, b.sizes(dims), ones);
  TypedAttr border = getValue().value_or(TypedAttr());
  Value value =
      scalar::constant(b, loc, border ? border : scalar::getZero(element));
  return SmallVector<Value>{b.create<tensor::PadOp>(
      loc, b.getPlainType(getType()), input, low, high, value)};
}

//===----------------------------------------------------------------------===//
// Iota
//===----------------------------------------------------------------------===//

LogicalResult IotaOp::verify() {
  int64_t axis = getAxis();
  if (axis < 0 || axis >= getType().getRank())
    return emitOpError("axis ") << axis << " is out of range for " << getType();
  Type element = getType().getElementType();
  if (!element.isIntOrFloat() || element.isInteger(1))
    return emitOpError("cannot count in elements of ") << element;
  return success();
}

SymbolicElements IotaOp::inferElements(ArrayRef<SymbolicElements>) {
  if (getType().getRank() != 1)
    return std::nullopt;
  SmallVector<AffineExpr> elements;
  for (int64_t i = 0, e = getType().getNumElements(); i != e; ++i)
    elements.push_back(getAffineConstantExpr(i, getContext()));
  return elements;
}

FailureOr<SmallVector<Value>> IotaOp::lowerToLinalg(LoweringBuilder &b,
                                                    ValueRange) {
  Type element = getType().getElementType();
  return SmallVector<Value>{buildParallel(
      b, getLoc(), getDims(getType()), element, {},
      [&](OpBuilder &inner, Location loc, ValueRange) {
        Value index = inner.create<linalg::IndexOp>(loc, getAxis());
        Type i32 = inner.getI32Type();
        index = inner.create<arith::IndexCastOp>(loc, i32, index);
        return scalar::cast(inner, loc, i32, element, index);
      })};
}

//===----------------------------------------------------------------------===//
// Tile
//===----------------------------------------------------------------------===//

LogicalResult TileOp::inferReturnTypes(MLIRContext *,
                                       std::optional<Location> loc, Adaptor op,
                                       SmallVectorImpl<Type> &types) {
  auto type = cast<RankedTensorType>(op.getInput().getType());
  if (op.getRepeats().getNumResults() != type.getRank())
    return emitOptionalError(loc, "repeats needs one entry a dimension of ",
                             type);
  SmallVector<AffineExpr> dims = getDims(type);
  for (auto [dim, repeat] :
       llvm::zip_equal(dims, op.getRepeats().getResults())) {
    if (getConstantValue(repeat).value_or(0) < 0)
      return emitOptionalError(loc, "a number of repeats is negative");
    dim = dim * repeat;
  }
  types.push_back(makeTensorType(dims, type.getElementType()));
  return success();
}

OpFoldResult TileOp::fold(FoldAdaptor) {
  return llvm::all_of(getRepeats().getResults(), isOne)
             ? OpFoldResult(getInput())
             : OpFoldResult();
}

/// Every dimension becomes two, the repeats and the elements, which a reshape
/// then joins.
FailureOr<SmallVector<Value>> TileOp::lowerToLinalg(LoweringBuilder &b,
                                                    ValueRange operands) {
  SmallVector<AffineExpr> split, index;
  SmallVector<AffineExpr> dims = getDims(getInput().getType());
  for (auto [dim, repeat] : llvm::zip_equal(dims, getRepeats().getResults())) {
    if (!isOne(repeat))
      split.push_back(repeat);
    if (isOne(dim) && !isOne(repeat)) {
      index.push_back(b.getAffineConstantExpr(0));
      continue;
    }
    index.push_back(b.getAffineDimExpr(split.size()));
    split.push_back(dim);
  }
  Value repeated = buildParallel(b, getLoc(), split, getType().getElementType(),
                                 {{operands[0], index}}, keepElement);
  return SmallVector<Value>{
      buildReshaped(b, getLoc(), repeated, split, getDims(getType()))};
}
