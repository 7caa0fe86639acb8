//===- Extern.cpp - Operators of a user's own -----------------------------===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "nncc/Dialect/Exec/Exec.h"
#include "nncc/Dialect/NN/NN.h"

using namespace mlir;
using namespace nncc::nn;

FailureOr<SmallVector<Value>> ExternOp::lowerToLinalg(LoweringBuilder &b,
                                                      ValueRange operands) {
  SmallVector<Attribute> types;
  for (Type type : getOperandTypes())
    types.push_back(TypeAttr::get(type));
  SmallVector<Value> inits;
  for (Value output : getOutputs()) {
    auto type = cast<RankedTensorType>(output.getType());
    types.push_back(TypeAttr::get(type));
    inits.push_back(b.empty(getLoc(), getDims(type),
                            getPlainElementType(type.getElementType())));
  }
  auto call = b.create<exec::ExternOp>(getLoc(), ValueRange(inits).getTypes(),
                                       getFunction(), getConstants(),
                                       b.getArrayAttr(types), operands, inits);
  return SmallVector<Value>(call.getOutputs());
}
