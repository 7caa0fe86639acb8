//===- Component.cpp - The model as the interfaces of wasi:nn -------------===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The graph and its execution contexts; Resources.h says in what form.
//
//===----------------------------------------------------------------------===//

#include "runtime/wasi-nn/Inference.h"
#include "runtime/wasi-nn/Resources.h"

using namespace nncc;
using namespace nncc::wasinn;

NNCC_RESOURCE("graph.new") uint32_t newGraphHandle(uint32_t);
NNCC_RESOURCE("graph-execution-context.new")
uint32_t newContextHandle(struct Context *);

/// Whether this is the model's name; targets/wasm/Glue.cpp makes it.
extern "C"
    __attribute__((import_module("guest"), import_name("is_named"))) uint32_t
    isNamed(const char *name, uint32_t length);

/// What the edition of August 2024 keeps from call to call: handles of the
/// inputs (0: none), and outputs, null before the first compute. In one block.
struct Context {
  uint32_t *inputs;
  Value **outputs;
};

/// There is one network: a graph is a number without meaning, but not 0, which
/// jco takes for no resource.
static Result *openGraph(bool isAllowed) {
  if (!isAllowed || !getNetwork())
    return giveFailure();
  return succeed(newGraphHandle(1));
}

static bool checkLoad(const Text *parts, uint32_t count, uint32_t encoding,
                      uint32_t target) {
  constexpr uint32_t onnx = 1, autodetect = 6, cpu = 0;
  if (encoding != onnx && encoding != autodetect)
    return fail(ErrorCode::InvalidEncoding) << "only ONNX files are known";
  if (target != cpu)
    return fail(ErrorCode::UnsupportedOperation)
           << "the linked model runs on the CPU alone";
  const Network *network = getNetwork();
  return network && checkSource(*network, parts, count);
}

NNCC_EXPORT("load")
Result *load(Text *parts, uint32_t count, uint32_t encoding, uint32_t target) {
  bool isAllowed = checkLoad(parts, count, encoding, target);
  for (uint32_t i = 0; i < count; ++i)
    release(parts[i].begin);
  release(parts);
  return openGraph(isAllowed);
}

NNCC_EXPORT("load-by-name")
Result *loadByName(const char *name, uint32_t length) {
  bool isKnown = length && isNamed(name, length);
  release(name);
  if (!isKnown)
    fail(ErrorCode::NotFound) << "no model has this name";
  return openGraph(isKnown);
}

NNCC_EXPORT("graph.dtor") void destroyGraph(uint32_t) {}

static void clearOutputs(Context &context) {
  for (uint32_t i = 0; i < getNetwork()->numOutputs; ++i) {
    releaseValue(context.outputs[i]);
    context.outputs[i] = nullptr;
  }
}

/// Puts a tensor, or 0, where an input was.
static void replaceInput(Context &context, uint32_t input, uint32_t tensor) {
  if (context.inputs[input])
    dropTensor(context.inputs[input]);
  context.inputs[input] = tensor;
}

static void clearInputs(Context &context) {
  for (uint32_t i = 0; i < getNetwork()->numInputs; ++i)
    replaceInput(context, i, 0);
}

/// Those that callers set.
static void clearGivenInputs(Context &context) {
  for (uint32_t i = 0; i < getNetwork()->numInputs; ++i)
    if (!getNetwork()->inputs[i].feedback)
      replaceInput(context, i, 0);
}

/// What is state becomes an input: at first zeros, later the last output.
static bool updateState(Context &context) {
  const Network &network = *getNetwork();
  for (uint32_t i = 0; i < network.numInputs; ++i) {
    uint32_t feedback = network.inputs[i].feedback;
    if (!feedback)
      continue;
    const Value *last = context.outputs[feedback - 1];
    Value *value = last ? copyValue(*last) : makeZeros(network.inputs[i]);
    if (!value)
      return false;
    replaceInput(context, i, newTensorHandle(value));
  }
  return true;
}

NNCC_EXPORT("graph-execution-context.dtor")
void destroyContext(Context *context) {
  clearInputs(*context);
  clearOutputs(*context);
  release(context->inputs);
  release(context->outputs);
  release(context);
}

