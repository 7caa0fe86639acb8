//===- Allocator.h - Blocks of the module's memory --------------*- C++ -*-===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef NNCC_RUNTIME_CORE_ALLOCATOR_H
#define NNCC_RUNTIME_CORE_ALLOCATOR_H

#include <stdint.h>

namespace nncc {

/// The size of the memory; 4 GiB does not fit 32 bits.
uint64_t memoryBytes();

/// A block aligned to 64 bytes, with 64 readable bytes behind it (vector loads
/// may pass the end), or 0.
uint32_t allocate(uint64_t bytes);

/// Gives a block back; anything else is ignored.
void release(uint32_t block);

} // namespace nncc

#endif
