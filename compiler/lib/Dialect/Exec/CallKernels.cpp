//===- CallKernels.cpp - Dispatches become calls --------------------------===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "nncc/Dialect/Exec/Passes.h"

#include "DispatchCost.h"
#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Arith/Utils/Utils.h"
#include "nncc/Dialect/Exec/Exec.h"

namespace nncc::exec {

#define GEN_PASS_DEF_CALLKERNELS
#include "nncc/Dialect/Exec/Passes.h.inc"

namespace {

using namespace mlir;

struct CallKernelsPass : impl::CallKernelsBase<CallKernelsPass> {
  using Base::Base;

  void runOnOperation() override;

private:
  void callWhole(OpBuilder &b, DispatchOp dispatch, Value steps);
  void callParallel(OpBuilder &b, DispatchOp dispatch, Value steps,
                    OpFoldResult parts);
  void call(DispatchOp dispatch);

  func::FuncOp getParallel(func::FuncOp kernel);

  /// Of the program.
  SmallVector<Value> symbols;
};

} // namespace

void CallKernelsPass::callWhole(OpBuilder &b, DispatchOp dispatch,
                                Value steps) {
  SmallVector<Value> arguments(dispatch.getArguments());
  arguments.push_back(b.create<arith::ConstantIndexOp>(dispatch.getLoc(), 0));
  arguments.push_back(steps);
  b.create<func::CallOp>(dispatch.getLoc(), dispatch.getKernel(), TypeRange(),
                         arguments);
}

/// The declaration of what calls a kernel on all threads.
func::FuncOp CallKernelsPass::getParallel(func::FuncOp kernel) {
  std::string name = (parallelPrefix + kernel.getName()).str();
  if (auto known = getOperation().lookupSymbol<func::FuncOp>(name))
    return known;
  OpBuilder b(kernel);
  auto declared =
      b.create<func::FuncOp>(kernel.getLoc(), name, kernel.getFunctionType());
  declared.setPrivate();
  return declared;
}

void CallKernelsPass::callParallel(OpBuilder &b, DispatchOp dispatch,
                                   Value steps, OpFoldResult parts) {
  Location loc = dispatch.getLoc();
  auto kernel = getOperation().lookupSymbol<func::FuncOp>(dispatch.getKernel());
  SmallVector<Value> arguments(dispatch.getArguments());
  arguments.push_back(steps);
  arguments.push_back(getValueOrCreateConstantIndexOp(b, loc, parts));
  b.create<func::CallOp>(loc, getParallel(kernel), arguments);
}

void CallKernelsPass::call(DispatchOp dispatch) {
  OpBuilder b(dispatch);
  Location loc = dispatch.getLoc();
  AffineMap grid = dispatch.getGrid();
  Value steps = b.create<affine::AffineApplyOp>(
      loc, grid, ArrayRef(symbols).take_front(grid.getNumSymbols()));
  bool isOneStep =
      grid.isSingleConstant() && grid.getSingleConstantResult() < 2;
  if (!threads || isOneStep)
    return callWhole(b, dispatch, steps);
  auto kernel = getOperation().lookupSymbol<func::FuncOp>(dispatch.getKernel());
  OpFoldResult parts = buildUsefulParts(b, loc, kernel, symbols);
  if (getConstantIntValue(parts) == 1)
    return callWhole(b, dispatch, steps);
  callParallel(b, dispatch, steps, parts);
}

void CallKernelsPass::runOnOperation() {
  auto program = getOperation().lookupSymbol<func::FuncOp>(programName);
  if (!program)
    return;
  symbols.clear();
  for (BlockArgument argument : program.getArguments())
    if (getSymbolArgument(program, argument))
      symbols.push_back(argument);
  program.walk([&](DispatchOp dispatch) {
    call(dispatch);
    dispatch.erase();
  });
  // What the symbols were is of no use to the target.
  for (auto func : getOperation().getOps<func::FuncOp>())
    for (unsigned i = 0; i < func.getNumArguments(); ++i)
      func.removeArgAttr(i, symbolAttrName);
}

} // namespace nncc::exec
