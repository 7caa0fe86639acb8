//===- WordWeights.cpp - Constants in elements of 32 bits -----------------===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "targets/webgpu/WordWeights.h"

#include "mlir/IR/Diagnostics.h"
#include "nncc/Dialect/Exec/Weights.h"
#include "targets/webgpu/Scalars.h"
#include "llvm/Support/Endian.h"

using namespace mlir;

namespace nncc::webgpu {

/// Element `i` of little-endian bytes, sign-extended.
static int64_t readInteger(ArrayRef<char> bytes, unsigned size, int64_t i) {
  const char *at = bytes.data() + i * size;
  switch (size) {
  case 1:
    return static_cast<int8_t>(*at);
  case 2:
    return static_cast<int16_t>(llvm::support::endian::read16le(at));
  default:
    return llvm::support::endian::read64le(at);
  }
}

static FailureOr<ElementsAttr> toIntegers(ShapedType type, ArrayRef<char> bytes,
                                          Location loc) {
  unsigned size = exec::getByteSize(type) / type.getNumElements();
  SmallVector<int32_t> words;
  for (int64_t i = 0; i < type.getNumElements(); ++i) {
    int64_t number = readInteger(bytes, size, i);
    if (!llvm::isInt<32>(number) && !llvm::isUInt<32>(number)) {
      emitError(loc) << "the constant " << number
                     << " does not fit the 32 bits of a GPU's integers";
      return failure();
    }
    words.push_back(static_cast<int32_t>(number));
  }
  Type i32 = IntegerType::get(type.getContext(), 32);
  return cast<ElementsAttr>(DenseElementsAttr::get(
      RankedTensorType::get(type.getShape(), i32), ArrayRef(words)));
}

static ElementsAttr toFloats(ShapedType type, ArrayRef<char> bytes) {
  const llvm::fltSemantics &from =
      cast<FloatType>(type.getElementType()).getFloatSemantics();
  SmallVector<float> words;
  for (int64_t i = 0; i < type.getNumElements(); ++i) {
    uint16_t bits = llvm::support::endian::read16le(bytes.data() + 2 * i);
    APFloat number(from, APInt(16, bits));
    bool losesInfo = false;
    number.convert(APFloat::IEEEsingle(), APFloat::rmNearestTiesToEven,
                   &losesInfo);
    words.push_back(number.convertToFloat());
  }
  Type f32 = Float32Type::get(type.getContext());
  return cast<ElementsAttr>(DenseElementsAttr::get(
      RankedTensorType::get(type.getShape(), f32), ArrayRef(words)));
}

FailureOr<ElementsAttr> toWords(ElementsAttr value, Location loc) {
  ShapedType type = value.getShapedType();
  if (type.getElementType() == getStorageType(type.getElementType()) ||
      type.getNumElements() == 0)
    return value;
  SmallVector<char> storage;
  ArrayRef<char> bytes = exec::getBytes(value, storage);
  if (isa<FloatType>(type.getElementType()))
    return toFloats(type, bytes);
  return toIntegers(type, bytes, loc);
}

bool isBeyondHalves(ElementsAttr value) {
  if (!value.getShapedType().getElementType().isF32())
    return false;
  SmallVector<char> storage;
  ArrayRef<char> bytes = exec::getBytes(value, storage);
  for (size_t at = 0; at < bytes.size(); at += 4) {
    float number =
        llvm::bit_cast<float>(llvm::support::endian::read32le(&bytes[at]));
    if (isBeyondHalves(number))
      return true;
  }
  return false;
}

ElementsAttr toHalves(ElementsAttr value) {
  ShapedType type = value.getShapedType();
  if (!type.getElementType().isF32() || isBeyondHalves(value))
    return ElementsAttr();
  SmallVector<char> storage, halves;
  ArrayRef<char> bytes = exec::getBytes(value, storage);
  halves.resize(bytes.size() / 2);
  for (size_t i = 0; i < halves.size() / 2; ++i) {
    uint32_t bits = llvm::support::endian::read32le(bytes.data() + 4 * i);
    APFloat number(APFloat::IEEEsingle(), APInt(32, bits));
    bool losesInfo = false;
    number.convert(APFloat::IEEEhalf(), APFloat::rmNearestTiesToEven,
                   &losesInfo);
    llvm::support::endian::write16le(halves.data() + 2 * i,
                                     number.bitcastToAPInt().getZExtValue());
  }
  auto half = RankedTensorType::get(type.getShape(),
                                    Float16Type::get(type.getContext()));
  return cast<ElementsAttr>(DenseElementsAttr::getFromRawBuffer(half, halves));
}

} // namespace nncc::webgpu
