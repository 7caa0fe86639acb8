//===- OnnxToNN/Loop.cpp - Loop and Scan ------------------------*- C++ -*-===//
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

#include "frontends/onnx/OnnxToNN/Converter.h"
#include "frontends/onnx/OnnxToNN/Node.h"
#include "frontends/onnx/OnnxToNN/Rows.h"
#include "nncc/Dialect/NN/NN.h"

using namespace mlir;
using namespace nncc::onnx;
namespace nn = nncc::nn;

// Unrolled without need up to this many nodes, otherwise this many steps.
static constexpr int64_t maxUnrolledNodes = 256;
static constexpr int64_t maxUnrolledSteps = 128;
// Exporters write such numbers of steps for loops that a condition ends.
static constexpr int64_t endless = int64_t(1) << 31;

namespace {

/// A loop as both operators are legalized.
struct Loop {
  Region *body = nullptr;
  SmallVector<Value> initial;
  AffineExpr count;            ///< the number of steps, where sizes tell
  Value limit;                 ///< otherwise, an i64 of rank 0 or none
  Value condition;             ///< an i1 of rank 0, unless it is true
  bool testsCondition = false; ///< the body's first output is the next one
  /// What the body's inputs are, from the step (an i64 of rank 0) and the
  /// states.
  llvm::function_ref<SmallVector<Value>(Value, ValueRange)> getInputs;

  unsigned getNumStates() const { return initial.size(); }
  bool isConstant() const {
    return count && nn::getConstantValue(count) && !condition;
  }
};

class LoopConverter {
public:
  LoopConverter(Node &node, const Loop &loop)
      : node(node), loop(loop), builder(node.getBuilder()) {}

  /// The last states and the stacks; none on failure.
  std::optional<SmallVector<Value>> convert();

private:
  std::optional<SmallVector<Value>> unroll();
  std::optional<SmallVector<Value>> roll();
  std::optional<SmallVector<Value>> convertBody(Value step, ValueRange states);
  LogicalResult adaptStates(MutableArrayRef<Value> next);
  bool endBody(ArrayRef<Value> outputs);
  Operation *createLoop(Region &region, bool hasCondition, ValueRange elements);
  std::optional<bool> getKnownCondition(Value condition);

  Node &node;
  const Loop &loop;
  OpBuilder &builder;
};

} // namespace

static Value makeStep(Node &node, int64_t number) {
  return node.constant(static_cast<double>(number),
                       node.getBuilder().getI64Type());
}

std::optional<bool> LoopConverter::getKnownCondition(Value condition) {
  auto numbers = node.tryFloats(condition);
  if (!numbers || numbers->size() != 1)
    return std::nullopt;
  return numbers->front() != 0;
}

