//===- OnnxToNN/Sequences.cpp - lists of tensors ----------------*- C++ -*-===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A sequence is known while it is legalized: a list of its tensors. Nothing is
// left of it in nn.
//
//===----------------------------------------------------------------------===//

#include "frontends/onnx/OnnxToNN/Node.h"
#include "frontends/onnx/OnnxToNN/Rows.h"
#include "nncc/Dialect/NN/NN.h"

using namespace mlir;
using namespace nncc::onnx;
namespace nn = nncc::nn;

// More pieces would be a loop, not a list.
static constexpr int64_t maxPieces = 1024;

static Value withoutDim(Node &node, Value value, int64_t axis) {
  if (!value)
    return value;
  Dims dims = Node::dims(value);
  dims.erase(dims.begin() + axis);
  return node.reshape(value, dims);
}

/// The tensors of operand 0; none after an error.
static std::optional<SmallVector<Value>> readSequence(Node &node) {
  if (auto elements = Node::elements(node.in(0)))
    return elements;
  Value stack =
      Node::isTensor(node.in(0)) ? Value() : Node::getStack(node.in(0));
  std::optional<int64_t> count;
  if (stack)
    count = nn::getConstantValue(Node::dims(stack)[0]);
  if (!count || *count > maxPieces) {
    (void)node.fail(stack ? "the sequence's length is open, which is not "
                            "supported here"
                          : "its input 0 must be a sequence");
    return std::nullopt;
  }
  SmallVector<Value> elements;
  for (int64_t i = 0; i < *count; ++i)
    elements.push_back(
        withoutDim(node, node.slice(stack, 0, node.dim(i), node.dim(1)), 0));
  return elements;
}

/// A constant position in [0, size); counted from the end when negative.
static std::optional<int64_t> readPosition(Node &node, Value value,
                                           int64_t size) {
  if (!value || !Node::isTensor(value)) {
    (void)node.fail("the position must be a number");
    return std::nullopt;
  }
  auto given = node.ints(value, "the position");
  if (!given)
    return std::nullopt;
  int64_t position = given->size() == 1 ? given->front() : size;
  if (position < 0)
    position += size;
  if (position >= 0 && position < size)
    return position;
  (void)node.fail("the position is out of range for a sequence of " +
                  llvm::Twine(size));
  return std::nullopt;
}

static LogicalResult convertEmpty(Node &node) {
  (void)node.getInt("dtype", 1);
  return node.result(node.sequence({}));
}

static LogicalResult convertConstruct(Node &node) {
  if (llvm::is_contained(node.ins(), Value()))
    return node.fail("an input is missing");
  return node.result(node.sequence(node.ins()));
}

static LogicalResult convertInsert(Node &node) {
  auto elements = readSequence(node);
  if (!elements)
    return failure();
  if (!node.in(1) || !Node::isTensor(node.in(1)))
    return node.fail("its input 1 must be a tensor");
  int64_t position = elements->size();
  if (node.in(2)) {
    auto given = readPosition(node, node.in(2), elements->size() + 1);
    if (!given)
      return failure();
    position = *given;
  }
  elements->insert(elements->begin() + position, node.in(1));
  return node.result(node.sequence(*elements));
}

static LogicalResult convertErase(Node &node) {
  auto elements = readSequence(node);
  if (!elements)
    return failure();
  std::optional<int64_t> position = elements->size() - 1;
  if (elements->empty())
    return node.fail("the sequence is empty");
  if (node.in(1))
    position = readPosition(node, node.in(1), elements->size());
  if (!position)
    return failure();
  elements->erase(elements->begin() + *position);
  return node.result(node.sequence(*elements));
}

static LogicalResult convertAt(Node &node) {
  auto elements = readSequence(node);
  auto position = elements ? readPosition(node, node.in(1), elements->size())
                           : std::nullopt;
  return position ? node.result((*elements)[*position]) : failure();
}

static LogicalResult convertLength(Node &node) {
  auto elements = readSequence(node);
  if (!elements)
    return failure();
  Value count =
      node.constant(ArrayRef(Ints{static_cast<int64_t>(elements->size())}));
  return node.result(node.reshape(count, {}));
}

