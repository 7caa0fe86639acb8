//===- Indexing.cpp - gather, one_hot ---------------------------*- C++ -*-===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A gather is an elementwise op on its indices whose body extracts from the
// data.
//
//===----------------------------------------------------------------------===//

#include "Constants.h"
#include "Generic.h"
#include "Positions.h"
#include "Scalars.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace nncc;
using namespace nncc::nn;

//===----------------------------------------------------------------------===//
// Types
//===----------------------------------------------------------------------===//

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

unsigned GatherOp::getNumMovedOperands() { return 1; }

OpFoldResult GatherOp::fold(FoldAdaptor adaptor) {
  return foldMovement(*this, adaptor.getOperands());
}

//===----------------------------------------------------------------------===//
// Gathers
//===----------------------------------------------------------------------===//

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
