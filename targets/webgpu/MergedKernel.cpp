//===- MergedKernel.cpp - Kernels that work row by row --------------------===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "targets/webgpu/MergedKernel.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "targets/webgpu/Kernel.h"
#include "targets/webgpu/ThreadCombiner.h"

using namespace mlir;
using namespace nncc::kernels;

namespace nncc::webgpu {

namespace {

using Values = NestEmitter::Values;

/// Where a thread is.
struct Position {
  Value row;
  /// Of those that share the row.
  Value thread;
  /// Whether the row is none of those beyond the last; null where all are.
  Value isRow;
};

/// The values that registers hold: one for a row, or a thread's elements.
using HeldValues = llvm::DenseMap<const Access *, Values>;

/// Emits one part of a kernel that works row by row.
class PartEmitter {
public:
  PartEmitter(OpBuilder &b, func::FuncOp func, const RowPlan &plan,
              const RowPart &part, HeldValues &held)
      : plan(plan), part(part), held(held), b(b), loc(func.getLoc()),
        e(b, func, part.nest, ThreadTile()) {
    e.buffers = part.buffers;
  }

  LogicalResult emit(const Position &position, bool useSubgroups);

private:
  /// One element, or vector, of a thread: its number, and whether the row has
  /// it; null where it has. Others are the last one once more.
  struct Unit {
    Value number, isInside;
    int64_t round;
  };
  using Step = function_ref<Values(const Unit &, ValueRange)>;

  SmallVector<const Access *> getInputs() const;
  SmallVector<const Access *> getOutputs() const;
  void hold(const Access &input, int64_t round);
  void holdRowValues();
  void holdElements(const Unit &unit);
  Unit makeUnit(Value round, int64_t number, AffineExpr units);
  Values forEachUnit(ValueRange carried, Step step);
  void enterUnit(const Unit &unit);
  void leaveUnits();
  void finish(ValueRange results, Value isMine);
  void emitElements();
  void emitRowValue();
  void emitReduction(bool useSubgroups);
  Values reduceOwn();
  Value isFirst() { return e.isLess(at.thread, e.constant(1)); }

