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
};

} // namespace

bool Position::step(Node &node) {
  Operation *op = tensor.getDefiningOp();
  if (!op)
    return false;
  if (isa<nn::ReshapeOp>(op) ||
      (isa<nn::CastOp>(op) &&
       isa<IntegerType>(Node::elementType(op->getOperand(0))))) {
    tensor = op->getOperand(0);
    return true;
  }
  if (auto concat = dyn_cast<nn::ConcatOp>(op)) {
    for (Value part : concat.getInputs()) {
      auto type = Node::type(part);
      if (type.getRank() != 1 || !type.hasStaticShape())
        return false;
      if (index < type.getNumElements()) {
        tensor = part;
        return true;
      }
      index -= type.getNumElements();
    }
    return false;
  }
  if (!isa<nn::AddOp, nn::SubOp>(op))
    return false;
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
  for (auto [start, end, axis, step] :
       llvm::zip_equal(starts, ends, *normal, steps)) {
    int64_t count = end.offset - start.offset;
    if (!(start == end) || step != 1 || count < 1)
      return node.failValue(
          "starts must be known when compiling, or the ends be made from "
          "them with constants alone; data-dependent shapes are not supported");
    value = sliceAt(node, value, axis, start, count);
  }
  return value;
}
