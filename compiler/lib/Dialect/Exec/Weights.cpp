//===- Weights.cpp - The bytes of constant tensors ------------------------===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "nncc/Dialect/Exec/Weights.h"

#include "mlir/IR/DialectResourceBlobManager.h"
#include "nncc/Dialect/Exec/Passes.h"

using namespace mlir;

namespace nncc::exec {

SmallVector<Weight> getWeights(ModuleOp module) {
  SmallVector<Weight> weights;
  auto values = module->getAttrOfType<ArrayAttr>(weightsAttrName);
  auto offsets =
      module->getAttrOfType<DenseI64ArrayAttr>(weightOffsetsAttrName);
  if (!values || !offsets)
    return weights;
  for (auto [value, offset] : llvm::zip(values, offsets.asArrayRef()))
    weights.push_back({cast<ElementsAttr>(value), uint64_t(offset)});
  return weights;
}

uint64_t getByteSize(ShapedType type) {
  Type element = type.getElementType();
  unsigned bits = element.isIndex() ? 64 : element.getIntOrFloatBitWidth();
  return uint64_t(type.getNumElements()) * std::max(1u, bits / 8);
}

ArrayRef<char> getBytes(ElementsAttr value, SmallVectorImpl<char> &storage) {
  if (auto resource = dyn_cast<DenseResourceElementsAttr>(value)) {
    AsmResourceBlob *blob = resource.getRawHandle().getBlob();
    return blob ? blob->getData() : ArrayRef<char>();
  }
  auto dense = cast<DenseElementsAttr>(value);
  uint64_t size = getByteSize(dense.getType());
  if (dense.getElementType().isInteger(1)) {
    for (bool element : dense.getValues<bool>())
      storage.push_back(element);
    return storage;
  }
  ArrayRef<char> raw = dense.getRawData();
  if (!dense.isSplat())
    return raw;
  storage.reserve(size);
  while (storage.size() < size)
    storage.append(raw.begin(), raw.end());
  return storage;
}

} // namespace nncc::exec
