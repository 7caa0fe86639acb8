//===- GenerateKernels.cpp - Linalg bodies of kernels to vector loops -----===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "nncc/Kernels/Passes.h"

#include "RowKernel.h"
#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "nncc/Dialect/Exec/Exec.h"
#include "nncc/Kernels/Emitter.h"
#include "llvm/ADT/StringSet.h"

namespace nncc::kernels {

#define GEN_PASS_DEF_GENERATEKERNELS
#include "nncc/Kernels/Passes.h.inc"

} // namespace nncc::kernels

using namespace mlir;
using namespace nncc;
using namespace nncc::kernels;

/// Number of grid steps: what the tiles of the grid's loops cover.
static AffineExpr getSteps(const LoopNest &nest, const Schedule &schedule,
                           MLIRContext *context) {
  AffineExpr steps = getAffineConstantExpr(1, context);
  for (unsigned level = 0; level < schedule.numGridLoops; ++level)
    steps = steps * schedule.gridSteps(nest, level);
  return steps;
}

static AffineMap getGrid(AffineExpr steps) {
  unsigned numSymbols = 0;
  steps.walk([&](AffineExpr part) {
    if (auto symbol = dyn_cast<AffineSymbolExpr>(part))
      numSymbols = std::max(numSymbols, symbol.getPosition() + 1);
  });
  return AffineMap::get(0, numSymbols, steps);
}

static MemRefType getByteType(Type type) {
  auto memref = dyn_cast<MemRefType>(type);
  if (!memref || !memref.getElementType().isInteger(1))
    return nullptr;
  return MemRefType::get(memref.getShape(),
                         IntegerType::get(type.getContext(), 8));
}

/// In memory a boolean is a byte.
static void storeBooleansAsBytes(func::FuncOp kernel) {
  for (BlockArgument argument : kernel.getArguments())
    if (MemRefType bytes = getByteType(argument.getType()))
      argument.setType(bytes);
  kernel.setFunctionType(FunctionType::get(
      kernel.getContext(), kernel.getBody().front().getArgumentTypes(), {}));
}

namespace {

struct GenerateKernelsPass
    : kernels::impl::GenerateKernelsBase<GenerateKernelsPass> {
  void runOnOperation() override;

private:
  LogicalResult generateKernels();

  llvm::StringMap<AffineMap> grids; ///< by kernel
};

} // namespace

AffineExpr kernels::generateLoops(func::FuncOp kernel, const LoopNest &nest) {
  Schedule schedule = chooseSchedule(nest, ScheduleTable());
  Block &body = kernel.getBody().front();
  storeBooleansAsBytes(kernel);
  SmallVector<Operation *> old;
  for (Operation &op : body.without_terminator())
    if (isa<linalg::GenericOp, linalg::FillOp, memref::AllocOp,
            memref::ReinterpretCastOp>(op))
      old.push_back(&op);
  OpBuilder b(body.getTerminator());
  emitKernel(b, kernel, nest, schedule);
  for (Operation *op : llvm::reverse(old))
    op->erase();
  return getSteps(nest, schedule, kernel.getContext());
}

static FailureOr<AffineExpr> generate(func::FuncOp kernel) {
  FailureOr<LoopNest> nest = buildLoopNest(kernel);
  if (failed(nest))
    return failure();
  for (const Access *access : nest->accesses())
    if (!access->guards.empty())
      return kernel.emitError("a kernel of the CPU reads no padded view");
  collapseDims(*nest);
  joinShortRows(*nest, ScheduleTable());
  return generateLoops(kernel, *nest);
}

static bool callsParts(func::FuncOp kernel) {
  return !kernel.getOps<func::CallOp>().empty();
}

/// A kernel that calls others becomes one that works row by row.
static FailureOr<AffineExpr> generateRows(func::FuncOp kernel) {
  FailureOr<AffineExpr> steps = generateRowKernel(kernel);
  storeBooleansAsBytes(kernel);
  return steps;
}

/// Erases the kernels that others take in and that nothing dispatches.
static void eraseParts(ModuleOp module, const llvm::StringSet<> &parts) {
  llvm::StringSet<> dispatched;
  module.walk([&](exec::DispatchOp dispatch) {
    dispatched.insert(dispatch.getKernel());
  });
  for (auto func : llvm::make_early_inc_range(module.getOps<func::FuncOp>()))
    if (parts.contains(func.getName()) && !dispatched.contains(func.getName()))
      func.erase();
}

LogicalResult GenerateKernelsPass::generateKernels() {
  llvm::StringSet<> parts;
  auto setGrid = [&](func::FuncOp kernel, FailureOr<AffineExpr> steps) {
    if (succeeded(steps))
      grids[kernel.getName()] = getGrid(*steps);
    return LogicalResult(steps);
  };
  // Those that take others in come first, while these are as they were.
  for (auto kernel : getOperation().getOps<func::FuncOp>()) {
    if (!kernel->hasAttr(exec::kernelAttrName) || !callsParts(kernel))
      continue;
    for (auto call : kernel.getOps<func::CallOp>())
      parts.insert(call.getCallee());
    if (failed(setGrid(kernel, generateRows(kernel))))
      return failure();
  }
  eraseParts(getOperation(), parts);
  for (auto kernel : getOperation().getOps<func::FuncOp>())
    if (kernel->hasAttr(exec::kernelAttrName) &&
        !grids.contains(kernel.getName()) &&
        failed(setGrid(kernel, generate(kernel))))
      return failure();
  return success();
}

void GenerateKernelsPass::runOnOperation() {
  if (failed(generateKernels()))
    return signalPassFailure();
  getOperation().walk([&](exec::DispatchOp dispatch) {
    dispatch.setGrid(grids.lookup(dispatch.getKernel()));
    for (Value argument : dispatch.getArguments())
      if (MemRefType bytes = getByteType(argument.getType()))
        argument.setType(bytes);
  });
  grids.clear();
}
