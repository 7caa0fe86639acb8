//===- Allocator.cpp - Blocks of the module's memory ----------------------===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// First fit over a list of free blocks in the order of their addresses;
// neighbours are joined. A module holds few blocks (the arena and what the host
// asks for), so that a list is all it needs.
//
//===----------------------------------------------------------------------===//

#include "Allocator.h"

#include <stddef.h>

using namespace nncc;

extern "C" char __heap_base;

namespace {

constexpr uint32_t alignment = 64;
constexpr uint32_t slack = 64;
constexpr uint32_t pageBytes = 65536;
constexpr uint64_t addressSpace = 1ull << 32;

/// Lies in front of every block, free or not.
struct alignas(alignment) Header {
  uint32_t bytes; ///< With the header.
  uint32_t state;
  Header *next; ///< Of the free list.
};

constexpr uint32_t stateUsed = 0x55534544;
constexpr uint32_t stateFree = 0x46524545;

Header *freeList;
uint32_t heapEnd; ///< 0 before the first call.

uint32_t addressOf(const Header *header) {
  return static_cast<uint32_t>(reinterpret_cast<uintptr_t>(header));
}

Header *headerAt(uint32_t address) {
  return reinterpret_cast<Header *>(static_cast<uintptr_t>(address));
}

} // namespace

uint64_t nncc::memoryBytes() {
  return static_cast<uint64_t>(__builtin_wasm_memory_size(0)) * pageBytes;
}

/// Puts a block into the free list and joins it with its neighbours.
static void insertFree(Header *block) {
  Header *previous = nullptr, *next = freeList;
  while (next && next < block) {
    previous = next;
    next = next->next;
  }
  block->state = stateFree;
  block->next = next;
  if (previous)
    previous->next = block;
  else
    freeList = block;
  if (next && addressOf(block) + block->bytes == addressOf(next)) {
    block->bytes += next->bytes;
    block->next = next->next;
  }
  if (previous && addressOf(previous) + previous->bytes == addressOf(block)) {
    previous->bytes += block->bytes;
    previous->next = block->next;
  }
}

/// The last bytes of the address space are never used: ends would be 0.
static uint32_t clampEnd(uint64_t end) {
  return static_cast<uint32_t>(end < addressSpace ? end
                                                  : addressSpace - alignment);
}

static void addToHeap(uint32_t end) {
  Header *block = headerAt(heapEnd);
  block->bytes = end - heapEnd;
  heapEnd = end;
  insertFree(block);
}

static void startHeap() {
  uint32_t base =
      static_cast<uint32_t>(reinterpret_cast<uintptr_t>(&__heap_base));
  heapEnd = (base + alignment - 1) & -alignment;
  uint32_t end = clampEnd(memoryBytes());
  if (end > heapEnd)
    addToHeap(end);
}

static bool growHeap(uint64_t bytes) {
  uint64_t target = heapEnd + bytes;
  if (target > addressSpace - alignment)
    return false;
  uint64_t now = memoryBytes();
  if (target > now) {
    uint32_t pages =
        static_cast<uint32_t>((target - now + pageBytes - 1) / pageBytes);
    if (__builtin_wasm_memory_grow(0, pages) == static_cast<size_t>(-1))
      return false;
  }
  addToHeap(clampEnd(memoryBytes()));
  return true;
}

static uint32_t takeFree(uint32_t bytes) {
  Header **link = &freeList;
  for (Header *block = freeList; block;
       link = &block->next, block = block->next) {
    if (block->bytes < bytes)
      continue;
    uint32_t rest = block->bytes - bytes;
    if (rest >= 2 * sizeof(Header)) {
      Header *remainder = headerAt(addressOf(block) + bytes);
      remainder->bytes = rest;
      remainder->state = stateFree;
      remainder->next = block->next;
      *link = remainder;
      block->bytes = bytes;
    } else {
      *link = block->next;
    }
    block->state = stateUsed;
    return addressOf(block) + sizeof(Header);
  }
  return 0;
}

uint32_t nncc::allocate(uint64_t bytes) {
  if (bytes > addressSpace)
    return 0;
  if (heapEnd == 0)
    startHeap();
  uint64_t total = (bytes + slack + sizeof(Header) + alignment - 1) &
                   -static_cast<uint64_t>(alignment);
  if (total >= addressSpace)
    return 0;
  uint32_t needed = static_cast<uint32_t>(total);
  if (uint32_t block = takeFree(needed))
    return block;
  // The last free block may reach the end of the heap: only the rest is new.
  uint32_t atEnd = 0;
  for (Header *block = freeList; block; block = block->next)
    if (addressOf(block) + block->bytes == heapEnd)
      atEnd = block->bytes;
  return growHeap(needed - atEnd) ? takeFree(needed) : 0;
}

void nncc::release(uint32_t block) {
  if (block < sizeof(Header) || block % alignment != 0 || block >= heapEnd)
    return;
  Header *header = headerAt(block - sizeof(Header));
  if (header->state == stateUsed)
    insertFree(header);
}
