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
#include "llvm/ADT/MapVector.h"

namespace nncc::exec {

#define GEN_PASS_DEF_BINDSIZES
#include "nncc/Dialect/Exec/Passes.h.inc"

namespace {

using namespace mlir;

struct BindSizesPass : impl::BindSizesBase<BindSizesPass> {
  void runOnOperation() override;

private:
  Value addSite(OpBuilder &b, Location loc);
  func::FuncOp declare(StringRef name, TypeRange inputs, Type result);
  SmallVector<Value> acceptSizes(OpBuilder &b, BindOp op, Value &elements);
  LogicalResult moveBehind(BindOp op, Operation *last,
                           const llvm::MapVector<Value, Value> &values);
  Value place(OpBuilder &b, BindOp op, Value elements);
  LogicalResult bind(BindOp op);
  void check(CheckOp op);
  void dropArguments(func::FuncOp func, unsigned begin, unsigned end);

  func::FuncOp program;
  /// The arguments of the program that hold symbols.
  SmallVector<Value> symbols;
  /// The symbols' values as far as they are known; else null.
  SmallVector<Value> current;
  SmallVector<Attribute> sites;
};

} // namespace

/// A number that stands for the node of this location.
Value BindSizesPass::addSite(OpBuilder &b, Location loc) {
  SmallVector<StringRef> nodes = getNodeNames(loc);
  sites.push_back(b.getStringAttr(nodes.empty() ? StringRef() : nodes.front()));
  return b.create<arith::ConstantIntOp>(loc, sites.size() - 1, 32);
}

func::FuncOp BindSizesPass::declare(StringRef name, TypeRange inputs,
                                    Type result) {
  if (auto known = getOperation().lookupSymbol<func::FuncOp>(name))
    return known;
  OpBuilder b = OpBuilder::atBlockEnd(getOperation().getBody());
  auto func = b.create<func::FuncOp>(getOperation().getLoc(), name,
                                     b.getFunctionType(inputs, result));
  func.setPrivate();
  return func;
}

/// The symbols' values. `elements` is their product, or -1 where the runtime
/// refuses one.
SmallVector<Value> BindSizesPass::acceptSizes(OpBuilder &b, BindOp op,
                                              Value &elements) {
  Location loc = op.getLoc();
  Type i64 = b.getI64Type();
  func::FuncOp accept =
      declare("nncc_accept_size", {b.getI32Type(), i64, i64}, i64);
  elements = b.create<arith::ConstantIntOp>(loc, 1, 64);
  Value site = addSite(b, loc);
  Value one = b.create<arith::ConstantIndexOp>(loc, 1);
  SmallVector<Value> values;
  for (Value value : op.getValues()) {
    elements =
        b.create<func::CallOp>(loc, accept, ValueRange{site, value, elements})
            .getResult(0);
    Value size = b.create<arith::IndexCastOp>(loc, b.getIndexType(), value);
    values.push_back(b.create<arith::AddIOp>(loc, size, one));
  }
  return values;
}

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
  func::FuncOp runtime = declare(
      boundMemoryName, {b.getI32Type(), elements.getType(), bytes.getType()},
      op.getMemory().getType());
  Value site = addSite(b, loc);
  return b.create<func::CallOp>(loc, runtime, ValueRange{site, elements, bytes})
      .getResult(0);
}

LogicalResult BindSizesPass::bind(BindOp op) {
  OpBuilder b(op);
  Value elements;
  SmallVector<Value> sizes = acceptSizes(b, op, elements);
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

void BindSizesPass::check(CheckOp op) {
  OpBuilder b(op);
  Type i32 = b.getI32Type();
  func::FuncOp runtime = declare(
      checkSizesName, {i32, op.getLhs().getType(), op.getRhs().getType()}, i32);
  Value site = addSite(b, op.getLoc());
  b.create<func::CallOp>(op.getLoc(), runtime,
                         ValueRange{site, op.getLhs(), op.getRhs()});
  op.erase();
}

/// The runtime gives the callers' symbols alone.
void BindSizesPass::dropArguments(func::FuncOp func, unsigned begin,
                                  unsigned end) {
  llvm::BitVector dropped(func.getNumArguments());
  dropped.set(begin, end);
  func.eraseArguments(dropped);
}

void BindSizesPass::runOnOperation() {
  program = getOperation().lookupSymbol<func::FuncOp>(programName);
  auto bound = getOperation()->getAttrOfType<IntegerAttr>(boundSymbolsAttrName);
  if (!program || !bound)
    return;
  // What an expression does not need must not seem to be needed.
  getOperation().walk([&](affine::AffineApplyOp apply) {
    AffineMap map = apply.getMap();
    SmallVector<Value> operands(apply.getOperands());
    affine::canonicalizeMapAndOperands(&map, &operands);
    apply.setMap(map);
    apply->setOperands(operands);
  });
  auto all = getOperation().lookupSymbol<func::FuncOp>(arenaBytesName);
  unsigned count = all.getNumArguments(), given = count - bound.getInt();
  symbols.assign(program.getArguments().begin() + 2,
                 program.getArguments().begin() + 2 + count);
  current.assign(symbols.begin(), symbols.begin() + given);
  current.resize(count);
  sites.clear();
  for (Operation &op : llvm::make_early_inc_range(program.getBody().front())) {
    auto binding = dyn_cast<BindOp>(op);
    if (binding && failed(bind(binding)))
      return signalPassFailure();
  }
  program.walk([&](CheckOp op) { check(op); });
  dropArguments(program, 2 + given, 2 + count);
  dropArguments(all, given, count);
  getOperation()->setAttr(sitesAttrName, ArrayAttr::get(&getContext(), sites));
}

} // namespace nncc::exec
