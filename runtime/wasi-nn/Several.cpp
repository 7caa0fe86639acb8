//===- Several.cpp - Several models as the interfaces of wasi:nn ----------===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Each model is a component of its own, with its own memory and resources. This
// adapter has the resources that the guest sees: a graph and an execution
// context are the number of a model and a handle there, and tensors are copied
// from one to the other. Resources.h says in what form functions are.
//
//===----------------------------------------------------------------------===//

#include "runtime/wasi-nn/Resources.h"

using namespace nncc;
using namespace nncc::wasinn;

#define NNCC_MODELS(NAME)                                                      \
  extern "C" __attribute__((import_module("models"), import_name(NAME)))

/// A result as a model's component writes it.
struct Answer {
  uint8_t isError;
  uint32_t payload, length;
};

/// A resource of a model's component.
struct Remote {
  uint32_t model, handle;
};

NNCC_RESOURCE("graph.new") uint32_t newGraphHandle(Remote *);
NNCC_RESOURCE("graph-execution-context.new")
uint32_t newContextHandle(Remote *);

// The functions of the components, which the model's number tells apart;
// targets/wasm/SeveralModels.cpp makes them.
NNCC_MODELS("count") uint32_t countModels();
NNCC_MODELS("load")
void loadIn(uint32_t model, const Text *parts, uint32_t count,
            uint32_t encoding, uint32_t target, Answer *);
NNCC_MODELS("load-by-name")
void loadByNameIn(uint32_t model, const char *name, uint32_t length, Answer *);
NNCC_MODELS("graph.drop") void dropGraphIn(uint32_t model, uint32_t graph);
NNCC_MODELS("[method]graph.init-execution-context")
void initContextIn(uint32_t model, uint32_t graph, Answer *);
NNCC_MODELS("graph-execution-context.drop")
void dropContextIn(uint32_t model, uint32_t context);
NNCC_MODELS("[method]graph-execution-context.compute")
void computeListIn(uint32_t model, uint32_t context, const NamedTensor *,
                   uint32_t count, Answer *);
NNCC_MODELS("[method]graph-execution-context.set-input")
void setInputIn(uint32_t model, uint32_t context, const char *name,
                uint32_t length, uint32_t tensor, Answer *);
NNCC_MODELS("compute-inputs-set")
void computeInputsSetIn(uint32_t model, uint32_t context, Answer *);
NNCC_MODELS("[method]graph-execution-context.get-output")
void getOutputIn(uint32_t model, uint32_t context, const char *name,
                 uint32_t length, Answer *);
NNCC_MODELS("[constructor]tensor")
uint32_t makeTensorIn(uint32_t model, const uint32_t *dims, uint32_t rank,
                      uint32_t type, const uint8_t *data, uint32_t bytes);
NNCC_MODELS("[method]tensor.dimensions")
void getDimensionsIn(uint32_t model, uint32_t tensor, Slice *);
NNCC_MODELS("[method]tensor.ty")
uint32_t getTypeIn(uint32_t model, uint32_t tensor);
NNCC_MODELS("[method]tensor.data")
void getDataIn(uint32_t model, uint32_t tensor, Slice *);
NNCC_MODELS("tensor.drop") void dropTensorIn(uint32_t model, uint32_t tensor);
NNCC_MODELS("[method]error.code")
uint32_t getCodeIn(uint32_t model, uint32_t error);
NNCC_MODELS("[method]error.data")
void getTextIn(uint32_t model, uint32_t error, Slice *);
NNCC_MODELS("error.drop") void dropErrorIn(uint32_t model, uint32_t error);

template <typename T> static T *pointerTo(uint32_t address) {
  return reinterpret_cast<T *>(static_cast<uintptr_t>(address));
}

/// Makes a model's error the last failure; returns false.
static bool takeFailure(uint32_t model, uint32_t error) {
  Slice slice;
  getTextIn(model, error, &slice);
  Text text = {pointerTo<const char>(slice.begin), slice.length};
  fail(static_cast<ErrorCode>(getCodeIn(model, error))) << text;
  release(text.begin);
  dropErrorIn(model, error);
  return false;
}

static bool check(uint32_t model, const Answer &answer) {
  return !answer.isError || takeFailure(model, answer.payload);
}

static Result *finish(bool isDone) {
  return isDone ? succeed() : giveFailure();
}

/// A result with a new object for a resource of the model.
template <typename New>
static Result *give(New newHandle, uint32_t model, const Answer &answer) {
  if (!check(model, answer))
    return giveFailure();
  auto *remote = allocate<Remote>(1);
  if (!remote)
    __builtin_trap();
  *remote = {model, answer.payload};
  return succeed(newHandle(remote));
}

