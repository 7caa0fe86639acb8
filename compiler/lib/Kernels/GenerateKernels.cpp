//===- GenerateKernels.cpp - Linalg bodies of kernels to vector loops -----===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "nncc/Kernels/Passes.h"

#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "nncc/Dialect/Exec/Exec.h"
#include "nncc/Kernels/Emitter.h"

namespace nncc::kernels {

#define GEN_PASS_DEF_GENERATEKERNELS
#include "nncc/Kernels/Passes.h.inc"

} // namespace nncc::kernels

using namespace mlir;
using namespace nncc;
using namespace nncc::kernels;

/// Number of grid steps: what the tiles of the grid's loops cover.
static AffineMap getGrid(const LoopNest &nest, const Schedule &schedule,
                         MLIRContext *context) {
  AffineExpr steps = getAffineConstantExpr(1, context);
  unsigned numSymbols = 0;
  ArrayRef<unsigned> loops(schedule.parallelOrder);
  for (unsigned dim : loops.take_front(schedule.numGridLoops)) {
    bool isInner = dim == loops[schedule.numGridLoops - 1];
    steps =
        steps * nest.dims[dim].size.ceilDiv(isInner ? schedule.gridUnit() : 1);
  }
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
  FailureOr<AffineMap> generate(func::FuncOp kernel);
};

} // namespace

FailureOr<AffineMap> GenerateKernelsPass::generate(func::FuncOp kernel) {
  FailureOr<LoopNest> nest = buildLoopNest(kernel);
  if (failed(nest))
    return failure();
  collapseDims(*nest);
  ScheduleTable table;
  joinShortRows(*nest, table);
  Schedule schedule = chooseSchedule(*nest, table);

  Block &body = kernel.getBody().front();
  storeBooleansAsBytes(kernel);
  SmallVector<Operation *> old;
  for (Operation &op : body.without_terminator())
    if (isa<linalg::GenericOp, linalg::FillOp, memref::AllocOp,
            memref::ReinterpretCastOp>(op))
      old.push_back(&op);
  OpBuilder b(body.getTerminator());
  emitKernel(b, kernel, *nest, schedule);
  for (Operation *op : llvm::reverse(old))
    op->erase();
  return getGrid(*nest, schedule, &getContext());
}

void GenerateKernelsPass::runOnOperation() {
  llvm::StringMap<AffineMap> grids;
  for (auto func : getOperation().getOps<func::FuncOp>()) {
    if (!func->hasAttr(exec::kernelAttrName))
      continue;
    FailureOr<AffineMap> grid = generate(func);
    if (failed(grid))
      return signalPassFailure();
    grids[func.getName()] = *grid;
  }
  getOperation().walk([&](exec::DispatchOp dispatch) {
    dispatch.setGrid(grids.lookup(dispatch.getKernel()));
    for (Value argument : dispatch.getArguments())
      if (MemRefType bytes = getByteType(argument.getType()))
        argument.setType(bytes);
  });
}
