//===- Main.cpp - Running the network on the CPU --------------------------===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Arena.h"
#include "Arguments.h"
#include "Packed.h"

using namespace nncc;

namespace {

Arena arena;

/// While the network runs.
bool isRunning;

/// Copies of inputs that lay in the arena. They live until the end of the next
/// call, since an output may be one of them and become an input again.
struct Copy {
  uint32_t block;
  Copy *next;
};
Copy *copies;

} // namespace

/// The bytes of a checked input, or false if they do not fit the memory.
static bool countBytes(const Tensor &tensor, uint64_t &bytes) {
  const int64_t *shape = at<int64_t>(tensor.shape);
  bytes = tensor.type.bits == 1 ? 1 : tensor.type.bits / 8;
  bool isEmpty = false, isHuge = false;
  for (int32_t i = 0; i < tensor.rank; ++i) {
    uint64_t size = static_cast<uint64_t>(shape[i]);
    isEmpty |= size == 0;
    if (!isHuge)
      bytes *= size;
    isHuge |= bytes >> 32 != 0;
  }
  if (isEmpty)
    bytes = 0;
  return isEmpty || !isHuge;
}

/// An input that lies in the arena (an output of the last call) is copied: the
/// plan knows nothing of it and would write over it.
static bool moveOutOfArena(uint32_t &address, uint64_t bytes) {
  if (bytes == 0 ||
      (!arena.overlaps(address, bytes) && !boundMemoryOverlaps(address, bytes)))
    return true;
  uint32_t block = allocate(bytes + sizeof(Copy));
  if (block == 0)
    return false;
  uint32_t record = block + static_cast<uint32_t>((bytes + 7) & ~7ull);
  Copy *copy = at<Copy>(record);
  copy->block = block;
  copy->next = copies;
  copies = copy;
  __builtin_memcpy(at<char>(block), at<char>(address), bytes);
  address = block;
  return true;
}

static bool bindInput(const TensorRecord &input, const PackedValue &value,
                      uint32_t &address) {
  const Tensor *tensor = getInput(input, value);
  if (!tensor)
    return false;
  uint64_t bytes;
  uint64_t data = tensor->data + tensor->byteOffset;
  if (!countBytes(*tensor, bytes) || !isInMemory(data, bytes) ||
      data < tensor->byteOffset || (bytes != 0 && tensor->data == 0)) {
    complain("input", input) << "the elements are not in the memory";
    return false;
  }
  address = static_cast<uint32_t>(data);
  if (!moveOutOfArena(address, bytes)) {
    complain("input", input) << "out of memory: no room for a copy of "
                             << int64_t(bytes) << " bytes";
    return false;
  }
  return true;
}

static bool growArena() {
  uint64_t needed = nncc_call_arena_bytes(symbolValues());
  if (arena.grow(needed))
    return true;
  lastError.clear();
  lastError << "out of memory: the network needs "
            << static_cast<int64_t>(needed)
            << " bytes for these sizes of its inputs";
  return false;
}

static bool bindInputs(TableReader &reader, const PackedValue *arguments) {
  uint32_t *addresses = symbolValues() + numSymbols();
  for (uint32_t i = 0; i < numInputs(); ++i)
    if (!bindInput(reader.readInput(), arguments[i], addresses[i]))
      return false;
  return true;
}

static bool run(const PackedValue *arguments) {
  TableReader reader(symbolRecord(numSymbols()));
  const PackedValue *results = arguments + numInputs();
  if (!bindInputs(reader, arguments) || !checkOutputs(reader, results) ||
      !growArena())
    return false;

  nncc_frame[0] = arena.address;
  nncc_frame[1] =
      static_cast<uint32_t>(reinterpret_cast<uintptr_t>(nncc_weight_data)) +
      nncc_program[3];
  hasFailed = false;
  isRunning = true;
  nncc_call_run(nncc_frame);
  isRunning = false;
  if (hasFailed)
    return false;

  const uint32_t *data = symbolValues() + numSymbols() + numInputs();
  const uint32_t *dims = data + numOutputs();
  for (uint32_t i = 0; i < numOutputs(); ++i) {
    TensorRecord output = reader.readOutput();
    Tensor &tensor = *at<Tensor>(static_cast<uint32_t>(results[i].payload));
    describeOutput(tensor, output, dims);
    tensor.data = data[i];
    tensor.deviceType = deviceCpu;
    tensor.byteOffset = 0;
    dims += output.rank;
  }
  return true;
}

NNCC_EXPORT("main")
int nncc_main(uint32_t, const PackedValue *arguments, uint32_t numArguments,
              PackedValue *result) {
  if (isRunning) {
    lastError.clear();
    lastError << "the network is running: a function that it calls cannot run "
                 "it again";
    return 1;
  }
  if (!startCall(arguments, numArguments))
    return 1;
  Copy *old = copies;
  copies = nullptr;
  bool isDone = run(arguments);
  while (old) {
    Copy *next = old->next;
    release(old->block);
    old = next;
  }
  if (!isDone)
    return 1;
  if (result)
    *result = {Tag::None, 0, 0};
  return 0;
}
