//===- Model.h - The model beside an adapter --------------------*- C++ -*-===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Adapters are linked beforehand, carried in the compiler, and live in the
// memory of the model that they serve, in the part that each module leaves to
// them (docs/module-format.md). All addresses are of that memory.
//
//===----------------------------------------------------------------------===//

#ifndef NNCC_RUNTIME_WASINN_MODEL_H
#define NNCC_RUNTIME_WASINN_MODEL_H

#include "runtime/core/Abi.h"

#include <stdint.h>

#define NNCC_MODEL(NAME)                                                       \
  extern "C" __attribute__((import_module("model"), import_name(NAME)))

/// The exports of the module, as docs/module-format.md has them.
NNCC_MODEL("nncc_alloc") uint32_t nncc_alloc(uint32_t bytes);
NNCC_MODEL("nncc_free") void nncc_free(uint32_t block);
NNCC_MODEL("nncc_signature") const char *nncc_signature();
NNCC_MODEL("nncc_error") const char *nncc_error();
NNCC_MODEL("main")
int nncc_run(uint32_t self, const nncc::PackedValue *arguments,
             uint32_t numArguments, nncc::PackedValue *result);

namespace nncc::wasinn {

/// Room for `count` objects, or null.
template <typename T> T *allocate(uint64_t count) {
  uint64_t bytes = count * sizeof(T);
  if (bytes >> 32)
    return nullptr;
  return reinterpret_cast<T *>(
      static_cast<uintptr_t>(nncc_alloc(static_cast<uint32_t>(bytes))));
}

inline uint32_t addressOf(const void *object) {
  return static_cast<uint32_t>(reinterpret_cast<uintptr_t>(object));
}

/// Null and what is no block are ignored.
inline void release(const void *block) { nncc_free(addressOf(block)); }

/// A text that no NUL ends.
struct Text {
  const char *begin;
  uint32_t length;
};

inline bool operator==(Text a, Text b) {
  return a.length == b.length && !__builtin_memcmp(a.begin, b.begin, a.length);
}

} // namespace nncc::wasinn

#endif
