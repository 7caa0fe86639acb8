//===- OpenLoops.cpp - Loops that segments go through ---------------------===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "targets/webgpu/OpenLoops.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "targets/webgpu/HostSlots.h"

using namespace mlir;

namespace nncc::webgpu {

static constexpr llvm::StringLiteral openAttrName = "webgpu.open";

bool isOpenLoop(Operation *op) { return op->hasAttr(openAttrName); }

void forEachOpenBlock(func::FuncOp program,
                      llvm::function_ref<void(Block &)> visit) {
  SmallVector<Block *> blocks = {&program.getBody().front()};
  for (size_t i = 0; i < blocks.size(); ++i) {
    visit(*blocks[i]);
    for (Operation &op : *blocks[i])
      if (isOpenLoop(&op))
        for (Region &region : op.getRegions())
          blocks.push_back(&region.front());
  }
}

/// The loop as one that computes by itself whether it goes on.
static scf::WhileOp toWhile(scf::ForOp loop) {
  OpBuilder b(loop);
  Location loc = loop.getLoc();
  SmallVector<Value> inits = {loop.getLowerBound()};
  llvm::append_range(inits, loop.getInitArgs());
  auto goesOn = [&](OpBuilder &b, Location loc, ValueRange values) {
    Value isBelow = b.create<arith::CmpIOp>(loc, arith::CmpIPredicate::slt,
                                            values[0], loop.getUpperBound());
    b.create<scf::ConditionOp>(loc, isBelow, values);
  };
  auto made =
      b.create<scf::WhileOp>(loc, TypeRange(ValueRange(inits)), inits, goesOn,
                             [](OpBuilder &, Location, ValueRange) {});
  Block *body = made.getAfterBody();
  Operation *yield = loop.getBody()->getTerminator();
  b.setInsertionPoint(yield);
  SmallVector<Value> next = {
      b.create<arith::AddIOp>(loc, loop.getInductionVar(), loop.getStep())};
  llvm::append_range(next, yield->getOperands());
  b.create<scf::YieldOp>(loc, next);
  yield->erase();
  for (auto [old, argument] :
       llvm::zip(loop.getBody()->getArguments(), body->getArguments()))
    old.replaceAllUsesWith(argument);
  body->getOperations().splice(body->end(), loop.getBody()->getOperations());
  loop.replaceAllUsesWith(made.getResults().drop_front());
  loop.erase();
  return made;
}

namespace {

/// Values that pass from one block to another.
class SlotGroup {
public:
  SlotGroup(func::FuncOp program, TypeRange types) {
    for (Type type : types)
      slots.push_back(makeSlot(program, type));
  }
  void store(OpBuilder b, ValueRange values) {
    for (auto [value, slot] : llvm::zip(values, slots))
      storeSlot(b, value, slot);
  }
  void loadInto(OpBuilder b, ValueRange values) {
    for (auto [value, slot] : llvm::zip(values, slots))
      value.replaceAllUsesWith(loadSlot(b, value.getType(), slot));
  }

private:
  SmallVector<Value> slots;
};

} // namespace

void openLoop(func::FuncOp program, Operation *op) {
  auto loop = isa<scf::ForOp>(op) ? toWhile(cast<scf::ForOp>(op))
                                  : cast<scf::WhileOp>(op);
  Location loc = loop.getLoc();
  SlotGroup carried(program, loop.getInits().getTypes());
  SlotGroup passed(program, loop.getResultTypes());
  OpBuilder b(loop);
  carried.store(b, loop.getInits());
  Block *before = loop.getBeforeBody(), *after = loop.getAfterBody();
  carried.loadInto(OpBuilder::atBlockBegin(before), before->getArguments());
  passed.loadInto(OpBuilder::atBlockBegin(after), after->getArguments());
  scf::ConditionOp condition = loop.getConditionOp();
  passed.store(OpBuilder(condition), condition.getArgs());
  condition.getArgsMutable().clear();
  scf::YieldOp yield = loop.getYieldOp();
  carried.store(OpBuilder(yield), yield.getResults());
  yield.getResultsMutable().clear();
  before->eraseArguments(0, before->getNumArguments());
  after->eraseArguments(0, after->getNumArguments());
  auto made = b.create<scf::WhileOp>(loc, TypeRange(), ValueRange());
  made.getBefore().takeBody(loop.getBefore());
  made.getAfter().takeBody(loop.getAfter());
  made->setAttr(openAttrName, b.getUnitAttr());
  passed.loadInto(b, loop.getResults());
  loop.erase();
}

/// A loop with the steps of `side` that begins where `condition` holds and then
/// ends.
static scf::WhileOp toWhile(OpBuilder &b, Location loc, Value condition,
                            Block *side) {
  auto made = b.create<scf::WhileOp>(
      loc, TypeRange(condition.getType()), condition,
      [](OpBuilder &inner, Location at, ValueRange values) {
        inner.create<scf::ConditionOp>(at, values[0], values);
      },
      [](OpBuilder &inner, Location at, ValueRange) {
        Value no = inner.create<arith::ConstantIntOp>(at, 0, 1);
        inner.create<scf::YieldOp>(at, no);
      });
  Block *body = made.getAfterBody();
  body->getOperations().splice(body->begin(), side->getOperations(),
                               side->begin(), std::prev(side->end()));
  return made;
}

void openBranch(func::FuncOp program, Operation *op) {
  auto branch = cast<scf::IfOp>(op);
  OpBuilder b(branch);
  Location loc = branch.getLoc();
  Value condition = branch.getCondition();
  Value yes = b.create<arith::ConstantIntOp>(loc, 1, 1);
  Value otherwise = b.create<arith::XOrIOp>(loc, condition, yes);
  SmallVector<scf::WhileOp> sides = {
      toWhile(b, loc, condition, branch.thenBlock())};
  if (Block *side = branch.elseBlock())
    sides.push_back(toWhile(b, loc, otherwise, side));
  branch.erase();
  for (scf::WhileOp side : sides)
    openLoop(program, side);
}

} // namespace nncc::webgpu
