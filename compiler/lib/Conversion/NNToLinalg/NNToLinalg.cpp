//===- NNToLinalg.cpp - Tensor ops to linalg ------------------------------===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "nncc/Conversion/NNToLinalg/NNToLinalg.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/BuiltinOps.h"
#include "nncc/Dialect/NN/NN.h"

namespace nncc::nn {

#define GEN_PASS_DEF_NNTOLINALG
#include "nncc/Conversion/NNToLinalg/Passes.h.inc"

using namespace mlir;

namespace {

struct NNToLinalgPass : impl::NNToLinalgBase<NNToLinalgPass> {
  using Base::Base;

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

LogicalResult NNToLinalgPass::convert(func::FuncOp main) {
  func::FuncOp func = createFunction(main);
  getOperation().push_back(func);
  Block *entry = &func.getBody().front();
  unsigned numSymbols = func.getNumArguments() - main.getNumArguments();
  LoweringBuilder b(entry,
                    ValueRange(func.getArguments()).take_front(numSymbols),
                    maxScatterTests);
  b.setInsertionPointToEnd(entry);
  Block &body = main.getBody().front();
  FailureOr<SmallVector<Value>> results =
      b.lowerBlock(body, func.getArguments().drop_front(numSymbols));
  if (failed(results))
    return failure();
  b.create<func::ReturnOp>(body.getTerminator()->getLoc(), *results);
  main.erase();
  return success();
}

} // namespace nncc::nn
