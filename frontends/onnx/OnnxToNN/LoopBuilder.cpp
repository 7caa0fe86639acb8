//===- OnnxToNN/LoopBuilder.cpp - an nn.loop around a body ------*- C++ -*-===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "frontends/onnx/OnnxToNN/LoopBuilder.h"

#include "frontends/onnx/OnnxToNN/StateSizes.h"
#include "nncc/Dialect/NN/NN.h"

using namespace mlir;
using namespace nncc::onnx;
namespace nn = nncc::nn;

namespace {

class LoopBuilder {
public:
  LoopBuilder(Node &node, const Loop &loop)
      : node(node), loop(loop), builder(node.getBuilder()) {}

  std::optional<SmallVector<Value>> build(Region &region,
                                          ArrayRef<Value> outputs);

private:
  bool endBody(ArrayRef<Value> outputs);
  SmallVector<Value> carryStacks(Region &region, ValueRange elements);
  std::optional<SmallVector<Value>> stackByData(Region &region,
                                                ValueRange elements);
  Operation *createLoop(Region &region, bool hasCondition, ValueRange elements);

  Node &node;
  const Loop &loop;
  OpBuilder &builder;
};

} // namespace

Value nncc::onnx::makeStep(Node &node, int64_t number) {
  return node.constant(static_cast<double>(number),
                       node.getBuilder().getI64Type());
}

std::optional<bool> nncc::onnx::getKnownCondition(Node &node, Value condition) {
  auto numbers = node.tryFloats(condition);
  if (!numbers || numbers->size() != 1)
    return std::nullopt;
  return numbers->front() != 0;
}

/// Ends the body with what the outputs of a step are in nn. Returns whether the
/// loop has a condition.
bool LoopBuilder::endBody(ArrayRef<Value> outputs) {
  SmallVector<Value> yielded(outputs);
  bool hasCondition = loop.condition != nullptr;
  if (loop.testsCondition) {
    hasCondition |= getKnownCondition(node, yielded.front()) != true;
    if (hasCondition)
      yielded.front() = node.reshape(yielded.front(), {});
    else
      yielded.erase(yielded.begin());
  }
  if (!node.hasFailed())
    builder.create<nn::YieldOp>(node.getLoc(), yielded);
  return hasCondition;
}

/// A loop that a condition ends stacks into tensors for all steps that there
/// may be; what is left over is cut off behind it. Adds the number of the steps
/// and the stacks to the states, in the body too.
SmallVector<Value> LoopBuilder::carryStacks(Region &region,
                                            ValueRange elements) {
  Block &block = region.front();
  Operation *yield = block.getTerminator();
  SmallVector<Value> initial(loop.initial);
  initial.push_back(makeStep(node, 0));
  for (Value element : elements) {
    Dims dims = Node::dims(element);
    dims.insert(dims.begin(), loop.count);
    initial.push_back(
        node.broadcast(node.constant(0, Node::elementType(element)), dims));
  }
  OpBuilder::InsertionGuard guard(builder);
  builder.setInsertionPoint(yield);
  SmallVector<Value> yielded(
      yield->getOperands().take_front(1 + loop.initial.size()));
  Value step = block.getArgument(0);
  Value at = node.reshape(step, {node.dim(1), node.dim(1)});
  yielded.push_back(node.add(step, makeStep(node, 1)));
  block.addArgument(step.getType(), node.getLoc());
  for (auto [element, zeros] : llvm::zip_equal(
           elements, ArrayRef(initial).take_back(elements.size()))) {
    Dims row = Node::dims(element);
    row.insert(row.begin(), node.dim(1));
    Value stack = block.addArgument(zeros.getType(), node.getLoc());
    yielded.push_back(node.create<nn::ScatterNDOp>(
        stack, at, node.reshape(element, row), nn::ScatterReduction::None));
  }
  if (!node.hasFailed())
    yield->setOperands(yielded);
  return initial;
}

/// Such a loop's last states and stacks.
std::optional<SmallVector<Value>>
LoopBuilder::stackByData(Region &region, ValueRange elements) {
  Loop inner = loop;
  inner.initial = carryStacks(region, elements);
  if (node.hasFailed())
    return std::nullopt;
  Operation *op = LoopBuilder(node, inner).createLoop(region, true, {});
  if (!op)
    return std::nullopt;
  SmallVector<Value> results(op->getResults());
  unsigned states = loop.initial.size();
  AffineExpr count = node.bindSize(results[states], "the number of steps");
  if (!count)
    return std::nullopt;
  results.erase(results.begin() + states);
  for (Value &stack : MutableArrayRef(results).drop_front(states))
    stack = node.slice(stack, 0, node.dim(0), count);
  return results;
}

/// The loop around `region`; null where it stacks elements, but can't.
Operation *LoopBuilder::createLoop(Region &region, bool hasCondition,
                                   ValueRange elements) {
  SmallVector<Type> types(
      ValueRange(region.getArguments()).drop_front().getTypes());
  for (Value element : elements) {
    if (!loop.count) {
      (void)node.fail("it stacks elements, but nothing limits the number of "
                      "its steps, which is not supported");
      return nullptr;
    }
    Dims dims = Node::dims(element);
    dims.insert(dims.begin(), loop.count);
    types.push_back(nn::makeTensorType(dims, Node::elementType(element)));
  }
  AffineMapAttr count;
  if (loop.count)
    count = AffineMapAttr::get(node.map(loop.count));
  Value condition = loop.condition;
  if (hasCondition && !condition)
    condition = node.constant(1, builder.getI1Type());
  IntegerAttr firstSize, numSizes;
  if (loop.numSizes > 0) {
    firstSize = builder.getI64IntegerAttr(loop.firstSymbol);
    numSizes = builder.getI64IntegerAttr(loop.numSizes);
  }
  auto op =
      builder.create<nn::LoopOp>(node.getLoc(), types, count, loop.limit,
                                 condition, loop.initial, firstSize, numSizes);
  op.getBody().takeBody(region);
  return op;
}

std::optional<SmallVector<Value>> LoopBuilder::build(Region &region,
                                                     ArrayRef<Value> outputs) {
  OpBuilder::InsertPoint outside = builder.saveInsertionPoint();
  builder.setInsertionPointToEnd(&region.front());
  bool hasCondition = endBody(outputs);
  builder.restoreInsertionPoint(outside);
  if (node.hasFailed())
    return std::nullopt;
  ValueRange elements(
      outputs.drop_front(loop.testsCondition + loop.initial.size()));
  if (failed(checkElements(node, elements, loop.firstSymbol)))
    return std::nullopt;
  if (hasCondition && loop.count && !elements.empty())
    return stackByData(region, elements);
  Operation *op = createLoop(region, hasCondition, elements);
  if (!op)
    return std::nullopt;
  return SmallVector<Value>(op->getResults());
}

std::optional<SmallVector<Value>>
nncc::onnx::buildLoop(Node &node, const Loop &loop, Region &region,
                      ArrayRef<Value> outputs) {
  return LoopBuilder(node, loop).build(region, outputs);
}
