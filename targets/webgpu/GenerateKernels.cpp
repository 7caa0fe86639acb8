//===- GenerateKernels.cpp - Linalg bodies of kernels to threads ----------===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "nncc/Dialect/Exec/Exec.h"
#include "nncc/Kernels/LoopNest.h"
#include "targets/webgpu/Emitters.h"
#include "targets/webgpu/Kernel.h"
#include "targets/webgpu/MergedKernel.h"
#include "targets/webgpu/Passes.h"
#include "targets/webgpu/Scalars.h"
#include "targets/webgpu/WholeKernel.h"

namespace nncc::webgpu {

#define GEN_PASS_DEF_GENERATEKERNELS
#include "targets/webgpu/Passes.h.inc"

} // namespace nncc::webgpu

using namespace mlir;
using namespace nncc;
using namespace nncc::webgpu;

/// The argument's type with elements as they lie in memory; null after a
/// diagnostic.
static Type getArgumentType(func::FuncOp kernel, BlockArgument argument) {
  auto memref = dyn_cast<MemRefType>(argument.getType());
  if (!memref)
    return argument.getType();
  if (kernel.getArgAttr(argument.getArgNumber(), halfAttrName))
    return MemRefType::get(memref.getShape(),
                           Float16Type::get(kernel.getContext()));
  if (Type storage = getStorageType(memref.getElementType()))
    return MemRefType::get(memref.getShape(), storage);
  kernel.emitError("a GPU has no numbers of type ") << memref.getElementType();
  return Type();
}

static LogicalResult storeAsWords(func::FuncOp kernel) {
  for (BlockArgument argument : kernel.getArguments()) {
    Type type = getArgumentType(kernel, argument);
    if (!type)
      return failure();
    argument.setType(type);
  }
  kernel.setFunctionType(FunctionType::get(
      kernel.getContext(), kernel.getBody().front().getArgumentTypes(), {}));
  return success();
}

static unsigned countSymbols(func::FuncOp kernel) {
  unsigned count = 0;
  for (BlockArgument argument : kernel.getArguments())
    if (auto symbol = exec::getSymbolArgument(kernel, argument))
      count = std::max(count, *symbol + 1);
  return count;
}

/// Scalars come as symbols, but for the CPU's grid at the end.
static LogicalResult checkScalars(func::FuncOp kernel) {
  for (BlockArgument argument : kernel.getArguments().drop_back(2))
    if (!isa<MemRefType>(argument.getType()) &&
        !exec::getSymbolArgument(kernel, argument))
      return kernel.emitError("argument ")
             << argument.getArgNumber() << " is neither a buffer nor a symbol";
  return success();
}

static void describe(func::FuncOp kernel, AffineExpr workgroups,
                     int64_t workgroupSize) {
  Builder b(kernel.getContext());
  kernel->setAttr(
      workgroupsAttrName,
      AffineMapAttr::get(AffineMap::get(0, countSymbols(kernel), workgroups)));
  kernel->setAttr(workgroupSizeAttrName, b.getI64IntegerAttr(workgroupSize));
}

static func::FuncOp getCallee(func::CallOp call) {
  return call->getParentOfType<ModuleOp>().lookupSymbol<func::FuncOp>(
      call.getCallee());
}

/// Lets calls see memory of the kernel as what it is.
static void removeCasts(func::FuncOp kernel) {
  for (auto cast :
       llvm::make_early_inc_range(kernel.getOps<memref::CastOp>())) {
    cast.replaceAllUsesWith(cast.getSource());
    cast.erase();
  }
}

/// A kernel that calls others is one that works row by row (MergeRows).
static LogicalResult generateRows(func::FuncOp kernel,
                                  ArrayRef<func::CallOp> calls,
                                  bool useSubgroups) {
  removeCasts(kernel);
  FailureOr<RowPlan> plan = planRows(kernel);
  if (failed(plan) || failed(storeAsWords(kernel)))
    return failure();
  OpBuilder b(kernel.getBody().front().getTerminator());
  FailureOr<AffineExpr> groups =
      emitMergedKernel(b, kernel, *plan, useSubgroups);
  if (failed(groups))
    return failure();
  for (func::CallOp call : calls)
    call.erase();
  describe(kernel, *groups, plan->getShape().workgroupSize());
  return success();
}

/// What a kernel has by itself lies in the memory of its only workgroup.
static LogicalResult moveToWorkgroup(func::FuncOp kernel) {
  auto space = gpu::AddressSpaceAttr::get(kernel.getContext(),
                                          gpu::AddressSpace::Workgroup);
  for (auto own : kernel.getOps<memref::AllocaOp>()) {
    MemRefType type = own.getType();
    Type storage = getStorageType(type.getElementType());
    if (!storage)
      return kernel.emitError("a GPU has no numbers of type ")
             << type.getElementType();
    own.getResult().setType(MemRefType::get(
        type.getShape(), storage, MemRefLayoutAttrInterface(), space));
  }
  return success();
}

