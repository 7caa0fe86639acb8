//===- OnnxToNN/Loop.cpp - Loop and Scan ------------------------*- C++ -*-===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "frontends/onnx/OnnxToNN/LoopConverter.h"
#include "frontends/onnx/OnnxToNN/Rows.h"
#include "nncc/Dialect/NN/NN.h"

using namespace mlir;
using namespace nncc::onnx;
namespace nn = nncc::nn;

//===----------------------------------------------------------------------===//
// Loop
//===----------------------------------------------------------------------===//

/// A number as the subgraph declares it: some give it a dimension of size 1.
static Value adaptRank(Node &node, Value value, Value declared) {
  auto type = dyn_cast<RankedTensorType>(declared.getType());
  return node.reshape(value, Dims(type ? type.getRank() : 0, node.dim(1)));
}

/// Whether steps add to tensors, or to sequences, which become tensors.
static bool stacks(Node &node, const Loop &loop) {
  return node.getNumOutputs() > loop.getNumStates() ||
         !llvm::all_of(loop.initial, Node::isTensor);
}

/// The largest number of steps; false after an error.
static bool readSteps(Node &node, Loop &loop) {
  Value limit = node.in(0);
  if (!limit)
    return true;
  if (!Node::isTensor(limit))
    return succeeded(node.fail("the number of steps must be one number"));
  if (auto type = Node::type(limit);
      !type.hasStaticShape() || type.getNumElements() != 1)
    return succeeded(node.fail("the number of steps must be one number"));
  if (nn::SymbolicElements known = nn::symbolicElements(limit)) {
    loop.count = known->front();
    if (nn::getConstantValue(loop.count).value_or(0) >= endlessSteps)
      loop.count = AffineExpr();
    return true;
  }
  loop.limit = node.reshape(limit, {});
  if (stacks(node, loop)) {
    Value zero = node.constant(0, node.getBuilder().getI64Type());
    loop.count = node.bindSize(node.create<nn::MaxOp>(loop.limit, zero),
                               "the number of steps");
    loop.limit = Value();
  }
  return !node.hasFailed();
}

/// Whether there is a first step at all, unless data tell; false after an
/// error.
static bool readCondition(Node &node, Loop &loop) {
  Value condition = node.in(1);
  if (!condition)
    return true;
  if (!Node::isTensor(condition))
    return succeeded(node.fail("the condition must be one number"));
  auto numbers = node.tryFloats(condition);
  if (numbers && numbers->size() == 1) {
    if (numbers->front() == 0)
      loop.count = node.dim(0);
    return true;
  }
  loop.condition = node.reshape(condition, {});
  return true;
}

static LogicalResult convertLoopNode(Node &node) {
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
  loop.firstState = 2;
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
  auto results = convertLoop(node, loop);
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
    stack = node.reverse(stack, 0);
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
    scanned.push_back(how.isReversed ? node.reverse(input, *axis) : input);
  }
  return success(!node.hasFailed());
}

static LogicalResult convertScanNode(Node &node) {
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
  auto results = convertLoop(node, loop);
  if (!results)
    return failure();
  for (auto [i, how] : llvm::enumerate(*outputAxes))
    (*results)[numStates + i] =
        finishStack(node, (*results)[numStates + i], how);
  return node.results(*results);
}

/// One of a batch.
static Value takeExample(Node &node, Value value, int64_t number) {
  Value one = node.slice(value, 0, node.dim(number), node.dim(1));
  if (!one)
    return one;
  Dims dims = Node::dims(one);
  dims.erase(dims.begin());
  return node.reshape(one, dims);
}

/// The last states and the stacks of one example; none after an error.
static std::optional<SmallVector<Value>> scanExample(Node &node, Region *body,
                                                     ArrayRef<ScanAxis> axes,
                                                     ArrayRef<Value> values) {
  Loop loop;
  loop.body = body;
  for (Value state : values.drop_back(axes.size()))
    loop.initial.push_back(state);
  SmallVector<Value> scanned;
  for (auto [value, how] : llvm::zip_equal(values.take_back(axes.size()), axes))
    scanned.push_back(how.isReversed ? node.reverse(value, 0) : value);
  if (llvm::is_contained(scanned, Value()))
    return std::nullopt;
  loop.count = Node::dims(scanned.front())[0];
  auto getInputs = [&](Value step, ValueRange states) {
    SmallVector<Value> inputs(states);
    for (Value value : scanned)
      inputs.push_back(node.create<nn::GatherOp>(value, step, 0));
    return inputs;
  };
  loop.getInputs = getInputs;
  return convertLoop(node, loop);
}

/// The first version walks sequences [batch, length, ...], example by example.
static LogicalResult convertScan8(Node &node) {
  Region *body = node.getBody("body");
  int64_t numScanned = node.getInt("num_scan_inputs", 0);
  auto values = node.ins().drop_front();
  Ints directions = node.getInts("directions").value_or(Ints(numScanned, 0));
  if (node.in(0))
    return node.fail("lengths of sequences are not supported");
  if (!body || numScanned < 1 ||
      numScanned > static_cast<int64_t>(values.size()) ||
      static_cast<int64_t>(directions.size()) != numScanned ||
      body->front().getNumArguments() != values.size() ||
      llvm::is_contained(values, Value()))
    return node.fail("the body or num_scan_inputs does not fit the node");
  SmallVector<ScanAxis> axes;
  for (int64_t direction : directions)
    axes.push_back({0, direction != 0});
  auto batch = nn::getConstantValue(Node::dims(values.back())[0]);
  if (!batch || *batch < 1)
    return node.fail("the batch must be constant");
  SmallVector<SmallVector<Value>> parts(node.getNumOutputs());
  for (int64_t i = 0; i < *batch; ++i) {
    SmallVector<Value> example;
    for (Value value : values)
      example.push_back(takeExample(node, value, i));
    auto results = scanExample(node, body, axes, example);
    if (!results || results->size() != parts.size())
      return failure();
    for (auto [part, result] : llvm::zip_equal(parts, *results)) {
      Dims dims = Node::dims(result);
      dims.insert(dims.begin(), node.dim(1));
      part.push_back(node.reshape(result, dims));
    }
  }
  SmallVector<Value> joined;
  for (ArrayRef<Value> part : parts)
    joined.push_back(part.size() == 1 ? part[0] : node.concat(part, 0));
  return node.results(joined);
}

static const Row rows[] = {
    {"Loop", 1, 0, anyNumber, convertLoopNode, "",
     "stacked outputs where only a condition on data ends the loop, or whose "
     "sizes change; states that change their ranks or sequences to which a "
     "step "
     "does not append one tensor, unless the number of steps is small and "
     "constant",
     true},
    {"Scan", 8, 0, anyNumber, convertScan8, "",
     "lengths of sequences; a batch of open size"},
    {"Scan", 9, 1, anyNumber, convertScanNode},
};

ArrayRef<Row> nncc::onnx::getLoopRows() { return rows; }
