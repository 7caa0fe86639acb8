//===- OnnxToNN/SliceByData.cpp - slices at computed positions --*- C++ -*-===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "frontends/onnx/OnnxToNN/SliceByData.h"

#include "nncc/Dialect/NN/NN.h"

using namespace mlir;
using namespace nncc::onnx;
namespace nn = nncc::nn;

namespace {

/// An element of a tensor, moved by a constant: where a slice starts or ends
/// that the graph computes.
struct Position {
  Value tensor;
  int64_t index;
  int64_t offset = 0;

  bool operator==(const Position &other) const {
    return tensor == other.tensor && index == other.index;
  }
  /// Follows the tensor to what it is made of, one op at a time.
  bool step(Node &node);

private:
  bool stepThroughMovement(nn::SymbolicValueOpInterface op);
  bool stepThroughSelect(nn::SelectOp op);
  bool stepThroughOffset(Node &node, Operation *op);
};

} // namespace

bool Position::stepThroughMovement(nn::SymbolicValueOpInterface op) {
  auto sources = nn::getElementSources(op);
  if (!sources)
    return false;
  nn::ElementSource source = (*sources)[index];
  tensor = op->getOperand(source.operand);
  index = source.element;
  return true;
}

/// Where it is known which of the two values the element is.
bool Position::stepThroughSelect(nn::SelectOp op) {
  int64_t count = op.getType().getNumElements();
  auto getIndex = [&](Value operand) -> std::optional<int64_t> {
    auto type = Node::type(operand);
    if (type.hasStaticShape() && type.getNumElements() == 1)
      return 0;
    return type.hasStaticShape() && type.getNumElements() == count
               ? std::optional(index)
               : std::nullopt;
  };
  auto inCondition = getIndex(op.getCondition());
  if (!inCondition)
    return false;
  nn::ElementRange condition =
      nn::getElementRange(op.getCondition(), *inCondition);
  if (!condition.isExactly(0) && !condition.isExactly(1))
    return false;
  Value value = condition.isExactly(1) ? op.getTrueValue() : op.getFalseValue();
  auto inValue = getIndex(value);
  if (!inValue)
    return false;
  tensor = value;
  index = *inValue;
  return true;
}

bool Position::step(Node &node) {
  Operation *op = tensor.getDefiningOp();
  if (!op)
    return false;
  if (isa<nn::CastOp>(op) &&
      isa<IntegerType>(Node::elementType(op->getOperand(0)))) {
    tensor = op->getOperand(0);
    return true;
  }
  if (auto select = dyn_cast<nn::SelectOp>(op))
    return stepThroughSelect(select);
  auto movement = dyn_cast<nn::SymbolicValueOpInterface>(op);
  if (movement && movement.getNumMovedOperands() != 0)
    return stepThroughMovement(movement);
  return isa<nn::AddOp, nn::SubOp>(op) && stepThroughOffset(node, op);
}

/// Add and Sub of a constant.
bool Position::stepThroughOffset(Node &node, Operation *op) {
  for (unsigned constant : {1, 0}) {
    Value rest = op->getOperand(1 - constant);
    auto numbers = node.tryFloats(op->getOperand(constant));
    bool isMoved = isa<nn::AddOp>(op) || constant == 1;
    if (!numbers || numbers->size() != 1 ||
        rest.getType() != tensor.getType() || !isMoved)
      continue;
    offset += isa<nn::AddOp>(op) ? numbers->front() : -numbers->front();
    tensor = rest;
    return true;
  }
  return false;
}

/// The elements of a vector of positions.
static SmallVector<Position> trace(Node &node, Value vector) {
  SmallVector<Position> positions;
  for (int64_t i = 0, e = Node::type(vector).getNumElements(); i < e; ++i) {
    Position &position = positions.emplace_back(Position{vector, i});
    while (!nn::symbolicElements(position.tensor) && position.step(node))
      ;
  }
  return positions;
}

