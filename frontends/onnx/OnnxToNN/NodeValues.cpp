//===- OnnxToNN/NodeValues.cpp - operands with known values -----*- C++ -*-===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "frontends/onnx/OnnxToNN/Node.h"

#include "nncc/Dialect/NN/NN.h"

#include "mlir/IR/AsmState.h"
#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/DialectResourceBlobManager.h"

#include <cstring>

using namespace mlir;
using namespace nncc::onnx;
namespace nn = nncc::nn;

using Numbers = std::optional<SmallVector<double>>;

// Larger tensors are no parameters.
static constexpr int64_t maxNumbers = 4096;

template <typename T> static SmallVector<double> readAs(ArrayRef<char> data) {
  SmallVector<double> numbers(data.size() / sizeof(T));
  for (auto [i, number] : llvm::enumerate(numbers)) {
    T value;
    std::memcpy(&value, data.data() + i * sizeof(T), sizeof(T));
    number = static_cast<double>(value);
  }
  return numbers;
}

static Numbers readResource(DenseResourceElementsAttr attribute) {
  AsmResourceBlob *blob = attribute.getRawHandle().getBlob();
  Type type = attribute.getElementType();
  if (!blob)
    return std::nullopt;
  if (type.isF32())
    return readAs<float>(blob->getData());
  if (type.isF64())
    return readAs<double>(blob->getData());
  if (type.isSignlessInteger(64))
    return readAs<int64_t>(blob->getData());
  if (type.isUnsignedInteger(8))
    return readAs<uint8_t>(blob->getData());
  return std::nullopt;
}

static Numbers readConstant(ElementsAttr attribute) {
  if (auto resource = dyn_cast_or_null<DenseResourceElementsAttr>(attribute))
    return readResource(resource);
  auto dense = dyn_cast_or_null<DenseElementsAttr>(attribute);
  if (!dense)
    return std::nullopt;
  SmallVector<double> numbers;
  if (isa<FloatType>(dense.getElementType())) {
    for (APFloat value : dense.getValues<APFloat>()) {
      bool losesInfo = false;
      value.convert(APFloat::IEEEdouble(), APFloat::rmNearestTiesToEven,
                    &losesInfo);
      numbers.push_back(value.convertToDouble());
    }
    return numbers;
  }
  auto type = cast<IntegerType>(dense.getElementType());
  bool isUnsigned = type.isUnsigned() || type.getWidth() == 1;
  for (const APInt &value : dense.getValues<APInt>())
    numbers.push_back(isUnsigned ? static_cast<double>(value.getZExtValue())
                                 : static_cast<double>(value.getSExtValue()));
  return numbers;
}

Numbers Node::readNumbers(ElementsAttr tensor) {
  Numbers numbers = tensor ? readConstant(tensor) : std::nullopt;
  if (!numbers)
    (void)fail("an attribute that is a tensor can't be read");
  return numbers;
}

Numbers Node::tryFloats(Value value) {
  if (!value || !isTensor(value))
    return std::nullopt;
  auto constant = value.getDefiningOp<nn::ConstantOp>();
  if (!constant)
    return readConstant(nn::constantElements(value));
  ElementsAttr tensor = constant.getValue();
  return tensor.getNumElements() <= maxNumbers ? readConstant(tensor)
                                               : std::nullopt;
}

Numbers Node::floats(Value value, const llvm::Twine &what) {
  Numbers numbers = tryFloats(value);
  if (!numbers)
    (void)fail(what + " must be constant");
  return numbers;
}

std::optional<double> Node::scalar(Value value, const llvm::Twine &what) {
  Numbers numbers = floats(value, what);
  if (!numbers)
    return std::nullopt;
  if (numbers->size() == 1)
    return numbers->front();
  (void)fail(what + " must be a scalar");
  return std::nullopt;
}
