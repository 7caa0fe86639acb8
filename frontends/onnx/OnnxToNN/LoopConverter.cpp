//===- OnnxToNN/LoopConverter.cpp - loops as nn has them --------*- C++ -*-===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A short loop of a constant number of steps is unrolled, which lets states
// change their sizes and positions be constants; others become nn.loop.
//
//===----------------------------------------------------------------------===//

#include "frontends/onnx/OnnxToNN/LoopConverter.h"

#include "frontends/onnx/OnnxToNN/Converter.h"
#include "frontends/onnx/OnnxToNN/CountedLoop.h"
#include "frontends/onnx/OnnxToNN/LoopBuilder.h"
#include "frontends/onnx/OnnxToNN/StateSizes.h"
#include "nncc/Dialect/NN/NN.h"

using namespace mlir;
using namespace nncc::onnx;
namespace nn = nncc::nn;

// Unrolled without need up to this many nodes, otherwise this many steps.
static constexpr int64_t maxUnrolledNodes = 256;
static constexpr int64_t maxUnrolledSteps = 128;
namespace {

class LoopConverter {
public:
  LoopConverter(Node &node, const Loop &loop)
      : node(node), loop(loop), builder(node.getBuilder()) {}

  /// The last states and the stacks; none on failure.
  std::optional<SmallVector<Value>> convert();

private:
  std::optional<SmallVector<Value>> unroll();
  std::optional<SmallVector<Value>> roll();
  std::optional<SmallVector<Value>> rollAs(StateSizes &sizes, bool *hasLearned);
  std::optional<SmallVector<Value>> refineAndRoll(StateSizes &sizes);
  template <typename Way> std::optional<SmallVector<Value>> tryTo(Way way) {
    std::optional<SmallVector<Value>> results;
    (void)node.attempt([&] { return success((results = way()).has_value()); });
    return results;
  }
  bool replaceUnread(Loop &replaced);
  std::optional<SmallVector<Value>> rollSequences();
  LogicalResult stackAppended(SmallVector<Value> &outputs);
  std::optional<SmallVector<Value>> convertBody(Value step, ValueRange states);
  bool checkKinds(ArrayRef<Value> outputs);
  LogicalResult adaptStates(TypeRange types, MutableArrayRef<Value> next);

  Node &node;
  const Loop &loop;
  OpBuilder &builder;
};

} // namespace

/// Whether tensors stay tensors, and sequences are states only.
bool LoopConverter::checkKinds(ArrayRef<Value> outputs) {
  unsigned first = loop.testsCondition;
  for (auto [i, output] : llvm::enumerate(outputs)) {
    bool isState = i >= first && i - first < loop.initial.size();
    bool expected = !isState || Node::isTensor(loop.initial[i - first]);
    if (Node::isTensor(output) != expected) {
      (void)node.fail("output " + llvm::Twine(i) + " of the body must be a " +
                      (expected ? "tensor" : "sequence"));
      return false;
    }
  }
  return true;
}

/// The outputs of one step.
std::optional<SmallVector<Value>>
LoopConverter::convertBody(Value step, ValueRange states) {
  if (!node.getConverter().countBody()) {
    (void)node.fail("too many steps of loops are unrolled");
    return std::nullopt;
  }
  SmallVector<Value> inputs = loop.getInputs(step, states);
  if (node.hasFailed())
    return std::nullopt;
  SmallVector<Value> outputs =
      node.getConverter().inlineBody(*loop.body, inputs);
  // An output may be missing because a node of the body has failed.
  if (llvm::is_contained(outputs, Value()))
    return std::nullopt;
  unsigned first = loop.testsCondition;
  for (auto [i, output] :
       llvm::enumerate(MutableArrayRef(outputs).drop_front(first)))
    output = node.takeOutput(i, output);
  if ((loop.arrange && failed(loop.arrange(outputs))) || !checkKinds(outputs))
    return std::nullopt;
  return outputs;
}

std::optional<SmallVector<Value>> LoopConverter::unroll() {
  SmallVector<Value> states(loop.initial);
  SmallVector<SmallVector<Value>> stacks(node.getNumOutputs() - states.size());
  int64_t count = *nn::getConstantValue(loop.count);
  bool proceeds = true;
  for (int64_t i = 0; i < count && proceeds; ++i) {
    auto outputs = convertBody(makeStep(node, i), states);
    if (!outputs)
      return std::nullopt;
    ArrayRef<Value> rest(*outputs);
    if (loop.testsCondition) {
      std::optional<bool> known = getKnownCondition(node, rest.front());
      if (!known) {
        (void)node.fail("its condition depends on data and its states change "
                        "their types, which is not supported");
        return std::nullopt;
      }
      proceeds = *known;
      rest = rest.drop_front();
    }
    states.assign(rest.begin(), rest.begin() + states.size());
    for (auto [stack, element] :
         llvm::zip_equal(stacks, rest.drop_front(states.size()))) {
      Dims dims = Node::dims(element);
      dims.insert(dims.begin(), node.dim(1));
      stack.push_back(node.reshape(element, dims));
    }
  }
  for (ArrayRef<Value> stack : stacks) {
    if (stack.empty()) {
      (void)node.fail("the loop has no steps and stacks elements, which is "
                      "not supported");
      return std::nullopt;
    }
    states.push_back(stack.size() == 1 ? stack[0] : node.concat(stack, 0));
  }
  return states;
}

