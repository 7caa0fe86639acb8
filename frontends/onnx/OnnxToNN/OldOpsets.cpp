//===- OldOpsets.cpp - forms of operators before opset 7 ------------------===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Before opset 7 two operands broadcast only where an attribute says so, and
// from an axis on; several operands of today were attributes, or the other way
// round.
//
//===----------------------------------------------------------------------===//

#include "frontends/onnx/OnnxToNN/Rows.h"
#include "frontends/onnx/OnnxToNN/SizeMath.h"
#include "frontends/onnx/Types.h"
#include "nncc/Dialect/NN/NN.h"

using namespace mlir;
using namespace nncc::onnx;
namespace nn = nncc::nn;

/// The second operand, its first dimension at `axis` of the first one's.
static Value alignAt(Node &node, Value a, Value b, int64_t axis) {
  auto first = node.axis(axis, Node::rank(a));
  if (!first)
    return Value();
  Dims dims = Node::dims(b);
  // Ones that are written out, or are too many, stretch as they are.
  int64_t behind = Node::rank(a) - *first - Node::rank(b);
  if (behind < 0)
    return node.failValue("the second operand does not fit behind the axis");
  dims.append(behind, node.dim(1));
  return node.reshape(b, dims);
}

template <Value (*join)(Node &, Value, Value)>
static LogicalResult convertBinary(Node &node) {
  Value a = node.in(0), b = node.in(1);
  bool broadcasts = node.getInt("broadcast", 0) != 0;
  if (node.hasAttr("axis")) {
    int64_t axis = node.getInt("axis", 0);
    if (broadcasts)
      b = alignAt(node, a, b, axis);
  }
  if (!b)
    return failure();
  return node.result(join(node, a, b));
}

template <typename OpT> static Value join(Node &node, Value a, Value b) {
  return node.create<OpT>(a, b);
}

/// One slope, or one for each channel.
static LogicalResult convertPRelu(Node &node) {
  Value x = node.in(0), slope = node.in(1);
  bool isOne = Node::type(slope).hasStaticShape() &&
               Node::type(slope).getNumElements() == 1;
  if (isOne)
    slope = node.reshape(slope, {});
  else if (Node::rank(slope) == 1 && Node::rank(x) > 1)
    slope = alignAt(node, x, slope, 1);
  if (!slope)
    return failure();
  Value zero = node.constant(0, Node::elementType(x));
  return node.result(
      node.select(node.create<nn::LessOp>(x, zero), node.mul(x, slope), x));
}

/// The type has a name, as in TensorProto.DataType.
static LogicalResult convertCast(Node &node) {
  std::string name = node.getString("to", "");
  constexpr int32_t numTypes = 32;
  for (int32_t dataType = 1; dataType < numTypes; ++dataType) {
    if (getDataTypeName(dataType) != name)
      continue;
    Type type = getElementType(dataType, node.getContext());
    if (!type)
      break;
    node.setType(0, type);
    return node.result(node.cast(node.in(0), type));
  }
  return node.fail("a cast to '" + name + "' is not supported");
}

static LogicalResult convertReshape(Node &node) {
  auto target = node.getInts("shape");
  if (!target)
    return node.fail("the shape is missing");
  Dims dims = Node::dims(node.in(0)), sizes = node.dims(*target);
  for (auto [i, size] : llvm::enumerate(sizes))
    if (nn::getConstantValue(size) == 0 && i < dims.size())
      size = dims[i];
  auto resolved = nn::resolveReshape(dims, sizes, node.getContext());
  if (!resolved)
    return node.fail("the number of elements doesn't fit the shape");
  return node.result(node.reshape(node.in(0), *resolved));
}

/// So many times along one axis.
static LogicalResult convertTile(Node &node) {
  auto count = node.ints(node.in(1), "tiles");
  auto axis = node.ints(node.in(2), "the axis");
  if (!count || !axis)
    return failure();
  int64_t rank = Node::rank(node.in(0));
  auto along = axis->size() == 1 ? node.axis(axis->front(), rank)
                                 : std::optional<int64_t>();
  if (!along || count->size() != 1 || count->front() < 0)
    return node.fail("tiles and the axis must be one number each");
  Dims repeats(rank, node.dim(1));
  repeats[*along] = node.dim(count->front());
  return node.result(node.create<nn::TileOp>(node.in(0), node.map(repeats)));
}

static const Row rows[] = {
    {"Add", 1, 2, 2, convertBinary<joinSizes<nn::AddOp>>},
    {"And", 1, 2, 2, convertBinary<join<nn::AndOp>>},
    {"Cast", 1, 1, 1, convertCast},
    {"Div", 1, 2, 2, convertBinary<join<nn::DivOp>>},
    {"Equal", 1, 2, 2, convertBinary<join<nn::EqualOp>>},
    {"Greater", 1, 2, 2, convertBinary<join<nn::GreaterOp>>},
    {"Less", 1, 2, 2, convertBinary<join<nn::LessOp>>},
    {"Mul", 1, 2, 2, convertBinary<joinSizes<nn::MulOp>>},
    {"Or", 1, 2, 2, convertBinary<join<nn::OrOp>>},
    {"PRelu", 1, 2, 2, convertPRelu},
    {"Pow", 1, 2, 2, convertBinary<join<nn::PowOp>>},
    {"Reshape", 1, 1, 1, convertReshape},
    {"Sub", 1, 2, 2, convertBinary<joinSizes<nn::SubOp>>},
    {"Tile", 1, 3, 3, convertTile},
    {"Xor", 1, 2, 2, convertBinary<join<nn::XorOp>>},
};

ArrayRef<Row> nncc::onnx::getOldOpsetRows() { return rows; }
