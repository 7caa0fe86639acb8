//===- Tensors.cpp - ONNX tensors as attributes -----------------*- C++ -*-===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "frontends/onnx/Tensors.h"

#include "frontends/onnx/ModelFile.h"
#include "frontends/onnx/Strings.h"
#include "frontends/onnx/Types.h"

#include "onnx-ml.pb.h"

#include "mlir/IR/AsmState.h"
#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/DialectResourceBlobManager.h"
#include "llvm/Support/Endian.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace nncc::onnx;
using ::onnx::TensorProto;

namespace {

// Tensors of up to this many bytes are plain attributes: shapes, axes, scalars.
constexpr size_t inlineBytes = 1024;
constexpr int maxRank = 32;

class TensorConverter {
public:
  TensorConverter(ModelFile &file, const TensorProto &tensor,
                  const std::string &who, const ImportOptions &options,
                  MLIRContext *context)
      : file(file), tensor(tensor), who(who), options(options),
        context(context) {}

  FailureOr<ElementsAttr> convert();

private:
  InFlightDiagnostic error() { return file.error() << who << ": "; }

  LogicalResult computeType();
  FailureOr<ArrayRef<char>> getBytes();
  FailureOr<ArrayRef<char>> getExternalBytes();
  FailureOr<ArrayRef<char>> getTypedBytes();
  ArrayRef<char> getStringNumbers();
  ArrayRef<char> unpack(ArrayRef<char> bytes, unsigned bits);
  template <typename To, typename Field>
  ArrayRef<char> narrow(const Field &field);
  ElementsAttr makeAttribute(ArrayRef<char> bytes);

  ModelFile &file;
  const TensorProto &tensor;
  const std::string &who;
  const ImportOptions &options;
  MLIRContext *context;

  RankedTensorType type;
  int64_t elements = 1;
  size_t elementBytes = 0;
};

} // namespace

LogicalResult TensorConverter::computeType() {
  // Several strings are labels, of which their numbers tell enough.
  bool isLabels = tensor.data_type() == TensorProto::STRING &&
                  tensor.string_data_size() > 1;
  Type elementType = getElementType(
      isLabels ? TensorProto::INT64 : tensor.data_type(), context);
  if (!elementType)
    return error() << "the element type " << getDataTypeName(tensor.data_type())
                   << " is not supported";
  if (tensor.dims_size() > maxRank)
    return error() << "the tensor has " << tensor.dims_size()
                   << " dimensions; at most " << maxRank << " are supported";
  if (tensor.has_segment())
    return error() << "tensors in segments are not supported";
  bool tooLarge = false;
  for (int64_t dim : tensor.dims()) {
    if (dim < 0)
      return error() << "the tensor has the negative dimension " << dim;
    tooLarge |= dim > options.maxElements ||
                llvm::MulOverflow(elements, dim, elements) ||
                elements > options.maxElements;
  }
  if (tooLarge)
    return error() << "the tensor claims too many elements: more than "
                   << options.maxElements;
  type = RankedTensorType::get(
      ArrayRef<int64_t>(tensor.dims().data(), tensor.dims_size()), elementType);
  elementBytes = (elementType.getIntOrFloatBitWidth() + 7) / 8;
  return success();
}

FailureOr<ArrayRef<char>> TensorConverter::getExternalBytes() {
  StringRef location;
  uint64_t offset = 0;
  int64_t length = -1;
  for (const auto &entry : tensor.external_data()) {
    StringRef key = entry.key(), value = entry.value();
    bool bad = false;
    if (key == "location")
      location = value;
    else if (key == "offset")
      bad = value.getAsInteger(10, offset);
    else if (key == "length")
      bad = value.getAsInteger(10, length) || length < 0;
    // "checksum" and what others add don't say where the data lies.
    if (bad)
      return error() << "the " << key << " of its external data, '"
                     << printable(value) << "', is not a size";
  }
  // The file may hold other tensors behind this one.
  if (length < 0)
    length = llvm::divideCeil(
        elements * type.getElementType().getIntOrFloatBitWidth(), 8);
  return file.getExternalData(location, offset, length, who);
}

template <typename To, typename Field>
ArrayRef<char> TensorConverter::narrow(const Field &field) {
  char *bytes = file.allocate(field.size() * sizeof(To));
  for (auto [i, value] : llvm::enumerate(field))
    llvm::support::endian::write<To>(bytes + i * sizeof(To),
                                     static_cast<To>(value),
                                     llvm::endianness::little);
  return {bytes, field.size() * sizeof(To)};
}

