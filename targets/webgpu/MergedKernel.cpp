//===- MergedKernel.cpp - Kernels of one row a workgroup ------------------===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "targets/webgpu/MergedKernel.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "targets/webgpu/Kernel.h"
#include "targets/webgpu/ThreadCombiner.h"

using namespace mlir;
using namespace nncc::kernels;

namespace nncc::webgpu {

namespace {

/// Emits one part of a kernel that works row by row.
class PartEmitter {
public:
  PartEmitter(OpBuilder &b, func::FuncOp func, const RowPart &part,
              int64_t workgroupSize, bool useSubgroups)
      : part(part), b(b), loc(func.getLoc()),
        emitter(b, func, part.nest, ThreadTile()), workgroupSize(workgroupSize),
        useSubgroups(useSubgroups) {
    emitter.buffers = part.buffers;
  }

  LogicalResult emit(Value row, Value thread);

private:
  LogicalResult emitElements(Value thread);
  LogicalResult emitReduction(Value thread);
  void finish(ValueRange results);
  Value reduceOwn(Value thread, Value init);
  using Step =
      llvm::function_ref<NestEmitter::Values(Value column, ValueRange)>;
  /// Emits `step` for every workgroupSize-th element of the row, from the
  /// thread's on. Implementations of WGSL count the turns of loops but for
  /// those from 0 to a constant in steps of one.
  NestEmitter::Values forEachOwn(Value thread, ValueRange carried, Step step);
  NestEmitter::Values stepInside(Value column, AffineExpr count,
                                 ValueRange carried, Step step);
  void enterColumns(Value column);
  /// Emits `body` where the number is below the bound.
  template <typename Body>
  void emitBelow(Value number, int64_t bound, Body body) {
    Value below = b.create<arith::CmpIOp>(loc, arith::CmpIPredicate::slt,
                                          number, emitter.constant(bound));
    auto guarded = b.create<scf::IfOp>(loc, below, /*withElseRegion=*/false);
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(guarded.thenBlock());
    body();
  }

  const RowPart &part;
  OpBuilder &b;
  Location loc;
  NestEmitter emitter;
  int64_t workgroupSize;
  bool useSubgroups;
};

} // namespace

/// The step, if the row has the element; else what is carried stays.
NestEmitter::Values PartEmitter::stepInside(Value column, AffineExpr count,
                                            ValueRange carried, Step step) {
  if (count.isMultipleOf(workgroupSize))
    return step(column, carried);
  Value isInside = emitter.isLess(column, emitter.expand(count));
  auto branch = b.create<scf::IfOp>(loc, carried.getTypes(), isInside,
                                    /*withElseRegion=*/!carried.empty());
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(branch.thenBlock());
  NestEmitter::Values next = step(column, carried);
  if (carried.empty() || emitter.failed)
    return next;
  b.create<scf::YieldOp>(loc, next);
  b.setInsertionPointToStart(branch.elseBlock());
  b.create<scf::YieldOp>(loc, carried);
  return NestEmitter::Values(branch.getResults());
}

NestEmitter::Values PartEmitter::forEachOwn(Value thread, ValueRange carried,
                                            Step step) {
  AffineExpr count = getCount(part.nest, part.split.columns, b.getContext());
  Value rounds = emitter.expand(count.ceilDiv(workgroupSize));
  auto loop = b.create<scf::ForOp>(loc, emitter.constant(0), rounds,
                                   emitter.constant(1), carried);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(loop.getBody());
  Value first =
      emitter.mul(loop.getInductionVar(), emitter.constant(workgroupSize));
  NestEmitter::Values next = stepInside(emitter.add(first, thread), count,
                                        loop.getRegionIterArgs(), step);
  if (!carried.empty() && !emitter.failed)
    b.create<scf::YieldOp>(loc, next);
  return NestEmitter::Values(loop.getResults());
}

void PartEmitter::enterColumns(Value column) {
  if (!part.split.columns.empty())
    emitter.delinearize(column, part.split.columns);
}

Value PartEmitter::reduceOwn(Value thread, Value init) {
  NestEmitter::Values own =
      forEachOwn(thread, init, [&](Value column, ValueRange carried) {
        enterColumns(column);
        return emitter.evaluateMain(carried);
      });
  for (unsigned dim : part.split.columns)
    emitter.ivs[dim] = Value();
  return own.front();
}

void PartEmitter::finish(ValueRange results) {
  if (emitter.failed)
    return;
  NestEmitter::Values values = emitter.finish(results);
  if (!emitter.failed)
    emitter.storeResults(values);
}

LogicalResult PartEmitter::emitReduction(Value thread) {
  NestEmitter::Values inits = emitter.getInits();
  if (emitter.failed)
    return failure();
  Value own = reduceOwn(thread, inits.front());
  if (emitter.failed)
    return failure();
  NestEmitter::Values whole =
      ThreadCombiner(emitter, workgroupSize, useSubgroups).combine(own);
  emitBelow(thread, 1, [&] { finish(whole); });
  return failure(emitter.failed);
}

LogicalResult PartEmitter::emitElements(Value thread) {
  forEachOwn(thread, {}, [&](Value column, ValueRange) {
    enterColumns(column);
    finish(emitter.evaluateMain({}));
    return NestEmitter::Values();
  });
  return failure(emitter.failed);
}

LogicalResult PartEmitter::emit(Value row, Value thread) {
  if (!part.split.rows.empty())
    emitter.delinearize(row, part.split.rows);
  return part.split.reduces ? emitReduction(thread) : emitElements(thread);
}

LogicalResult emitMergedKernel(OpBuilder &b, func::FuncOp func,
                               ArrayRef<RowPart> parts, int64_t workgroupSize,
                               bool useSubgroups) {
  const RowPart &first = parts.front();
  NestEmitter emitter(b, func, first.nest, ThreadTile());
  Location loc = func.getLoc();
  AffineExpr count = getCount(first.nest, first.split.rows, b.getContext());
  OpBuilder::InsertionGuard guard(b);
  Value row = emitter.enterWorkgroup(count), thread = emitter.getThread();
  for (const RowPart &part : parts) {
    if (&part != &first)
      b.create<gpu::BarrierOp>(loc)->setAttr(storageBarrierAttrName,
                                             b.getUnitAttr());
    PartEmitter emit(b, func, part, workgroupSize, useSubgroups);
    if (failed(emit.emit(row, thread)))
      return failure();
  }
  return success();
}

} // namespace nncc::webgpu
