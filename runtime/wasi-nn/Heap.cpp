//===- Heap.cpp - A memory with blocks ------------------------------------===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The module in whose memory the adapter Several.cpp lives: it has no model of
// its own. It leaves the same part to its adapter as models do.
//
//===----------------------------------------------------------------------===//

#include "runtime/core/Allocator.h"

#define NNCC_EXPORT(NAME) extern "C" __attribute__((export_name(NAME)))

NNCC_EXPORT("nncc_alloc") uint32_t nncc_alloc(uint32_t bytes) {
  return nncc::allocate(bytes);
}

NNCC_EXPORT("nncc_free") void nncc_free(uint32_t block) {
  nncc::release(block);
}

/// For what the components of the models return; it is never resized.
NNCC_EXPORT("cabi_realloc")
uint32_t reallocate(uint32_t, uint32_t, uint32_t, uint32_t bytes) {
  uint32_t block = nncc::allocate(bytes);
  if (!block)
    __builtin_trap();
  return block;
}
