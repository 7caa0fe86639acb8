//===- ElementRange.cpp - what elements lie between -----------------------===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "nncc/Dialect/NN/ElementRange.h"

#include "Constants.h"
#include "Elementwise.h"
#include "mlir/IR/Matchers.h"
#include "mlir/IR/TypeUtilities.h"

#include <cmath>
#include <numeric>

using namespace mlir;
using namespace nncc::nn;

//===----------------------------------------------------------------------===//
// Arithmetic
//===----------------------------------------------------------------------===//

ElementRange range::add(ArrayRef<ElementRange> operands) {
  return {operands[0].low + operands[1].low,
          operands[0].high + operands[1].high};
}

ElementRange range::sub(ArrayRef<ElementRange> operands) {
  return {operands[0].low - operands[1].high,
          operands[0].high - operands[1].low};
}

ElementRange range::min(ArrayRef<ElementRange> operands) {
  return {std::min(operands[0].low, operands[1].low),
          std::min(operands[0].high, operands[1].high)};
}

ElementRange range::max(ArrayRef<ElementRange> operands) {
  return {std::max(operands[0].low, operands[1].low),
          std::max(operands[0].high, operands[1].high)};
}

ElementRange range::less(ElementRange lhs, ElementRange rhs) {
  return {lhs.high < rhs.low ? 1.0 : 0.0, lhs.low >= rhs.high ? 0.0 : 1.0};
}

ElementRange range::equal(ArrayRef<ElementRange> operands) {
  ElementRange lhs = operands[0], rhs = operands[1];
  bool isApart = lhs.high < rhs.low || rhs.high < lhs.low;
  bool isSame = lhs.low == lhs.high && rhs.isExactly(lhs.low);
  return {isSame ? 1.0 : 0.0, isApart ? 0.0 : 1.0};
}

ElementRange range::negateTruth(ElementRange truth) {
  return {1 - truth.high, 1 - truth.low};
}

ElementRange range::select(ArrayRef<ElementRange> operands) {
  if (operands[0].isExactly(1))
    return operands[1];
  return operands[0].isExactly(0) ? operands[2] : operands[1].join(operands[2]);
}

//===----------------------------------------------------------------------===//
// What types and constants tell
//===----------------------------------------------------------------------===//

static bool isUnsigned(Type type) {
  return type.isUnsignedInteger() || type.isInteger(1);
}

ElementRange nncc::nn::getTypeRange(Type type) {
  if (!isa<IntegerType>(type))
    return {};
  int width = static_cast<int>(type.getIntOrFloatBitWidth());
  if (isUnsigned(type))
    return {0, std::ldexp(1.0, width) - 1};
  double limit = std::ldexp(1.0, width - 1);
  return {-limit, limit - 1};
}

/// `range`, unless a result may be out of the range of its type.
static ElementRange limit(ElementRange range, Type type) {
  ElementRange all = getTypeRange(type);
  return all.contains(range) ? range : all;
}

/// The elements of a constant of numbers; one for all of a splat.
template <typename Number, typename Convert>
static SmallVector<ElementRange> getRanges(DenseElementsAttr constant,
                                           Convert convert) {
  if (constant.isSplat())
    return {convert(constant.getSplatValue<Number>())};
  return llvm::map_to_vector(constant.getValues<Number>(), convert);
}

static SmallVector<ElementRange> getRanges(DenseElementsAttr constant) {
  if (isa<FloatType>(constant.getElementType()))
    return getRanges<APFloat>(constant, [](const APFloat &number) {
      double value = number.convertToDouble();
      return number.isNaN() ? ElementRange() : ElementRange{value, value};
    });
  bool isPositive = isUnsigned(constant.getElementType());
  return getRanges<APInt>(constant, [&](const APInt &number) {
    double value = isPositive ? static_cast<double>(number.getZExtValue())
                              : static_cast<double>(number.getSExtValue());
    return ElementRange{value, value};
  });
}

static bool holdsIntegers(Value tensor) {
  return isa<IntegerType>(getElementTypeOrSelf(tensor));
}

static bool isBounded(const ElementRange &range) {
  return std::isfinite(range.low) && std::isfinite(range.high);
}

/// What numbers of `range` are as results of this type, which rounds them.
static ElementRange roundTo(Type type, const ElementRange &range) {
  if (type.isF32())
    return {static_cast<float>(range.low), static_cast<float>(range.high)};
  return isa<IntegerType>(type)
             ? ElementRange{std::trunc(range.low), std::trunc(range.high)}
             : ElementRange();
}

//===----------------------------------------------------------------------===//
// All elements of a tensor
//===----------------------------------------------------------------------===//

static ElementRange computeTensorRange(Value tensor, unsigned depth);

static ElementRange findTensorRange(Value tensor, unsigned depth) {
  ElementRange range;
  if (tensor.getDefiningOp() && holdsIntegers(tensor) && depth != 0)
    range = computeTensorRange(tensor, depth);
  return limit(range, getElementTypeOrSelf(tensor));
}