/// Asks one model after the other, as long as they answer `again`.
template <typename Ask> static Result *findGraph(ErrorCode again, Ask ask) {
  uint32_t last = countModels() - 1;
  for (uint32_t model = 0; model < last; ++model) {
    Answer answer = {};
    ask(model, &answer);
    if (!answer.isError ||
        getCodeIn(model, answer.payload) != static_cast<uint32_t>(again))
      return give(newGraphHandle, model, answer);
    dropErrorIn(model, answer.payload);
  }
  Answer answer = {};
  ask(last, &answer);
  return give(newGraphHandle, last, answer);
}

NNCC_EXPORT("load")
Result *load(Text *parts, uint32_t count, uint32_t encoding, uint32_t target) {
  Result *found =
      findGraph(ErrorCode::InvalidEncoding, [&](uint32_t model, Answer *out) {
        loadIn(model, parts, count, encoding, target, out);
      });
  for (uint32_t i = 0; i < count; ++i)
    release(parts[i].begin);
  release(parts);
  return found;
}

NNCC_EXPORT("load-by-name")
Result *loadByName(const char *name, uint32_t length) {
  Result *found =
      findGraph(ErrorCode::NotFound, [&](uint32_t model, Answer *out) {
        loadByNameIn(model, name, length, out);
      });
  release(name);
  return found;
}

NNCC_EXPORT("graph.dtor") void destroyGraph(Remote *graph) {
  dropGraphIn(graph->model, graph->handle);
  release(graph);
}

NNCC_EXPORT("[method]graph.init-execution-context")
Result *initContext(const Remote *graph) {
  Answer answer = {};
  initContextIn(graph->model, graph->handle, &answer);
  return give(newContextHandle, graph->model, answer);
}

NNCC_EXPORT("graph-execution-context.dtor")
void destroyContext(Remote *context) {
  dropContextIn(context->model, context->handle);
  release(context);
}

/// Takes a tensor of the guest's; the answer is one of the model's.
static uint32_t passTensor(uint32_t model, uint32_t tensor) {
  const Value &value = *getTensor(tensor);
  uint32_t passed =
      makeTensorIn(model, value.dims, value.rank,
                   static_cast<uint32_t>(value.type), value.data, value.bytes);
  dropTensor(tensor);
  return passed;
}

/// The other way. What the model's component returns lies in new blocks.
static uint32_t returnTensor(uint32_t model, uint32_t tensor) {
  Slice dims, data;
  getDimensionsIn(model, tensor, &dims);
  getDataIn(model, tensor, &data);
  auto type = static_cast<ElementType>(getTypeIn(model, tensor));
  dropTensorIn(model, tensor);
  Value *value = makeValue(pointerTo<uint32_t>(dims.begin), dims.length, type,
                           pointerTo<uint8_t>(data.begin), data.length);
  if (!value)
    __builtin_trap();
  return newTensorHandle(value);
}

/// All outputs as a list; it stays until the next call.
static Result *giveOutputs(uint32_t model, const Answer &answer) {
  static NamedTensor *list;
  static uint32_t count;
  for (uint32_t i = 0; i < count; ++i)
    release(list[i].name.begin);
  release(list);
  list = pointerTo<NamedTensor>(answer.payload);
  count = answer.length;
  for (uint32_t i = 0; i < count; ++i)
    list[i].handle = returnTensor(model, list[i].handle);
  return succeed(answer.payload, count);
}

NNCC_EXPORT("[method]graph-execution-context.compute")
Result *computeList(const Remote *context, NamedTensor *tensors,
                    uint32_t count) {
  uint32_t model = context->model;
  for (uint32_t i = 0; i < count; ++i)
    tensors[i].handle = passTensor(model, tensors[i].handle);
  Answer answer = {};
  computeListIn(model, context->handle, tensors, count, &answer);
  for (uint32_t i = 0; i < count; ++i)
    release(tensors[i].name.begin);
  release(tensors);
  return check(model, answer) ? giveOutputs(model, answer) : giveFailure();
}

// The edition of August 2024 has three calls for these.

NNCC_EXPORT("[method]graph-execution-context.set-input")
Result *setInput(const Remote *context, const char *name, uint32_t length,
                 uint32_t tensor) {
  uint32_t model = context->model;
  Answer answer = {};
  setInputIn(model, context->handle, name, length, passTensor(model, tensor),
             &answer);
  release(name);
  return finish(check(model, answer));
}

NNCC_EXPORT("compute-inputs-set")
Result *computeInputsSet(const Remote *context) {
  Answer answer = {};
  computeInputsSetIn(context->model, context->handle, &answer);
  return finish(check(context->model, answer));
}

NNCC_EXPORT("[method]graph-execution-context.get-output")
Result *getOutput(const Remote *context, const char *name, uint32_t length) {
  uint32_t model = context->model;
  Answer answer = {};
  getOutputIn(model, context->handle, name, length, &answer);
  release(name);
  if (!check(model, answer))
    return giveFailure();
  return succeed(returnTensor(model, answer.payload));
}