/// The sizes of the pieces; none after an error.
static std::optional<Ints> readPieces(Node &node, AffineExpr size) {
  auto known = nn::getConstantValue(size);
  Value given = node.in(1);
  if (given && Node::rank(given) == 1) {
    auto pieces = node.ints(given, "split");
    int64_t sum = 0;
    for (int64_t piece : pieces.value_or(Ints()))
      sum = piece < 0 ? -1 : sum < 0 ? sum : sum + piece;
    if (!pieces || !known || sum == *known)
      return pieces;
    (void)node.fail("split does not add up to " + llvm::Twine(*known));
    return std::nullopt;
  }
  std::optional<Ints> piece = Ints{1};
  if (given)
    piece = node.ints(given, "split");
  if (!piece)
    return std::nullopt;
  if (!known || piece->size() != 1 || piece->front() < 1 ||
      *known / piece->front() > maxPieces) {
    (void)node.fail("the number of pieces must be constant and at most " +
                    llvm::Twine(maxPieces));
    return std::nullopt;
  }
  Ints pieces;
  for (int64_t left = *known; left > 0; left -= piece->front())
    pieces.push_back(std::min(left, piece->front()));
  return pieces;
}

static LogicalResult convertSplit(Node &node) {
  Value input = node.in(0);
  auto axis = node.axis(node.getInt("axis", 0), Node::rank(input));
  bool keeps = node.getInt("keepdims", 1) != 0 || node.in(1);
  if (!axis)
    return failure();
  auto pieces = readPieces(node, Node::dims(input)[*axis]);
  if (!pieces)
    return failure();
  SmallVector<Value> elements;
  int64_t start = 0;
  for (int64_t size : *pieces) {
    Value piece = node.slice(input, *axis, node.dim(start), node.dim(size));
    if (!piece)
      return failure();
    elements.push_back(keeps ? piece : withoutDim(node, piece, *axis));
    start += size;
  }
  return node.result(node.sequence(elements));
}

/// A stack [n, sizes...] with n at the axis, or joined with the size there.
static LogicalResult concatStack(Node &node, Value stack, bool isNew) {
  auto axis = node.axis(node.getInt("axis", 0), Node::rank(stack) - !isNew);
  if (!axis)
    return failure();
  Ints permutation;
  for (int64_t i = 1; i < Node::rank(stack); ++i)
    permutation.push_back(i);
  permutation.insert(permutation.begin() + *axis, 0);
  Value result = node.transpose(stack, permutation);
  if (isNew || !result)
    return node.result(result);
  Dims dims = Node::dims(result);
  dims[*axis] = nn::simplify(dims[*axis] * dims[*axis + 1]);
  dims.erase(dims.begin() + *axis + 1);
  return node.result(node.reshape(result, dims));
}

static LogicalResult convertConcat(Node &node) {
  bool isNew = node.getInt("new_axis", 0) != 0;
  if (!Node::isTensor(node.in(0)))
    if (Value stack = Node::getStack(node.in(0)))
      return concatStack(node, stack, isNew);
  auto elements = readSequence(node);
  if (!elements)
    return failure();
  if (elements->empty())
    return node.fail("the sequence is empty");
  auto axis =
      node.axis(node.getInt("axis", 0), Node::rank(elements->front()) + isNew);
  if (!axis)
    return failure();
  if (isNew)
    for (Value &element : *elements) {
      Dims dims = Node::dims(element);
      if (*axis > static_cast<int64_t>(dims.size()))
        return node.fail("the tensors of the sequence differ in rank");
      dims.insert(dims.begin() + *axis, node.dim(1));
      element = node.reshape(element, dims);
    }
  return node.result(elements->size() == 1 ? elements->front()
                                           : node.concat(*elements, *axis));
}

/// Whether there is a value is known, and a value is itself.
static LogicalResult convertOptional(Node &node) {
  if (!node.in(0))
    return node.fail("an optional without a value is not supported");
  (void)node.hasAttr("type");
  return node.result(node.in(0));
}

static LogicalResult convertHasElement(Node &node) {
  return node.result(
      node.constant(node.in(0) ? 1 : 0, node.getBuilder().getI1Type()));
}

static const Row rows[] = {
    {"ConcatFromSequence", 11, 1, 1, convertConcat, "", "", true},
    {"Optional", 15, 0, 1, convertOptional, "", "one without a value", true},
    {"OptionalGetElement", 15, 1, 1, convertOptional, "", "", true},
    {"OptionalHasElement", 15, 0, 1, convertHasElement, "", "", true},
    {"SequenceAt", 11, 2, 2, convertAt, "", "computed positions", true},
    {"SequenceConstruct", 11, 1, anyNumber, convertConstruct},
    {"SequenceEmpty", 11, 0, 0, convertEmpty},
    {"SequenceErase", 11, 1, 2, convertErase, "", "computed positions", true},
    {"SequenceInsert", 11, 2, 3, convertInsert, "", "computed positions", true},
    {"SequenceLength", 11, 1, 1, convertLength, "", "", true},
    {"SplitToSequence", 11, 1, 2, convertSplit, "", "an open number of pieces"},
};

ArrayRef<Row> nncc::onnx::getSequenceRows() { return rows; }
