//===- ThreadKernel.cpp - Kernels of one tile a thread --------------------===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "mlir/Dialect/SCF/IR/SCF.h"
#include "targets/webgpu/Emitters.h"
#include "targets/webgpu/NestEmitter.h"

using namespace mlir;
using namespace nncc::kernels;

namespace nncc::webgpu {

using Values = NestEmitter::Values;

/// Evaluates the main stage for all points of the tile, one after the other.
static Values evaluatePoints(NestEmitter &e, ValueRange accumulators) {
  Values results;
  e.forEachPoint([&] {
    size_t count = std::min(e.nest.main.outputs.size(), accumulators.size());
    results.append(e.evaluateMain(accumulators.take_front(count)));
    accumulators = accumulators.drop_front(count);
  });
  return results;
}

/// The main stage's results, one point after the other.
static Values compute(NestEmitter &e, ArrayRef<unsigned> reductions) {
  // A reduction over one element has no loop left.
  if (!e.nest.main.inits.front())
    return evaluatePoints(e, {});
  Values accumulators;
  e.forEachPoint([&] { accumulators.append(e.getInits()); });
  if (e.failed)
    return accumulators;
  return e.reduce(reductions, accumulators,
                  [&](ValueRange values) { return evaluatePoints(e, values); });
}

/// All results are computed before the first is stored, as the result may lie
/// in an operand's place.
static void finishPoints(NestEmitter &e, ValueRange results) {
  size_t count = e.nest.main.outputs.size();
  SmallVector<Values> stored;
  e.forEachPoint([&] {
    stored.push_back(e.finish(results.take_front(count)));
    results = results.drop_front(count);
  });
  if (e.failed)
    return;
  size_t point = 0;
  e.forEachPoint([&] { e.storeResults(stored[point++]); });
}

FailureOr<AffineExpr> emitThreadKernel(OpBuilder &b, func::FuncOp func,
                                       const LoopNest &nest,
                                       const Schedule &schedule) {
  NestEmitter e(b, func, nest, schedule.tile);
  AffineExpr count = e.getNumTiles();
  AffineExpr groups = count.ceilDiv(schedule.workgroupSize);
  OpBuilder::InsertionGuard guard(b);
  Value first =
      e.mul(e.enterWorkgroup(groups), e.constant(schedule.workgroupSize));
  Value linear = e.add(first, e.getThread());
  Value inside = e.isLess(linear, e.expand(count));
  auto guarded = b.create<scf::IfOp>(e.loc, inside, /*withElseRegion=*/false);
  b.setInsertionPointToStart(guarded.thenBlock());
  e.enterTile(linear);
  Values results = compute(e, schedule.reductions);
  if (!e.failed)
    finishPoints(e, results);
  if (e.failed)
    return failure();
  return groups;
}

} // namespace nncc::webgpu