/// Of what a kernel has by itself there is one item's part.
static void keepItem(WholePart &part) {
  std::optional<unsigned> item = getItemDim(part.nest);
  auto keep = [&](kernels::Access &access) {
    auto argument = dyn_cast_or_null<BlockArgument>(access.buffer);
    if (argument && part.call.getOperand(argument.getArgNumber())
                        .getDefiningOp<memref::AllocaOp>())
      access.coefs[*item] = getAffineConstantExpr(0, part.call.getContext());
  };
  for (kernels::Stage *stage :
       {&part.nest.main, part.nest.epilogue ? &*part.nest.epilogue : nullptr})
    if (item && stage) {
      llvm::for_each(stage->inputs, keep);
      llvm::for_each(stage->outputs, keep);
    }
}

/// A kernel that calls others of little work (MergeSmall, LoopSmall).
static LogicalResult generateWhole(func::FuncOp kernel,
                                   ArrayRef<func::CallOp> calls) {
  std::vector<WholePart> parts;
  removeCasts(kernel);
  for (func::CallOp call : calls) {
    func::FuncOp callee = getCallee(call);
    FailureOr<kernels::LoopNest> nest = kernels::buildLoopNest(callee);
    if (failed(nest))
      return failure();
    if (!markItem(*nest))
      return callee.emitError("has more than one dimension of open size");
    parts.push_back({callee, call, *nest});
    keepItem(parts.back());
    kernels::collapseDims(parts.back().nest);
  }
  OpBuilder b(kernel.getContext());
  if (failed(storeAsWords(kernel)) || failed(moveToWorkgroup(kernel)))
    return failure();
  FailureOr<WholeShape> shape = emitWholeKernel(b, kernel, parts);
  if (failed(shape))
    return failure();
  for (WholePart &part : parts)
    part.call.erase();
  describe(kernel, shape->items, shape->threads);
  return success();
}

static SmallVector<func::CallOp> getCalls(func::FuncOp kernel) {
  SmallVector<func::CallOp> calls;
  kernel.walk([&](func::CallOp call) { calls.push_back(call); });
  return calls;
}

static LogicalResult generateCalls(func::FuncOp kernel,
                                   ArrayRef<func::CallOp> calls,
                                   bool useSubgroups) {
  return kernel->hasAttr(wholeAttrName)
             ? generateWhole(kernel, calls)
             : generateRows(kernel, calls, useSubgroups);
}

static FailureOr<AffineExpr> emitKernel(OpBuilder &b, func::FuncOp kernel,
                                        const kernels::LoopNest &nest,
                                        const Schedule &schedule) {
  switch (schedule.kind) {
  case Schedule::Kind::Rows:
    return emitRowKernel(b, kernel, nest, schedule);
  case Schedule::Kind::Blocks:
    return emitBlockKernel(b, kernel, nest, schedule);
  case Schedule::Kind::Threads:
    return emitThreadKernel(b, kernel, nest, schedule);
  }
  llvm_unreachable("a kind of schedule");
}

static LogicalResult generate(func::FuncOp kernel, bool useSubgroups) {
  if (failed(checkScalars(kernel)))
    return failure();
  FailureOr<kernels::LoopNest> nest = kernels::buildLoopNest(kernel);
  if (failed(nest))
    return failure();
  kernels::collapseDims(*nest);
  Block &body = kernel.getBody().front();
  SmallVector<Operation *> old;
  for (Operation &op : body.without_terminator())
    old.push_back(&op);
  if (failed(storeAsWords(kernel)))
    return failure();
  OpBuilder b(body.getTerminator());
  Schedule schedule = chooseSchedule(*nest);
  schedule.useSubgroups = useSubgroups;
  FailureOr<AffineExpr> workgroups = emitKernel(b, kernel, *nest, schedule);
  if (failed(workgroups))
    return failure();
  for (Operation *op : llvm::reverse(old))
    op->erase();
  describe(kernel, *workgroups, schedule.workgroupSize);
  return success();
}

namespace {

struct GenerateKernelsPass
    : webgpu::impl::GenerateKernelsBase<GenerateKernelsPass> {
  using Base::Base;

  void runOnOperation() override;
};

} // namespace

void GenerateKernelsPass::runOnOperation() {
  SmallVector<func::FuncOp> simple;
  // Those that call others first: they need them as they are.
  for (auto func : getOperation().getOps<func::FuncOp>()) {
    if (!func->hasAttr(exec::kernelAttrName))
      continue;
    SmallVector<func::CallOp> calls = getCalls(func);
    if (calls.empty())
      simple.push_back(func);
    else if (failed(generateCalls(func, calls, useSubgroups)))
      return signalPassFailure();
  }
  for (func::FuncOp func : simple)
    if (failed(generate(func, useSubgroups)))
      return signalPassFailure();
  // The host program sees the same words.
  getOperation().walk([&](exec::DispatchOp dispatch) {
    for (Value argument : dispatch.getArguments())
      if (auto memref = dyn_cast<MemRefType>(argument.getType()))
        argument.setType(MemRefType::get(
            memref.getShape(), getStorageType(memref.getElementType())));
  });
}
