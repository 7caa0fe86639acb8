//===- Resources.cpp - Tensors and errors as resources --------------------===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "runtime/wasi-nn/Resources.h"

using namespace nncc;
using namespace nncc::wasinn;

NNCC_RESOURCE("error.new") uint32_t newErrorHandle(struct ErrorObject *);

struct ErrorObject {
  ErrorCode code;
  ErrorText text;
};

static Result result;
static Slice slice;

Result *nncc::wasinn::succeed(uint32_t payload, uint32_t length) {
  result = {0, payload, length};
  return &result;
}

Result *nncc::wasinn::giveFailure() {
  auto *error = allocate<ErrorObject>(1);
  if (!error)
    __builtin_trap();
  error->code = failure.code;
  error->text = failure.text;
  result = {1, newErrorHandle(error), 0};
  return &result;
}

NNCC_EXPORT("cabi_realloc")
char *reallocate(char *old, uint32_t oldBytes, uint32_t, uint32_t bytes) {
  char *block = allocate<char>(bytes);
  if (!block)
    __builtin_trap();
  if (old) {
    __builtin_memcpy(block, old, oldBytes < bytes ? oldBytes : bytes);
    release(old);
  }
  return block;
}

NNCC_EXPORT("[constructor]tensor")
uint32_t makeTensor(uint32_t *dims, uint32_t rank, uint32_t type, uint8_t *data,
                    uint32_t bytes) {
  Value *value =
      makeValue(dims, rank, static_cast<ElementType>(type), data, bytes);
  if (!value)
    __builtin_trap(); // A constructor cannot fail in any other way.
  return newTensorHandle(value);
}

NNCC_EXPORT("[method]tensor.dimensions")
Slice *getDimensions(const Value *tensor) {
  slice = {addressOf(tensor->dims), tensor->rank};
  return &slice;
}

NNCC_EXPORT("[method]tensor.ty") uint32_t getType(const Value *tensor) {
  return static_cast<uint32_t>(tensor->type);
}

NNCC_EXPORT("[method]tensor.data") Slice *getData(const Value *tensor) {
  slice = {addressOf(tensor->data), tensor->bytes};
  return &slice;
}

NNCC_EXPORT("tensor.dtor") void destroyTensor(Value *tensor) {
  releaseValue(tensor);
}

NNCC_EXPORT("[method]error.code") uint32_t getCode(const ErrorObject *error) {
  return static_cast<uint32_t>(error->code);
}

NNCC_EXPORT("[method]error.data") Slice *getText(const ErrorObject *error) {
  const char *text = error->text.c_str();
  slice = {addressOf(text), static_cast<uint32_t>(__builtin_strlen(text))};
  return &slice;
}

NNCC_EXPORT("error.dtor") void destroyError(ErrorObject *error) {
  release(error);
}
