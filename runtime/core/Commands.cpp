//===- Commands.cpp - The list of dispatches of one run on a GPU ----------===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Linked into modules with GPU code. The program writes the list
// (docs/module-format.md): commands that it copies from a template, and blocks
// of symbols for the uniform buffer. A program that reads what the GPU computed
// is called again for each of its segments, and after it has given a symbol its
// value: both arenas may then be larger, with what they held.
//
//===----------------------------------------------------------------------===//

#include "Arena.h"
#include "Arguments.h"
#include "Packed.h"
#include "Threads.h"

using namespace nncc;

namespace {

/// Words that grow by doubling.
class Words {
public:
  void clear() { count = 0; }
  uint32_t size() const { return count; }
  uint32_t *data() const { return at<uint32_t>(block); }

  /// Room for more words, valid until the next call.
  uint32_t *append(uint32_t more) {
    if (count + more > capacity)
      grow(count + more);
    count += more;
    return at<uint32_t>(block) + count - more;
  }

private:
  void grow(uint32_t needed) {
    uint32_t larger = needed > 2 * capacity ? needed : 2 * capacity;
    uint32_t moved = allocate(4ull * larger);
    if (moved == 0)
      abandonRun("out of memory: no room for the list of dispatches");
    if (count)
      __builtin_memcpy(at<char>(moved), at<char>(block), 4 * count);
    release(block);
    block = moved;
    capacity = larger;
  }

  uint32_t block = 0, count = 0, capacity = 0;
};

/// The list as a whole, and its parts.
Words list, commands, uniforms;
/// Bytes to the last block of `uniforms`.
uint32_t lastBlock;

/// What the program has in this memory, from a plan to its last segment.
Arena hostArena;
/// What the lists of this run need of the GPU's memory so far.
uint64_t gpuArenaBytes;

/// The segment whose list is written, and whether another one follows.
uint32_t segment;
bool hasNext = false;

/// Whether the program has another part to do before it waits.
bool goesOn = false;

/// What stands for a size that is not known yet: places that are computed from
/// it are not used, but nothing may be divided by 0.
constexpr uint32_t unknownSize = 1;

constexpr uint32_t uploadCommand = 4;
constexpr uint32_t listVersion = 1;
constexpr uint32_t headerWords = 4;
/// Blocks of uniforms start at multiples of 256 bytes.
constexpr uint32_t blockWords = 64;

} // namespace

extern "C" uint32_t *nncc_gpu_append(uint32_t first, uint32_t count) {
  uint32_t *words = commands.append(count);
  __builtin_memcpy(words, &nncc_gpu_commands[first], 4 * count);
  return words;
}

/// Of all symbols: those of the inputs, then those that the program binds.
static uint32_t symbolValue(uint32_t number) {
  return number < numSymbols() ? symbolValues()[number]
                               : nncc_gpu_sizes[number - numSymbols()];
}

static void copySymbols(uint32_t *words, uint32_t count) {
  for (uint32_t i = 0; i < count && i < numSymbols() + nncc_gpu_num_sizes; ++i)
    words[i] = symbolValue(i);
}

extern "C" uint32_t *nncc_gpu_add_symbols(uint32_t count) {
  if (uint32_t used = uniforms.size() % blockWords)
    uniforms.append(blockWords - used);
  lastBlock = 4 * uniforms.size();
  uint32_t *words = uniforms.append((count + 3) & ~3u);
  copySymbols(words, count);
  return words;
}

extern "C" uint32_t nncc_gpu_symbols_at() { return lastBlock; }

extern "C" uint32_t *nncc_gpu_add_upload(uint32_t offset, uint32_t count) {
  uint32_t *words = commands.append(3 + count);
  words[0] = uploadCommand;
  words[1] = offset;
  words[2] = count;
  return words + 3;
}

/// Of what is read back at the end of a segment.
extern "C" uint32_t nncc_gpu_address_of(const void *memory) {
  hasNext = true;
  return static_cast<uint32_t>(reinterpret_cast<uintptr_t>(memory));
}

extern "C" uint32_t nncc_gpu_segment() { return segment; }

extern "C" void nncc_gpu_go_to(uint32_t next) {
  segment = next;
  goesOn = true;
}

extern "C" uint32_t nncc_gpu_size(uint32_t number) {
  return nncc_gpu_sizes[number];
}

extern "C" void nncc_gpu_set_size(uint32_t number, uint32_t value) {
  nncc_gpu_sizes[number] = value;
}

/// Room for tensors whose sizes have just become known: `gpuBytes` and
/// `hostBytes` in the two arenas. 0 ends the run.
extern "C" uint32_t nncc_gpu_grow(const char *site, int64_t elements,
                                  uint64_t gpuBytes, uint64_t hostBytes) {
  if (elements < 0)
    return 0;
  if (gpuBytes >> 32 || !hostArena.growWithContents(hostBytes)) {
    refuseBytes(site, gpuBytes >> 32 ? gpuBytes : hostBytes);
    return 0;
  }
  if (gpuBytes > gpuArenaBytes)
    gpuArenaBytes = gpuBytes;
  return 1;
}

