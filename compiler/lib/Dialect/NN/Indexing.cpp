//===- Indexing.cpp - gather, scatter, one_hot ------------------*- C++ -*-===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A gather is an elementwise op on its indices whose body extracts from the
// data. A scatter is a loop over the updates that carries the result, since
// their order counts; scalars are written there with tensor.insert.
//
//===----------------------------------------------------------------------===//

#include "Constants.h"
#include "Generic.h"
#include "Scalars.h"
#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;
using namespace nncc;
using namespace nncc::nn;

//===----------------------------------------------------------------------===//
// Types
//===----------------------------------------------------------------------===//

static RankedTensorType getTensor(Value value) {
  return cast<RankedTensorType>(value.getType());
}

static LogicalResult checkIndices(std::optional<Location> loc, Value indices) {
  Type element = getTensor(indices).getElementType();
  if (!element.isSignlessInteger(32) && !element.isSignlessInteger(64))
    return emitOptionalError(loc, "indices are of i32 or i64, not ",
                             indices.getType());
  return success();
}

static LogicalResult checkAxis(std::optional<Location> loc, int64_t axis,
                               Value data) {
  if (axis < 0 || axis >= getTensor(data).getRank())
    return emitOptionalError(loc, "axis ", axis, " is out of range for ",
                             data.getType());
  return success();
}

LogicalResult GatherOp::inferReturnTypes(MLIRContext *,
                                         std::optional<Location> loc,
                                         Adaptor op,
                                         SmallVectorImpl<Type> &types) {
  int64_t axis = op.getAxis();
  if (failed(checkIndices(loc, op.getIndices())) ||
      failed(checkAxis(loc, axis, op.getData())))
    return failure();
  SmallVector<AffineExpr> data = getDims(op.getData().getType());
  SmallVector<AffineExpr> dims(data.begin(), data.begin() + axis);
  llvm::append_range(dims, getDims(op.getIndices().getType()));
  dims.append(data.begin() + axis + 1, data.end());
  types.push_back(
      makeTensorType(dims, getTensor(op.getData()).getElementType()));
  return success();
}

LogicalResult GatherElementsOp::inferReturnTypes(MLIRContext *,
                                                 std::optional<Location> loc,
                                                 Adaptor op,
                                                 SmallVectorImpl<Type> &types) {
  if (failed(checkIndices(loc, op.getIndices())) ||
      failed(checkAxis(loc, op.getAxis(), op.getData())))
    return failure();
  if (getTensor(op.getData()).getRank() != getTensor(op.getIndices()).getRank())
    return emitOptionalError(
        loc, "data and indices differ in rank: ", op.getOperands().getTypes());
  types.push_back(withElementType(op.getIndices().getType(),
                                  getTensor(op.getData()).getElementType()));
  return success();
}

/// The size of the tuples in `indices`, which index the data from dimension
/// `first` on.
static FailureOr<int64_t> getTupleSize(std::optional<Location> loc, Value data,
                                       Value indices, int64_t first) {
  if (failed(checkIndices(loc, indices)))
    return failure();
  RankedTensorType type = getTensor(indices);
  if (type.getRank() < 1 || type.isDynamicDim(type.getRank() - 1))
    return emitOptionalError(loc,
                             "the last dimension of the indices is not "
                             "of static size: ",
                             type);
  int64_t size = type.getShape().back();
  if (first + size > getTensor(data).getRank())
    return emitOptionalError(loc, "tuples of ", size, " indices do not fit ",
                             data.getType());
  return size;
}

LogicalResult GatherNDOp::inferReturnTypes(MLIRContext *,
                                           std::optional<Location> loc,
                                           Adaptor op,
                                           SmallVectorImpl<Type> &types) {
  int64_t batch = op.getBatchDims();
  FailureOr<int64_t> size =
      getTupleSize(loc, op.getData(), op.getIndices(), batch);
  if (failed(size))
    return failure();
  if (batch < 0 || batch >= getTensor(op.getIndices()).getRank())
    return emitOptionalError(loc, "batch_dims ", batch, " does not fit ",
                             op.getIndices().getType());
  SmallVector<AffineExpr> dims = getDims(op.getIndices().getType());
  dims.pop_back();
  SmallVector<AffineExpr> data = getDims(op.getData().getType());
  dims.append(data.begin() + batch + *size, data.end());
  types.push_back(
      makeTensorType(dims, getTensor(op.getData()).getElementType()));
  return success();
}

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

