//===- Value.cpp - A tensor that an adapter keeps -------------------------===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "runtime/wasi-nn/Value.h"

#include "runtime/wasi-nn/Failure.h"

using namespace nncc;
using namespace nncc::wasinn;

// No constructor may run: the linker would call it before each export.
[[clang::require_constant_initialization]] Failure nncc::wasinn::failure;

Value *nncc::wasinn::makeValue(uint32_t *dims, uint32_t rank, ElementType type,
                               uint8_t *data, uint32_t bytes) {
  auto *value = allocate<Value>(1);
  if (!value || (rank && !dims) || (bytes && !data)) {
    release(value);
    release(dims);
    release(data);
    failWithoutMemory();
    return nullptr;
  }
  *value = {dims, rank, type, data, bytes};
  return value;
}

void nncc::wasinn::releaseValue(Value *value) {
  if (!value)
    return;
  release(value->dims);
  release(value->data);
  release(value);
}

Value *nncc::wasinn::copyValue(const Value &value) {
  auto *dims = allocate<uint32_t>(value.rank);
  auto *data = allocate<uint8_t>(value.bytes);
  Value *copy = makeValue(dims, value.rank, value.type, data, value.bytes);
  if (!copy)
    return nullptr;
  __builtin_memcpy(dims, value.dims, 4 * value.rank);
  __builtin_memcpy(data, value.data, value.bytes);
  return copy;
}
