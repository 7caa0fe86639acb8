//===- ThreadKernel.cpp - Kernels of one element a thread -----------------===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "targets/webgpu/ThreadKernel.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "targets/webgpu/NestEmitter.h"

using namespace mlir;
using namespace nncc::kernels;

namespace nncc::webgpu {

/// The dimension along which most accesses are contiguous comes last, so that
/// neighbouring threads touch neighbouring elements.
static SmallVector<unsigned> getThreadOrder(const LoopNest &nest) {
  SmallVector<unsigned> order;
  for (auto [i, dim] : llvm::enumerate(nest.dims))
    if (!dim.isReduction)
      order.push_back(i);
  auto countUnits = [&](unsigned dim) {
    return llvm::count_if(nest.accesses(), [&](const Access *access) {
      return access->isUnit(dim);
    });
  };
  llvm::stable_sort(order, [&](unsigned a, unsigned b) {
    return countUnits(a) < countUnits(b);
  });
  return order;
}

FailureOr<AffineExpr> emitThreadKernel(OpBuilder &b, func::FuncOp func,
                                       const LoopNest &nest,
                                       int64_t workgroupSize) {
  NestEmitter emitter(b, func, nest);
  SmallVector<unsigned> order = getThreadOrder(nest), reductions;
  AffineExpr count = b.getAffineConstantExpr(1);
  for (auto [i, dim] : llvm::enumerate(nest.dims)) {
    if (dim.isReduction)
      reductions.push_back(i);
    else
      count = count * dim.size;
  }
  Location loc = func.getLoc();
  Value first =
      emitter.mul(emitter.getWorkgroup(), emitter.constant(workgroupSize));
  Value linear = emitter.add(first, emitter.getThread());
  Value inside = b.create<arith::CmpIOp>(loc, arith::CmpIPredicate::slt, linear,
                                         emitter.expand(count));
  auto guarded = b.create<scf::IfOp>(loc, inside, /*withElseRegion=*/false);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(guarded.thenBlock());
  if (!order.empty())
    emitter.delinearize(linear, order);
  // A reduction over one element has no loop left.
  bool accumulates = nest.main.inits.front() != nullptr;
  NestEmitter::Values results;
  if (accumulates) {
    NestEmitter::Values accumulators = emitter.getInits();
    if (!emitter.failed)
      results = emitter.reduce(reductions, accumulators);
  } else {
    IRMapping known;
    results = emitter.evaluate(nest.main, known);
  }
  if (emitter.failed || failed(emitter.finish(results)))
    return failure();
  return count.ceilDiv(workgroupSize);
}

} // namespace nncc::webgpu
