//===- HoistInvariants.cpp - What a loop computes again and again ---------===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "nncc/Linalg/Passes.h"

#include "mlir/Analysis/SliceAnalysis.h"
#include "mlir/Interfaces/LoopLikeInterface.h"
#include "mlir/Transforms/LoopInvariantCodeMotionUtils.h"
#include "nncc/Dialect/Exec/Exec.h"

namespace nncc {

#define GEN_PASS_DEF_HOISTINVARIANTS
#include "nncc/Linalg/Passes.h.inc"

} // namespace nncc

using namespace mlir;
using namespace nncc;

/// All that is computed from the symbols that the loop binds.
static SetVector<Operation *> getChanging(LoopLikeOpInterface loop,
                                          func::FuncOp func,
                                          DenseSet<Value> &symbols) {
  llvm::SmallDenseSet<unsigned> numbers;
  loop->walk([&](exec::BindOp bind) {
    for (unsigned i = 0; i < bind.getValues().size(); ++i)
      numbers.insert(bind.getFirst() + i);
  });
  SetVector<Operation *> changing;
  for (BlockArgument argument : func.getArguments()) {
    auto number = exec::getSymbolArgument(func, argument);
    if (!number || !numbers.contains(*number))
      continue;
    symbols.insert(argument);
    getForwardSlice(argument, &changing);
  }
  return changing;
}

static void hoist(LoopLikeOpInterface loop, func::FuncOp func) {
  DenseSet<Value> symbols;
  SetVector<Operation *> changing = getChanging(loop, func, symbols);
  auto isSame = [&](Value value) {
    Operation *op = value.getDefiningOp();
    return !symbols.contains(value) && !(op && changing.contains(op));
  };
  moveLoopInvariantCode(
      loop.getLoopRegions(),
      [&](Value value, Region *) {
        return loop.isDefinedOutsideOfLoop(value) && isSame(value);
      },
      [](Operation *op, Region *) {
        return isMemoryEffectFree(op) && isSpeculatable(op);
      },
      [&](Operation *op, Region *) { loop.moveOutOfLoop(op); });
}

namespace {

struct HoistInvariantsPass
    : nncc::impl::HoistInvariantsBase<HoistInvariantsPass> {
  void runOnOperation() override {
    for (auto func : getOperation().getOps<func::FuncOp>())
      func.walk([&](LoopLikeOpInterface loop) { hoist(loop, func); });
  }
};

} // namespace
