//===- BindSizes.cpp - Symbols that the program itself binds --------------===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "nncc/Dialect/Exec/Passes.h"

#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "nncc/Dialect/Exec/Exec.h"
#include "nncc/Dialect/Exec/SizeChecks.h"
#include "llvm/ADT/MapVector.h"

namespace nncc::exec {

#define GEN_PASS_DEF_BINDSIZES
#include "nncc/Dialect/Exec/Passes.h.inc"

namespace {

using namespace mlir;

struct BindSizesPass : impl::BindSizesBase<BindSizesPass> {
  void runOnOperation() override;

private:
  LogicalResult moveBehind(BindOp op, Operation *last,
                           const llvm::MapVector<Value, Value> &values);
  Value place(OpBuilder &b, BindOp op, Value elements);
  LogicalResult bind(BindOp op);
  LogicalResult bindAll(unsigned numBound);
  void dropArguments(func::FuncOp func, unsigned begin, unsigned end);

  func::FuncOp program;
  /// The arguments of the program that hold symbols.
  SmallVector<Value> symbols;
  /// The symbols' values as far as they are known; else null.
  SmallVector<Value> current;
  std::optional<SizeChecks> checks;
};

} // namespace

/// Moves what depends on a symbol and stands before its binding behind `last`.
LogicalResult
BindSizesPass::moveBehind(BindOp op, Operation *last,
                          const llvm::MapVector<Value, Value> &values) {
  llvm::SmallSetVector<Operation *, 16> moved;
  for (Operation &early : *op->getBlock()) {
    if (&early == op)
      break;
    WalkResult depends = early.walk([&](Operation *inner) {
      for (Value operand : inner->getOperands())
        if (values.contains(operand) ||
            (operand.getDefiningOp() &&
             moved.contains(operand.getDefiningOp())))
          return WalkResult::interrupt();
      return WalkResult::advance();
    });
    if (!depends.wasInterrupted())
      continue;
    if (!isMemoryEffectFree(&early))
      return early.emitError("needs a size before it is known");
    moved.insert(&early);
  }
  for (Operation *early : moved) {
    early->moveAfter(last);
    last = early;
  }
  for (auto [argument, value] : values)
    Value(argument).replaceAllUsesWith(value);
  return success();
}

/// The memory of the buffers whose sizes need the symbols that are known now.
Value BindSizesPass::place(OpBuilder &b, BindOp op, Value elements) {
  Location loc = op.getLoc();
  Value bytes = b.create<arith::ConstantIntOp>(loc, 0, 64);
  if (auto name = op.getBytesAttr()) {
    auto func = getOperation().lookupSymbol<func::FuncOp>(name.getValue());
    // It is no function of symbols that come later.
    Value none = b.create<arith::ConstantIndexOp>(loc, 0);
    SmallVector<Value> known;
    for (Value symbol : current)
      known.push_back(symbol ? symbol : none);
    Value narrow = b.create<func::CallOp>(loc, func, known).getResult(0);
    bytes = b.create<arith::IndexCastUIOp>(loc, b.getI64Type(), narrow);
  }
  func::FuncOp runtime = checks->declare(
      boundMemoryName, {b.getI32Type(), elements.getType(), bytes.getType()},
      op.getMemory().getType());
  Value site = checks->addSite(b, loc);
  return b.create<func::CallOp>(loc, runtime, ValueRange{site, elements, bytes})
      .getResult(0);
}

LogicalResult BindSizesPass::bind(BindOp op) {
  OpBuilder b(op);
  Value elements;
  SmallVector<Value> sizes = checks->accept(b, op, elements);
  llvm::MapVector<Value, Value> values;
  for (auto [i, size] : llvm::enumerate(sizes)) {
    unsigned number = op.getFirst() + i;
    if (number >= symbols.size() || current[number])
      return op.emitError("binds the symbol ")
             << number << ", which is not there to be bound";
    values[symbols[number]] = size;
    current[number] = size;
  }
  Operation *last = op->getPrevNode();
  op.getMemory().replaceAllUsesWith(place(b, op, elements));
  if (failed(moveBehind(op, last, values)))
    return failure();
  op.erase();
  return success();
}

/// The runtime gives the callers' symbols alone.
void BindSizesPass::dropArguments(func::FuncOp func, unsigned begin,
                                  unsigned end) {
  llvm::BitVector dropped(func.getNumArguments());
  dropped.set(begin, end);
  func.eraseArguments(dropped);
}

/// The last `numBound` symbols are the program's own.
LogicalResult BindSizesPass::bindAll(unsigned numBound) {
  // What an expression does not need must not seem to be needed.
  getOperation().walk([&](affine::AffineApplyOp apply) {
    AffineMap map = apply.getMap();
    SmallVector<Value> operands(apply.getOperands());
    affine::canonicalizeMapAndOperands(&map, &operands);
    apply.setMap(map);
    apply->setOperands(operands);
  });
  auto all = getOperation().lookupSymbol<func::FuncOp>(arenaBytesName);
  unsigned count = all.getNumArguments(), given = count - numBound;
  symbols.assign(program.getArguments().begin() + 2,
                 program.getArguments().begin() + 2 + count);
  current.assign(symbols.begin(), symbols.begin() + given);
  current.resize(count);
  for (Operation &op : llvm::make_early_inc_range(program.getBody().front())) {
    auto binding = dyn_cast<BindOp>(op);
    if (binding && failed(bind(binding)))
      return failure();
  }
  dropArguments(program, 2 + given, 2 + count);
  dropArguments(all, given, count);
  return success();
}

void BindSizesPass::runOnOperation() {
  program = getOperation().lookupSymbol<func::FuncOp>(programName);
  if (!program)
    return;
  checks.emplace(getOperation());
  auto bound = getOperation()->getAttrOfType<IntegerAttr>(boundSymbolsAttrName);
  if (bound && failed(bindAll(bound.getInt())))
    return signalPassFailure();
  program.walk([&](CheckOp op) { checks->check(op); });
  checks->finish();
}

} // namespace nncc::exec
