//===- IntegerRange.cpp - what integers may be ------------------*- C++ -*-===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "nncc/Dialect/NN/IntegerRange.h"
#include "mlir/IR/Matchers.h"
#include "mlir/IR/TypeUtilities.h"
#include "nncc/Dialect/NN/NN.h"

using namespace mlir;
using namespace nncc::nn;

/// Of a type of at most 32 bits.
static std::optional<IntegerRange> getTypeRange(Value value) {
  auto type = dyn_cast<IntegerType>(getElementTypeOrSelf(value));
  if (!type || type.getWidth() > 32)
    return std::nullopt;
  unsigned width = type.getWidth();
  if (type.isUnsigned())
    return IntegerRange{0, static_cast<int64_t>(llvm::maxUIntN(width))};
  return IntegerRange{llvm::minIntN(width), llvm::maxIntN(width)};
}

/// The one number of a constant.
static std::optional<int64_t> getSplat(Value value) {
  DenseIntElementsAttr constant;
  if (!matchPattern(value, m_Constant(&constant)) || !constant.isSplat())
    return std::nullopt;
  auto type = cast<IntegerType>(constant.getElementType());
  APInt number = constant.getSplatValue<APInt>();
  return type.isUnsigned() ? number.getZExtValue() : number.getSExtValue();
}

static std::optional<IntegerRange> getRange(Value value, unsigned depth);

/// Of operand 0, moved by `sign` times operand 1.
static std::optional<IntegerRange> getMovedRange(Operation *op, int64_t sign,
                                                 unsigned depth) {
  std::optional<IntegerRange> range = getRange(op->getOperand(0), depth);
  std::optional<int64_t> offset = getSplat(op->getOperand(1));
  if (!range || !offset)
    return std::nullopt;
  return IntegerRange{range->low + sign * *offset,
                      range->high + sign * *offset};
}

/// What the op's definition tells, were its result of any size.
static std::optional<IntegerRange> getComputedRange(Operation *op,
                                                    unsigned depth) {
  if (auto saturate = dyn_cast<SaturateOp>(op))
    return IntegerRange{static_cast<int64_t>(saturate.getLow()),
                        static_cast<int64_t>(saturate.getHigh())};
  if (isa<AddOp>(op))
    return getMovedRange(op, 1, depth);
  if (isa<SubOp>(op))
    return getMovedRange(op, -1, depth);
  if (isa<CastOp, TransposeOp, ReshapeOp, SliceOp>(op))
    return getRange(op->getOperand(0), depth);
  return std::nullopt;
}

static std::optional<IntegerRange> getRange(Value value, unsigned depth) {
  std::optional<IntegerRange> all = getTypeRange(value);
  Operation *op = value.getDefiningOp();
  if (!all || !op || depth == 0)
    return all;
  std::optional<IntegerRange> computed = getComputedRange(op, depth - 1);
  return computed && all->contains(*computed) ? computed : all;
}

std::optional<IntegerRange> nncc::nn::getIntegerRange(Value value) {
  constexpr unsigned depth = 8;
  return getRange(value, depth);
}

bool nncc::nn::holdsBytes(Value value) {
  std::optional<IntegerRange> range = getIntegerRange(value);
  return range && IntegerRange{0, 255}.contains(*range);
}
