//===- Arguments.h - What callers of a module give --------------*- C++ -*-===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef NNCC_RUNTIME_CORE_ARGUMENTS_H
#define NNCC_RUNTIME_CORE_ARGUMENTS_H

#include "Abi.h"
#include "Allocator.h"
#include "ErrorText.h"
#include "Program.h"

#define NNCC_EXPORT(NAME) extern "C" __attribute__((export_name(NAME)))

namespace nncc {

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

inline uint32_t numSymbols() { return nncc_program[0]; }
inline uint32_t numInputs() { return nncc_program[1]; }
inline uint32_t numOutputs() { return nncc_program[2]; }
inline const uint32_t *symbolRecord(uint32_t i) {
  return &nncc_program[programHeaderWords + 4 * i];
}
inline uint32_t *symbolValues() { return &nncc_frame[2]; }

template <typename T> T *at(uint32_t address) {
  return reinterpret_cast<T *>(static_cast<uintptr_t>(address));
}

inline bool isInMemory(uint64_t address, uint64_t bytes) {
  uint64_t size = memoryBytes();
  return bytes <= size && address <= size - bytes;
}

/// Starts a message about an input or an output.
ErrorText &complain(const char *kind, const TensorRecord &record);

/// Whether a call has as many arguments as the program has inputs and outputs;
/// forgets the last message and the values of symbols.
bool startCall(const PackedValue *arguments, uint32_t numArguments);

/// The descriptor of an argument, checked but for types and sizes; null, with a
/// message, if it is none.
Tensor *getTensor(const PackedValue &value, const char *kind,
                  const TensorRecord &record);

/// An input's descriptor, its type and sizes checked; symbols have taken their
/// values. Null, with a message, if something is wrong.
Tensor *getInput(const TensorRecord &input, const PackedValue &value);

/// Whether the arguments behind the inputs are descriptors; `reader` stands at
/// the first output.
bool checkOutputs(TableReader reader, const PackedValue *results);

/// Fills in what `main` and `nncc_gpu_plan` say of an output alike.
void describeOutput(Tensor &tensor, const TensorRecord &output,
                    const uint32_t *dims);

} // namespace nncc

#endif
