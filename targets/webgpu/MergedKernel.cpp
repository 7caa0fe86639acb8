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
  /// Every workgroupSize-th element of the row, from the thread's on.
  scf::ForOp createLoop(Value thread, ValueRange carried);
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

scf::ForOp PartEmitter::createLoop(Value thread, ValueRange carried) {
  AffineExpr count = getCount(part.nest, part.split.columns, b.getContext());
  return b.create<scf::ForOp>(loc, thread, emitter.expand(count),
                              emitter.constant(workgroupSize), carried);
}

void PartEmitter::enterColumns(Value column) {
  if (!part.split.columns.empty())
    emitter.delinearize(column, part.split.columns);
}

Value PartEmitter::reduceOwn(Value thread, Value init) {
  scf::ForOp loop = createLoop(thread, init);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(loop.getBody());
  enterColumns(loop.getInductionVar());
  NestEmitter::Values next = emitter.evaluateMain(loop.getRegionIterArgs());
  if (emitter.failed)
    return init;
  b.create<scf::YieldOp>(loc, next);
  for (unsigned dim : part.split.columns)
    emitter.ivs[dim] = Value();
  return loop.getResult(0);
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
  scf::ForOp loop = createLoop(thread, {});
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(loop.getBody());
  enterColumns(loop.getInductionVar());
  finish(emitter.evaluateMain({}));
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