  const RowPlan &plan;
  const RowPart &part;
  HeldValues &held;
  OpBuilder &b;
  Location loc;
  NestEmitter e;
  Position at;
};

} // namespace

//===----------------------------------------------------------------------===//
// Registers
//===----------------------------------------------------------------------===//

static SmallVector<const Access *>
getAccesses(const LoopNest &nest, SmallVector<Access> Stage::*list) {
  SmallVector<const Access *> accesses;
  for (const Stage *stage :
       {&nest.main, nest.epilogue ? &*nest.epilogue : nullptr})
    for (const Access &access : stage ? stage->*list : ArrayRef<Access>())
      if (access.buffer)
        accesses.push_back(&access);
  return accesses;
}

SmallVector<const Access *> PartEmitter::getInputs() const {
  return getAccesses(part.nest, &Stage::inputs);
}

SmallVector<const Access *> PartEmitter::getOutputs() const {
  return getAccesses(part.nest, &Stage::outputs);
}

/// Takes an input's value from its holder; loads it if that is this one.
void PartEmitter::hold(const Access &input, int64_t round) {
  const Access *holder = plan.getHolder(input);
  if (!holder)
    return;
  e.held.erase(&input);
  if (holder == &input)
    held[holder].push_back(e.load(input));
  e.held[&input] = held.lookup(holder)[round];
}

/// Before loops, so that what is loaded is known behind them.
void PartEmitter::holdRowValues() {
  for (const Access *input : getInputs())
    if (plan.isRowValue(*input))
      hold(*input, 0);
}

void PartEmitter::holdElements(const Unit &unit) {
  for (const Access *input : getInputs())
    if (!plan.isRowValue(*input))
      hold(*input, unit.round);
}

//===----------------------------------------------------------------------===//
// The elements of a thread
//===----------------------------------------------------------------------===//

PartEmitter::Unit PartEmitter::makeUnit(Value round, int64_t number,
                                        AffineExpr units) {
  int64_t threads = plan.getShape().threads;
  Value unit = e.add(e.mul(round, e.constant(threads)), at.thread);
  auto all = dyn_cast<AffineConstantExpr>(units);
  if (units.isMultipleOf(threads) ||
      (all && plan.getOwn(part) && (number + 1) * threads <= all.getValue()))
    return {unit, Value(), number};
  Value isInside = e.isLess(unit, e.expand(units));
  return {e.min(unit, e.expand(units - 1)), isInside, number};
}

/// Emits `step` for every threads-th unit of the row, from the thread's on.
/// Implementations of WGSL count the turns of loops but for those from 0 to a
/// constant in steps of one.
Values PartEmitter::forEachUnit(ValueRange carried, Step step) {
  AffineExpr units = part.length.floorDiv(plan.getLanes(part));
  Values values(carried);
  for (int64_t i = 0; i < plan.getOwn(part) && !e.failed; ++i)
    values = step(makeUnit(e.constant(i), i, units), values);
  if (plan.getOwn(part))
    return values;
  Value rounds = e.expand(units.ceilDiv(plan.getShape().threads));
  auto loop =
      b.create<scf::ForOp>(loc, e.constant(0), rounds, e.constant(1), carried);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(loop.getBody());
  values = step(makeUnit(loop.getInductionVar(), 0, units),
                loop.getRegionIterArgs());
  if (!carried.empty() && !e.failed)
    b.create<scf::YieldOp>(loc, values);
  return Values(loop.getResults());
}

void PartEmitter::enterUnit(const Unit &unit) {
  if (part.split.columns.empty())
    return;
  if (part.hasColumns() && plan.getShape().lanes > 1)
    e.tile.vectorDim = part.split.columns.back();
  Value column = e.mul(unit.number, e.constant(plan.getLanes(part)));
  e.delinearize(column, part.split.columns);
  holdElements(unit);
}

void PartEmitter::leaveUnits() {
  e.tile.vectorDim = std::nullopt;
  for (unsigned dim : part.split.columns)
    e.ivs[dim] = Value();
}

//===----------------------------------------------------------------------===//
// Parts
//===----------------------------------------------------------------------===//

/// Keeps what the epilogue makes of the results, and stores what others see.
void PartEmitter::finish(ValueRange results, Value isMine) {
  if (e.failed)
    return;
  Values values = e.finish(results);
  if (e.failed)
    return;
  Value condition = isMine && at.isRow
                        ? b.create<arith::AndIOp>(loc, isMine, at.isRow)
                        : (isMine ? isMine : at.isRow);
  OpBuilder::InsertionGuard guard(b);
  if (condition) {
    auto branch = b.create<scf::IfOp>(loc, condition, /*withElseRegion=*/false);
    b.setInsertionPointToStart(branch.thenBlock());
  }
  for (auto [output, value] : llvm::zip_equal(getOutputs(), values)) {
    held[output].push_back(value);
    Value buffer = part.buffers.lookupOrDefault(output->buffer);
    if (!buffer.getDefiningOp<memref::AllocaOp>())
      e.store(*output, value);
  }
}

void PartEmitter::emitElements() {
  forEachUnit({}, [&](const Unit &unit, ValueRange) {
    enterUnit(unit);
    finish(e.evaluateMain({}), unit.isInside);
    return Values();
  });
}

void PartEmitter::emitRowValue() {
  for (unsigned dim : part.split.columns)
    e.ivs[dim] = e.constant(0);
  finish(e.evaluateMain({}), isFirst());
}

/// What this thread's elements come to.
Values PartEmitter::reduceOwn() {
  if (part.hasColumns() && plan.getShape().lanes > 1)
    e.tile.vectorDim = part.split.columns.back();
  Values inits = e.getInits();
  if (e.failed)
    return inits;
  return forEachUnit(inits, [&](const Unit &unit, ValueRange carried) {
    enterUnit(unit);
    Values next = e.evaluateMain(carried);
    if (e.failed || !unit.isInside)
      return next;
    for (auto [value, old] : llvm::zip_equal(next, carried))
      value = b.create<arith::SelectOp>(loc, unit.isInside, value, old);
    return next;
  });
}

void PartEmitter::emitReduction(bool useSubgroups) {
  Values own = reduceOwn();
  leaveUnits();
  if (e.failed)
    return;
  if (isa<VectorType>(own.front().getType()))
    own.front() = e.combineLanes(own.front());
  const RowShape &shape = plan.getShape();
  ThreadCombiner combiner(e, shape.threads, shape.rows, useSubgroups);
  finish(combiner.combine(own), isFirst());
}

LogicalResult PartEmitter::emit(const Position &position, bool useSubgroups) {
  at = position;
  if (part.waits)
    b.create<gpu::BarrierOp>(loc)->setAttr(storageBarrierAttrName,
                                           b.getUnitAttr());
  if (!part.split.rows.empty())
    e.delinearize(at.row, part.split.rows);
  holdRowValues();
  if (part.split.reduces)
    emitReduction(useSubgroups);
  else if (part.hasColumns())
    emitElements();
  else
    emitRowValue();
  return failure(e.failed);
}

//===----------------------------------------------------------------------===//
// Kernels
//===----------------------------------------------------------------------===//

/// Threads beyond the last row compute that one once more, without storing it.
static Position findPosition(OpBuilder &b, NestEmitter &e,
                             const RowShape &shape, AffineExpr count) {
  Value group = e.enterWorkgroup(count.ceilDiv(shape.rows));
  Value thread = e.getThread();
  if (shape.rows == 1)
    return {group, thread, Value()};
  Value threads = e.constant(shape.threads);
  Value row =
      e.add(e.mul(group, e.constant(shape.rows)), e.div(thread, threads));
  thread = e.rem(thread, threads);
  if (count.isMultipleOf(shape.rows))
    return {row, thread, Value()};
  Value isRow = e.isLess(row, e.expand(count));
  return {e.min(row, e.expand(count - 1)), thread, isRow};
}

FailureOr<AffineExpr> emitMergedKernel(OpBuilder &b, func::FuncOp func,
                                       const RowPlan &plan, bool useSubgroups) {
  const RowPart &first = plan.getParts().front();
  const RowShape &shape = plan.getShape();
  AffineExpr count = getCount(first.nest, first.split.rows, b.getContext());
  OpBuilder::InsertionGuard guard(b);
  NestEmitter emitter(b, func, first.nest, ThreadTile());
  Position position = findPosition(b, emitter, shape, count);
  HeldValues held;
  for (const RowPart &part : plan.getParts()) {
    PartEmitter emit(b, func, plan, part, held);
    if (failed(emit.emit(position, useSubgroups)))
      return failure();
  }
  return count.ceilDiv(shape.rows);
}

} // namespace nncc::webgpu
