//===- LoweringBuilder.cpp - building the linalg form -----------*- C++ -*-===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "nncc/Dialect/NN/LoweringBuilder.h"
#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "nncc/Dialect/NN/NN.h"

using namespace mlir;
using namespace nncc;
using namespace nncc::nn;

Type nn::getPlainElementType(Type elementType) {
  if (auto integer = dyn_cast<IntegerType>(elementType))
    return IntegerType::get(integer.getContext(), integer.getWidth());
  return elementType;
}

LoweringBuilder::LoweringBuilder(Block *entry, ValueRange symbols,
                                 int64_t maxScatterTests)
    : OpBuilder(entry->getParentOp()->getContext()), entry(entry),
      symbols(symbols), maxScatterTests(maxScatterTests) {
  setInsertionPointToEnd(entry);
}

Value LoweringBuilder::dim(AffineExpr size) {
  size = simplify(size);
  if (auto symbol = dyn_cast<AffineSymbolExpr>(size))
    return symbols[symbol.getPosition()];
  Value &value = dims[size];
  if (value)
    return value;
  // At the function's start, where it dominates all uses.
  InsertionGuard guard(*this);
  if (lastDim)
    setInsertionPointAfter(lastDim);
  else
    setInsertionPointToStart(entry);
  Location loc = getUnknownLoc();
  if (std::optional<int64_t> constant = getConstantValue(size)) {
    value = create<arith::ConstantIndexOp>(loc, *constant);
  } else {
    AffineMap map = makeSymbolMap({size}, getContext());
    value = create<affine::AffineApplyOp>(
        loc, map, ArrayRef<Value>(symbols).take_front(map.getNumSymbols()));
  }
  lastDim = value.getDefiningOp();
  return value;
}

OpFoldResult LoweringBuilder::size(AffineExpr size) {
  if (std::optional<int64_t> constant = getConstantValue(simplify(size)))
    return getIndexAttr(*constant);
  return dim(size);
}

SmallVector<OpFoldResult> LoweringBuilder::sizes(ArrayRef<AffineExpr> dims) {
  return llvm::map_to_vector(dims, [&](AffineExpr dim) { return size(dim); });
}

RankedTensorType LoweringBuilder::getPlainType(ArrayRef<AffineExpr> dims,
                                               Type elementType) {
  SmallVector<int64_t> shape = llvm::map_to_vector(dims, [](AffineExpr dim) {
    return getConstantValue(simplify(dim)).value_or(ShapedType::kDynamic);
  });
  return RankedTensorType::get(shape, getPlainElementType(elementType));
}

RankedTensorType LoweringBuilder::getPlainType(Type type) {
  auto tensor = cast<RankedTensorType>(type);
  return RankedTensorType::get(tensor.getShape(),
                               getPlainElementType(tensor.getElementType()));
}

Value LoweringBuilder::empty(Location loc, ArrayRef<AffineExpr> dims,
                             Type elementType) {
  return create<tensor::EmptyOp>(loc, sizes(dims),
                                 getPlainElementType(elementType));
}

Value LoweringBuilder::fill(Location loc, ArrayRef<AffineExpr> dims,
                            TypedAttr value) {
  Value scalar = create<arith::ConstantOp>(loc, value);
  Value init = empty(loc, dims, value.getType());
  return create<linalg::FillOp>(loc, scalar, init).getResult(0);
}

/// The result of shape arithmetic whose elements are known functions of the
/// sizes; null for other ops.
static Value buildShapeValue(Operation &op, LoweringBuilder &b) {
  if (!isa<SymbolicValueOpInterface>(op))
    return {};
  SymbolicElements elements = symbolicElements(op.getResult(0));
  if (!elements || elements->empty())
    return {};
  RankedTensorType type = b.getPlainType(op.getResult(0).getType());
  Type element = type.getElementType();
  if (llvm::all_of(*elements, getConstantValue)) {
    SmallVector<APInt> values;
    for (AffineExpr value : *elements)
      values.emplace_back(element.getIntOrFloatBitWidth(),
                          static_cast<uint64_t>(*getConstantValue(value)),
                          /*isSigned=*/true);
    return b.create<arith::ConstantOp>(op.getLoc(),
                                       DenseElementsAttr::get(type, values));
  }
  SmallVector<Value> values;
  for (AffineExpr value : *elements)
    values.push_back(
        b.create<arith::IndexCastOp>(op.getLoc(), element, b.dim(value)));
  return b.create<tensor::FromElementsOp>(op.getLoc(), type, values);
}

LogicalResult LoweringBuilder::lowerOp(Operation &op) {
  auto lowering = dyn_cast<LowerToLinalgOpInterface>(op);
  if (!lowering)
    return op.emitError("has no linalg form");
  if (Value value = buildShapeValue(op, *this)) {
    lowered.map(op.getResult(0), value);
    return success();
  }
  SmallVector<Value> operands;
  for (Value operand : op.getOperands())
    operands.push_back(lowered.lookup(operand));
  FailureOr<SmallVector<Value>> results =
      lowering.lowerToLinalg(*this, operands);
  if (failed(results))
    return failure();
  lowered.map(op.getResults(), *results);
  return success();
}

FailureOr<SmallVector<Value>>
LoweringBuilder::lowerBlock(Block &block, ValueRange arguments) {
  lowered.map(block.getArguments(), arguments);
  for (Operation &op : block.without_terminator())
    if (failed(lowerOp(op)))
      return failure();
  SmallVector<Value> results;
  for (Value value : block.getTerminator()->getOperands())
    results.push_back(lowered.lookup(value));
  return results;
}
