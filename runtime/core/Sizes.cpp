//===- Sizes.cpp - Sizes that are known while the network runs ------------===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The program calls these functions with the name of the node that is to blame.
// The last one of a size gives 0 to end the run.
//
//===----------------------------------------------------------------------===//

#include "Arena.h"
#include "Arguments.h"
#include "Packed.h"

using namespace nncc;

namespace {

/// The memory of one binding; it stays for the next run. Blocks live in a list,
/// in the order in which the program binds.
struct BoundMemory {
  Arena arena;
  const char *site = nullptr;
  BoundMemory *next = nullptr;
};
BoundMemory *memories;

} // namespace

// No tensor that fits the memory has more elements, and products of two such
// numbers can still be counted in bytes.
static constexpr int64_t mostElements = int64_t(1) << 30;

/// The first failure is told: what comes after it works on anything.
static ErrorText &startMessage(const char *site) {
  static ErrorText untold;
  if (hasFailed) {
    untold.clear();
    return untold;
  }
  hasFailed = true;
  lastError.clear();
  return lastError << "node '" << site << "': ";
}

bool nncc::boundMemoryOverlaps(uint32_t from, uint64_t count) {
  for (BoundMemory *memory = memories; memory; memory = memory->next)
    if (memory->arena.overlaps(from, count))
      return true;
  return false;
}

void nncc::refuseBytes(const char *site, uint64_t bytes) {
  startMessage(site) << "out of memory: what follows needs "
                     << static_cast<int64_t>(bytes)
                     << " bytes for the sizes that its data tell";
}

/// The elements of tensors of sizes that have `elements` so far and then
/// `size`; -1 after an error.
extern "C" int64_t nncc_accept_size(const char *site, int64_t size,
                                    int64_t elements) {
  if (elements < 0)
    return -1;
  if (size < 0) {
    startMessage(site) << "a size is " << size;
    return -1;
  }
  // An empty tensor may have any other sizes, which later ones are made of.
  int64_t product = size <= mostElements ? elements * (size ? size : 1) : -1;
  if (product >= 0 && product <= mostElements)
    return product;
  startMessage(site) << "sizes are too large: " << size << " times " << elements
                     << " elements";
  return -1;
}

static BoundMemory *find(const char *site) {
  BoundMemory **place = &memories;
  for (; *place; place = &(*place)->next)
    if ((*place)->site == site)
      return *place;
  uint32_t block = allocate(sizeof(BoundMemory));
  if (block == 0)
    return nullptr;
  *place = at<BoundMemory>(block);
  **place = BoundMemory();
  (*place)->site = site;
  return *place;
}

/// What has grown once grows by half as much again: the sizes of a loop's
/// states may grow in each step.
static bool grow(Arena &arena, uint64_t bytes) {
  if (bytes > arena.bytes && arena.bytes != 0 && arena.grow(bytes + bytes / 2))
    return true;
  return arena.grow(bytes);
}

extern "C" char *nncc_bound_memory(const char *site, int64_t elements,
                                   uint64_t bytes) {
  if (elements < 0)
    return nullptr;
  BoundMemory *memory = find(site);
  if (memory && grow(memory->arena, bytes > 64 ? bytes : 64))
    return at<char>(memory->arena.address);
  refuseBytes(site, bytes);
  return nullptr;
}

extern "C" int32_t nncc_check_sizes(const char *site, uint32_t left,
                                    uint32_t right) {
  if (left == right)
    return 1;
  startMessage(site) << "sizes that should be equal are " << int64_t(left)
                     << " and " << int64_t(right);
  return 0;
}
