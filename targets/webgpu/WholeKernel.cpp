//===- WholeKernel.cpp - Kernels that one workgroup runs ------------------===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "targets/webgpu/WholeKernel.h"

#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "targets/webgpu/Kernel.h"
#include "targets/webgpu/NestEmitter.h"

using namespace mlir;
using namespace nncc::kernels;

namespace nncc::webgpu {

constexpr int64_t smallestWorkgroup = 64, largestWorkgroup = 256;
/// Results of a thread, and the terms of its sums.
constexpr int64_t maxResults = 8, maxSteps = 64;

/// The number of points, results or reductions; none where a size is open.
static std::optional<int64_t> countPoints(const LoopNest &nest,
                                          bool ofReductions) {
  int64_t count = 1;
  for (const LoopDim &dim : nest.dims) {
    auto size = dyn_cast<AffineConstantExpr>(dim.size);
    if (!size)
      return std::nullopt;
    if (dim.isReduction == ofReductions)
      count *= size.getValue();
  }
  return count;
}

SmallVector<func::FuncOp> getParts(func::FuncOp kernel) {
  auto module = kernel->getParentOfType<ModuleOp>();
  SmallVector<func::FuncOp> parts;
  for (auto call : kernel.getOps<func::CallOp>())
    parts.push_back(module.lookupSymbol<func::FuncOp>(call.getCallee()));
  if (parts.empty())
    parts.push_back(kernel);
  return parts;
}

static bool fitsWorkgroup(const LoopNest &nest) {
  std::optional<int64_t> results = countPoints(nest, /*ofReductions=*/false);
  std::optional<int64_t> terms = countPoints(nest, /*ofReductions=*/true);
  if (!results || !terms)
    return false;
  int64_t own = llvm::divideCeil(*results, largestWorkgroup);
  return own <= maxResults && own * *terms <= maxSteps;
}

bool isSmall(func::FuncOp part) {
  FailureOr<LoopNest> nest = buildLoopNest(part);
  return succeeded(nest) && fitsWorkgroup(*nest);
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

/// The results of a thread.
static LogicalResult emitPart(OpBuilder &b, func::FuncOp func,
                              const WholePart &part, Value thread,
                              int64_t workgroupSize) {
  NestEmitter e(b, func, part.nest, ThreadTile());
  e.enterCall(part.callee, part.call);
  SmallVector<unsigned> parallels, reductions;
  for (auto [i, dim] : llvm::enumerate(part.nest.dims))
    (dim.isReduction ? reductions : parallels).push_back(i);
  int64_t count = *countPoints(part.nest, /*ofReductions=*/false);
  forEachOwn(e, thread, count, workgroupSize, [&](Value number) {
    if (!parallels.empty())
      e.delinearize(number, parallels);
    computePoint(e, reductions);
  });
  return failure(e.failed);
}

FailureOr<int64_t> emitWholeKernel(OpBuilder &b, func::FuncOp func,
                                   ArrayRef<WholePart> parts) {
  int64_t workgroupSize = smallestWorkgroup;
  for (const WholePart &part : parts)
    while (workgroupSize < largestWorkgroup &&
           *countPoints(part.nest, /*ofReductions=*/false) > workgroupSize)
      workgroupSize *= 2;
  Location loc = func.getLoc();
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(&func.getBody().front());
  Value thread =
      b.create<gpu::ThreadIdOp>(loc, b.getIndexType(), gpu::Dimension::x);
  for (const WholePart &part : parts) {
    b.setInsertionPoint(part.call);
    // In a loop, the first comes after the last, too.
    if (&part != &parts.front() || part.call->getParentOp() != func)
      b.create<gpu::BarrierOp>(loc)->setAttr(storageBarrierAttrName,
                                             b.getUnitAttr());
    if (failed(emitPart(b, func, part, thread, workgroupSize)))
      return failure();
  }
  return workgroupSize;
}

} // namespace nncc::webgpu