/// Numbers may change their rank from step to step.
LogicalResult LoopConverter::adaptStates(TypeRange types,
                                         MutableArrayRef<Value> next) {
  for (auto [i, value, expected] : llvm::enumerate(next, types)) {
    auto from = Node::type(value), to = cast<RankedTensorType>(expected);
    if (from != to && from.hasStaticShape() && to.hasStaticShape() &&
        from.getNumElements() == 1 && to.getNumElements() == 1)
      value = node.reshape(value, nn::getDims(to));
    if (Node::rank(value) != to.getRank() ||
        Node::elementType(value) != to.getElementType())
      return node.fail("state " + llvm::Twine(i) + " of the loop changes " +
                       "its type from " + node.describe(loop.initial[i]) +
                       " to " + node.describe(value) +
                       ", which is supported for a small constant number of "
                       "steps only");
  }
  return success();
}

/// The loop whose states have these sizes; none if the body gives others, from
/// which `sizes` has learned then.
std::optional<SmallVector<Value>> LoopConverter::rollAs(StateSizes &sizes,
                                                        bool *hasLearned) {
  Region region;
  Block &block = region.emplaceBlock();
  Location loc = node.getLoc();
  SmallVector<Type> types = sizes.makeTypes(node);
  block.addArgument(RankedTensorType::get({}, builder.getI64Type()), loc);
  for (Type type : types)
    block.addArgument(type, loc);
  SmallVector<Value> states(llvm::drop_begin(block.getArguments()));
  OpBuilder::InsertPoint outside = builder.saveInsertionPoint();
  builder.setInsertionPointToEnd(&block);
  auto outputs = convertBody(block.getArgument(0), states);
  bool isConverted = false;
  if (outputs) {
    auto next = MutableArrayRef<Value>(*outputs)
                    .drop_front(loop.testsCondition)
                    .take_front(states.size());
    isConverted = succeeded(adaptStates(types, next));
    *hasLearned = isConverted && sizes.refine(types, next);
  }
  builder.restoreInsertionPoint(outside);
  if (!isConverted || *hasLearned || node.hasFailed())
    return std::nullopt;
  Loop counted = loop;
  counted.firstSymbol = sizes.getFirstSymbol();
  counted.numSizes = sizes.getNumClasses();
  if (loop.testsCondition) {
    bool stacks = outputs->size() > 1 + states.size();
    countSteps(node, counted, block, *outputs, stacks);
    if (!counted.testsCondition)
      outputs->erase(outputs->begin());
  }
  return buildLoop(node, counted, region, *outputs);
}

std::optional<SmallVector<Value>>
LoopConverter::refineAndRoll(StateSizes &sizes) {
  // Each round but the last finds sizes that change.
  static constexpr int maxRounds = 8;
  bool hasLearned = true;
  for (int round = 0; round < maxRounds && hasLearned; ++round) {
    hasLearned = false;
    if (auto results = tryTo([&] { return rollAs(sizes, &hasLearned); }))
      return results;
  }
  return std::nullopt;
}

/// Exporters give states that no step reads first values of any rank: zeros of
/// the sizes that the next ones have stand for them. False if there is none.
bool LoopConverter::replaceUnread(Loop &replaced) {
  Block &body = loop.body->front();
  auto isUnread = [&](unsigned state) {
    return body.getArgument(loop.firstState + state).use_empty();
  };
  unsigned states = loop.initial.size(), symbols = node.getNumSymbols();
  if (loop.arrange || llvm::none_of(llvm::seq(0u, states), isUnread))
    return false;
  Region region;
  region.emplaceBlock();
  SmallVector<Type> types;
  (void)node.attempt([&]() -> LogicalResult {
    OpBuilder::InsertionGuard guard(builder);
    builder.setInsertionPointToEnd(&region.front());
    if (auto outputs = convertBody(makeStep(node, 0), loop.initial))
      types = llvm::to_vector(ValueRange(*outputs).getTypes());
    return failure();
  });
  auto next =
      ArrayRef(types).drop_front(types.empty() ? 0 : loop.testsCondition);
  for (auto [i, type] : llvm::enumerate(next.take_front(states))) {
    auto tensor = dyn_cast<RankedTensorType>(type);
    if (!tensor || !isUnread(i) ||
        tensor.getRank() == Node::rank(loop.initial[i]))
      continue;
    replaced.initial[i] = makeZeros(node, tensor, symbols);
  }
  return replaced.initial != loop.initial;
}

