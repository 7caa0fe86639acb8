//===- WholeKernel.cpp - Kernels that one workgroup runs ------------------===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "targets/webgpu/WholeKernel.h"

#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "targets/webgpu/Kernel.h"
#include "targets/webgpu/NestEmitter.h"

using namespace mlir;
using namespace nncc::kernels;

namespace nncc::webgpu {

constexpr int64_t smallestWorkgroup = 64, largestWorkgroup = 256;
/// Results of a thread, and the terms of its sums, of which those of vectors
/// take as long as those of numbers.
constexpr int64_t maxResults = 8, maxSteps = 64, maxVectorSteps = 128;
/// Terms of all sums of an item, of which there may be many.
constexpr int64_t maxTerms = 1024;

bool markItem(LoopNest &nest) {
  LoopDim *item = nullptr;
  for (LoopDim &dim : nest.dims) {
    if (isa<AffineConstantExpr>(dim.size))
      continue;
    if (item || dim.isReduction)
      return false;
    item = &dim;
  }
  if (item)
    item->isRow = true;
  return true;
}

std::optional<unsigned> getItemDim(const LoopNest &nest) {
  for (auto [i, dim] : llvm::enumerate(nest.dims))
    if (dim.isRow)
      return i;
  return std::nullopt;
}

AffineExpr countItems(const LoopNest &nest) {
  linalg::GenericOp op = nest.main.op;
  std::optional<unsigned> item = getItemDim(nest);
  return item ? nest.dims[*item].size
              : getAffineConstantExpr(1, op.getContext());
}

/// The number of an item's points, results or reductions.
static int64_t countPoints(const LoopNest &nest, bool ofReductions) {
  int64_t count = 1;
  for (const LoopDim &dim : nest.dims)
    if (!dim.isRow && dim.isReduction == ofReductions)
      count *= cast<AffineConstantExpr>(dim.size).getValue();
  return count;
}

/// Whether vectors spare steps: there are more results than threads, or terms
/// of sums are loaded as such.
static bool servesVectors(const LoopNest &nest, unsigned dim) {
  if (!nest.hasReduction())
    return countPoints(nest, /*ofReductions=*/false) > largestWorkgroup;
  return llvm::any_of(nest.main.inputs, [&](const Access &input) {
    return isWide(nest, input, dim);
  });
}

static ThreadTile chooseTile(const LoopNest &nest) {
  ThreadTile tile;
  tile.vectorDim = getVectorDim(nest);
  if (tile.vectorDim && !servesVectors(nest, *tile.vectorDim))
    tile.vectorDim = std::nullopt;
  for (unsigned i = 0; i < nest.dims.size(); ++i)
    if (!nest.dims[i].isReduction && !nest.dims[i].isRow && i != tile.vectorDim)
      tile.order.push_back(i);
  if (tile.vectorDim)
    tile.order.push_back(*tile.vectorDim);
  return tile;
}

/// What threads compute one by one.
static int64_t countTiles(const LoopNest &nest, const ThreadTile &tile) {
  return countPoints(nest, /*ofReductions=*/false) /
         (tile.vectorDim ? lanes : 1);
}

bool fitsWorkgroup(const LoopNest &nest, bool isStep) {
  ThreadTile tile = chooseTile(nest);
  int64_t terms = countPoints(nest, /*ofReductions=*/true);
  int64_t results = countPoints(nest, /*ofReductions=*/false);
  int64_t tiles = llvm::divideCeil(countTiles(nest, tile), largestWorkgroup);
  if (getItemDim(nest) && !isStep && terms > 1 && results * terms > maxTerms)
    return false;
  return llvm::divideCeil(results, largestWorkgroup) <= maxResults &&
         tiles * terms <= (tile.vectorDim ? maxVectorSteps : maxSteps);
}

/// The result where the dimensions have got to.
static void computePoint(NestEmitter &e, ArrayRef<unsigned> reductions) {
  NestEmitter::Values results;
  if (e.nest.main.inits.front()) {
    NestEmitter::Values inits = e.getInits();
    if (e.failed)
      return;
    results = e.reduce(reductions, inits, [&](ValueRange accumulators) {
      return e.evaluateMain(accumulators);
    });
  } else {
    results = e.evaluateMain({});
  }
  if (!e.failed)
    results = e.finish(results);
  if (!e.failed)
    e.storeResults(results);
}

/// Calls `emit` with the number of each result of a thread: every
/// workgroupSize-th from its own on. Implementations of WGSL count the turns of
/// loops but for those from 0 to a constant in steps of one.
static void forEachOwn(NestEmitter &e, Value thread, int64_t count,
                       int64_t workgroupSize, function_ref<void(Value)> emit) {
  auto loop = e.b.create<scf::ForOp>(
      e.loc, e.constant(0), e.constant(llvm::divideCeil(count, workgroupSize)),
      e.constant(1));
  OpBuilder::InsertionGuard guard(e.b);
  e.b.setInsertionPointToStart(loop.getBody());
  Value first = e.mul(loop.getInductionVar(), e.constant(workgroupSize));
  Value number = e.add(first, thread);
  if (count % workgroupSize != 0) {
    auto inside =
        e.b.create<scf::IfOp>(e.loc, e.isLess(number, e.constant(count)),
                              /*withElseRegion=*/false);
    e.b.setInsertionPointToStart(inside.thenBlock());
  }
  emit(number);
}

namespace {

/// Where a thread is.
struct Position {
  Value item, thread;
  int64_t workgroupSize;
};

} // namespace

/// The results of a thread.
static LogicalResult emitPart(OpBuilder &b, func::FuncOp func,
                              const WholePart &part, Position at) {
  NestEmitter e(b, func, part.nest, chooseTile(part.nest));
  e.enterCall(part.callee, part.call);
  if (std::optional<unsigned> item = getItemDim(part.nest))
    e.ivs[*item] = at.item;
  SmallVector<unsigned> reductions;
  for (auto [i, dim] : llvm::enumerate(part.nest.dims))
    if (dim.isReduction)
      reductions.push_back(i);
  int64_t count = countTiles(part.nest, e.tile);
  forEachOwn(e, at.thread, count, at.workgroupSize, [&](Value number) {
    e.enterTile(number);
    computePoint(e, reductions);
  });
  return failure(e.failed);
}

/// The number of the item that is this workgroup's. All else goes where there
/// is one.
static Value enterItem(OpBuilder &b, func::FuncOp func, const LoopNest &nest,
                       AffineExpr items) {
  Block &body = func.getBody().front();
  SmallVector<Operation *> work;
  for (Operation &op : body.without_terminator())
    if (!isa<memref::AllocaOp>(op))
      work.push_back(&op);
  b.setInsertionPoint(body.getTerminator());
  Value item = NestEmitter(b, func, nest, ThreadTile()).enterWorkgroup(items);
  Operation *end = b.getInsertionBlock()->getTerminator();
  for (Operation *op : work)
    op->moveBefore(end);
  return item;
}

FailureOr<WholeShape> emitWholeKernel(OpBuilder &b, func::FuncOp func,
                                      ArrayRef<WholePart> parts) {
  int64_t workgroupSize = smallestWorkgroup;
  for (const WholePart &part : parts)
    while (workgroupSize < largestWorkgroup &&
           countTiles(part.nest, chooseTile(part.nest)) > workgroupSize)
      workgroupSize *= 2;
  Location loc = func.getLoc();
  OpBuilder::InsertionGuard guard(b);
  const LoopNest &first = parts.front().nest;
  AffineExpr items = countItems(first);
  Value item;
  if (getItemDim(first))
    item = enterItem(b, func, first, items);
  b.setInsertionPointToStart(&func.getBody().front());
  Value thread =
      b.create<gpu::ThreadIdOp>(loc, b.getIndexType(), gpu::Dimension::x);
  Block *begin = parts.front().call->getBlock();
  for (const WholePart &part : parts) {
    b.setInsertionPoint(part.call);
    // In a loop, the first comes after the last, too.
    if (&part != &parts.front() || isa<scf::ForOp>(begin->getParentOp()))
      b.create<gpu::BarrierOp>(loc)->setAttr(storageBarrierAttrName,
                                             b.getUnitAttr());
    if (failed(emitPart(b, func, part, {item, thread, workgroupSize})))
      return failure();
  }
  return WholeShape{items, workgroupSize};
}

} // namespace nncc::webgpu
