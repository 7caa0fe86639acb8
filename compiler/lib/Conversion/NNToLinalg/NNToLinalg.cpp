//===- NNToLinalg.cpp - Tensor ops to linalg ------------------------------===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "nncc/Conversion/NNToLinalg/NNToLinalg.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/IRMapping.h"
#include "nncc/Dialect/NN/NN.h"

namespace nncc::nn {

#define GEN_PASS_DEF_NNTOLINALG
#include "nncc/Conversion/NNToLinalg/Passes.h.inc"

using namespace mlir;

namespace {

struct NNToLinalgPass : impl::NNToLinalgBase<NNToLinalgPass> {
  void runOnOperation() override {
    auto main = getOperation().lookupSymbol<func::FuncOp>("main");
    if (!main) {
      getOperation().emitError("has no function @main");
      return signalPassFailure();
    }
    if (failed(convert(main)))
      return signalPassFailure();
  }

private:
  func::FuncOp createFunction(func::FuncOp main);
  LogicalResult convert(func::FuncOp main);
};

} // namespace

/// The new @main: symbols, then the inputs in their plain form.
func::FuncOp NNToLinalgPass::createFunction(func::FuncOp main) {
  Builder b(&getContext());
  LoweringBuilder types(&main.getBody().front(), {});
  auto symbols = main->getAttrOfType<ArrayAttr>(symbolsAttrName);
  unsigned numSymbols = symbols ? symbols.size() : 0;
  SmallVector<Type> inputs(numSymbols, b.getIndexType()), results;
  for (Type type : main.getArgumentTypes())
    inputs.push_back(types.getPlainType(type));
  for (Type type : main.getResultTypes())
    results.push_back(types.getPlainType(type));
  auto func = func::FuncOp::create(main.getLoc(), main.getName(),
                                   b.getFunctionType(inputs, results));
  for (unsigned i = 0; i < numSymbols; ++i)
    func.setArgAttr(i, symbolAttrName, symbols[i]);
  for (unsigned i = 0; i < main.getNumArguments(); ++i)
    if (Attribute name = main.getArgAttr(i, nameAttrName))
      func.setArgAttr(numSymbols + i, nameAttrName, name);
  for (unsigned i = 0; i < main.getNumResults(); ++i)
    if (Attribute name = main.getResultAttr(i, nameAttrName))
      func.setResultAttr(i, nameAttrName, name);
  func.addEntryBlock();
  return func;
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

LogicalResult NNToLinalgPass::convert(func::FuncOp main) {
  func::FuncOp func = createFunction(main);
  getOperation().push_back(func);
  Block *entry = &func.getBody().front();
  unsigned numSymbols = func.getNumArguments() - main.getNumArguments();
  LoweringBuilder b(entry,
                    ValueRange(func.getArguments()).take_front(numSymbols));
  b.setInsertionPointToEnd(entry);
  IRMapping mapping;
  mapping.map(main.getArguments(), func.getArguments().drop_front(numSymbols));

  for (Operation &op : main.getBody().front()) {
    SmallVector<Value> operands;
    for (Value operand : op.getOperands())
      operands.push_back(mapping.lookup(operand));
    if (isa<func::ReturnOp>(op)) {
      b.create<func::ReturnOp>(op.getLoc(), operands);
      break;
    }
    auto lowering = dyn_cast<LowerToLinalgOpInterface>(op);
    if (!lowering)
      return op.emitError("has no linalg form");
    if (Value value = buildShapeValue(op, b)) {
      mapping.map(op.getResult(0), value);
      continue;
    }
    FailureOr<SmallVector<Value>> results = lowering.lowerToLinalg(b, operands);
    if (failed(results))
      return failure();
    mapping.map(op.getResults(), *results);
  }
  main.erase();
  return success();
}

} // namespace nncc::nn
