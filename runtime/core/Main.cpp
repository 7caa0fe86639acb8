//===- Main.cpp - The exports of a module ---------------------------------===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Abi.h"
#include "Allocator.h"
#include "ErrorText.h"
#include "Packed.h"
#include "Program.h"
#include "Threads.h"

using namespace nncc;

#define NNCC_EXPORT(NAME) extern "C" __attribute__((export_name(NAME)))

namespace {

constexpr uint32_t unbound = 0xFFFFFFFF;
constexpr int64_t largestDim = 0x7FFFFFFF;

/// A description in the program's table.
struct TensorRecord {
  const char *name;
  uint8_t code, bits;
  uint32_t rank;
  const uint32_t *dims; ///< Inputs: kind and value of each dimension.
};

/// Reads the table from front to back.
class TableReader {
public:
  explicit TableReader(const uint32_t *position) : position(position) {}

  TensorRecord readInput() {
    TensorRecord record = readOutput();
    record.dims = position;
    position += 2 * record.rank;
    return record;
  }

  TensorRecord readOutput() {
    uint32_t type = position[1];
    TensorRecord record = {
        &nncc_strings[position[0]], static_cast<uint8_t>(type),
        static_cast<uint8_t>(type >> 8), position[2], nullptr};
    position += 3;
    return record;
  }

private:
  const uint32_t *position;
};

/// While the network runs.
bool isRunning;

struct Arena {
  uint32_t address = 0;
  uint64_t bytes = 0;
} arena;

/// Copies of inputs that lay in the arena. They live until the end of the next
/// call, since an output may be one of them and become an input again.
struct Copy {
  uint32_t block;
  Copy *next;
};
Copy *copies;

uint32_t numSymbols() { return nncc_program[0]; }
uint32_t numInputs() { return nncc_program[1]; }
uint32_t numOutputs() { return nncc_program[2]; }
const uint32_t *symbolRecord(uint32_t i) {
  return &nncc_program[programHeaderWords + 3 * i];
}
uint32_t *symbolValues() { return &nncc_frame[2]; }

template <typename T> T *at(uint32_t address) {
  return reinterpret_cast<T *>(static_cast<uintptr_t>(address));
}

bool isInMemory(uint64_t address, uint64_t bytes) {
  uint64_t size = memoryBytes();
  return bytes <= size && address <= size - bytes;
}

} // namespace

bool nncc::hasFailed;

void nncc::abandonRun(const char *why) {
  lastError.clear();
  lastError << why;
  __builtin_trap();
}

static const char *describeType(uint8_t code) {
  static const char *const names[] = {"int",    "uint", "float", "?",
                                      "bfloat", "?",    "bool"};
  return code < 7 ? names[code] : "?";
}

static ErrorText &complain(const char *kind, const TensorRecord &record) {
  lastError.clear();
  return lastError << kind << " '" << record.name << "': ";
}

static Tensor *getTensor(const PackedValue &value, const char *kind,
                         const TensorRecord &record) {
  uint32_t address = static_cast<uint32_t>(value.payload);
  if (value.tag != Tag::Tensor || address == 0 ||
      !isInMemory(address, sizeof(Tensor))) {
    complain(kind, record) << "the argument is not a tensor";
    return nullptr;
  }
  Tensor *tensor = at<Tensor>(address);
  if (tensor->rank != static_cast<int32_t>(record.rank)) {
    complain(kind, record) << "the rank is " << int64_t(tensor->rank)
                           << ", expected " << int64_t(record.rank);
    return nullptr;
  }
  if (record.rank != 0 &&
      (tensor->shape == 0 || !isInMemory(tensor->shape, 8ull * record.rank))) {
    complain(kind, record) << "the shape is not in the memory";
    return nullptr;
  }
  return tensor;
}

/// Checks one dimension; a symbol takes its value from the first that has it.
static bool checkDim(const TensorRecord &input, uint32_t axis, int64_t size) {
  DimKind kind = static_cast<DimKind>(input.dims[2 * axis]);
  uint32_t value = input.dims[2 * axis + 1];
  if (size < 0 || size > largestDim) {
    complain("input", input) << "dimension " << int64_t(axis) << " is " << size;
    return false;
  }
  if (kind == DimKind::Constant) {
    if (size == value)
      return true;
    complain("input", input) << "dimension " << int64_t(axis) << " is " << size
                             << ", expected " << int64_t(value);
    return false;
  }
  const uint32_t *record = symbolRecord(value);
  const char *name = &nncc_strings[record[0]];
  uint32_t &bound = symbolValues()[value];
  if (bound != unbound && bound != size) {
    complain("input", input)
        << "dimension " << int64_t(axis) << " is " << size << ", but '" << name
        << "' is " << int64_t(bound) << " in an earlier dimension";
    return false;
  }
  if (size < record[1] || (record[2] != unbound && size > record[2])) {
    complain("input", input)
        << "dimension " << int64_t(axis) << " ('" << name << "') is " << size
        << ", expected " << int64_t(record[1]);
    if (record[2] == unbound)
      lastError << " or more";
    else
      lastError << " to " << int64_t(record[2]);
    return false;
  }
  bound = static_cast<uint32_t>(size);
  return true;
}

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