NNCC_EXPORT("[method]graph.init-execution-context")
Result *initContext(uint32_t) {
  const Network &network = *getNetwork();
  auto *context = allocate<Context>(1);
  auto *inputs = allocate<uint32_t>(network.numInputs);
  auto *outputs = allocate<Value *>(network.numOutputs);
  if (!context || !inputs || !outputs) {
    release(context);
    release(inputs);
    release(outputs);
    failWithoutMemory();
    return giveFailure();
  }
  for (uint32_t i = 0; i < network.numInputs; ++i)
    inputs[i] = 0;
  for (uint32_t i = 0; i < network.numOutputs; ++i)
    outputs[i] = nullptr;
  *context = {inputs, outputs};
  if (updateState(*context))
    return succeed(newContextHandle(context));
  destroyContext(context);
  return giveFailure();
}

/// Takes the tensor: it is the context's or gone afterwards.
static bool setInput(Context &context, Text name, uint32_t tensor) {
  const Network &network = *getNetwork();
  uint32_t i = findPort(network.inputs, network.numInputs, name);
  if (i == network.numInputs) {
    dropTensor(tensor);
    return fail(ErrorCode::InvalidArgument)
           << "the model has no input of this name; its first is '"
           << (i ? network.inputs[0].name.begin : "") << "'";
  }
  replaceInput(context, i, tensor);
  return checkInput(network.inputs[i], *getTensor(tensor));
}

static bool compute(Context &context) {
  const Network &network = *getNetwork();
  clearOutputs(context);
  auto **inputs = allocate<const Value *>(network.numInputs);
  if (!inputs)
    return failWithoutMemory();
  for (uint32_t i = 0; i < network.numInputs; ++i)
    inputs[i] = context.inputs[i] ? getTensor(context.inputs[i]) : nullptr;
  bool isDone = infer(network, inputs, context.outputs);
  release(inputs);
  return isDone && updateState(context);
}

/// All outputs as a list; it stays until the next call.
static Result *giveOutputs(Context &context) {
  static NamedTensor *list;
  const Network &network = *getNetwork();
  release(list);
  list = allocate<NamedTensor>(network.numOutputs);
  if (!list) {
    failWithoutMemory();
    return giveFailure();
  }
  for (uint32_t i = 0; i < network.numOutputs; ++i) {
    list[i] = {network.outputs[i].name, newTensorHandle(context.outputs[i])};
    context.outputs[i] = nullptr;
  }
  return succeed(addressOf(list), network.numOutputs);
}

static bool checkOutputTypes() {
  const Network &network = *getNetwork();
  for (uint32_t i = 0; i < network.numOutputs; ++i)
    if (network.outputs[i].element == ElementType::None)
      return fail(ErrorCode::UnsupportedOperation)
             << "output '" << network.outputs[i].name.begin
             << "' has a type that wasi-nn does not have";
  return true;
}

NNCC_EXPORT("[method]graph-execution-context.compute")
Result *computeList(Context *context, NamedTensor *tensors, uint32_t count) {
  bool isGood = checkOutputTypes();
  for (uint32_t i = 0; i < count; ++i) {
    // After a failure the rest is only taken.
    if (isGood)
      isGood = setInput(*context, tensors[i].name, tensors[i].handle);
    else
      dropTensor(tensors[i].handle);
    release(tensors[i].name.begin);
  }
  release(tensors);
  isGood = isGood && compute(*context);
  clearGivenInputs(*context);
  return isGood ? giveOutputs(*context) : giveFailure();
}

// The edition of August 2024 has three calls for these.

NNCC_EXPORT("[method]graph-execution-context.set-input")
Result *setNamedInput(Context *context, const char *name, uint32_t length,
                      uint32_t tensor) {
  bool isGood = setInput(*context, {name, length}, tensor);
  release(name);
  return isGood ? succeed() : giveFailure();
}

NNCC_EXPORT("compute-inputs-set") Result *computeInputsSet(Context *context) {
  return checkOutputTypes() && compute(*context) ? succeed() : giveFailure();
}

static Value *takeOutput(Context &context, Text name) {
  const Network &network = *getNetwork();
  uint32_t i = findPort(network.outputs, network.numOutputs, name);
  if (i < network.numOutputs && context.outputs[i])
    return copyValue(*context.outputs[i]);
  if (i == network.numOutputs)
    fail(ErrorCode::InvalidArgument) << "the model has no output of this name";
  else
    fail(ErrorCode::RuntimeError) << "nothing was computed yet";
  return nullptr;
}

NNCC_EXPORT("[method]graph-execution-context.get-output")
Result *getOutput(Context *context, const char *name, uint32_t length) {
  Value *value = takeOutput(*context, {name, length});
  release(name);
  return value ? succeed(newTensorHandle(value)) : giveFailure();
}
