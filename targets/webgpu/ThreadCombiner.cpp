//===- ThreadCombiner.cpp - One result of a workgroup's ------------------===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "targets/webgpu/ThreadCombiner.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "nncc/Kernels/Schedule.h"
#include "targets/webgpu/Kernel.h"
#include "targets/webgpu/Scalars.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace nncc::kernels;

namespace nncc::webgpu {

/// Of no GPU is a subgroup smaller (WGSL, subgroup_size).
static constexpr int64_t smallestSubgroup = 4;
/// Partial results that a thread combines without a wait; a power of two.
static constexpr int64_t atOnce = 8;

using Reduction = gpu::AllReduceOperation;

/// What a subgroup does at once in place of the nest's combiner.
static std::optional<Reduction> getReduction(const LoopNest &nest) {
  Value element;
  SmallVector<Operation *> combiner = getCombiner(nest.main.op, element);
  if (combiner.size() != 1 ||
      combiner.front()->getResult(0).getType().isInteger(1))
    return std::nullopt;
  return llvm::TypeSwitch<Operation *, std::optional<Reduction>>(
             combiner.front())
      .Case<arith::AddFOp, arith::AddIOp>([](auto) { return Reduction::ADD; })
      .Case<arith::MulFOp, arith::MulIOp>([](auto) { return Reduction::MUL; })
      .Case<arith::MaximumFOp, arith::MaxNumFOp>(
          [](auto) { return Reduction::MAXNUMF; })
      .Case<arith::MinimumFOp, arith::MinNumFOp>(
          [](auto) { return Reduction::MINNUMF; })
      .Case([](arith::MaxSIOp) { return Reduction::MAXSI; })
      .Case([](arith::MinSIOp) { return Reduction::MINSI; })
      .Default([](Operation *) { return std::optional<Reduction>(); });
}

ThreadCombiner::ThreadCombiner(NestEmitter &emitter, int64_t threads,
                               int64_t rows, bool useSubgroups)
    : e(emitter), b(emitter.b), threads(threads), rows(rows),
      useSubgroups(useSubgroups) {}

void ThreadCombiner::allocate(int64_t places, ValueRange own) {
  numPlaces = places;
  type = own.front().getType();
  auto space =
      gpu::AddressSpaceAttr::get(b.getContext(), gpu::AddressSpace::Workgroup);
  Type element = type.isInteger(1) ? b.getI32Type() : type;
  memory = b.create<memref::AllocaOp>(
      e.loc, MemRefType::get({places * int64_t(own.size())}, element,
                             MemRefLayoutAttrInterface(), space));
}

Value ThreadCombiner::load(size_t number, Value place) {
  Value at = e.add(place, e.constant(number * numPlaces));
  Value value = b.create<memref::LoadOp>(e.loc, memory, at);
  return fromStorage(b, e.loc, value, type);
}

void ThreadCombiner::store(size_t number, Value place, Value value) {
  Value at = e.add(place, e.constant(number * numPlaces));
  b.create<memref::StoreOp>(e.loc, toStorage(b, e.loc, value), memory, at);
}

void ThreadCombiner::emitBelow(Value number, int64_t bound,
                               function_ref<void()> body) {
  auto branch = b.create<scf::IfOp>(e.loc, e.isLess(number, e.constant(bound)),
                                    /*withElseRegion=*/false);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(branch.thenBlock());
  body();
}

/// What `places` have together, the first of them at `first`.
NestEmitter::Values ThreadCombiner::combinePlaces(size_t count, Value first,
                                                  int64_t places,
                                                  int64_t distance) {
  NestEmitter::Values whole;
  for (size_t i = 0; i < count; ++i) {
    Value sum = load(i, first);
    for (int64_t place = 1; place < places; ++place)
      sum = e.combine(sum, load(i, e.add(first, e.constant(place * distance))));
    whole.push_back(sum);
  }
  return whole;
}

NestEmitter::Values ThreadCombiner::combineInTree(ValueRange own) {
  if (threads == 1)
    return NestEmitter::Values(own);
  allocate(threads * rows, own);
  Value all = e.getThread(), thread = all, first = e.constant(0);
  if (rows > 1) {
    thread = e.rem(all, e.constant(threads));
    first = e.mul(e.div(all, e.constant(threads)), e.constant(threads));
  }
  for (auto [i, value] : llvm::enumerate(own))
    store(i, all, value);
  auto barrier = b.create<gpu::BarrierOp>(e.loc);
  if (rows == 1 && getReduction(e.nest))
    barrier->setAttr(treeAttrName, b.getUnitAttr());
  int64_t left = threads;
  for (; left > atOnce; left = left / atOnce) {
    int64_t next = left / atOnce;
    emitBelow(thread, next, [&] {
      for (auto [i, value] :
           llvm::enumerate(combinePlaces(own.size(), all, atOnce, next)))
        store(i, all, value);
    });
    b.create<gpu::BarrierOp>(e.loc);
  }
  return combinePlaces(own.size(), first, left, 1);
}

NestEmitter::Values ThreadCombiner::combineInSubgroups(ValueRange own) {
  allocate(threads / smallestSubgroup, own);
  Type index = b.getIndexType();
  auto reduction =
      gpu::AllReduceOperationAttr::get(b.getContext(), *getReduction(e.nest));
  NestEmitter::Values whole;
  for (Value value : own)
    whole.push_back(b.create<gpu::SubgroupReduceOp>(
        e.loc, value.getType(), value, reduction, b.getUnitAttr()));
  Value lane = b.create<gpu::LaneIdOp>(e.loc, index, /*upper_bound=*/nullptr);
  emitBelow(lane, 1, [&] {
    Value subgroup = b.create<gpu::SubgroupIdOp>(e.loc, index, nullptr);
    for (auto [i, value] : llvm::enumerate(whole))
      store(i, subgroup, value);
  });
  b.create<gpu::BarrierOp>(e.loc);
  for (auto [i, value] : llvm::enumerate(whole))
    value = load(i, e.constant(0));
  Value count = b.create<gpu::NumSubgroupsOp>(e.loc, index, nullptr);
  auto loop =
      b.create<scf::ForOp>(e.loc, e.constant(1), count, e.constant(1), whole);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(loop.getBody());
  NestEmitter::Values next;
  for (auto [i, value] : llvm::enumerate(loop.getRegionIterArgs()))
    next.push_back(e.combine(value, load(i, loop.getInductionVar())));
  b.create<scf::YieldOp>(e.loc, next);
  return NestEmitter::Values(loop.getResults());
}

NestEmitter::Values ThreadCombiner::combine(ValueRange own) {
  if (useSubgroups && rows == 1 && getReduction(e.nest))
    return combineInSubgroups(own);
  return combineInTree(own);
}

} // namespace nncc::webgpu
