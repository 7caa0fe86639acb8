//===- OnnxToNN/Halves.cpp - f16 and bf16 -----------------------*- C++ -*-===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "frontends/onnx/OnnxToNN/Halves.h"

#include "frontends/onnx/OnnxToNN/Node.h"
#include "nncc/Dialect/NN/NN.h"

#include "mlir/IR/DialectResourceBlobManager.h"

using namespace mlir;
using namespace nncc::onnx;
namespace nn = nncc::nn;

// Constants of more elements are widened by a kernel, at build time.
static constexpr int64_t maxNumbers = 4096;

bool nncc::onnx::isHalf(Type type) { return type.isF16() || type.isBF16(); }

Value nncc::onnx::wrapHalves(OpBuilder &b, Value wide, Type half) {
  return b.create<nn::CastOp>(wide.getLoc(), wide, half);
}

Value nncc::onnx::unwrapHalves(Value value) {
  if (!value || !Node::isTensor(value) || !isHalf(Node::elementType(value)))
    return value;
  auto cast = value.getDefiningOp<nn::CastOp>();
  return cast && Node::elementType(cast.getInput()).isF32()
             ? Value(cast.getInput())
             : value;
}

/// A small constant as f32; null for others.
static ElementsAttr widenConstant(Value halves) {
  auto constant = halves.getDefiningOp<nn::ConstantOp>();
  if (!constant || constant.getValue().getNumElements() > maxNumbers)
    return ElementsAttr();
  auto dense = dyn_cast<DenseFPElementsAttr>(constant.getValue());
  if (auto resource =
          dyn_cast<DenseResourceElementsAttr>(constant.getValue())) {
    AsmResourceBlob *blob = resource.getRawHandle().getBlob();
    if (!blob)
      return ElementsAttr();
    dense = cast<DenseFPElementsAttr>(DenseElementsAttr::getFromRawBuffer(
        resource.getType(), blob->getData()));
  }
  Type f32 = Float32Type::get(halves.getContext());
  return dense.mapValues(f32, [](APFloat number) {
    bool losesInfo = false;
    number.convert(APFloat::IEEEsingle(), APFloat::rmNearestTiesToEven,
                   &losesInfo);
    return number.bitcastToAPInt();
  });
}

Value nncc::onnx::holdHalves(OpBuilder &b, Value halves) {
  Location loc = halves.getLoc();
  Value wide;
  if (ElementsAttr constant = widenConstant(halves))
    wide = b.create<nn::ConstantOp>(loc, constant);
  else
    wide = b.create<nn::CastOp>(loc, halves, b.getF32Type());
  return wrapHalves(b, wide, Node::elementType(halves));
}
