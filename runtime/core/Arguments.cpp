//===- Arguments.cpp - What callers of a module give ----------------------===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Arguments.h"

using namespace nncc;

static constexpr uint32_t unbound = 0xFFFFFFFF;
static constexpr int64_t largestDim = 0x7FFFFFFF;

bool nncc::startCall(const PackedValue *arguments, uint32_t numArguments) {
  lastError.clear();
  for (uint32_t i = 0; i < numSymbols(); ++i)
    symbolValues()[i] = unbound;
  uint32_t expected = numInputs() + numOutputs();
  uint64_t address = reinterpret_cast<uintptr_t>(arguments);
  if (numArguments == expected &&
      isInMemory(address, sizeof(PackedValue) * uint64_t(expected)))
    return true;
  lastError << "got " << int64_t(numArguments) << " arguments, expected "
            << int64_t(numInputs()) << " inputs and " << int64_t(numOutputs())
            << " outputs";
  return false;
}

static const char *describeType(uint8_t code) {
  static const char *const names[] = {"int",    "uint", "float", "?",
                                      "bfloat", "?",    "bool"};
  return code < 7 ? names[code] : "?";
}

ErrorText &nncc::complain(const char *kind, const TensorRecord &record) {
  lastError.clear();
  return lastError << kind << " '" << record.name << "': ";
}

Tensor *nncc::getTensor(const PackedValue &value, const char *kind,
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
    else if (record[2] != record[1])
      lastError << " to " << int64_t(record[2]);
    if (const char *node = &nncc_strings[record[3]]; *node)
      lastError << " for node '" << node << "'";
    return false;
  }
  bound = static_cast<uint32_t>(size);
  return true;
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

Tensor *nncc::getInput(const TensorRecord &input, const PackedValue &value) {
  Tensor *tensor = getTensor(value, "input", input);
  if (!tensor)
    return nullptr;
  if (tensor->type.code != input.code || tensor->type.bits != input.bits ||
      tensor->type.lanes != 1) {
    complain("input", input)
        << "the type is " << describeType(tensor->type.code)
        << int64_t(tensor->type.bits) << ", expected "
        << describeType(input.code) << int64_t(input.bits);
    return nullptr;
  }
  const int64_t *shape = at<int64_t>(tensor->shape);
  for (uint32_t axis = 0; axis < input.rank; ++axis)
    if (!checkDim(input, axis, shape[axis]))
      return nullptr;
  if (isRowMajor(*tensor))
    return tensor;
  complain("input", input) << "the elements are not in row-major order";
  return nullptr;
}

bool nncc::checkOutputs(TableReader reader, const PackedValue *results) {
  for (uint32_t i = 0; i < numOutputs(); ++i)
    if (!getTensor(results[i], "output", reader.readOutput()))
      return false;
  return true;
}

void nncc::describeOutput(Tensor &tensor, const TensorRecord &output,
                          const uint32_t *dims) {
  tensor.deviceId = 0;
  tensor.type = {output.code, output.bits, 1};
  tensor.strides = 0;
  for (uint32_t axis = 0; axis < output.rank; ++axis)
    at<int64_t>(tensor.shape)[axis] = dims[axis];
}
