//===- BindBuffers.cpp - Kernels on whole buffers -------------------------===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "targets/webgpu/KernelRewriter.h"
#include "targets/webgpu/Passes.h"
#include "targets/webgpu/Roots.h"
#include "targets/webgpu/SameKernels.h"

namespace nncc::webgpu {

#define GEN_PASS_DEF_BINDBUFFERS
#include "targets/webgpu/Passes.h.inc"

} // namespace nncc::webgpu

using namespace mlir;
using namespace nncc;
using namespace nncc::webgpu;

namespace {

struct BindBuffersPass : webgpu::impl::BindBuffersBase<BindBuffersPass> {
  void runOnOperation() override;

private:
  LogicalResult bind(exec::DispatchOp dispatch, const Roots &roots,
                     SameKernels &kernels);

  SmallVector<Value> symbols;
  /// The kernels as they were, outside of the module.
  llvm::StringMap<func::FuncOp> originals;
};

} // namespace

LogicalResult BindBuffersPass::bind(exec::DispatchOp dispatch,
                                    const Roots &roots, SameKernels &kernels) {
  func::FuncOp original = originals.lookup(dispatch.getKernel());
  OpBuilder b(dispatch);
  KernelRewriter rewriter(original.clone(), symbols);
  for (auto [number, operand] : llvm::enumerate(dispatch.getArguments())) {
    if (auto view = operand.getDefiningOp<memref::ViewOp>())
      rewriter.addBuffer(b, number, roots.lookup(view), view);
    else
      rewriter.addScalar(number, operand);
  }
  FailureOr<BoundKernel> bound = rewriter.finish(b, dispatch.getLoc());
  if (failed(bound))
    return failure();
  func::FuncOp kernel = kernels.add(bound->kernel, original.getName());
  b.create<exec::DispatchOp>(dispatch.getLoc(), kernel.getName(),
                             dispatch.getGrid(), bound->operands);
  dispatch.erase();
  return success();
}

/// Views that nobody sees any more would keep buffers alive.
static void eraseDead(func::FuncOp program) {
  SmallVector<Operation *> ops;
  program.walk([&](Operation *op) { ops.push_back(op); });
  for (Operation *op : llvm::reverse(ops))
    if (isOpTriviallyDead(op) || (isa<exec::AllocOp>(op) && op->use_empty()))
      op->erase();
}

void BindBuffersPass::runOnOperation() {
  auto program = getOperation().lookupSymbol<func::FuncOp>(exec::programName);
  if (!program)
    return;
  eraseDead(program);
  for (BlockArgument argument : program.getArguments())
    if (exec::getSymbolArgument(program, argument))
      symbols.push_back(argument);
  Roots roots(program);
  if (failed(roots.collect()))
    return signalPassFailure();
  for (auto func :
       llvm::make_early_inc_range(getOperation().getOps<func::FuncOp>()))
    if (func->hasAttr(exec::kernelAttrName) &&
        !func->hasAttr(exec::hostAttrName)) {
      originals[func.getName()] = func;
      func->remove();
    }
  SmallVector<exec::DispatchOp> dispatches;
  program.walk([&](exec::DispatchOp op) {
    if (!op->hasAttr(exec::hostAttrName))
      dispatches.push_back(op);
  });
  SameKernels kernels(getOperation());
  bool isBound = true;
  for (exec::DispatchOp dispatch : dispatches)
    isBound &= succeeded(bind(dispatch, roots, kernels));
  if (!isBound || failed(roots.widen()))
    signalPassFailure();
  for (auto &entry : originals)
    entry.second.erase();
  eraseDead(program);
  originals.clear();
  symbols.clear();
}