LogicalResult OneHotOp::inferReturnTypes(MLIRContext *,
                                         std::optional<Location> loc,
                                         Adaptor op,
                                         SmallVectorImpl<Type> &types) {
  RankedTensorType indices = getTensor(op.getIndices());
  RankedTensorType values = getTensor(op.getValues());
  int64_t axis = op.getAxis();
  if (axis < 0 || axis > indices.getRank() ||
      op.getDepth().getNumResults() != 1)
    return emitOptionalError(loc, "axis ", axis, " is out of range for ",
                             indices);
  if (values.getRank() != 1 || values.getShape()[0] != 2)
    return emitOptionalError(loc, "values holds two numbers, but is ", values);
  if (!indices.getElementType().isIntOrFloat() ||
      indices.getElementType().isInteger(1))
    return emitOptionalError(loc, "indices are numbers, not ", indices);
  SmallVector<AffineExpr> dims = getDims(indices);
  dims.insert(dims.begin() + axis, op.getDepth().getResult(0));
  types.push_back(makeTensorType(dims, values.getElementType()));
  return success();
}

//===----------------------------------------------------------------------===//
// Folding
//===----------------------------------------------------------------------===//

SymbolicElements GatherOp::inferElements(ArrayRef<SymbolicElements> operands) {
  RankedTensorType data = getTensor(getData());
  if (!operands[0] || !operands[1] || data.getRank() != 1)
    return std::nullopt;
  SmallVector<AffineExpr> result;
  for (AffineExpr index : *operands[1]) {
    int64_t size = operands[0]->size();
    int64_t position = getConstantValue(index).value_or(size);
    if (position < 0)
      position += size;
    if (position < 0 || position >= size)
      return std::nullopt;
    result.push_back((*operands[0])[position]);
  }
  return result;
}

OpFoldResult GatherOp::fold(FoldAdaptor adaptor) {
  return foldMovement(*this, adaptor.getOperands(), 1);
}

//===----------------------------------------------------------------------===//
// Gathers
//===----------------------------------------------------------------------===//

/// The index as a position: from the end where it is negative.
static Value getPosition(OpBuilder &b, Location loc, Value index, Value size) {
  Type index64 = index.getType();
  Value position = b.create<arith::IndexCastOp>(loc, b.getIndexType(), index);
  Value zero = b.create<arith::ConstantOp>(loc, b.getIntegerAttr(index64, 0));
  Value isNegative =
      b.create<arith::CmpIOp>(loc, arith::CmpIPredicate::slt, index, zero);
  Value moved = b.create<arith::AddIOp>(loc, position, size);
  return b.create<arith::SelectOp>(loc, isNegative, moved, position);
}

static SmallVector<Value> getLoopIndices(OpBuilder &b, Location loc,
                                         unsigned count) {
  SmallVector<Value> indices;
  for (unsigned i = 0; i != count; ++i)
    indices.push_back(b.create<linalg::IndexOp>(loc, i));
  return indices;
}

/// One index that the host knows: a slice.
static Value gatherSlice(GatherOp op, LoweringBuilder &b, Value data,
                         OpFoldResult position) {
  SmallVector<AffineExpr> dims = getDims(op.getData().getType());
  SmallVector<OpFoldResult> offsets(dims.size(), b.getIndexAttr(0));
  SmallVector<OpFoldResult> ones(dims.size(), b.getIndexAttr(1));
  int64_t axis = op.getAxis();
  offsets[axis] = position;
  dims[axis] = b.getAffineConstantExpr(1);
  Value slice = b.create<tensor::ExtractSliceOp>(
      op.getLoc(), b.getPlainType(dims, op.getType().getElementType()), data,
      offsets, b.sizes(dims), ones);
  return buildReshaped(b, op.getLoc(), slice, dims, getDims(op.getType()));
}

/// The one element of a tensor that the host has made, as the number of a
/// loop's step is; null for others.
static Value getHostNumber(Value tensor) {
  while (isa_and_nonnull<tensor::ExpandShapeOp, tensor::CollapseShapeOp>(
      tensor.getDefiningOp()))
    tensor = tensor.getDefiningOp()->getOperand(0);
  auto made = tensor.getDefiningOp<tensor::FromElementsOp>();
  return made && made.getElements().size() == 1 ? made.getElements()[0]
                                                : Value();
}