/// Of a result of an op.
static ElementRange computeTensorRange(Value tensor, unsigned depth) {
  Operation *op = tensor.getDefiningOp();
  auto ofOperand = [&](Value operand) {
    return findTensorRange(operand, depth - 1);
  };
  if (Attribute attribute; matchPattern(tensor, m_Constant(&attribute))) {
    DenseElementsAttr constant = getSmallConstant(attribute);
    if (!constant || constant.getNumElements() == 0)
      return {};
    SmallVector<ElementRange> ranges = getRanges(constant);
    return std::accumulate(
        ranges.begin() + 1, ranges.end(), ranges.front(),
        [](ElementRange a, ElementRange b) { return a.join(b); });
  }
  if (auto elementwise = dyn_cast<ElementwiseOpInterface>(op))
    return elementwise.inferRange(
        llvm::map_to_vector(op->getOperands(), ofOperand));
  auto movement = dyn_cast<SymbolicValueOpInterface>(op);
  unsigned numMoved = movement ? movement.getNumMovedOperands() : 0;
  if (numMoved == 0)
    return {};
  ElementRange range = ofOperand(op->getOperand(0));
  for (Value operand : op->getOperands().take_front(numMoved).drop_front())
    range = range.join(ofOperand(operand));
  return range;
}

ElementRange nncc::nn::getTensorRange(Value tensor) {
  constexpr unsigned depth = 8;
  return findTensorRange(tensor, depth);
}

bool nncc::nn::holdsBytes(Value tensor) {
  return ElementRange{0, 255}.contains(getTensorRange(tensor));
}

//===----------------------------------------------------------------------===//
// Each element of a small tensor
//===----------------------------------------------------------------------===//

namespace {

using Ranges = SmallVector<ElementRange>;

/// Follows producers; each value is visited once.
class RangeFinder {
public:
  Ranges find(Value tensor, unsigned depth = 0);

private:
  /// Of an op whose operands are small, too; empty where nothing is known.
  Ranges compute(Operation *op, unsigned depth);
  Ranges computeElementwise(ElementwiseOpInterface op, unsigned depth);
  Ranges move(SymbolicValueOpInterface op, unsigned depth);

  llvm::DenseMap<Value, Ranges> known;
};

} // namespace

Ranges RangeFinder::computeElementwise(ElementwiseOpInterface op,
                                       unsigned depth) {
  auto type = cast<RankedTensorType>(op->getResult(0).getType());
  SmallVector<Ranges> operands;
  for (Value operand : op->getOperands())
    operands.push_back(find(operand, depth));
  Ranges ranges;
  for (int64_t i = 0, e = type.getNumElements(); i != e; ++i) {
    Ranges ofElement;
    for (auto [operand, from] : llvm::zip_equal(op->getOperands(), operands))
      ofElement.push_back(from[getBroadcastElement(
          i, type.getShape(),
          cast<RankedTensorType>(operand.getType()).getShape())]);
    // A float that is not bounded may be no number.
    bool isKnown =
        holdsIntegers(op->getResult(0)) || llvm::all_of(ofElement, isBounded);
    ranges.push_back(
        isKnown ? roundTo(type.getElementType(), op.inferRange(ofElement))
                : ElementRange());
  }
  return ranges;
}

Ranges RangeFinder::move(SymbolicValueOpInterface op, unsigned depth) {
  auto sources = getElementSources(op);
  if (!sources)
    return {};
  SmallVector<Ranges> operands;
  for (Value operand : op->getOperands().take_front(op.getNumMovedOperands()))
    operands.push_back(find(operand, depth));
  return llvm::map_to_vector(*sources, [&](ElementSource source) {
    return operands[source.operand][source.element];
  });
}

Ranges RangeFinder::compute(Operation *op, unsigned depth) {
  constexpr unsigned maxDepth = 24;
  if (!op || depth > maxDepth || !llvm::all_of(op->getOperands(), isSmall))
    return {};
  if (auto elementwise = dyn_cast<ElementwiseOpInterface>(op))
    return computeElementwise(elementwise, depth);
  auto movement = dyn_cast<SymbolicValueOpInterface>(op);
  return movement ? move(movement, depth) : Ranges();
}

Ranges RangeFinder::find(Value tensor, unsigned depth) {
  auto type = cast<RankedTensorType>(tensor.getType());
  if (auto it = known.find(tensor); it != known.end())
    return it->second;
  Ranges ranges;
  if (holdsIntegers(tensor) || type.getElementType().isF32()) {
    DenseElementsAttr constant = constantElements(tensor);
    ranges = constant ? getRanges(constant)
                      : compute(tensor.getDefiningOp(), depth + 1);
  }
  ranges.resize(type.getNumElements(),
                ranges.size() == 1 ? ranges.front() : ElementRange());
  for (ElementRange &range : ranges)
    range = limit(range, type.getElementType());
  return known[tensor] = ranges;
}

ElementRange nncc::nn::getElementRange(Value tensor, int64_t element) {
  if (!isSmall(tensor))
    return getTensorRange(tensor);
  return RangeFinder().find(tensor)[element];
}
