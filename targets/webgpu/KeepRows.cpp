//===- KeepRows.cpp - Spare memory for what registers hold ---------------===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "nncc/Dialect/Exec/KernelInfo.h"
#include "targets/webgpu/Kernel.h"
#include "targets/webgpu/Passes.h"
#include "targets/webgpu/RowPlan.h"
#include "llvm/ADT/MapVector.h"

namespace nncc::webgpu {

#define GEN_PASS_DEF_KEEPROWS
#include "targets/webgpu/Passes.h.inc"

} // namespace nncc::webgpu

using namespace mlir;
using namespace nncc;
using namespace nncc::webgpu;

/// The buffer that an operand shows, if only `dispatch` uses it.
static exec::AllocOp getOnlyUsed(exec::DispatchOp dispatch, Value operand) {
  auto view = operand.getDefiningOp<memref::ViewOp>();
  auto alloc = view ? view.getSource().getDefiningOp<exec::AllocOp>() : nullptr;
  if (!alloc || alloc->hasAttr(exec::hostAttrName))
    return nullptr;
  bool isOnly = llvm::all_of(alloc->getUsers(), [&](Operation *user) {
    return isa<memref::ViewOp>(user) &&
           llvm::all_of(user->getUsers(),
                        [&](Operation *reader) { return reader == dispatch; });
  });
  return isOnly ? alloc : nullptr;
}

/// Gives parts, in place of an argument, memory that none of them touches.
static void makeOwn(BlockArgument argument) {
  OpBuilder b = OpBuilder::atBlockBegin(argument.getOwner());
  auto type = cast<MemRefType>(argument.getType()), own = type;
  if (!type.hasStaticShape())
    own = MemRefType::get({1}, type.getElementType());
  Value none = b.create<memref::AllocaOp>(argument.getLoc(), own);
  argument.replaceAllUsesWith(
      b.createOrFold<memref::CastOp>(argument.getLoc(), type, none));
}

/// Takes what parts would move to and from a buffer off a kernel's bytes.
static void spareBytes(func::FuncOp kernel, BlockArgument argument,
                       exec::AllocOp alloc) {
  exec::KernelInfo info = exec::getKernelInfo(kernel);
  if (!info.bytes)
    return;
  int64_t uses = llvm::range_size(argument.getUses());
  AffineMap size = alloc.getBytes();
  info.bytes = AffineMap::get(
      0, std::max(info.bytes.getNumSymbols(), size.getNumSymbols()),
      info.bytes.getResult(0) - size.getResult(0) * uses);
  exec::setKernelInfo(kernel, info);
}

static void eraseBuffer(exec::AllocOp alloc) {
  for (Operation *view : llvm::make_early_inc_range(alloc->getUsers()))
    view->erase();
  alloc->erase();
}

/// Argument `number` of a kernel and of its dispatches goes, if no part reads
/// it from memory and nobody else at all.
static void keep(func::FuncOp kernel, unsigned number, const RowPlan &plan,
                 MutableArrayRef<exec::DispatchOp> dispatches) {
  BlockArgument argument = kernel.getArgument(number);
  SmallVector<exec::AllocOp> allocs;
  for (exec::DispatchOp dispatch : dispatches)
    allocs.push_back(getOnlyUsed(dispatch, dispatch.getArguments()[number]));
  if (plan.isLoaded(argument) || llvm::is_contained(allocs, nullptr))
    return;
  spareBytes(kernel, argument, allocs.front());
  makeOwn(argument);
  kernel.eraseArgument(number);
  for (auto [dispatch, alloc] : llvm::zip_equal(dispatches, allocs)) {
    dispatch.getArgumentsMutable().erase(number);
    eraseBuffer(alloc);
  }
}

namespace {

struct KeepRowsPass : webgpu::impl::KeepRowsBase<KeepRowsPass> {
  void runOnOperation() override;
};

} // namespace

void KeepRowsPass::runOnOperation() {
  llvm::MapVector<StringRef, SmallVector<exec::DispatchOp>> dispatches;
  getOperation().walk([&](exec::DispatchOp dispatch) {
    if (!dispatch->hasAttr(exec::hostAttrName))
      dispatches[dispatch.getKernel()].push_back(dispatch);
  });
  for (auto &[name, ofKernel] : dispatches) {
    auto kernel = getOperation().lookupSymbol<func::FuncOp>(name);
    if (kernel.getOps<func::CallOp>().empty() || kernel->hasAttr(wholeAttrName))
      continue;
    FailureOr<RowPlan> plan = planRows(kernel);
    if (failed(plan))
      return signalPassFailure();
    for (unsigned i = ofKernel.front().getArguments().size(); i-- > 0;)
      if (isa<MemRefType>(kernel.getArgument(i).getType()))
        keep(kernel, i, *plan, ofKernel);
  }
}
