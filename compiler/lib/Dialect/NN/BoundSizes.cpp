//===- BoundSizes.cpp - sizes known at run time -----------------*- C++ -*-===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "nncc/Dialect/Exec/Exec.h"
#include "nncc/Dialect/NN/NN.h"

using namespace mlir;
using namespace nncc::nn;

LogicalResult SizesOp::inferReturnTypes(MLIRContext *context,
                                        std::optional<Location>, Adaptor op,
                                        SmallVectorImpl<Type> &types) {
  int64_t size = op.getExprs().getNumResults();
  types.push_back(RankedTensorType::get({size}, IntegerType::get(context, 64)));
  return success();
}

SymbolicElements SizesOp::inferElements(ArrayRef<SymbolicElements>) {
  return llvm::to_vector(getExprs().getResults());
}

FailureOr<SmallVector<Value>> SizesOp::lowerToLinalg(LoweringBuilder &b,
                                                     ValueRange) {
  SmallVector<Value> values;
  for (AffineExpr expr : getExprs().getResults())
    values.push_back(
        b.create<arith::IndexCastOp>(getLoc(), b.getI64Type(), b.dim(expr)));
  return SmallVector<Value>{b.create<tensor::FromElementsOp>(getLoc(), values)};
}

LogicalResult BindSizesOp::verify() {
  auto type = cast<RankedTensorType>(getValues().getType());
  if (type.getRank() != 1 || !type.hasStaticShape() ||
      !type.getElementType().isSignlessInteger(64))
    return emitOpError("takes a 1-D tensor of i64 of static size, not ")
           << type;
  return success();
}

FailureOr<SmallVector<Value>> BindSizesOp::lowerToLinalg(LoweringBuilder &b,
                                                         ValueRange operands) {
  SmallVector<Value> values;
  int64_t count = cast<RankedTensorType>(getValues().getType()).getDimSize(0);
  for (int64_t i = 0; i < count; ++i)
    values.push_back(b.create<tensor::ExtractOp>(
        getLoc(), operands[0], b.dim(b.getAffineConstantExpr(i))));
  auto memory = MemRefType::get({ShapedType::kDynamic}, b.getI8Type());
  b.create<exec::BindOp>(getLoc(), memory, values, getFirst(),
                         FlatSymbolRefAttr());
  return SmallVector<Value>();
}

FailureOr<SmallVector<Value>> CheckSizesOp::lowerToLinalg(LoweringBuilder &b,
                                                          ValueRange) {
  for (auto [lhs, rhs] :
       llvm::zip(getLhs().getResults(), getRhs().getResults()))
    b.create<exec::CheckOp>(getLoc(), b.dim(lhs), b.dim(rhs));
  return SmallVector<Value>();
}
