//===- OnnxToNN/SizeMath.cpp - sizes that are computed as floats *- C++ -*-===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "frontends/onnx/OnnxToNN/SizeMath.h"

#include <cmath>

using namespace mlir;
using namespace nncc::onnx;
namespace nn = nncc::nn;

Value nncc::onnx::asSizes(Node &node, Value value) {
  if (!value || !isa<FloatType>(Node::elementType(value)) ||
      Node::rank(value) > 1 || !Node::type(value).hasStaticShape() ||
      Node::type(value).getNumElements() > nn::maxSymbolicElements)
    return Value();
  Type i64 = node.getBuilder().getI64Type();
  if (auto cast = value.getDefiningOp<nn::CastOp>())
    return nn::symbolicElements(cast.getInput())
               ? node.cast(cast.getInput(), i64)
               : Value();
  if (!value.getDefiningOp<nn::ConstantOp>())
    return Value();
  auto numbers = node.tryFloats(value);
  if (!numbers || numbers->empty())
    return Value();
  Ints integers;
  for (double number : *numbers) {
    if (number != std::trunc(number) || std::abs(number) > (1 << 24))
      return Value();
    integers.push_back(static_cast<int64_t>(number));
  }
  Value constant = node.constant(ArrayRef<int64_t>(integers));
  return Node::rank(value) == 0 ? node.reshape(constant, {}) : constant;
}

bool nncc::onnx::areSizes(Node &node, Value &a, Value &b) {
  if (!a || !b || Node::elementType(a) != Node::elementType(b) ||
      (!a.getDefiningOp<nn::CastOp>() && !b.getDefiningOp<nn::CastOp>()))
    return false;
  Value first = asSizes(node, a);
  Value second = first ? asSizes(node, b) : Value();
  if (!second)
    return false;
  a = first;
  b = second;
  return true;
}

/// Picks each element of one of two vectors of sizes; null where they are none.
static Value pickMinimum(Node &node, Value a, Value b) {
  auto first = nn::symbolicElements(a), second = nn::symbolicElements(b);
  if (!first || !second || first->size() != second->size() ||
      a.getType() != b.getType() || Node::rank(a) > 1)
    return Value();
  SmallVector<Value> picked;
  bool allFirst = true, allSecond = true;
  for (auto [i, pair] : llvm::enumerate(llvm::zip_equal(*first, *second))) {
    auto [x, y] = pair;
    bool isFirst = node.minimum(x, y) == x;
    allFirst &= isFirst;
    allSecond &= !isFirst || x == y;
    if (Node::rank(a) == 1)
      picked.push_back(
          node.slice(isFirst ? a : b, 0, node.dim(i), node.dim(1)));
  }
  if (allFirst || allSecond)
    return allFirst ? a : b;
  return node.concat(picked, 0);
}

Value nncc::onnx::minimum(Node &node, Value a, Value b) {
  Type type = Node::elementType(a);
  bool sizes = areSizes(node, a, b);
  if (sizes || isa<IntegerType>(type))
    if (Value picked = pickMinimum(node, a, b))
      return node.cast(picked, type);
  return node.cast(node.create<nn::MinOp>(a, b), type);
}
