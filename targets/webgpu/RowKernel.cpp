//===- RowKernel.cpp - Kernels whose threads share a reduction -----------===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "mlir/Dialect/SCF/IR/SCF.h"
#include "targets/webgpu/Emitters.h"
#include "targets/webgpu/NestEmitter.h"
#include "targets/webgpu/ThreadCombiner.h"

using namespace mlir;
using namespace nncc::kernels;

namespace nncc::webgpu {

namespace {

using Values = NestEmitter::Values;

/// A workgroup computes a tile. Its threads take turns along the reduction and
/// then combine what they have.
class RowEmitter {
public:
  RowEmitter(OpBuilder &b, func::FuncOp func, const LoopNest &nest,
             const Schedule &schedule)
      : b(b), schedule(schedule), e(b, func, nest, schedule.tile),
        isHorizontal(schedule.tile.vectorDim &&
                     nest.dims[*schedule.tile.vectorDim].isReduction) {}

  FailureOr<AffineExpr> emit();

private:
  Values accumulate();
  Values step(Value linear, ValueRange accumulators);
  void finish(ValueRange results);

  OpBuilder &b;
  const Schedule &schedule;
  NestEmitter e;
  /// The lanes lie along the reduction.
  bool isHorizontal;
  Value thread;
};

} // namespace

/// The main stage at all points, for one step of the reduction.
Values RowEmitter::step(Value linear, ValueRange accumulators) {
  if (isHorizontal)
    linear = e.mul(linear, e.constant(lanes));
  e.delinearize(linear, schedule.reductions);
  Values next;
  e.forEachPoint([&] {
    next.append(e.evaluateMain(accumulators.take_front()));
    accumulators = accumulators.drop_front();
  });
  return next;
}

Values RowEmitter::accumulate() {
  Values inits;
  e.forEachPoint([&] { inits.append(e.getInits()); });
  if (e.failed)
    return inits;
  AffineExpr length = e.getSize(schedule.reductions);
  if (isHorizontal)
    length = length.floorDiv(lanes);
  Value rounds = e.expand(length.ceilDiv(schedule.workgroupSize));
  auto loop =
      b.create<scf::ForOp>(e.loc, e.constant(0), rounds, e.constant(1), inits);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(loop.getBody());
  ValueRange accumulators = loop.getRegionIterArgs();
  Value first =
      e.mul(loop.getInductionVar(), e.constant(schedule.workgroupSize));
  Value linear = e.add(first, thread);
  Values next;
  if (length.isMultipleOf(schedule.workgroupSize)) {
    next = step(linear, accumulators);
  } else {
    Value inside = e.isLess(linear, e.expand(length));
    auto guarded = b.create<scf::IfOp>(e.loc, accumulators.getTypes(), inside,
                                       /*withElseRegion=*/true);
    OpBuilder::InsertionGuard inner(b);
    b.setInsertionPointToStart(guarded.thenBlock());
    next = step(linear, accumulators);
    if (e.failed)
      return next;
    b.create<scf::YieldOp>(e.loc, next);
    b.setInsertionPointToStart(guarded.elseBlock());
    b.create<scf::YieldOp>(e.loc, accumulators);
    next = Values(guarded.getResults());
  }
  if (e.failed)
    return next;
  b.setInsertionPointToEnd(loop.getBody());
  b.create<scf::YieldOp>(e.loc, next);
  for (unsigned dim : schedule.reductions)
    e.ivs[dim] = Value();
  return Values(loop.getResults());
}

void RowEmitter::finish(ValueRange results) {
  SmallVector<Values> stored;
  e.forEachPoint([&] {
    stored.push_back(e.finish(results.take_front()));
    results = results.drop_front();
  });
  if (e.failed)
    return;
  size_t point = 0;
  e.forEachPoint([&] { e.storeResults(stored[point++]); });
}

FailureOr<AffineExpr> RowEmitter::emit() {
  AffineExpr groups = e.getNumTiles();
  OpBuilder::InsertionGuard guard(b);
  Value group = e.enterWorkgroup(groups);
  thread = e.getThread();
  e.enterTile(group);
  Values results = accumulate();
  if (e.failed)
    return failure();
  if (isHorizontal) {
    e.tile.vectorDim = std::nullopt;
    for (Value &value : results)
      value = e.combineLanes(value);
  }
  results = ThreadCombiner(e, schedule.workgroupSize, /*rows=*/1,
                           schedule.useSubgroups)
                .combine(results);
  Value isFirst = e.isLess(thread, e.constant(1));
  auto branch = b.create<scf::IfOp>(e.loc, isFirst, /*withElseRegion=*/false);
  b.setInsertionPointToStart(branch.thenBlock());
  finish(results);
  if (e.failed)
    return failure();
  return groups;
}

FailureOr<AffineExpr> emitRowKernel(OpBuilder &b, func::FuncOp func,
                                    const LoopNest &nest,
                                    const Schedule &schedule) {
  return RowEmitter(b, func, nest, schedule).emit();
}

} // namespace nncc::webgpu
