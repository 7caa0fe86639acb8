//===- BindSizes.cpp - Symbols that the program itself binds --------------===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What is computed from a symbol is computed where it is used, from the values
// that the symbols have there. Those that are bound in the body of a loop or in
// a branch, or more than once, have a cell: a variable in the memory of the
// call, which LLVM makes a register again.
//
//===----------------------------------------------------------------------===//

#include "nncc/Dialect/Exec/Passes.h"

#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "nncc/Dialect/Exec/Exec.h"
#include "nncc/Dialect/Exec/SizeChecks.h"
#include "llvm/ADT/BitVector.h"
#include "llvm/ADT/MapVector.h"

namespace nncc::exec {

#define GEN_PASS_DEF_BINDSIZES
#include "nncc/Dialect/Exec/Passes.h.inc"

namespace {

using namespace mlir;

/// The values that what changes has at a place in the program.
using Known = DenseMap<Value, Value>;

struct BindSizesPass : impl::BindSizesBase<BindSizesPass> {
  void runOnOperation() override;

private:
  void dropUnneeded();
  void findChanging(unsigned given);
  void makeCells();
  Value makeCell(OpBuilder &b, Type type);
  Value getNow(OpBuilder &b, Value value, Known &known);
  void setNow(OpBuilder &b, Value value, Value now, Known &known);
  void forget(const llvm::BitVector &bound, Known &known);
  llvm::BitVector getBound(Operation *op);
  Value place(OpBuilder &b, BindOp op, Value elements, Known &known);
  LogicalResult bind(BindOp op, Known &known);
  LogicalResult rewrite(Operation *op, Known &known);
  LogicalResult rewrite(Block &block, Known known);
  LogicalResult bindAll(unsigned numBound);
  void dropArguments(func::FuncOp func, unsigned begin, unsigned end);

