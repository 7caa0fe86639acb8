//===- CallKernels.cpp - Dispatches become calls --------------------------===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "nncc/Dialect/Exec/Passes.h"

#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "nncc/Dialect/Exec/Exec.h"

namespace nncc::exec {

#define GEN_PASS_DEF_CALLKERNELS
#include "nncc/Dialect/Exec/Passes.h.inc"

namespace {

using namespace mlir;

struct CallKernelsPass : impl::CallKernelsBase<CallKernelsPass> {
  void runOnOperation() override {
    auto program = getOperation().lookupSymbol<func::FuncOp>(programName);
    if (!program)
      return;
    SmallVector<Value> symbols;
    for (BlockArgument argument : program.getArguments())
      if (getSymbolArgument(program, argument))
        symbols.push_back(argument);
    program.walk([&](DispatchOp dispatch) {
      OpBuilder b(dispatch);
      Location loc = dispatch.getLoc();
      AffineMap grid = dispatch.getGrid();
      SmallVector<Value> arguments(dispatch.getArguments());
      arguments.push_back(b.create<arith::ConstantIndexOp>(loc, 0));
      arguments.push_back(b.create<affine::AffineApplyOp>(
          loc, grid, ArrayRef(symbols).take_front(grid.getNumSymbols())));
      b.create<func::CallOp>(loc, dispatch.getKernel(), TypeRange(), arguments);
      dispatch.erase();
    });
    // What the symbols were is of no use to the target.
    for (auto func : getOperation().getOps<func::FuncOp>())
      for (unsigned i = 0; i < func.getNumArguments(); ++i)
        func.removeArgAttr(i, symbolAttrName);
  }
};

} // namespace
} // namespace nncc::exec