FailureOr<SmallVector<Value>> GatherOp::lowerToLinalg(LoweringBuilder &b,
                                                      ValueRange operands) {
  SymbolicElements known = symbolicElements(getIndices());
  SmallVector<AffineExpr> dataDims = getDims(getData().getType());
  int64_t axis = getAxis();
  if (known && known->size() == 1)
    if (std::optional<int64_t> index = getConstantValue(known->front())) {
      std::optional<int64_t> size = getConstantValue(dataDims[axis]);
      if (size && (*index < -*size || *index >= *size))
        return emitOpError("index ") << *index << " is out of range for axis "
                                     << axis << " of " << getData().getType();
      AffineExpr position = b.getAffineConstantExpr(*index);
      if (*index < 0)
        position = position + dataDims[axis];
      return SmallVector<Value>{
          gatherSlice(*this, b, operands[0], b.size(position))};
    }
  if (Value index = getHostNumber(operands[1]))
    return SmallVector<Value>{
        gatherSlice(*this, b, operands[0],
                    getPosition(b, getLoc(), index, b.dim(dataDims[axis])))};
  SmallVector<AffineExpr> dims = getDims(getType());
  unsigned indexRank = getTensor(getIndices()).getRank();
  SmallVector<AffineExpr> loops = getLoops(getContext(), dims.size());
  SmallVector<AffineExpr> where(loops.begin() + axis,
                                loops.begin() + axis + indexRank);
  Value size = b.dim(dataDims[axis]);
  return SmallVector<Value>{buildParallel(
      b, getLoc(), dims, getType().getElementType(), {{operands[1], where}},
      [&](OpBuilder &inner, Location loc, ValueRange args) -> Value {
        // The loops over the indices stand for the one axis.
        SmallVector<Value> position = getLoopIndices(inner, loc, axis);
        position.push_back(getPosition(inner, loc, args[0], size));
        for (unsigned i = axis + indexRank; i < dims.size(); ++i)
          position.push_back(inner.create<linalg::IndexOp>(loc, i));
        return inner.create<tensor::ExtractOp>(loc, operands[0], position);
      })};
}

FailureOr<SmallVector<Value>>
GatherElementsOp::lowerToLinalg(LoweringBuilder &b, ValueRange operands) {
  SmallVector<AffineExpr> dims = getDims(getType());
  Value size = b.dim(getDims(getData().getType())[getAxis()]);
  return SmallVector<Value>{buildParallel(
      b, getLoc(), dims, getType().getElementType(),
      {{operands[1], getLoops(getContext(), dims.size())}},
      [&](OpBuilder &inner, Location loc, ValueRange args) -> Value {
        SmallVector<Value> position = getLoopIndices(inner, loc, dims.size());
        position[getAxis()] = getPosition(inner, loc, args[0], size);
        return inner.create<tensor::ExtractOp>(loc, operands[0], position);
      })};
}

FailureOr<SmallVector<Value>> GatherNDOp::lowerToLinalg(LoweringBuilder &b,
                                                        ValueRange operands) {
  SmallVector<AffineExpr> dims = getDims(getType());
  SmallVector<AffineExpr> data = getDims(getData().getType());
  unsigned tuples = getTensor(getIndices()).getRank() - 1;
  int64_t tupleSize = getTensor(getIndices()).getShape().back();
  unsigned batch = getBatchDims();
  SmallVector<Access> inputs;
  SmallVector<Value> sizes;
  for (int64_t i = 0; i != tupleSize; ++i) {
    SmallVector<AffineExpr> index = getLoops(getContext(), tuples);
    index.push_back(b.getAffineConstantExpr(i));
    inputs.push_back({operands[1], index});
    sizes.push_back(b.dim(data[batch + i]));
  }
  return SmallVector<Value>{buildParallel(
      b, getLoc(), dims, getType().getElementType(), inputs,
      [&](OpBuilder &inner, Location loc, ValueRange args) -> Value {
        SmallVector<Value> position = getLoopIndices(inner, loc, batch);
        for (int64_t i = 0; i != tupleSize; ++i)
          position.push_back(getPosition(inner, loc, args[i], sizes[i]));
        for (unsigned i = tuples; i < dims.size(); ++i)
          position.push_back(inner.create<linalg::IndexOp>(loc, i));
        return inner.create<tensor::ExtractOp>(loc, operands[0], position);
      })};
}