  func::FuncOp program;
  /// The arguments of the program that hold symbols.
  SmallVector<Value> symbols;
  /// Of each binding, by its first symbol: the result that stands for its
  /// memory.
  llvm::MapVector<unsigned, Value> memories;
  /// What depends on bound symbols and memories, and on which: the bits of
  /// symbols, then those of the memories by their first symbols.
  DenseMap<Value, llvm::BitVector> changing;
  SmallVector<Operation *> templates;
  DenseMap<Value, Value> cells;
  std::optional<SizeChecks> checks;
};

} // namespace

/// What an expression does not need must not seem to be needed.
void BindSizesPass::dropUnneeded() {
  getOperation().walk([&](affine::AffineApplyOp apply) {
    AffineMap map = apply.getMap();
    SmallVector<Value> operands(apply.getOperands());
    affine::canonicalizeMapAndOperands(&map, &operands);
    apply.setMap(map);
    apply->setOperands(operands);
  });
}

/// Finds what is computed from bound symbols: it is the template of what is
/// computed at each use.
void BindSizesPass::findChanging(unsigned given) {
  auto add = [&](Value value, unsigned bit) {
    changing[value].resize(2 * symbols.size());
    changing[value].set(bit);
  };
  for (unsigned i = given; i < symbols.size(); ++i)
    add(symbols[i], i);
  program.walk([&](BindOp bind) {
    unsigned first = bind.getFirst();
    if (memories.insert({first, bind.getMemory()}).second)
      add(bind.getMemory(), symbols.size() + first);
  });
  program.walk([&](Operation *op) {
    if (op->getNumResults() == 0 || op->getNumRegions() > 0 ||
        !isMemoryEffectFree(op))
      return;
    llvm::BitVector needed;
    for (Value operand : op->getOperands())
      if (auto known = changing.find(operand); known != changing.end())
        needed |= known->second;
    if (needed.none())
      return;
    templates.push_back(op);
    for (Value result : op->getResults())
      changing[result] = needed;
  });
}

Value BindSizesPass::makeCell(OpBuilder &b, Type type) {
  return b.create<memref::AllocaOp>(program.getLoc(),
                                    MemRefType::get({1}, type));
}

/// For what is bound more than once, or not always.
void BindSizesPass::makeCells() {
  DenseSet<Value> once;
  OpBuilder b = OpBuilder::atBlockBegin(&program.getBody().front());
  auto add = [&](BindOp op, Value value) {
    bool isAgain = !once.insert(value).second;
    if ((isAgain || op->getParentOp() != program) && !cells.contains(value))
      cells[value] = makeCell(b, value.getType());
  };
  program.walk([&](BindOp op) {
    add(op, memories.lookup(op.getFirst()));
    for (unsigned i = 0; i < op.getValues().size(); ++i)
      add(op, symbols[op.getFirst() + i]);
  });
}

/// The value that is bound now, or computed from what is; null if it is not yet
/// bound.
Value BindSizesPass::getNow(OpBuilder &b, Value value, Known &known) {
  if (!changing.contains(value))
    return value;
  if (Value now = known.lookup(value))
    return now;
  Operation *op = value.getDefiningOp();
  Value now;
  if (Value cell = cells.lookup(value)) {
    Value zero = b.create<arith::ConstantIndexOp>(value.getLoc(), 0);
    now = b.create<memref::LoadOp>(value.getLoc(), cell, zero);
  } else if (op && !isa<BindOp>(op)) {
    IRMapping mapping;
    for (Value operand : op->getOperands()) {
      Value operandNow = getNow(b, operand, known);
      if (!operandNow)
        return {};
      mapping.map(operand, operandNow);
    }
    unsigned number = cast<OpResult>(value).getResultNumber();
    now = b.clone(*op, mapping)->getResult(number);
  }
  return known[value] = now;
}

void BindSizesPass::setNow(OpBuilder &b, Value value, Value now, Known &known) {
  known[value] = now;
  if (Value cell = cells.lookup(value)) {
    Value zero = b.create<arith::ConstantIndexOp>(value.getLoc(), 0);
    b.create<memref::StoreOp>(value.getLoc(), now, cell, zero);
  }
}

/// Forgets what was computed from these symbols and memories.
void BindSizesPass::forget(const llvm::BitVector &bound, Known &known) {
  SmallVector<Value> old;
  for (auto [value, now] : known)
    if (changing[value].anyCommon(bound))
      old.push_back(value);
  for (Value value : old)
    known.erase(value);
}

/// What an op and those in it bind.
llvm::BitVector BindSizesPass::getBound(Operation *op) {
  llvm::BitVector bound(2 * symbols.size());
  op->walk([&](BindOp bind) {
    unsigned first = bind.getFirst();
    bound.set(symbols.size() + first);
    bound.set(first, first + bind.getValues().size());
  });
  return bound;
}

/// The memory of the buffers whose sizes need the symbols that are known now.
Value BindSizesPass::place(OpBuilder &b, BindOp op, Value elements,
                           Known &known) {
  Location loc = op.getLoc();
  Value bytes = b.create<arith::ConstantIntOp>(loc, 0, 64);
  if (auto name = op.getBytesAttr()) {
    auto func = getOperation().lookupSymbol<func::FuncOp>(name.getValue());
    // It is no function of symbols that come later.
    Value none = b.create<arith::ConstantIndexOp>(loc, 0);
    SmallVector<Value> sizes;
    for (Value symbol : symbols) {
      Value size = getNow(b, symbol, known);
      sizes.push_back(size ? size : none);
    }
    Value narrow = b.create<func::CallOp>(loc, func, sizes).getResult(0);
    bytes = b.create<arith::IndexCastUIOp>(loc, b.getI64Type(), narrow);
  }
  func::FuncOp runtime = checks->declare(
      boundMemoryName, {b.getI32Type(), elements.getType(), bytes.getType()},
      op.getMemory().getType());
  Value site = checks->addSite(b, loc);
  return b.create<func::CallOp>(loc, runtime, ValueRange{site, elements, bytes})
      .getResult(0);
}

LogicalResult BindSizesPass::bind(BindOp op, Known &known) {
  if (op.getValues().empty())
    return success(); // bound later
  OpBuilder b(op);
  Value elements;
  SmallVector<Value> sizes = checks->accept(b, op, elements);
  forget(getBound(op), known);
  for (auto [i, size] : llvm::enumerate(sizes))
    setNow(b, symbols[op.getFirst() + i], size, known);
  Value memory = place(b, op, elements, known);
  setNow(b, memories.lookup(op.getFirst()), memory, known);
  return success();
}

LogicalResult BindSizesPass::rewrite(Operation *op, Known &known) {
  OpBuilder b(op);
  for (OpOperand &operand : op->getOpOperands()) {
    Value now = getNow(b, operand.get(), known);
    if (!now)
      return op->emitError("needs a size before it is known");
    operand.set(now);
  }
  if (auto binding = dyn_cast<BindOp>(op))
    return bind(binding, known);
  if (op->getNumRegions() == 0)
    return success();
  forget(getBound(op), known);
  for (Region &region : op->getRegions())
    for (Block &block : region)
      if (failed(rewrite(block, known)))
        return failure();
  return success();
}

LogicalResult BindSizesPass::rewrite(Block &block, Known known) {
  llvm::SmallDenseSet<Operation *> skipped(templates.begin(), templates.end());
  for (Operation &op : llvm::make_early_inc_range(block))
    if (!skipped.contains(&op) && failed(rewrite(&op, known)))
      return failure();
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
  dropUnneeded();
  auto all = getOperation().lookupSymbol<func::FuncOp>(arenaBytesName);
  unsigned count = all.getNumArguments(), given = count - numBound;
  symbols.assign(program.getArguments().begin() + 2,
                 program.getArguments().begin() + 2 + count);
  SmallVector<BindOp> bindings;
  program.walk([&](BindOp op) { bindings.push_back(op); });
  for (BindOp op : bindings)
    if (op.getFirst() < given || op.getFirst() + op.getValues().size() > count)
      return op.emitError("binds the symbol ")
             << op.getFirst() << ", which is not there to be bound";
  findChanging(given);
  makeCells();
  if (failed(rewrite(program.getBody().front(), Known())))
    return failure();
  for (Operation *op : llvm::reverse(templates))
    op->erase();
  for (BindOp op : bindings)
    op.erase();
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
