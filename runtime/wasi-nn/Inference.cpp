//===- Inference.cpp - One run of a model ---------------------------------===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "runtime/wasi-nn/Inference.h"

#include "runtime/wasi-nn/Failure.h"

using namespace nncc;
using namespace nncc::wasinn;

/// The bytes that the dimensions ask for; 2^64 - 1 for any that no memory has.
static uint64_t countBytes(const Value &value) {
  uint64_t bytes = bytesPerElement(value.type);
  bool isHuge = false;
  for (uint32_t i = 0; i < value.rank; ++i) {
    if (value.dims[i] == 0)
      return 0;
    if (!isHuge)
      bytes *= value.dims[i];
    isHuge |= bytes >> 32 != 0;
  }
  return isHuge ? ~0ull : bytes;
}

Value *nncc::wasinn::makeZeros(const Port &port) {
  auto *dims = allocate<uint32_t>(port.rank);
  for (uint32_t i = 0; dims && i < port.rank; ++i)
    dims[i] = port.sizes[i] == openSize ? 1 : port.sizes[i];
  uint64_t bytes =
      dims ? countBytes({dims, port.rank, port.element, nullptr, 0}) : 0;
  auto *data = allocate<uint8_t>(bytes);
  Value *value = makeValue(dims, port.rank, port.element, data,
                           static_cast<uint32_t>(bytes));
  if (value)
    __builtin_memset(data, 0, bytes);
  return value;
}

static bool checkSizes(const Port &port, const Value &value) {
  for (uint32_t i = 0; i < port.rank; ++i)
    if (port.sizes[i] != openSize && port.sizes[i] != value.dims[i])
      return fail(ErrorCode::InvalidArgument)
             << "input '" << port.name.begin << "': size " << int64_t(i)
             << " is " << int64_t(value.dims[i]) << ", expected "
             << int64_t(port.sizes[i]);
  return true;
}

bool nncc::wasinn::checkInput(const Port &port, const Value &value) {
  if (port.element == ElementType::None)
    return fail(ErrorCode::UnsupportedOperation)
           << "input '" << port.name.begin
           << "' has a type that wasi-nn does not have";
  if (value.type != port.element)
    return fail(ErrorCode::InvalidArgument)
           << "input '" << port.name.begin << "': the element type is wrong";
  // A scalar has no dimension, or as wasi-nn wants it, one of size 1.
  bool isScalar = port.rank == 0 && value.rank == 1 && value.dims[0] == 1;
  if (value.rank != port.rank && !isScalar)
    return fail(ErrorCode::InvalidArgument)
           << "input '" << port.name.begin << "' has " << int64_t(value.rank)
           << " dimensions, expected " << int64_t(port.rank);
  if (countBytes(value) != value.bytes)
    return fail(ErrorCode::InvalidArgument)
           << "input '" << port.name.begin << "': " << int64_t(value.bytes)
           << " bytes do not fit the dimensions";
  return checkSizes(port, value);
}

namespace {

/// What a packed call needs, in one block.
class Frame {
public:
  explicit Frame(const Network &network) : network(network) {
    count = network.numInputs + network.numOutputs;
    uint64_t numDims = 0;
    for (uint32_t i = 0; i < count; ++i)
      numDims += portAt(i).rank;
    block = allocate<char>(count * (sizeof(PackedValue) + sizeof(Tensor)) +
                           numDims * sizeof(int64_t));
    if (block)
      layOut();
  }
  ~Frame() { release(block); }

  bool run(const Value *const *inputs, Value **outputs);

private:
  const Port &portAt(uint32_t i) const {
    return i < network.numInputs ? network.inputs[i]
                                 : network.outputs[i - network.numInputs];
  }
  void layOut();
  bool fill(const Value *const *inputs);
  Value *readOutput(uint32_t i) const;

  const Network &network;
  uint32_t count;
  char *block;
  PackedValue *arguments;
  Tensor *tensors;
};

} // namespace

void Frame::layOut() {
  arguments = reinterpret_cast<PackedValue *>(block);
  tensors = reinterpret_cast<Tensor *>(arguments + count);
  uint32_t dims = addressOf(tensors + count);
  for (uint32_t i = 0; i < count; ++i) {
    const Port &port = portAt(i);
    tensors[i] = {0, 1, 0, static_cast<int32_t>(port.rank), port.type, dims,
                  0, 0, 0};
    arguments[i] = {Tag::Tensor, 0, addressOf(&tensors[i])};
    dims += port.rank * sizeof(int64_t);
  }
}

bool Frame::fill(const Value *const *inputs) {
  for (uint32_t i = 0; i < network.numInputs; ++i) {
    const Value *value = inputs[i];
    if (!value)
      return fail(ErrorCode::RuntimeError)
             << "input '" << network.inputs[i].name.begin << "' was not set";
    if (!checkInput(network.inputs[i], *value))
      return false;
    tensors[i].data = value->bytes ? addressOf(value->data) : 0;
    auto *dims = reinterpret_cast<int64_t *>(tensors[i].shape);
    for (uint32_t axis = 0; axis < network.inputs[i].rank; ++axis)
      dims[axis] = value->dims[axis];
  }
  return true;
}

/// A copy: the elements are the model's until its next run. A scalar has one
/// dimension in wasi-nn.
Value *Frame::readOutput(uint32_t i) const {
  const Port &port = network.outputs[i];
  const Tensor &tensor = tensors[network.numInputs + i];
  const auto *shape = reinterpret_cast<const int64_t *>(tensor.shape);
  uint32_t rank = port.rank ? port.rank : 1;
  auto *dims = allocate<uint32_t>(rank);
  uint64_t bytes = port.type.bits / 8;
  for (uint32_t axis = 0; dims && axis < rank; ++axis) {
    dims[axis] = port.rank ? static_cast<uint32_t>(shape[axis]) : 1;
    bytes *= dims[axis];
  }
  auto *data = allocate<uint8_t>(bytes);
  Value *value =
      makeValue(dims, rank, port.element, data, static_cast<uint32_t>(bytes));
  if (value)
    __builtin_memcpy(
        data,
        reinterpret_cast<char *>(tensor.data + uint32_t(tensor.byteOffset)),
        static_cast<uint32_t>(bytes));
  return value;
}

static bool isOutOfMemory(const char *message) {
  static const char words[] = "out of memory";
  return !__builtin_strncmp(message, words, sizeof words - 1);
}

bool Frame::run(const Value *const *inputs, Value **outputs) {
  if (!block)
    return failWithoutMemory();
  if (!fill(inputs))
    return false;
  if (nncc_run(0, arguments, count, nullptr) != 0)
    return fail(isOutOfMemory(nncc_error()) ? ErrorCode::TooLarge
                                            : ErrorCode::RuntimeError)
           << nncc_error();
  for (uint32_t i = 0; i < network.numOutputs; ++i)
    if (!(outputs[i] = readOutput(i))) {
      while (i--)
        releaseValue(outputs[i]);
      return false;
    }
  return true;
}

bool nncc::wasinn::infer(const Network &network, const Value *const *inputs,
                         Value **outputs) {
  return Frame(network).run(inputs, outputs);
}