/// The address of the list.
static uint32_t joinList() {
  list.clear();
  uint32_t size = headerWords + uniforms.size() + commands.size() + 1;
  uint32_t *words = list.append(size);
  words[0] = listVersion;
  words[1] = size;
  words[2] = static_cast<uint32_t>(gpuArenaBytes);
  words[3] = uniforms.size();
  words += headerWords;
  if (uniforms.size())
    __builtin_memcpy(words, uniforms.data(), 4 * uniforms.size());
  words += uniforms.size();
  if (commands.size())
    __builtin_memcpy(words, commands.data(), 4 * commands.size());
  words[commands.size()] = 0; // The end.
  return static_cast<uint32_t>(reinterpret_cast<uintptr_t>(list.data()));
}

/// Room for the host's part of a run with the current symbols.
static bool growHostArena() {
  uint64_t needed = nncc_call_host_arena_bytes(symbolValues());
  if (needed == 0 || hostArena.grow(needed))
    return true;
  lastError << "out of memory: the part of the network that runs on the CPU "
               "needs "
            << int64_t(needed) << " bytes for these sizes of its inputs";
  return false;
}

/// Calls the program for its next part.
static void recordPart() {
  // Of the GPU's arena only places count, from its beginning.
  nncc_frame[0] = hostArena.address;
  nncc_frame[1] =
      static_cast<uint32_t>(reinterpret_cast<uintptr_t>(nncc_weight_data)) +
      nncc_program[3];
  uint32_t *data = symbolValues() + numSymbols();
  for (uint32_t i = 0; i < numInputs(); ++i)
    data[i] = 0;
  goesOn = false;
  nncc_call_gpu_record(nncc_frame);
}

/// Writes the list of one segment; false if a function that it calls failed.
static bool record(uint32_t &address) {
  commands.clear();
  uniforms.clear();
  uint32_t count = numSymbols() + nncc_gpu_num_sizes;
  nncc_gpu_add_symbols(count);
  hasNext = false;
  hasFailed = false;
  do
    recordPart();
  while (goesOn && !hasFailed);
  // What was bound on the way is needed behind it alone.
  copySymbols(uniforms.data(), count);
  address = joinList();
  return !hasFailed;
}

static void describeOutputs(TableReader reader, const PackedValue *results) {
  const uint32_t *data = symbolValues() + numSymbols() + numInputs();
  const uint32_t *dims = data + numOutputs();
  for (uint32_t i = 0; i < numOutputs(); ++i) {
    TensorRecord output = reader.readOutput();
    Tensor &tensor = *at<Tensor>(static_cast<uint32_t>(results[i].payload));
    describeOutput(tensor, output, dims);
    tensor.data = 0;
    tensor.deviceType = deviceWebGpu;
    tensor.byteOffset = data[i] - nncc_frame[0];
    dims += output.rank;
  }
}

static bool plan(const PackedValue *arguments, uint32_t &address) {
  TableReader reader(symbolRecord(numSymbols()));
  for (uint32_t i = 0; i < numInputs(); ++i)
    if (!getInput(reader.readInput(), arguments[i]))
      return false;
  const PackedValue *results = arguments + numInputs();
  if (!checkOutputs(reader, results))
    return false;
  gpuArenaBytes = nncc_call_gpu_arena_bytes(symbolValues());
  if (gpuArenaBytes >> 32) {
    lastError << "out of memory: the network needs " << int64_t(gpuArenaBytes)
              << " bytes of a GPU for these sizes of its inputs";
    return false;
  }
  if (!growHostArena())
    return false;
  segment = 0;
  for (uint32_t i = 0; i < nncc_gpu_num_sizes; ++i)
    nncc_gpu_sizes[i] = unknownSize;
  bool isRecorded = record(address);
  describeOutputs(reader, results);
  return isRecorded;
}

NNCC_EXPORT("nncc_gpu_plan")
int nncc_gpu_plan(uint32_t, const PackedValue *arguments, uint32_t numArguments,
                  PackedValue *result) {
  uint32_t address;
  hasNext = false;
  if (!startCall(arguments, numArguments) || !plan(arguments, address))
    return 1;
  if (result)
    *result = {Tag::Handle, 0, address};
  return 0;
}

/// With the outputs, whose sizes and places may only be known now.
NNCC_EXPORT("nncc_gpu_resume")
int nncc_gpu_resume(uint32_t, const PackedValue *results, uint32_t numResults,
                    PackedValue *result) {
  lastError.clear();
  if (!hasNext) {
    lastError << "there is no segment to resume: plan the run first";
    return 1;
  }
  TableReader reader(symbolRecord(numSymbols()));
  for (uint32_t i = 0; i < numInputs(); ++i)
    reader.readInput();
  if (numResults != 0 && numResults != numOutputs()) {
    lastError << "a segment is resumed with the " << int64_t(numOutputs())
              << " outputs, not with " << int64_t(numResults);
    return 1;
  }
  if (numResults != 0 && !checkOutputs(reader, results))
    return 1;
  ++segment;
  uint32_t address;
  if (!record(address))
    return 1;
  if (numResults != 0)
    describeOutputs(reader, results);
  if (result)
    *result = {Tag::Handle, 0, address};
  return 0;
}
