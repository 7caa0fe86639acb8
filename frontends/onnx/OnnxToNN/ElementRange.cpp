//===- OnnxToNN/ElementRange.cpp - bounds of elements -----------*- C++ -*-===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "frontends/onnx/OnnxToNN/ElementRange.h"

#include "nncc/Dialect/NN/NN.h"

#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace nncc::onnx;
namespace nn = nncc::nn;

static constexpr unsigned maxDepth = 24;

Value nncc::onnx::findConcatenated(Operation *concat, int64_t &index) {
  for (Value part : concat->getOperands()) {
    auto type = Node::type(part);
    if (type.getRank() != 1 || !type.hasStaticShape())
      return Value();
    if (index < type.getNumElements())
      return part;
    index -= type.getNumElements();
  }
  return Value();
}

Value nncc::onnx::findSelected(Node &node, Operation *select, int64_t index,
                               unsigned depth) {
  ElementRange condition =
      getElementRange(node, select->getOperand(0), index, depth + 1);
  if (condition.isExactly(1))
    return select->getOperand(1);
  return condition.isExactly(0) ? select->getOperand(2) : Value();
}

namespace {

/// The range of an op's element from those of its operands.
class RangeFinder {
public:
  RangeFinder(Node &node, int64_t index, unsigned depth)
      : node(node), index(index), depth(depth) {}

  ElementRange find(Operation *op);

private:
  ElementRange get(Operation *op, unsigned operand) {
    return getElementRange(node, op->getOperand(operand), index, depth + 1);
  }
  ElementRange cast(Operation *op);
  ElementRange compare(Operation *op);
  ElementRange compute(Operation *op);
  ElementRange select(Operation *op);
  ElementRange concat(Operation *op);

  Node &node;
  int64_t index;
  unsigned depth;
};

} // namespace

ElementRange RangeFinder::cast(Operation *op) {
  bool asksWhetherZero = Node::elementType(op->getResult(0)).isInteger(1) &&
                         !Node::elementType(op->getOperand(0)).isInteger(1);
  return asksWhetherZero ? ElementRange() : get(op, 0);
}

/// Less, Equal.
ElementRange RangeFinder::compare(Operation *op) {
  ElementRange a = get(op, 0), b = get(op, 1);
  bool isApart = a.high < b.low || b.high < a.low;
  if (isa<nn::EqualOp>(op))
    return isApart                                 ? ElementRange{0, 0}
           : a.low == a.high && b.isExactly(a.low) ? ElementRange{1, 1}
                                                   : ElementRange{0, 1};
  return a.high < b.low    ? ElementRange{1, 1}
         : a.low >= b.high ? ElementRange{0, 0}
                           : ElementRange{0, 1};
}

/// Add, Max and Min, which on truth values are Or and And.
ElementRange RangeFinder::compute(Operation *op) {
  ElementRange a = get(op, 0), b = get(op, 1);
  if (isa<nn::AddOp>(op))
    return {a.low + b.low, a.high + b.high};
  if (isa<nn::MaxOp, nn::OrOp>(op))
    return {std::max(a.low, b.low), std::max(a.high, b.high)};
  return {std::min(a.low, b.low), std::min(a.high, b.high)};
}

ElementRange RangeFinder::select(Operation *op) {
  if (Value selected = findSelected(node, op, index, depth))
    return getElementRange(node, selected, index, depth + 1);
  ElementRange a = get(op, 1), b = get(op, 2);
  return {std::min(a.low, b.low), std::max(a.high, b.high)};
}

ElementRange RangeFinder::concat(Operation *op) {
  Value part = findConcatenated(op, index);
  return part ? getElementRange(node, part, index, depth + 1) : ElementRange();
}

ElementRange RangeFinder::find(Operation *op) {
  return llvm::TypeSwitch<Operation *, ElementRange>(op)
      .Case<nn::ReshapeOp>([&](auto) { return get(op, 0); })
      .Case<nn::CastOp>([&](auto) { return cast(op); })
      .Case<nn::ConcatOp>([&](auto) { return concat(op); })
      .Case<nn::SelectOp>([&](auto) { return select(op); })
      .Case<nn::LessOp, nn::EqualOp>([&](auto) { return compare(op); })
      .Case<nn::AddOp, nn::MaxOp, nn::MinOp, nn::AndOp, nn::OrOp>(
          [&](auto) { return compute(op); })
      .Default([](Operation *) { return ElementRange(); });
}

ElementRange nncc::onnx::getElementRange(Node &node, Value vector,
                                         int64_t index, unsigned depth) {
  auto type = Node::type(vector);
  if (depth > maxDepth || type.getRank() > 1 || !type.hasStaticShape())
    return {};
  // What has one element broadcasts.
  if (type.getNumElements() == 1)
    index = 0;
  if (index >= type.getNumElements())
    return {};
  ElementRange range;
  Operation *op = vector.getDefiningOp();
  if (auto numbers = node.tryFloats(vector))
    range = {(*numbers)[index], (*numbers)[index]};
  else if (op)
    range = RangeFinder(node, index, depth).find(op);
  if (Node::elementType(vector).isInteger(1))
    range = {std::max(range.low, 0.0), std::min(range.high, 1.0)};
  return range;
}
