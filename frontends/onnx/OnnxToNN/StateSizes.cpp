//===- OnnxToNN/StateSizes.cpp - states that change sizes -------*- C++ -*-===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "frontends/onnx/OnnxToNN/StateSizes.h"

#include "frontends/onnx/OnnxToNN/Converter.h"

#include "llvm/ADT/MapVector.h"

using namespace mlir;
using namespace nncc::onnx;
namespace nn = nncc::nn;

StateSizes::StateSizes(ArrayRef<Value> initial) : initial(initial) {
  for (Value state : initial)
    classes.emplace_back(Node::isTensor(state) ? Node::rank(state) : 0, 0);
}

bool StateSizes::startDeclared(Block &body, unsigned first) {
  DenseMap<AffineExpr, unsigned> known;
  for (auto [i, state] : llvm::enumerate(initial)) {
    auto declared =
        dyn_cast<RankedTensorType>(body.getArgument(first + i).getType());
    if (!declared || declared.getRank() != Node::rank(state))
      continue;
    for (auto [j, size] : llvm::enumerate(Node::dims(state))) {
      if (!declared.isDynamicDim(j))
        continue;
      unsigned &number = known[size];
      if (number == 0)
        number = ++numClasses;
      classes[i][j] = number;
    }
  }
  return numClasses > 0;
}

SmallVector<Type> StateSizes::makeTypes(Node &node) {
  firstSymbol = node.getNumSymbols();
  // The second half is the loop's own.
  Dims symbols =
      node.getConverter().addBoundSymbols(node.getOpType(), 2 * numClasses);
  SmallVector<Type> types;
  for (auto [state, numbers] : llvm::zip_equal(initial, classes)) {
    Dims dims = Node::dims(state);
    for (auto [dim, number] : llvm::zip_equal(dims, numbers))
      if (number > 0)
        dim = symbols[number - 1];
    types.push_back(nn::makeTensorType(dims, Node::elementType(state)));
  }
  return types;
}

bool StateSizes::refine(TypeRange types, ArrayRef<Value> next) {
  /// What sizes of one class have in common.
  using Key = std::tuple<AffineExpr, unsigned, AffineExpr>;
  llvm::MapVector<Key, unsigned> refined;
  SmallVector<SmallVector<unsigned>> numbers = classes;
  for (auto [i, type, value] : llvm::enumerate(types, next)) {
    if (Node::rank(value) != Node::rank(initial[i]) ||
        Node::elementType(value) != Node::elementType(initial[i]))
      return false;
    Dims before = Node::dims(initial[i]), after = Node::dims(value);
    for (auto [j, dim] : llvm::enumerate(nn::getDims(type))) {
      unsigned &number = numbers[i][j];
      if (number == 0 && after[j] == dim)
        continue;
      // Those that are new may be equal: the next time tells.
      AffineExpr told = number == 0 ? AffineExpr() : after[j];
      unsigned fresh = refined.size() + 1;
      number = refined.insert({{before[j], number, told}, fresh}).first->second;
    }
  }
  bool hasLearned = refined.size() != numClasses;
  classes = std::move(numbers);
  numClasses = refined.size();
  return hasLearned;
}

LogicalResult nncc::onnx::checkElements(Node &node, ValueRange elements,
                                        unsigned firstSymbol) {
  for (Value element : elements)
    for (AffineExpr size : Node::dims(element))
      if (node.needsSymbols(size, firstSymbol))
        return node.fail("it stacks elements of " + node.describe(element) +
                         ", whose sizes depend on the step, which is not "
                         "supported");
  return success();
}

Value nncc::onnx::makeZeros(Node &node, RankedTensorType type,
                            unsigned firstSymbol) {
  Dims dims = nn::getDims(type);
  for (AffineExpr &dim : dims)
    if (node.needsSymbols(dim, firstSymbol))
      dim = node.dim(0);
  return node.broadcast(node.constant(0, type.getElementType()), dims);
}
