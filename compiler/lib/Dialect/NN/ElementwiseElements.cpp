//===- ElementwiseElements.cpp - symbolic elements ------------------------===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Elementwise.h"

using namespace mlir;
using namespace nncc;
using namespace nncc::nn;

static SmallVector<int64_t> getShape(Value value) {
  return llvm::to_vector(cast<RankedTensorType>(value.getType()).getShape());
}

SymbolicElements nn::inferBinaryElements(Operation *op,
                                         ArrayRef<SymbolicElements> operands,
                                         SymbolicFunction function) {
  if (!operands[0] || !operands[1])
    return std::nullopt;
  auto type = cast<RankedTensorType>(op->getResult(0).getType());
  SmallVector<int64_t> lhs = getShape(op->getOperand(0));
  SmallVector<int64_t> rhs = getShape(op->getOperand(1));
  SmallVector<AffineExpr> result;
  for (int64_t i = 0, e = type.getNumElements(); i != e; ++i) {
    AffineExpr element =
        function((*operands[0])[getBroadcastElement(i, type.getShape(), lhs)],
                 (*operands[1])[getBroadcastElement(i, type.getShape(), rhs)]);
    if (!element)
      return std::nullopt;
    result.push_back(element);
  }
  return result;
}

AffineExpr nn::symbolicAdd(AffineExpr lhs, AffineExpr rhs) { return lhs + rhs; }
AffineExpr nn::symbolicSub(AffineExpr lhs, AffineExpr rhs) { return lhs - rhs; }
AffineExpr nn::symbolicMul(AffineExpr lhs, AffineExpr rhs) { return lhs * rhs; }

AffineExpr nn::symbolicDiv(AffineExpr lhs, AffineExpr rhs) {
  if (std::optional<AffineExpr> quotient = divideExactly(lhs, rhs))
    return *quotient;
  // Truncation and floor agree on what is not negative.
  if (getLowerBound(lhs).value_or(-1) >= 0 &&
      getLowerBound(rhs).value_or(0) > 0)
    return simplify(lhs.floorDiv(rhs));
  std::optional<int64_t> dividend = getConstantValue(lhs);
  std::optional<int64_t> divisor = getConstantValue(rhs);
  if (!dividend || !divisor || *divisor == 0 || *divisor == -1)
    return {};
  return getAffineConstantExpr(*dividend / *divisor, lhs.getContext());
}

AffineExpr nn::symbolicMod(AffineExpr lhs, AffineExpr rhs) {
  if (getLowerBound(lhs).value_or(-1) >= 0 &&
      getLowerBound(rhs).value_or(0) > 0)
    return simplify(lhs % rhs);
  return {};
}

/// Whether lhs <= rhs for all sizes, or never; none where it depends.
static std::optional<bool> isAtMost(AffineExpr lhs, AffineExpr rhs) {
  if (getLowerBound(rhs - lhs).value_or(-1) >= 0)
    return true;
  if (getLowerBound(lhs - rhs).value_or(0) > 0)
    return false;
  return std::nullopt;
}

AffineExpr nn::symbolicMin(AffineExpr lhs, AffineExpr rhs) {
  if (isAtMost(lhs, rhs) == true)
    return lhs;
  return isAtMost(rhs, lhs) == true ? rhs : AffineExpr();
}

AffineExpr nn::symbolicMax(AffineExpr lhs, AffineExpr rhs) {
  if (isAtMost(lhs, rhs) == true)
    return rhs;
  return isAtMost(rhs, lhs) == true ? lhs : AffineExpr();
}

static AffineExpr getTruth(std::optional<bool> truth, MLIRContext *context) {
  return truth ? getAffineConstantExpr(*truth, context) : AffineExpr();
}

AffineExpr nn::symbolicLessEqual(AffineExpr lhs, AffineExpr rhs) {
  return getTruth(isAtMost(lhs, rhs), lhs.getContext());
}

AffineExpr nn::symbolicGreaterEqual(AffineExpr lhs, AffineExpr rhs) {
  return getTruth(isAtMost(rhs, lhs), lhs.getContext());
}

AffineExpr nn::symbolicLess(AffineExpr lhs, AffineExpr rhs) {
  return symbolicLessEqual(lhs + 1, rhs);
}

AffineExpr nn::symbolicGreater(AffineExpr lhs, AffineExpr rhs) {
  return symbolicLessEqual(rhs + 1, lhs);
}

AffineExpr nn::symbolicEqual(AffineExpr lhs, AffineExpr rhs) {
  std::optional<bool> result;
  if (std::optional<int64_t> difference = getDifference(lhs, rhs))
    result = *difference == 0;
  else if (isAtMost(lhs + 1, rhs) == true || isAtMost(rhs + 1, lhs) == true)
    result = false;
  return getTruth(result, lhs.getContext());
}

static AffineExpr combineConstants(AffineExpr lhs, AffineExpr rhs,
                                   int64_t (*combine)(int64_t, int64_t)) {
  std::optional<int64_t> left = getConstantValue(lhs);
  std::optional<int64_t> right = getConstantValue(rhs);
  if (!left || !right)
    return {};
  return getAffineConstantExpr(combine(*left, *right), lhs.getContext());
}

AffineExpr nn::symbolicAnd(AffineExpr lhs, AffineExpr rhs) {
  return combineConstants(lhs, rhs, [](int64_t a, int64_t b) { return a & b; });
}

AffineExpr nn::symbolicOr(AffineExpr lhs, AffineExpr rhs) {
  return combineConstants(lhs, rhs, [](int64_t a, int64_t b) { return a | b; });
}

SymbolicElements ModOp::inferElements(ArrayRef<SymbolicElements> operands) {
  return inferBinaryElements(*this, operands, symbolicMod);
}

SymbolicElements CastOp::inferElements(ArrayRef<SymbolicElements> operands) {
  // Sizes fit into i32; a boolean is 0 or 1 in any type.
  Type from = getInput().getType().getElementType();
  Type to = getType().getElementType();
  if (!isa<IntegerType>(from) || !isa<IntegerType>(to) ||
      (to.getIntOrFloatBitWidth() < 32 && from != to))
    return std::nullopt;
  return operands[0];
}

SymbolicElements SelectOp::inferElements(ArrayRef<SymbolicElements> operands) {
  if (!operands[0] || !operands[1] || !operands[2])
    return std::nullopt;
  SmallVector<SmallVector<int64_t>> shapes =
      llvm::map_to_vector(getOperands(), getShape);
  SmallVector<AffineExpr> result;
  for (int64_t i = 0, e = getType().getNumElements(); i != e; ++i) {
    auto at = [&](unsigned operand) {
      return (*operands[operand])[getBroadcastElement(i, getType().getShape(),
                                                      shapes[operand])];
    };
    std::optional<int64_t> condition = getConstantValue(at(0));
    if (!condition && at(1) != at(2))
      return std::nullopt;
    result.push_back(at(condition == 0 ? 2 : 1));
  }
  return result;
}
