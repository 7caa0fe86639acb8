//===- Scatter.cpp - scatter_nd, scatter_elements ---------------*- C++ -*-===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A scatter is a loop over the updates that carries the result, since their
// order counts; scalars are written there with tensor.insert. Where the indices
// are known to be those of a box, as exporters write the assignment of a slice,
// it is one tensor.insert_slice. A target may ask for elements that look for
// their updates instead (ScatterSearch.h).
//
//===----------------------------------------------------------------------===//

#include "Generic.h"
#include "Positions.h"
#include "ScatterSearch.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace nncc;
using namespace nncc::nn;

//===----------------------------------------------------------------------===//
// Types
//===----------------------------------------------------------------------===//

LogicalResult ScatterNDOp::inferReturnTypes(MLIRContext *,
                                            std::optional<Location> loc,
                                            Adaptor op,
                                            SmallVectorImpl<Type> &types) {
  FailureOr<int64_t> size = getTupleSize(loc, op.getData(), op.getIndices(), 0);
  if (failed(size))
    return failure();
  RankedTensorType data = getTensor(op.getData());
  if (getTensor(op.getUpdates()).getElementType() != data.getElementType() ||
      getTensor(op.getUpdates()).getRank() !=
          getTensor(op.getIndices()).getRank() - 1 + data.getRank() - *size)
    return emitOptionalError(
        loc, "the updates do not fit: ", op.getOperands().getTypes());
  types.push_back(data);
  return success();
}

LogicalResult
ScatterElementsOp::inferReturnTypes(MLIRContext *, std::optional<Location> loc,
                                    Adaptor op, SmallVectorImpl<Type> &types) {
  if (failed(checkIndices(loc, op.getIndices())) ||
      failed(checkAxis(loc, op.getAxis(), op.getData())))
    return failure();
  RankedTensorType data = getTensor(op.getData());
  RankedTensorType updates = getTensor(op.getUpdates());
  if (updates.getElementType() != data.getElementType() ||
      updates.getRank() != data.getRank() ||
      getTensor(op.getIndices()).getRank() != data.getRank())
    return emitOptionalError(
        loc, "the updates do not fit: ", op.getOperands().getTypes());
  types.push_back(data);
  return success();
}

//===----------------------------------------------------------------------===//
// Lowering
//===----------------------------------------------------------------------===//

namespace {
/// Writes updates into a tensor that loops carry.
struct ScatterBuilder {
  LoweringBuilder &b;
  Location loc;
  Type element; ///< as nn has it
  Combine combine;

  /// Loops over `sizes`; `body` gets the positions and the tensor carried so
  /// far and returns the next.
  Value loop(ArrayRef<AffineExpr> sizes, Value carried,
             SmallVectorImpl<Value> &positions,
             llvm::function_ref<Value(ArrayRef<Value>, Value)> body);
  Value writeElement(Value into, ArrayRef<Value> position, Value update);
  Value writeSlice(Value into, ArrayRef<OpFoldResult> position,
                   ArrayRef<AffineExpr> dims, Value update);
  /// All updates at once, which have the sizes `given`, into a tensor of
  /// `dims`.
  Value writeBox(Value into, const IndexBox &box, ArrayRef<AffineExpr> dims,
                 Value updates, ArrayRef<AffineExpr> given);
};
} // namespace

Value ScatterBuilder::loop(
    ArrayRef<AffineExpr> sizes, Value carried,
    SmallVectorImpl<Value> &positions,
    llvm::function_ref<Value(ArrayRef<Value>, Value)> body) {
  if (sizes.empty())
    return body(positions, carried);
  auto loop = b.create<scf::ForOp>(loc, b.dim(b.getAffineConstantExpr(0)),
                                   b.dim(sizes.front()),
                                   b.dim(b.getAffineConstantExpr(1)), carried);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToEnd(loop.getBody());
  positions.push_back(loop.getInductionVar());
  Value next =
      this->loop(sizes.drop_front(), loop.getRegionIterArg(0), positions, body);
  positions.pop_back();
  b.create<scf::YieldOp>(loc, next);
  return loop.getResult(0);
}

Value ScatterBuilder::writeElement(Value into, ArrayRef<Value> position,
                                   Value update) {
  if (combine) {
    Value before = b.create<tensor::ExtractOp>(loc, into, position);
    update = combine(b, loc, element, {before, update});
  }
  return b.create<tensor::InsertOp>(loc, update, into, position);
}

