//===- Exports.cpp - What every module exports ----------------------------===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Arguments.h"
#include "Packed.h"
#include "Threads.h"

using namespace nncc;

bool nncc::hasFailed;

void nncc::abandonRun(const char *why) {
  lastError.clear();
  lastError << why;
  __builtin_trap();
}

NNCC_EXPORT("nncc_abi_version") int nncc_abi_version() { return abiVersion; }

NNCC_EXPORT("nncc_signature") const char *nncc_signature() {
  return nncc_signature_text;
}

NNCC_EXPORT("nncc_error") const char *nncc_error() { return lastError.c_str(); }

NNCC_EXPORT("nncc_alloc") uint32_t nncc_alloc(uint32_t bytes) {
  uint32_t block = allocate(bytes);
  if (block == 0) {
    lastError.clear();
    lastError << "out of memory: no block of " << int64_t(bytes) << " bytes";
  }
  return block;
}

NNCC_EXPORT("nncc_free") void nncc_free(uint32_t block) { release(block); }