ArrayRef<char> TensorConverter::getStringNumbers() {
  file.warning() << who << " has strings, which no tensor of the module can "
                 << "hold: their numbers stand for them";
  return narrow<int64_t>(numberStrings(tensor.string_data()));
}

FailureOr<ArrayRef<char>> TensorConverter::getTypedBytes() {
  auto raw = [](const auto &field) {
    return ArrayRef<char>(reinterpret_cast<const char *>(field.data()),
                          field.size() * sizeof(*field.data()));
  };
  switch (tensor.data_type()) {
  case TensorProto::FLOAT:
    return raw(tensor.float_data());
  case TensorProto::DOUBLE:
    return raw(tensor.double_data());
  case TensorProto::INT64:
    return raw(tensor.int64_data());
  case TensorProto::UINT64:
    return raw(tensor.uint64_data());
  case TensorProto::UINT32:
    return narrow<uint32_t>(tensor.uint64_data());
  case TensorProto::INT32:
    return raw(tensor.int32_data());
  case TensorProto::STRING:
    return getStringNumbers();
  case TensorProto::FLOAT16:
  case TensorProto::BFLOAT16:
  case TensorProto::INT16:
  case TensorProto::UINT16:
    return narrow<uint16_t>(tensor.int32_data());
  default:
    return narrow<uint8_t>(tensor.int32_data());
  }
}

/// Numbers of 2 or 4 bits, the first in the low bits, to one a byte.
ArrayRef<char> TensorConverter::unpack(ArrayRef<char> bytes, unsigned bits) {
  char *numbers = file.allocate(elements);
  bool isUnsigned = type.getElementType().isUnsignedInteger();
  unsigned perByte = 8 / bits;
  for (int64_t i = 0; i < elements; ++i) {
    auto byte = static_cast<uint8_t>(bytes[i / perByte]);
    unsigned number = byte >> i % perByte * bits & ((1u << bits) - 1);
    numbers[i] = static_cast<char>(
        isUnsigned ? number : llvm::SignExtend32(number, bits));
  }
  return {numbers, static_cast<size_t>(elements)};
}

FailureOr<ArrayRef<char>> TensorConverter::getBytes() {
  FailureOr<ArrayRef<char>> bytes;
  if (tensor.data_location() == TensorProto::EXTERNAL)
    bytes = getExternalBytes();
  else if (tensor.has_raw_data())
    bytes = ArrayRef<char>(tensor.raw_data().data(), tensor.raw_data().size());
  else
    bytes = getTypedBytes();
  if (failed(bytes))
    return failure();

  unsigned bits = type.getElementType().getIntOrFloatBitWidth();
  bool isPacked = bits == 2 || bits == 4;
  uint64_t wanted = isPacked ? llvm::divideCeil(elements * bits, 8)
                             : static_cast<uint64_t>(elements) * elementBytes;
  if (bytes->size() != wanted)
    return error() << "the tensor's shape asks for " << elements
                   << " elements (" << wanted << " bytes), its data has "
                   << bytes->size() << " bytes";
  if (isPacked)
    return unpack(*bytes, bits);
  return bytes;
}

ElementsAttr TensorConverter::makeAttribute(ArrayRef<char> bytes) {
  bool isBool = type.getElementType().isInteger(1);
  if (bytes.empty())
    return DenseElementsAttr::get(type, ArrayRef<Attribute>());
  if (bytes.size() <= inlineBytes && isBool) {
    SmallVector<bool> values(bytes.begin(), bytes.end());
    return DenseElementsAttr::get(type, values);
  }
  if (bytes.size() <= inlineBytes)
    return DenseElementsAttr::getFromRawBuffer(type, bytes);

  if (reinterpret_cast<uintptr_t>(bytes.data()) % elementBytes != 0) {
    char *aligned = file.allocate(bytes.size());
    llvm::copy(bytes, aligned);
    bytes = {aligned, bytes.size()};
  }
  return DenseResourceElementsAttr::get(
      type, tensor.name().empty() ? "tensor" : StringRef(tensor.name()),
      UnmanagedAsmResourceBlob::allocateWithAlign(bytes, elementBytes));
}

FailureOr<ElementsAttr> TensorConverter::convert() {
  if (failed(computeType()))
    return failure();
  FailureOr<ArrayRef<char>> bytes = getBytes();
  if (failed(bytes))
    return failure();
  return makeAttribute(*bytes);
}

FailureOr<ElementsAttr> nncc::onnx::convertTensor(ModelFile &file,
                                                  const TensorProto &tensor,
                                                  const std::string &who,
                                                  const ImportOptions &options,
                                                  MLIRContext *context) {
  return TensorConverter(file, tensor, who, options, context).convert();
}