/// The outputs of one step.
std::optional<SmallVector<Value>>
LoopConverter::convertBody(Value step, ValueRange states) {
  SmallVector<Value> inputs = loop.getInputs(step, states);
  if (node.hasFailed())
    return std::nullopt;
  SmallVector<Value> outputs =
      node.getConverter().inlineBody(*loop.body, inputs);
  // An output may be missing because a node of the body has failed.
  if (llvm::is_contained(outputs, Value()))
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
      std::optional<bool> known = getKnownCondition(rest.front());
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
LogicalResult LoopConverter::adaptStates(MutableArrayRef<Value> next) {
  for (auto [i, value, initial] : llvm::enumerate(next, loop.initial)) {
    auto from = Node::type(value), to = Node::type(initial);
    if (from != to && from.hasStaticShape() && to.hasStaticShape() &&
        from.getNumElements() == 1 && to.getNumElements() == 1)
      value = node.reshape(value, Node::dims(initial));
    if (value.getType() != initial.getType())
      return node.fail("state " + llvm::Twine(i) + " of the loop changes " +
                       "its type from " + node.describe(initial) + " to " +
                       node.describe(value) +
                       ", which is supported for a small constant number of "
                       "steps only");
  }
  return success();
}

/// Ends the body with what the outputs of a step are in nn. Returns whether the
/// loop has a condition.
bool LoopConverter::endBody(ArrayRef<Value> outputs) {
  SmallVector<Value> yielded(outputs);
  bool hasCondition = loop.condition != nullptr;
  if (loop.testsCondition) {
    hasCondition |= getKnownCondition(yielded.front()) != true;
    if (hasCondition)
      yielded.front() = node.reshape(yielded.front(), {});
    else
      yielded.erase(yielded.begin());
  }
  if (!node.hasFailed())
    builder.create<nn::YieldOp>(node.getLoc(), yielded);
  return hasCondition;
}

/// The loop around `region`; null where it stacks elements, but can't.
Operation *LoopConverter::createLoop(Region &region, bool hasCondition,
                                     ValueRange elements) {
  SmallVector<Type> types(ValueRange(loop.initial).getTypes());
  for (Value element : elements) {
    if (hasCondition || !loop.count) {
      (void)node.fail("it stacks elements, but the number of its steps "
                      "depends on data, which is not supported");
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
  auto op = builder.create<nn::LoopOp>(node.getLoc(), types, count, loop.limit,
                                       condition, loop.initial);
  op.getBody().takeBody(region);
  return op;
}

std::optional<SmallVector<Value>> LoopConverter::roll() {
  if (!llvm::all_of(loop.initial, Node::isTensor)) {
    (void)node.fail("a state that is a sequence is supported for a small "
                    "constant number of steps only");
    return std::nullopt;
  }
  Region region;
  Block &block = region.emplaceBlock();
  Location loc = node.getLoc();
  Value step =
      block.addArgument(RankedTensorType::get({}, builder.getI64Type()), loc);
  SmallVector<Value> states;
  for (Value initial : loop.initial)
    states.push_back(block.addArgument(initial.getType(), loc));
  OpBuilder::InsertPoint outside = builder.saveInsertionPoint();
  builder.setInsertionPointToEnd(&block);
  auto outputs = convertBody(step, states);
  bool hasCondition = false;
  if (outputs && succeeded(adaptStates(MutableArrayRef<Value>(*outputs)
                                           .drop_front(loop.testsCondition)
                                           .take_front(states.size()))))
    hasCondition = endBody(*outputs);
  builder.restoreInsertionPoint(outside);
  if (!outputs || node.hasFailed())
    return std::nullopt;
  Operation *op = createLoop(
      region, hasCondition,
      ValueRange(*outputs).drop_front(loop.testsCondition + states.size()));
  if (!op)
    return std::nullopt;
  return SmallVector<Value>(op->getResults());
}

static int64_t countNodes(Region &body) {
  int64_t count = 0;
  body.walk([&](NodeOp) { ++count; });
  return count;
}

std::optional<SmallVector<Value>> LoopConverter::convert() {
  int64_t nodes = countNodes(*loop.body);
  int64_t steps =
      loop.isConstant() ? *nn::getConstantValue(loop.count) : endless;
  if (steps <= maxUnrolledSteps && nodes * steps <= maxUnrolledNodes)
    return unroll();
  if (steps > maxUnrolledSteps)
    return roll();
  std::optional<SmallVector<Value>> results;
  if (succeeded(node.attempt(
          [&] { return success((results = roll()).has_value()); })))
    return results;
  return unroll();
}

//===----------------------------------------------------------------------===//
// Loop
//===----------------------------------------------------------------------===//

/// A number as the subgraph declares it: some give it a dimension of size 1.
static Value adaptRank(Node &node, Value value, Value declared) {
  auto type = dyn_cast<RankedTensorType>(declared.getType());
  return node.reshape(value, Dims(type ? type.getRank() : 0, node.dim(1)));
}

/// The largest number of steps; false after an error.
static bool readSteps(Node &node, Loop &loop) {
  Value limit = node.in(0);
  if (!limit)
    return true;
  if (auto type = Node::type(limit);
      !type.hasStaticShape() || type.getNumElements() != 1)
    return succeeded(node.fail("the number of steps must be one number"));
  if (nn::SymbolicElements known = nn::symbolicElements(limit)) {
    loop.count = known->front();
    if (nn::getConstantValue(loop.count).value_or(0) >= endless)
      loop.count = AffineExpr();
    return true;
  }
  loop.limit = node.reshape(limit, {});
  return true;
}

/// Whether there is a first step at all, unless data tell; false after an
/// error.
static bool readCondition(Node &node, Loop &loop) {
  Value condition = node.in(1);
  if (!condition)
    return true;
  auto numbers = node.tryFloats(condition);
  if (numbers && numbers->size() == 1) {
    if (numbers->front() == 0)
      loop.count = node.dim(0);
    return true;
  }
  loop.condition = node.reshape(condition, {});
  return true;
}

static LogicalResult convertLoop(Node &node) {
  Loop loop;
  loop.body = node.getBody("body");
  if (!loop.body)
    return node.fail("the body is missing");
  Block &block = loop.body->front();
  unsigned states = node.ins().size() > 2 ? node.ins().size() - 2 : 0;
  if (block.getNumArguments() != states + 2 ||
      block.getTerminator()->getNumOperands() != node.getNumOutputs() + 1 ||
      node.getNumOutputs() < states)
    return node.fail("the body's inputs and outputs do not fit the node's");
  for (unsigned i = 0; i < states; ++i)
    loop.initial.push_back(node.in(i + 2));
  if (llvm::is_contained(loop.initial, Value()))
    return node.fail("an initial state is missing");
  loop.testsCondition = true;
  if (!readSteps(node, loop) || !readCondition(node, loop))
    return failure();
  // Wherever the body runs, the condition was true.
  auto getInputs = [&](Value step, ValueRange states) {
    Value condition = node.constant(1, node.getBuilder().getI1Type());
    SmallVector<Value> inputs = {
        adaptRank(node, step, block.getArgument(0)),
        adaptRank(node, condition, block.getArgument(1))};
    llvm::append_range(inputs, states);
    return inputs;
  };
  loop.getInputs = getInputs;
  auto results = LoopConverter(node, loop).convert();
  return results ? node.results(*results) : failure();
}

//===----------------------------------------------------------------------===//
// Scan
//===----------------------------------------------------------------------===//

namespace {

/// How Scan walks an input or writes an output.
struct ScanAxis {
  int64_t axis = 0;
  bool isReversed = false;
};

} // namespace

static Value reverse(Node &node, Value value, int64_t axis) {
  Dims starts(Node::rank(value), node.dim(0)), sizes = Node::dims(value);
  Ints steps(Node::rank(value), 1);
  starts[axis] = nn::simplify(sizes[axis] - 1);
  steps[axis] = -1;
  return node.create<nn::SliceOp>(value, node.map(starts), node.map(sizes),
                                  steps);
}

/// Axes and directions of `count` inputs or outputs; none after an error.
static std::optional<SmallVector<ScanAxis>> readAxes(Node &node, StringRef kind,
                                                     unsigned count) {
  std::string prefix = ("scan_" + kind + "_").str();
  Ints axes = node.getInts(prefix + "axes").value_or(Ints(count, 0));
  Ints directions =
      node.getInts(prefix + "directions").value_or(Ints(count, 0));
  if (axes.size() != count || directions.size() != count) {
    (void)node.fail("axes and directions must have one entry an " + kind);
    return std::nullopt;
  }
  SmallVector<ScanAxis> result;
  for (auto [axis, direction] : llvm::zip_equal(axes, directions))
    result.push_back({axis, direction != 0});
  return result;
}

/// The stack with its first dimension where `how` says.
static Value finishStack(Node &node, Value stack, ScanAxis how) {
  if (how.isReversed)
    stack = reverse(node, stack, 0);
  if (!stack)
    return Value();
  auto axis = node.axis(how.axis, Node::rank(stack));
  if (!axis)
    return Value();
  Ints permutation;
  for (int64_t i = 1; i < Node::rank(stack); ++i)
    permutation.push_back(i);
  permutation.insert(permutation.begin() + *axis, 0);
  return node.transpose(stack, permutation);
}

/// The tensors that are walked along; their sizes there are the number of
/// steps.
static LogicalResult readScanInputs(Node &node, Loop &loop,
                                    MutableArrayRef<ScanAxis> axes,
                                    SmallVectorImpl<Value> &scanned) {
  for (auto [i, how] : llvm::enumerate(axes)) {
    Value input = node.in(loop.getNumStates() + i);
    if (!input)
      return node.fail("an input is missing");
    auto axis = node.axis(how.axis, Node::rank(input));
    if (!axis)
      return failure();
    how.axis = *axis;
    AffineExpr size = Node::dims(input)[*axis];
    if (!loop.count || nn::getConstantValue(size))
      loop.count = size;
    scanned.push_back(how.isReversed ? reverse(node, input, *axis) : input);
  }
  return success(!node.hasFailed());
}

static LogicalResult convertScan(Node &node) {
  Loop loop;
  loop.body = node.getBody("body");
  int64_t numScanned = node.getInt("num_scan_inputs", 0);
  int64_t numStates = static_cast<int64_t>(node.ins().size()) - numScanned;
  if (!loop.body || numScanned < 1 || numStates < 0)
    return node.fail("the body or num_scan_inputs does not fit the node");
  Block &block = loop.body->front();
  if (block.getNumArguments() != node.ins().size() ||
      block.getTerminator()->getNumOperands() != node.getNumOutputs() ||
      node.getNumOutputs() < numStates)
    return node.fail("the body's inputs and outputs do not fit the node's");
  auto inputAxes = readAxes(node, "input", numScanned);
  auto outputAxes = readAxes(node, "output", node.getNumOutputs() - numStates);
  if (!inputAxes || !outputAxes)
    return failure();
  for (int64_t i = 0; i < numStates; ++i)
    loop.initial.push_back(node.in(i));
  SmallVector<Value> scanned;
  if (llvm::is_contained(loop.initial, Value()))
    return node.fail("an initial state is missing");
  if (failed(readScanInputs(node, loop, *inputAxes, scanned)))
    return failure();
  auto getInputs = [&](Value step, ValueRange states) {
    SmallVector<Value> inputs(states);
    for (auto [input, how] : llvm::zip_equal(scanned, *inputAxes))
      inputs.push_back(node.create<nn::GatherOp>(input, step, how.axis));
    return inputs;
  };
  loop.getInputs = getInputs;
  auto results = LoopConverter(node, loop).convert();
  if (!results)
    return failure();
  for (auto [i, how] : llvm::enumerate(*outputAxes))
    (*results)[numStates + i] =
        finishStack(node, (*results)[numStates + i], how);
  return node.results(*results);
}

static const Row rows[] = {
    {"Loop", 1, 0, anyNumber, convertLoop, "",
     "stacked outputs where the number of steps depends on data; states that "
     "change their sizes or are sequences, unless the number of steps is small "
     "and constant",
     true},
    {"Scan", 9, 1, anyNumber, convertScan, "",
     "states that change their sizes"},
};

ArrayRef<Row> nncc::onnx::getLoopRows() { return rows; }
