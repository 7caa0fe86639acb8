//===- HalfWeights.cpp - Constants that 16 bits hold ----------------------===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "nncc/Dialect/Exec/Passes.h"
#include "nncc/Dialect/Exec/Weights.h"
#include "llvm/Support/Endian.h"

using namespace mlir;

namespace nncc::exec {

using llvm::support::endian::read32le;

/// The bits of the f16 that is the same number; none where there is none.
static std::optional<uint16_t> toF16(uint32_t bits) {
  uint32_t exponent = bits >> 23 & 0xFF, mantissa = bits & 0x7FFFFF;
  uint32_t sign = bits >> 16 & 0x8000, magnitude = exponent << 23 | mantissa;
  constexpr uint32_t dropped = 13, leastNormal = 113, leastDenormal = 103;
  uint32_t shift = dropped;
  if (exponent == 0xFF) {
    magnitude = 0x7C00 << dropped | mantissa;
  } else if (exponent >= leastNormal && exponent < leastNormal + 30) {
    magnitude -= (leastNormal - 1) << 23;
  } else if (exponent >= leastDenormal && exponent < leastNormal) {
    magnitude = mantissa | 0x800000;
    shift += leastNormal - exponent;
  } else if (magnitude != 0) {
    return std::nullopt;
  }
  if (magnitude & ((1u << shift) - 1))
    return std::nullopt;
  return sign | magnitude >> shift;
}

static std::optional<uint16_t> toBF16(uint32_t bits) {
  return bits & 0xFFFF ? std::nullopt : std::optional<uint16_t>(bits >> 16);
}

static std::optional<uint16_t> toHalf(uint32_t bits, WeightStorage storage) {
  return storage == WeightStorage::F16 ? toF16(bits) : toBF16(bits);
}

static bool holds(ArrayRef<char> bytes, WeightStorage storage) {
  for (size_t at = 0; at < bytes.size(); at += 4)
    if (!toHalf(read32le(&bytes[at]), storage))
      return false;
  return true;
}

WeightStorage findStorage(ElementsAttr value) {
  // Others lose more to the alignment than they gain.
  constexpr uint64_t leastBytes = 256;
  ShapedType type = value.getShapedType();
  if (!type.getElementType().isF32() || getByteSize(type) < leastBytes)
    return WeightStorage::Plain;
  SmallVector<char> copy;
  ArrayRef<char> bytes = getBytes(value, copy);
  for (WeightStorage storage : {WeightStorage::F16, WeightStorage::BF16})
    if (holds(bytes, storage))
      return storage;
  return WeightStorage::Plain;
}

SmallVector<char> toStorage(ArrayRef<char> bytes, WeightStorage storage) {
  if (storage == WeightStorage::Plain)
    return SmallVector<char>(bytes);
  SmallVector<char> halves(bytes.size() / 2);
  for (size_t at = 0; at < bytes.size(); at += 4)
    llvm::support::endian::write16le(&halves[at / 2],
                                     *toHalf(read32le(&bytes[at]), storage));
  return halves;
}

WeightStorage HalfCounts::getStorage(uint64_t offset) const {
  if (offset < 4 * f16)
    return WeightStorage::F16;
  return offset < 4 * (f16 + bf16) ? WeightStorage::BF16 : WeightStorage::Plain;
}

HalfCounts getHalfCounts(ModuleOp module) {
  auto counts = module->getAttrOfType<DenseI64ArrayAttr>(halvesAttrName);
  if (!counts || counts.size() != 2)
    return HalfCounts();
  return {static_cast<uint64_t>(counts[0]), static_cast<uint64_t>(counts[1])};
}

} // namespace nncc::exec
