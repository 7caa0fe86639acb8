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

/// The elements of a constant of i32 or i64.
static SmallVector<int64_t> readIndices(ElementsAttr constant) {
  SmallVector<char> storage;
  ArrayRef<char> bytes = exec::getBytes(constant, storage);
  bool isWide = constant.getElementType().isInteger(64);
  SmallVector<int64_t> numbers;
  for (int64_t i = 0, e = constant.getNumElements(); i < e; ++i)
    numbers.push_back(
        isWide ? int64_t(llvm::support::endian::read64le(&bytes[8 * i]))
               : int32_t(llvm::support::endian::read32le(&bytes[4 * i])));
  return numbers;
}

/// The constant index tuples, those from the end counted from the front; empty
/// if they are not known.
static SmallVector<int64_t> readTuples(Value indices, RankedTensorType data) {
  ElementsAttr constant;
  if (!matchPattern(indices, m_Constant(&constant)))
    return {};
  int64_t tupleSize = constant.getShapedType().getShape().back();
  SmallVector<int64_t> numbers = readIndices(constant);
  for (auto [i, number] : llvm::enumerate(numbers)) {
    int64_t size = data.getDimSize(i % tupleSize);
    if (ShapedType::isDynamic(size) || number < -size || number >= size)
      return {};
    number += number < 0 ? size : 0;
  }
  return numbers;
}

/// The box of constant tuples.
static std::optional<nn::IndexBox> getConstantBox(Value indices,
                                                  RankedTensorType data) {
  size_t rank = nn::getTensor(indices).getShape().back();
  SmallVector<int64_t> tuples = readTuples(indices, data);
  if (rank == 0 || tuples.empty())
    return std::nullopt;
  nn::IndexBox box;
  ArrayRef<int64_t> all(tuples);
  box.begin.assign(all.begin(), all.begin() + rank);
  SmallVector<int64_t> sizes;
  int64_t count = 1;
  for (auto [first, last] : llvm::zip(box.begin, all.take_back(rank))) {
    sizes.push_back(last - first + 1);
    box.sizes.push_back(
        getAffineConstantExpr(sizes.back(), indices.getContext()));
    count *= std::max<int64_t>(sizes.back(), 0);
  }
  if (count != int64_t(tuples.size() / rank))
    return std::nullopt;
  for (size_t number = 0; number < tuples.size() / rank; ++number) {
    int64_t rest = number;
    for (size_t i = rank; i-- > 0; rest /= sizes[i])
      if (tuples[number * rank + i] != box.begin[i] + rest % sizes[i])
        return std::nullopt;
  }
  return box;
}

namespace {

/// A tensor whose elements are `first`, plus their position along `dim` if
/// there is one.
struct Range {
  int64_t first = 0;
  std::optional<unsigned> dim;
};

} // namespace

static bool isOne(AffineExpr size) { return size == 1; }

/// Of a constant.
static std::optional<Range> getConstantRange(ElementsAttr constant) {
  auto type = dyn_cast<RankedTensorType>(constant.getShapedType());
  if (!type || type.getNumElements() == 0 || type.getNumElements() > (1 << 16))
    return std::nullopt;
  SmallVector<int64_t> numbers = readIndices(constant);
  if (llvm::all_equal(numbers))
    return Range{numbers.front(), std::nullopt};
  for (auto [i, number] : llvm::enumerate(numbers))
    if (number != numbers.front() + int64_t(i))
      return std::nullopt;
  // Along the only dimension of more than one element.
  for (auto [dim, size] : llvm::enumerate(type.getShape()))
    if (size == type.getNumElements())
      return Range{numbers.front(), dim};
  return std::nullopt;
}

/// The dimension of the result of a reshape that only adds and removes
/// dimensions of one element which `dim` becomes; none where it does more.
static std::optional<unsigned> getReshapedDim(nn::ReshapeOp op, unsigned dim) {
  SmallVector<AffineExpr> from = nn::getDims(op->getOperand(0).getType());
  SmallVector<AffineExpr> to = nn::getDims(op->getResult(0).getType());
  auto number = llvm::count_if(ArrayRef(from).take_front(dim),
                               [](AffineExpr size) { return !isOne(size); });
  SmallVector<AffineExpr> kept(from);
  llvm::erase_if(kept, isOne);
  std::optional<unsigned> result;
  SmallVector<AffineExpr> others;
  for (auto [i, size] : llvm::enumerate(to)) {
    if (isOne(size))
      continue;
    if (int64_t(others.size()) == number)
      result = i;
    others.push_back(size);
  }
  return kept == others ? result : std::nullopt;
}

static std::optional<Range> getRange(Value value) {
  Operation *op = value.getDefiningOp();
  if (ElementsAttr constant; matchPattern(value, m_Constant(&constant)))
    return getConstantRange(constant);
  if (auto iota = dyn_cast_or_null<nn::IotaOp>(op)) {
    if (isOne(nn::getDims(iota.getType())[iota.getAxis()]))
      return Range();
    return Range{0, unsigned(iota.getAxis())};
  }
  if (!isa_and_nonnull<nn::BroadcastToOp, nn::ReshapeOp>(op))
    return std::nullopt;
  std::optional<Range> range = getRange(op->getOperand(0));
  if (!range || !range->dim)
    return range;
  if (auto reshape = dyn_cast<nn::ReshapeOp>(op))
    range->dim = getReshapedDim(reshape, *range->dim);
  else
    *range->dim += nn::getTensor(value).getRank() -
                   nn::getTensor(op->getOperand(0)).getRank();
  return range->dim ? range : std::nullopt;
}

/// The parts of index tuples, each [..., 1].
static SmallVector<Value> getTupleParts(Value indices) {
  RankedTensorType type = nn::getTensor(indices);
  if (type.getShape().back() == 1)
    return {indices};
  auto concat = indices.getDefiningOp<nn::ConcatOp>();
  if (!concat || int64_t(concat.getAxis()) != type.getRank() - 1 ||
      llvm::any_of(concat->getOperands(), [](Value part) {
        return nn::getTensor(part).getShape().back() != 1;
      }))
    return {};
  return llvm::to_vector(concat->getOperands());
}

/// The box of tuples of ranges, the i-th along dimension i.
static std::optional<nn::IndexBox> getRangeBox(Value indices,
                                               RankedTensorType data) {
  SmallVector<Value> parts = getTupleParts(indices);
  SmallVector<AffineExpr> sizes = nn::getDims(indices.getType());
  sizes.pop_back();
  if (parts.empty() || parts.size() != sizes.size())
    return std::nullopt;
  nn::IndexBox box;
  box.sizes = sizes;
  for (auto [i, part] : llvm::enumerate(parts)) {
    std::optional<Range> range = getRange(part);
    if (!range || (range->dim ? *range->dim != i : !isOne(sizes[i])))
      return std::nullopt;
    int64_t end = data.getDimSize(i), first = range->first;
    std::optional<int64_t> count = nn::getConstantValue(sizes[i]);
    bool isOpen = ShapedType::isDynamic(end);
    if (first < 0 && !isOpen && count && first + *count <= 0)
      first += end;
    if (first < 0 || (!isOpen && count && first + *count > end))
      return std::nullopt;
    box.begin.push_back(first);
  }
  return box;
}

std::optional<nn::IndexBox> nn::getIndexBox(Value indices,
                                            RankedTensorType data) {
  if (std::optional<nn::IndexBox> box = getConstantBox(indices, data))
    return box;
  return getRangeBox(indices, data);
}