static bool isRowMajor(const Tensor &tensor) {
  if (tensor.strides == 0)
    return true;
  if (!isInMemory(tensor.strides, 8ull * tensor.rank))
    return false;
  const int64_t *shape = at<int64_t>(tensor.shape);
  const int64_t *strides = at<int64_t>(tensor.strides);
  int64_t expected = 1;
  for (int32_t i = tensor.rank - 1; i >= 0; --i) {
    if (shape[i] != 1 && strides[i] != expected)
      return false;
    expected *= shape[i];
  }
  return true;
}

/// An input that lies in the arena (an output of the last call) is copied: the
/// plan knows nothing of it and would write over it.
static bool moveOutOfArena(uint32_t &address, uint64_t bytes) {
  uint64_t end = arena.address + arena.bytes;
  if (bytes == 0 || address >= end || address + bytes <= arena.address)
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
  const Tensor *tensor = getTensor(value, "input", input);
  if (!tensor)
    return false;
  if (tensor->type.code != input.code || tensor->type.bits != input.bits ||
      tensor->type.lanes != 1) {
    complain("input", input)
        << "the type is " << describeType(tensor->type.code)
        << int64_t(tensor->type.bits) << ", expected "
        << describeType(input.code) << int64_t(input.bits);
    return false;
  }
  const int64_t *shape = at<int64_t>(tensor->shape);
  for (uint32_t axis = 0; axis < input.rank; ++axis)
    if (!checkDim(input, axis, shape[axis]))
      return false;
  if (!isRowMajor(*tensor)) {
    complain("input", input) << "the elements are not in row-major order";
    return false;
  }
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
  if (arena.address != 0 && needed <= arena.bytes)
    return true;
  release(arena.address);
  arena.address = allocate(needed);
  arena.bytes = arena.address ? needed : 0;
  if (arena.address)
    return true;
  lastError.clear();
  lastError << "out of memory: the network needs "
            << static_cast<int64_t>(needed)
            << " bytes for these sizes of its inputs";
  return false;
}

static void describeOutput(Tensor &tensor, const TensorRecord &output,
                           uint32_t data, const uint32_t *dims) {
  tensor.data = data;
  tensor.deviceType = 1;
  tensor.deviceId = 0;
  tensor.type = {output.code, output.bits, 1};
  tensor.strides = 0;
  tensor.byteOffset = 0;
  for (uint32_t axis = 0; axis < output.rank; ++axis)
    at<int64_t>(tensor.shape)[axis] = dims[axis];
}

static bool bindInputs(TableReader &reader, const PackedValue *arguments) {
  for (uint32_t i = 0; i < numSymbols(); ++i)
    symbolValues()[i] = unbound;
  uint32_t *addresses = symbolValues() + numSymbols();
  for (uint32_t i = 0; i < numInputs(); ++i)
    if (!bindInput(reader.readInput(), arguments[i], addresses[i]))
      return false;
  return true;
}

static bool run(const PackedValue *arguments) {
  TableReader reader(symbolRecord(numSymbols()));
  if (!bindInputs(reader, arguments))
    return false;
  const PackedValue *results = arguments + numInputs();
  TableReader outputs = reader;
  for (uint32_t i = 0; i < numOutputs(); ++i)
    if (!getTensor(results[i], "output", outputs.readOutput()))
      return false;
  if (!growArena())
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
    describeOutput(*at<Tensor>(static_cast<uint32_t>(results[i].payload)),
                   output, data[i], dims);
    dims += output.rank;
  }
  return true;
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

NNCC_EXPORT("main")
int nncc_main(uint32_t, const PackedValue *arguments, uint32_t numArguments,
              PackedValue *result) {
  lastError.clear();
  if (isRunning) {
    lastError << "the network is running: a function that it calls cannot run "
                 "it again";
    return 1;
  }
  uint32_t expected = numInputs() + numOutputs();
  uint64_t address = reinterpret_cast<uintptr_t>(arguments);
  if (numArguments != expected ||
      !isInMemory(address, sizeof(PackedValue) * uint64_t(expected))) {
    lastError << "got " << int64_t(numArguments) << " arguments, expected "
              << int64_t(numInputs()) << " inputs and " << int64_t(numOutputs())
              << " outputs";
    return 1;
  }
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