std::optional<SmallVector<Value>> LoopConverter::roll() {
  if (!llvm::all_of(loop.initial, Node::isTensor))
    return rollSequences();
  if (Loop replaced = loop; replaceUnread(replaced))
    return LoopConverter(node, replaced).roll();
  StateSizes sizes(loop.initial), declared(loop.initial);
  if (auto results = refineAndRoll(sizes))
    return results;
  // The first step may be special, e.g. start with an empty tensor.
  if (!loop.arrange &&
      declared.startDeclared(loop.body->front(), loop.firstState))
    if (auto results = refineAndRoll(declared))
      return results;
  bool hasLearned = false;
  auto results = rollAs(sizes, &hasLearned);
  if (hasLearned)
    (void)node.fail("the sizes of the loop's states change in ways that are "
                    "not understood");
  return results;
}

/// Moves what a step appends to sequences behind the states that are tensors.
LogicalResult LoopConverter::stackAppended(SmallVector<Value> &outputs) {
  SmallVector<Value> next(outputs.begin(),
                          outputs.begin() + loop.testsCondition);
  SmallVector<Value> appended;
  auto rest = ArrayRef<Value>(outputs).drop_front(loop.testsCondition);
  for (auto [initial, value] : llvm::zip(loop.initial, rest)) {
    if (Node::isTensor(initial)) {
      next.push_back(value);
      continue;
    }
    auto elements = Node::elements(value);
    if (!elements || elements->size() != 1)
      return node.fail("a step must append one tensor to a sequence, unless "
                       "the number of steps is small and constant");
    appended.push_back(elements->front());
  }
  llvm::append_range(next, appended);
  llvm::append_range(next, rest.drop_front(loop.initial.size()));
  outputs = next;
  return success();
}

/// A sequence to which each step appends one tensor is a stack of them.
std::optional<SmallVector<Value>> LoopConverter::rollSequences() {
  Loop inner = loop;
  inner.initial.clear();
  for (Value initial : loop.initial) {
    if (Node::isTensor(initial)) {
      inner.initial.push_back(initial);
    } else if (auto elements = Node::elements(initial);
               !elements || !elements->empty()) {
      (void)node.fail("a sequence that does not start empty is a state for a "
                      "small constant number of steps only");
      return std::nullopt;
    }
  }
  auto getInputs = [&](Value step, ValueRange tensors) {
    SmallVector<Value> states;
    for (Value initial : loop.initial) {
      bool isTensor = Node::isTensor(initial);
      states.push_back(isTensor ? tensors.front() : node.sequence({}));
      tensors = tensors.drop_front(isTensor);
    }
    return loop.getInputs(step, states);
  };
  auto arrange = [&](SmallVector<Value> &outputs) {
    return stackAppended(outputs);
  };
  inner.getInputs = getInputs;
  inner.arrange = arrange;
  auto results = LoopConverter(node, inner).roll();
  if (!results)
    return std::nullopt;
  SmallVector<Value> ordered;
  unsigned tensor = 0, stack = inner.initial.size();
  for (Value initial : loop.initial)
    ordered.push_back(Node::isTensor(initial)
                          ? (*results)[tensor++]
                          : node.stackedSequence((*results)[stack++]));
  ordered.append(results->begin() + stack, results->end());
  return ordered;
}

static int64_t countNodes(Region &body) {
  int64_t count = 0;
  body.walk([&](NodeOp) { ++count; });
  return count;
}

std::optional<SmallVector<Value>> LoopConverter::convert() {
  int64_t nodes = countNodes(*loop.body);
  int64_t steps =
      loop.isConstant() ? *nn::getConstantValue(loop.count) : endlessSteps;
  if (steps > maxUnrolledSteps)
    return roll();
  // Constant sizes are better than sizes that change.
  auto rollFixed = [&] {
    if (!llvm::all_of(loop.initial, Node::isTensor))
      return rollSequences();
    StateSizes fixed(loop.initial);
    bool hasLearned = false;
    return rollAs(fixed, &hasLearned);
  };
  std::optional<SmallVector<Value>> results;
  if (nodes * steps > maxUnrolledNodes)
    results = tryTo(rollFixed);
  if (!results)
    results = tryTo([&] { return unroll(); });
  return results ? results : roll();
}

std::optional<SmallVector<Value>> nncc::onnx::convertLoop(Node &node,
                                                          const Loop &loop) {
  return LoopConverter(node, loop).convert();
}