Value ScatterBuilder::writeBox(Value into, const IndexBox &box,
                               ArrayRef<AffineExpr> dims, Value updates,
                               ArrayRef<AffineExpr> given) {
  SmallVector<AffineExpr> sizes(box.sizes);
  llvm::append_range(sizes, dims.drop_front(box.begin.size()));
  updates = buildReshaped(b, loc, updates, given, sizes);
  if (!combine && ArrayRef(sizes) == dims)
    return updates; // all that there was
  SmallVector<OpFoldResult> begin;
  for (int64_t first : box.begin)
    begin.push_back(b.getIndexAttr(first));
  return writeSlice(into, begin, sizes, updates);
}

/// `position` gives the leading indices; `dims` are the slice's sizes with 1
/// for each of those, or that of a box.
Value ScatterBuilder::writeSlice(Value into, ArrayRef<OpFoldResult> position,
                                 ArrayRef<AffineExpr> dims, Value update) {
  SmallVector<OpFoldResult> offsets(dims.size(), b.getIndexAttr(0));
  SmallVector<OpFoldResult> ones(dims.size(), b.getIndexAttr(1));
  for (auto [offset, value] : llvm::zip(offsets, position))
    offset = value;
  SmallVector<OpFoldResult> sizes = b.sizes(dims);
  if (combine) {
    Value before = b.create<tensor::ExtractSliceOp>(
        loc, b.getPlainType(dims, element), into, offsets, sizes, ones);
    SmallVector<AffineExpr> loops = getLoops(b.getContext(), dims.size());
    update =
        buildParallel(b, loc, dims, element, {{before, loops}, {update, loops}},
                      [&](OpBuilder &inner, Location loc, ValueRange args) {
                        return combine(inner, loc, element, args);
                      });
  }
  return b.create<tensor::InsertSliceOp>(loc, update, into, offsets, sizes,
                                         ones);
}

/// Whether it is allowed, and all updates are there at once: a loop that stacks
/// its results writes them in place.
static bool canSearch(const ScatterSearch &search, const LoweringBuilder &b,
                      Operation *op) {
  return isa<func::FuncOp>(op->getParentOp()) && search.isAllowed(b);
}

/// The places from tuples [count, size] of indices into leading dimensions of
/// the data, row-major.
static Value buildPlaces(LoweringBuilder &b, Location loc, Value tuples,
                         AffineExpr count, ArrayRef<AffineExpr> data) {
  SmallVector<Access> inputs;
  SmallVector<Value> sizes;
  for (auto [i, size] : llvm::enumerate(data)) {
    inputs.push_back({tuples,
                      {b.getAffineDimExpr(0), // of the tuple
                       b.getAffineConstantExpr(i)}});
    sizes.push_back(b.dim(size));
  }
  Type type = getTensor(tuples).getElementType();
  return buildParallel(
      b, loc, {count}, type, inputs,
      [&](OpBuilder &inner, Location loc, ValueRange tuple) -> Value {
        Value place = inner.create<arith::ConstantIndexOp>(loc, 0);
        for (auto [index, size] : llvm::zip(tuple, sizes)) {
          Value before = inner.create<arith::MulIOp>(loc, place, size);
          place = inner.create<arith::AddIOp>(
              loc, before, getPosition(inner, loc, index, size));
        }
        return inner.create<arith::IndexCastOp>(loc, type, place);
      });
}

/// The products of the first `count` sizes and of the others.
static std::pair<AffineExpr, AffineExpr>
splitProduct(ArrayRef<AffineExpr> sizes, size_t count) {
  MLIRContext *context = sizes.front().getContext();
  return {getProduct(sizes.take_front(count), context),
          getProduct(sizes.drop_front(count), context)};
}

