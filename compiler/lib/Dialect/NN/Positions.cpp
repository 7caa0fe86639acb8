//===- Positions.cpp - indices of gathers and scatters ----------*- C++ -*-===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Positions.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/Matchers.h"
#include "nncc/Dialect/Exec/Weights.h"
#include "llvm/Support/Endian.h"

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

/// The constant index tuples, those from the end counted from the front; empty
/// if they are not known.
static SmallVector<int64_t> readTuples(Value indices, RankedTensorType data) {
  ElementsAttr constant;
  if (!matchPattern(indices, m_Constant(&constant)))
    return {};
  SmallVector<char> storage;
  ArrayRef<char> bytes = exec::getBytes(constant, storage);
  unsigned width =
      constant.getShapedType().getElementType().getIntOrFloatBitWidth() / 8;
  int64_t tupleSize = constant.getShapedType().getShape().back();
  SmallVector<int64_t> numbers;
  for (int64_t i = 0; i < constant.getNumElements(); ++i) {
    int64_t size = data.getDimSize(i % tupleSize);
    int64_t number =
        width == 8 ? llvm::support::endian::read64le(&bytes[8 * i])
                   : int32_t(llvm::support::endian::read32le(&bytes[4 * i]));
    if (ShapedType::isDynamic(size) || number < -size || number >= size)
      return {};
    numbers.push_back(number < 0 ? number + size : number);
  }
  return numbers;
}

std::optional<nn::IndexBox> nn::getIndexBox(Value indices,
                                            RankedTensorType data) {
  size_t rank = nn::getTensor(indices).getShape().back();
  SmallVector<int64_t> tuples = readTuples(indices, data);
  if (rank == 0 || tuples.empty())
    return std::nullopt;
  nn::IndexBox box;
  ArrayRef<int64_t> all(tuples);
  box.begin.assign(all.begin(), all.begin() + rank);
  for (auto [first, last] : llvm::zip(box.begin, all.take_back(rank)))
    box.sizes.push_back(last - first + 1);
  int64_t count = 1;
  for (int64_t size : box.sizes)
    count *= std::max<int64_t>(size, 0);
  if (count != int64_t(tuples.size() / rank))
    return std::nullopt;
  for (size_t number = 0; number < tuples.size() / rank; ++number) {
    int64_t rest = number;
    for (size_t i = rank; i-- > 0; rest /= box.sizes[i])
      if (tuples[number * rank + i] != box.begin[i] + rest % box.sizes[i])
        return std::nullopt;
  }
  return box;
}