FailureOr<SmallVector<Value>> OneHotOp::lowerToLinalg(LoweringBuilder &b,
                                                      ValueRange operands) {
  SmallVector<AffineExpr> dims = getDims(getType());
  int64_t axis = getAxis();
  SmallVector<AffineExpr> where = getLoops(getContext(), dims.size());
  where.erase(where.begin() + axis);
  Value depth = b.dim(getDepth().getResult(0));
  Type indexType = getTensor(getIndices()).getElementType();
  return SmallVector<Value>{buildParallel(
      b, getLoc(), dims, getType().getElementType(),
      {{operands[0], where},
       {operands[1], {b.getAffineConstantExpr(0)}},
       {operands[1], {b.getAffineConstantExpr(1)}}},
      [&](OpBuilder &inner, Location loc, ValueRange args) -> Value {
        Type i64 = inner.getI64Type();
        Value index = scalar::cast(inner, loc, indexType, i64, args[0]);
        Value position = getPosition(inner, loc, index, depth);
        Value here = inner.create<linalg::IndexOp>(loc, axis);
        Value isHot = inner.create<arith::CmpIOp>(loc, arith::CmpIPredicate::eq,
                                                  position, here);
        return inner.create<arith::SelectOp>(loc, isHot, args[2], args[1]);
      })};
}

//===----------------------------------------------------------------------===//
// Scatters
//===----------------------------------------------------------------------===//

using Combine = Value (*)(OpBuilder &, Location, Type, ValueRange);

/// How an update joins an element; null where it replaces it.
static Combine getCombine(ScatterReduction reduction) {
  switch (reduction) {
  case ScatterReduction::None:
    return nullptr;
  case ScatterReduction::Add:
    return scalar::add;
  case ScatterReduction::Mul:
    return scalar::mul;
  case ScatterReduction::Max:
    return scalar::max;
  case ScatterReduction::Min:
    return scalar::min;
  }
  return nullptr;
}

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
  Value writeSlice(Value into, ArrayRef<Value> position,
                   ArrayRef<AffineExpr> dims, Value update);
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

/// `position` gives the leading indices; `dims` are the slice's sizes with 1
/// for each of those.
Value ScatterBuilder::writeSlice(Value into, ArrayRef<Value> position,
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

FailureOr<SmallVector<Value>> ScatterNDOp::lowerToLinalg(LoweringBuilder &b,
                                                         ValueRange operands) {
  Location loc = getLoc();
  Type element = getType().getElementType();
  ScatterBuilder scatter{b, loc, element, getCombine(getReduction())};
  SmallVector<AffineExpr> data = getDims(getType());
  SmallVector<AffineExpr> indexDims = getDims(getIndices().getType());
  size_t tupleSize = getTensor(getIndices()).getShape().back();
  AffineExpr one = b.getAffineConstantExpr(1);
  AffineExpr count =
      getProduct(ArrayRef<AffineExpr>(indexDims).drop_back(), getContext());
  Value tuples =
      buildReshaped(b, loc, operands[1], indexDims, {count, indexDims.back()});
  // One slice an update: [updates, 1 (tupleSize - 1 times), slice...].
  if (tupleSize == 0)
    return emitOpError("has empty index tuples, which is not supported");
  SmallVector<AffineExpr> sliceDims(tupleSize, one);
  sliceDims.append(data.begin() + tupleSize, data.end());
  bool isScalar = tupleSize == data.size();
  SmallVector<AffineExpr> updateDims(sliceDims);
  updateDims[0] = count;
  if (isScalar)
    updateDims.resize(1);
  Value updates = buildReshaped(b, loc, operands[2],
                                getDims(getUpdates().getType()), updateDims);
  SmallVector<Value> positions;
  Value result = scatter.loop(
      count, operands[0], positions, [&](ArrayRef<Value> at, Value into) {
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
            loc, b.getPlainType(sliceDims, element), updates, offsets,
            b.sizes(sliceDims), ones);
        return scatter.writeSlice(into, position, sliceDims, update);
      });
  return SmallVector<Value>{result};
}

FailureOr<SmallVector<Value>>
ScatterElementsOp::lowerToLinalg(LoweringBuilder &b, ValueRange operands) {
  Location loc = getLoc();
  ScatterBuilder scatter{b, loc, getType().getElementType(),
                         getCombine(getReduction())};
  Value size = b.dim(getDims(getType())[getAxis()]);
  SmallVector<Value> positions;
  Value result = scatter.loop(
      getDims(getUpdates().getType()), operands[0], positions,
      [&](ArrayRef<Value> at, Value into) {
        Value index = b.create<tensor::ExtractOp>(loc, operands[1], at);
        Value update = b.create<tensor::ExtractOp>(loc, operands[2], at);
        SmallVector<Value> position(at);
        position[getAxis()] = getPosition(b, loc, index, size);
        return scatter.writeElement(into, position, update);
      });
  return SmallVector<Value>{result};
}
