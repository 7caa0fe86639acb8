//===- MergeSmall.cpp - Join dispatches of little work --------------------===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "nncc/Dialect/Exec/Exec.h"
#include "nncc/Kernels/JoinDispatches.h"
#include "targets/webgpu/ItemWork.h"
#include "targets/webgpu/Kernel.h"
#include "targets/webgpu/Passes.h"

namespace nncc::webgpu {

#define GEN_PASS_DEF_MERGESMALL
#include "targets/webgpu/Passes.h.inc"

} // namespace nncc::webgpu

using namespace mlir;
using namespace nncc;
using namespace nncc::webgpu;

/// Kernels that one calls: each is code of its own.
static constexpr size_t maxParts = 12;
/// What a kernel keeps in its workgroup's memory, which is zeroed at first, in
/// elements.
static constexpr int64_t maxOwnElements = 2048;

namespace {

struct MergeSmallPass : webgpu::impl::MergeSmallBase<MergeSmallPass> {
  using Base::Base;

  void runOnOperation() override;

private:
  void mergeIn(Block &block, kernels::DispatchJoiner &joiner);
  void finish(kernels::DispatchJoiner &joiner);
  bool add(exec::DispatchOp dispatch);
  void eraseUnused();

  /// The memory of what merged kernels have by themselves.
  SmallVector<Operation *> unused;
  /// Of the group under construction.
  SmallVector<exec::DispatchOp> dispatches;
  kernels::JoinedOperands operands;
  ItemWork work;
  size_t numParts = 0;
};

} // namespace

/// Whether only these dispatches use the buffer.
static bool isOnlyOf(ArrayRef<exec::DispatchOp> dispatches, Value buffer) {
  auto alloc = buffer.getDefiningOp<exec::AllocOp>();
  if (!alloc || alloc->hasAttr(exec::hostAttrName))
    return false;
  return llvm::all_of(alloc->getUsers(), [&](Operation *view) {
    return isa<memref::ViewOp>(view) &&
           llvm::all_of(view->getUsers(), [&](Operation *user) {
             return llvm::is_contained(dispatches, user);
           });
  });
}

/// Finds what may stay in the memory of a workgroup: what others do not see, or
/// an item's part of that.
static void findOwn(ArrayRef<exec::DispatchOp> dispatches, const ItemWork &work,
                    kernels::JoinedOperands &operands) {
  int64_t room = maxOwnElements;
  operands.own.clear();
  for (auto [buffer, view] : operands.buffers) {
    auto type = cast<MemRefType>(view.getType());
    std::optional<int64_t> size = work.getItemElements(buffer);
    if (type.hasStaticShape())
      size = type.getNumElements();
    if (!size || *size > room || !isOnlyOf(dispatches, buffer))
      continue;
    room -= *size;
    operands.own[buffer] = *size;
  }
}

bool MergeSmallPass::add(exec::DispatchOp dispatch) {
  auto kernel = getOperation().lookupSymbol<func::FuncOp>(dispatch.getKernel());
  size_t added =
      std::max<size_t>(llvm::range_size(kernel.getOps<func::CallOp>()), 1);
  kernels::JoinedOperands all = operands;
  ItemWork allWork = work;
  if (numParts + added > maxParts || !allWork.add(dispatch) ||
      !all.add(dispatch))
    return false;
  dispatches.push_back(dispatch);
  findOwn(dispatches, allWork, all);
  if (all.buffers.size() - all.own.size() > maxBuffers) {
    dispatches.pop_back();
    return false;
  }
  operands = std::move(all);
  work = std::move(allWork);
  numParts += added;
  return true;
}

void MergeSmallPass::finish(kernels::DispatchJoiner &joiner) {
  if (dispatches.size() > 1) {
    joiner.join(dispatches, operands, "+small")
        ->setAttr(wholeAttrName, UnitAttr::get(&getContext()));
    for (auto [buffer, size] : operands.own)
      unused.push_back(buffer.getDefiningOp());
  }
  dispatches.clear();
  operands = kernels::JoinedOperands();
  operands.maxElements = maxElements;
  work = ItemWork();
  numParts = 0;
}

void MergeSmallPass::mergeIn(Block &block, kernels::DispatchJoiner &joiner) {
  for (Operation &op : llvm::make_early_inc_range(block)) {
    auto dispatch = dyn_cast<exec::DispatchOp>(op);
    if (dispatch && !dispatch->hasAttr(exec::hostAttrName)) {
      if (!add(dispatch)) {
        finish(joiner);
        add(dispatch);
      }
      continue;
    }
    if (op.getNumRegions() != 0)
      finish(joiner);
    for (Region &region : op.getRegions())
      for (Block &inner : region)
        mergeIn(inner, joiner);
    if (!isMemoryEffectFree(&op) && !isa<exec::AllocOp>(op))
      finish(joiner);
  }
  finish(joiner);
}

void MergeSmallPass::eraseUnused() {
  for (Operation *alloc : unused) {
    for (Operation *view : llvm::make_early_inc_range(alloc->getUsers()))
      view->erase();
    alloc->erase();
  }
  unused.clear();
}

void MergeSmallPass::runOnOperation() {
  auto program = getOperation().lookupSymbol<func::FuncOp>(exec::programName);
  if (!program)
    return;
  kernels::DispatchJoiner joiner(getOperation());
  operands.maxElements = maxElements;
  mergeIn(program.getBody().front(), joiner);
  eraseUnused();
}
