//===- NNDialect.cpp - the nn dialect ---------------------------*- C++ -*-===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Elementwise.h"
#include "Permute.h"
#include "Reduction.h"
#include "Scalars.h"
#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/TypeUtilities.h"
#include "nncc/Dialect/Exec/Exec.h"

using namespace mlir;
using namespace nncc;
using namespace nncc::nn;

namespace nncc::nn {

/// Whether a type is one of nn, see the description of the dialect.
static bool hasSizes(Type type) {
  auto tensor = dyn_cast<RankedTensorType>(type);
  if (!tensor || tensor.hasStaticShape())
    return !!tensor;
  auto encoding = dyn_cast_or_null<AffineMapAttr>(tensor.getEncoding());
  if (!encoding || encoding.getValue().getNumDims() != 0 ||
      encoding.getValue().getNumResults() != size_t(tensor.getRank()))
    return false;
  return llvm::all_of_zip(tensor.getShape(), encoding.getValue().getResults(),
                          [](int64_t size, AffineExpr expr) {
                            return size == getConstantValue(expr).value_or(
                                               ShapedType::kDynamic);
                          });
}

} // namespace nncc::nn

#include "nncc/Dialect/NN/NNDialect.cpp.inc"
#include "nncc/Dialect/NN/NNEnums.cpp.inc"
#include "nncc/Dialect/NN/NNInterfaces.cpp.inc"

void NNDialect::initialize() {
  addOperations<
#define GET_OP_LIST
#include "nncc/Dialect/NN/NNOps.cpp.inc"
      >();
}

Operation *NNDialect::materializeConstant(OpBuilder &b, Attribute value,
                                          Type type, Location loc) {
  auto elements = dyn_cast<ElementsAttr>(value);
  if (!elements || elements.getType() != type)
    return nullptr;
  return b.create<ConstantOp>(loc, type, elements);
}

#define GET_OP_CLASSES
#include "nncc/Dialect/NN/NNOps.cpp.inc"