/// `count` elements of `value` along an axis from a computed position on.
static Value sliceAt(Node &node, Value value, int64_t axis,
                     const Position &start, int64_t count) {
  int64_t elements = Node::type(start.tensor).getNumElements();
  Value at = node.reshape(start.tensor, {node.dim(elements)});
  if (elements > 1)
    at = node.slice(at, 0, node.dim(start.index), node.dim(1));
  if (start.offset != 0)
    at = node.add(at, node.constant(start.offset, Node::elementType(at)));
  if (at && count > 1) {
    auto type = RankedTensorType::get({count}, Node::elementType(at));
    at = node.add(at, node.createTyped<nn::IotaOp>(type, 0));
  }
  return node.create<nn::GatherOp>(value, at, axis);
}

/// Where data say that a slice starts or ends, counted from the front.
static Value clampPosition(Node &node, Value position, AffineExpr size,
                           int64_t step) {
  Type i64 = node.getBuilder().getI64Type();
  Value zero = node.constant(0, i64);
  Value all = node.sizeValues(size);
  position = node.select(node.create<nn::LessOp>(position, zero),
                         node.add(position, all), position);
  Value low = node.constant(step > 0 ? 0 : -1, i64);
  Value high = step > 0 ? all : node.sub(all, node.constant(1, i64));
  return node.create<nn::MinOp>(node.create<nn::MaxOp>(position, low), high);
}

/// The elements of `value` along an axis between two positions, vectors of one
/// i64.
static Value sliceBetween(Node &node, Value value, int64_t axis, Value start,
                          Value end, int64_t step) {
  Type i64 = node.getBuilder().getI64Type();
  AffineExpr size = Node::dims(value)[axis];
  start = clampPosition(node, start, size, step);
  end = clampPosition(node, end, size, step);
  Value room = node.constant(double(step > 0 ? step - 1 : step + 1), i64);
  Value by = node.constant(double(step), i64);
  Value count = node.div(node.add(node.sub(end, start), room), by);
  AffineExpr length = node.bindSize(
      node.create<nn::MaxOp>(count, node.constant(0, i64)), "the size");
  if (!length)
    return Value();
  Value at = node.createTyped<nn::IotaOp>(nn::makeTensorType(length, i64), 0);
  return node.create<nn::GatherOp>(value, node.add(node.mul(at, by), start),
                                   axis);
}

/// Whether a slice ends where the axis does, whatever its size is.
static bool isToTheEnd(Node &node, int64_t i) {
  return nn::getElementRange(node.in(2), i).low >= openEnd;
}

static Value getElement(Node &node, Value vector, int64_t i) {
  return node.cast(node.slice(vector, 0, node.dim(i), node.dim(1)),
                   node.getBuilder().getI64Type());
}

Value nncc::onnx::sliceByData(Node &node, ArrayRef<int64_t> axes,
                              ArrayRef<int64_t> steps) {
  SmallVector<Position> starts = trace(node, node.in(1));
  SmallVector<Position> ends = trace(node, node.in(2));
  auto normal = node.axes(axes, Node::rank(node.in(0)));
  if (!normal)
    return Value();
  if (starts.size() != axes.size() || ends.size() != axes.size() ||
      steps.size() != axes.size())
    return node.failValue("starts, ends, axes and steps must be of one length");
  Value value = node.in(0);
  for (size_t i = 0; i < axes.size() && value; ++i) {
    int64_t count = ends[i].offset - starts[i].offset, axis = (*normal)[i];
    bool isFixed = starts[i] == ends[i] && steps[i] == 1 && count >= 1;
    if (steps[i] == 0)
      return node.failValue("the step must not be 0");
    bool isOpen = steps[i] > 0 && isToTheEnd(node, i);
    if (isOpen && steps[i] == 1 &&
        nn::getElementRange(node.in(1), i).isExactly(0))
      continue;
    // As TensorFlow takes one element, which has to be there.
    if (isOpen && steps[i] >= openEnd) {
      isFixed = true;
      count = 1;
    }
    value = isFixed ? sliceAt(node, value, axis, starts[i], count)
                    : sliceBetween(node, value, axis,
                                   getElement(node, node.in(1), i),
                                   getElement(node, node.in(2), i), steps[i]);
  }
  return value;
}
