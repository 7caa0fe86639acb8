//===- Arena.h - Memory that stays from call to call ------------*- C++ -*-===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef NNCC_RUNTIME_CORE_ARENA_H
#define NNCC_RUNTIME_CORE_ARENA_H

#include "Allocator.h"

namespace nncc {

struct Arena {
  uint32_t address = 0;
  uint64_t bytes = 0;

  /// Makes room for so many bytes, whose contents may be lost; false without
  /// memory.
  bool grow(uint64_t needed) {
    if (address != 0 && needed <= bytes)
      return true;
    release(address);
    address = allocate(needed);
    bytes = address ? needed : 0;
    return address != 0;
  }

  bool overlaps(uint32_t from, uint64_t count) const {
    return from < address + bytes && from + count > address;
  }
};

/// Whether a range lies in memory for sizes that data told (Sizes.cpp).
bool boundMemoryOverlaps(uint32_t from, uint64_t count);

} // namespace nncc

#endif
