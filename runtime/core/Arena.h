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

  /// The same, with the contents.
  bool growWithContents(uint64_t needed) {
    if (needed <= bytes)
      return true;
    uint32_t moved = allocate(needed);
    if (moved == 0)
      return false;
    if (bytes)
      __builtin_memcpy(pointer(moved), pointer(address), bytes);
    release(address);
    address = moved;
    bytes = needed;
    return true;
  }

  bool overlaps(uint32_t from, uint64_t count) const {
    return from < address + bytes && from + count > address;
  }

private:
  static void *pointer(uint32_t at) {
    return reinterpret_cast<void *>(static_cast<uintptr_t>(at));
  }
};

/// Whether a range lies in memory for sizes that data told (Sizes.cpp).
bool boundMemoryOverlaps(uint32_t from, uint64_t count);

/// Tells that there is no memory for the sizes that the data of a node tell.
void refuseBytes(const char *site, uint64_t bytes);

} // namespace nncc

#endif