/// One slice an update: [updates, 1 (tupleSize - 1 times), slice...].
static Value buildSlices(ScatterBuilder &scatter, ArrayRef<AffineExpr> data,
                         AffineExpr count, Value target, Value tuples,
                         Value updates, ArrayRef<AffineExpr> given) {
  LoweringBuilder &b = scatter.b;
  Location loc = scatter.loc;
  size_t tupleSize = getTensor(tuples).getShape().back();
  SmallVector<AffineExpr> sliceDims(tupleSize, b.getAffineConstantExpr(1));
  sliceDims.append(data.begin() + tupleSize, data.end());
  bool isScalar = tupleSize == data.size();
  SmallVector<AffineExpr> updateDims(sliceDims);
  updateDims[0] = count;
  if (isScalar)
    updateDims.resize(1);
  updates = buildReshaped(b, loc, updates, given, updateDims);
  SmallVector<Value> positions;
  return scatter.loop(
      count, target, positions, [&](ArrayRef<Value> at, Value into) {
        SmallVector<Value> position;
        for (size_t i = 0; i != tupleSize; ++i) {
          Value which = b.dim(b.getAffineConstantExpr(i));
          Value index = b.create<tensor::ExtractOp>(loc, tuples,
                                                    ValueRange{at[0], which});
          position.push_back(getPosition(b, loc, index, b.dim(data[i])));
        }
        if (isScalar)
          return scatter.writeElement(
              into, position, b.create<tensor::ExtractOp>(loc, updates, at[0]));
        SmallVector<OpFoldResult> offsets(sliceDims.size(), b.getIndexAttr(0));
        SmallVector<OpFoldResult> ones(sliceDims.size(), b.getIndexAttr(1));
        offsets[0] = at[0];
        Value update = b.create<tensor::ExtractSliceOp>(
            loc, b.getPlainType(sliceDims, scatter.element), updates, offsets,
            b.sizes(sliceDims), ones);
        return scatter.writeSlice(into, getAsOpFoldResult(position), sliceDims,
                                  update);
      });
}

FailureOr<SmallVector<Value>> ScatterNDOp::lowerToLinalg(LoweringBuilder &b,
                                                         ValueRange operands) {
  Location loc = getLoc();
  Type element = getType().getElementType();
  ScatterBuilder scatter{b, loc, element, getCombine(getReduction())};
  SmallVector<AffineExpr> data = getDims(getType());
  SmallVector<AffineExpr> given = getDims(getUpdates().getType());
  if (std::optional<IndexBox> box = getIndexBox(getIndices(), getType()))
    return SmallVector<Value>{
        scatter.writeBox(operands[0], *box, data, operands[2], given)};
  SmallVector<AffineExpr> indexDims = getDims(getIndices().getType());
  size_t tupleSize = getTensor(getIndices()).getShape().back();
  if (tupleSize == 0)
    return emitOpError("has empty index tuples, which is not supported");
  AffineExpr count =
      getProduct(ArrayRef<AffineExpr>(indexDims).drop_back(), getContext());
  Value tuples =
      buildReshaped(b, loc, operands[1], indexDims, {count, indexDims.back()});
  auto [places, slice] = splitProduct(data, tupleSize);
  ScatterSearch search{element,          getReduction(), {places, slice},
                       /*numIndexed=*/1, /*axis=*/0,     count};
  if (!canSearch(search, b, *this))
    return SmallVector<Value>{buildSlices(scatter, data, count, operands[0],
                                          tuples, operands[2], given)};
  Value lines = search.build(
      b, loc, buildReshaped(b, loc, operands[0], data, {places, slice}),
      buildPlaces(b, loc, tuples, count,
                  ArrayRef<AffineExpr>(data).take_front(tupleSize)),
      buildReshaped(b, loc, operands[2], given, {count, slice}));
  return SmallVector<Value>{
      buildReshaped(b, loc, lines, {places, slice}, data)};
}

FailureOr<SmallVector<Value>>
ScatterElementsOp::lowerToLinalg(LoweringBuilder &b, ValueRange operands) {
  Location loc = getLoc();
  Type element = getType().getElementType();
  ScatterBuilder scatter{b, loc, element, getCombine(getReduction())};
  SmallVector<AffineExpr> data = getDims(getType());
  SmallVector<AffineExpr> given = getDims(getUpdates().getType());
  unsigned axis = getAxis();
  ScatterSearch search{element,
                       getReduction(),
                       data,
                       /*numIndexed=*/unsigned(data.size()),
                       axis,
                       given[axis]};
  SmallVector<AffineExpr> lines(data);
  lines[axis] = given[axis];
  if (lines == given && canSearch(search, b, *this))
    return SmallVector<Value>{
        search.build(b, loc, operands[0], operands[1], operands[2])};
  Value size = b.dim(data[axis]);
  SmallVector<Value> positions;
  Value result = scatter.loop(
      given, operands[0], positions, [&](ArrayRef<Value> at, Value into) {
        Value index = b.create<tensor::ExtractOp>(loc, operands[1], at);
        Value update = b.create<tensor::ExtractOp>(loc, operands[2], at);
        SmallVector<Value> position(at);
        position[axis] = getPosition(b, loc, index, size);
        return scatter.writeElement(into, position, update);
      });
  return SmallVector<Value>{result};
}
