//===- Positions.cpp - indices of gathers and scatters ----------*- C++ -*-===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Positions.h"
#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;
using namespace nncc;

RankedTensorType nn::getTensor(Value value) {
  return cast<RankedTensorType>(value.getType());
}

LogicalResult nn::checkIndices(std::optional<Location> loc, Value indices) {
  Type element = getTensor(indices).getElementType();
  if (!element.isSignlessInteger(32) && !element.isSignlessInteger(64))
    return emitOptionalError(loc, "indices are of i32 or i64, not ",
                             indices.getType());
  return success();
}

LogicalResult nn::checkAxis(std::optional<Location> loc, int64_t axis,
                            Value data) {
  if (axis < 0 || axis >= getTensor(data).getRank())
    return emitOptionalError(loc, "axis ", axis, " is out of range for ",
                             data.getType());
  return success();
}

FailureOr<int64_t> nn::getTupleSize(std::optional<Location> loc, Value data,
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

Value nn::getPosition(OpBuilder &b, Location loc, Value index, Value size) {
  Type index64 = index.getType();
  Value position = b.create<arith::IndexCastOp>(loc, b.getIndexType(), index);
  Value zero = b.create<arith::ConstantOp>(loc, b.getIntegerAttr(index64, 0));
  Value isNegative =
      b.create<arith::CmpIOp>(loc, arith::CmpIPredicate::slt, index, zero);
  Value moved = b.create<arith::AddIOp>(loc, position, size);
  return b.create<arith::SelectOp>(loc, isNegative, moved, position);
}
