//===- Placement.cpp - What runs on the GPU and what does not -------------===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "targets/webgpu/Placement.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "targets/webgpu/Scalars.h"

using namespace mlir;

namespace nncc::webgpu {

Value getRootBuffer(Value view) {
  while (auto op = view.getDefiningOp<memref::ViewOp>())
    view = op.getSource();
  return view;
}

static bool isGpuType(Type type) {
  if (auto shaped = dyn_cast<ShapedType>(type))
    return getStorageType(shaped.getElementType()) != Type();
  return !type.isIntOrFloat() || getStorageType(type);
}

bool canRunOnGpu(func::FuncOp kernel) {
  for (BlockArgument argument : kernel.getArguments())
    if (!isa<MemRefType, IndexType>(argument.getType()))
      return false;
  WalkResult result = kernel.walk([&](Operation *op) {
    for (TypeRange types :
         {TypeRange(op->getOperandTypes()), TypeRange(op->getResultTypes())})
      if (!llvm::all_of(types, isGpuType))
        return WalkResult::interrupt();
    auto constant = dyn_cast<arith::ConstantOp>(op);
    return constant && !isGpuConstant(constant) ? WalkResult::interrupt()
                                                : WalkResult::advance();
  });
  return !result.wasInterrupted();
}

const llvm::BitVector &Placement::getWritten(StringRef kernel) const {
  auto [entry, added] = written.try_emplace(kernel);
  if (!added)
    return entry->second;
  auto func = ModuleOp(module).lookupSymbol<func::FuncOp>(kernel);
  entry->second.resize(func.getNumArguments());
  for (BlockArgument argument : func.getArguments())
    for (Operation *view : argument.getUsers())
      for (OpOperand &use : view->getUses())
        if (auto op = dyn_cast<DestinationStyleOpInterface>(use.getOwner()))
          if (op.isDpsInit(&use))
            entry->second.set(argument.getArgNumber());
  return entry->second;
}

SmallVector<BufferUse> Placement::getUses(Operation *op) const {
  SmallVector<BufferUse> uses;
  auto add = [&](OpOperand &operand, bool isHost, bool writes) {
    uses.push_back({&operand, getRootBuffer(operand.get()), isHost, writes});
  };
  op->walk([&](Operation *inner) {
    if (auto dispatch = dyn_cast<exec::DispatchOp>(inner)) {
      const llvm::BitVector &writes = getWritten(dispatch.getKernel());
      for (auto [i, operand] : llvm::enumerate(dispatch.getArgumentsMutable()))
        if (isa<MemRefType>(operand.get().getType()))
          add(operand, isOnHost(dispatch), writes[i]);
    } else if (auto load = dyn_cast<memref::LoadOp>(inner)) {
      add(load.getMemrefMutable(), /*isHost=*/true, /*writes=*/false);
    } else if (auto store = dyn_cast<memref::StoreOp>(inner)) {
      add(store.getMemrefMutable(), /*isHost=*/true, /*writes=*/true);
    } else if (isa<func::ReturnOp>(inner)) {
      for (OpOperand &operand : inner->getOpOperands())
        if (isa<MemRefType>(operand.get().getType()))
          add(operand, /*isHost=*/false, /*writes=*/false);
    }
  });
  return uses;
}

void Placement::placeDispatches(Operation &step) {
  step.walk([&](exec::DispatchOp dispatch) {
    if (!canRunOnGpu(module.lookupSymbol<func::FuncOp>(dispatch.getKernel())))
      reasons[dispatch] = "a GPU has 32 bits for numbers";
  });
}

/// Transfers take place between steps only.
void Placement::keepTogether(Operation &step) {
  struct Sides {
    bool host = false, gpu = false, written = false;
  };
  llvm::DenseMap<Value, Sides> sides;
  for (const BufferUse &use : getUses(&step)) {
    Sides &known = sides[use.root];
    (use.onHost ? known.host : known.gpu) = true;
    known.written |= use.writes;
  }
  bool isMixed = llvm::any_of(sides, [](auto &entry) {
    const Sides &known = entry.second;
    return known.host && known.gpu && known.written;
  });
  if (isMixed)
    step.walk([&](exec::DispatchOp dispatch) {
      reasons.try_emplace(dispatch, "within a loop or branch that the host "
                                    "must follow");
    });
}

Placement::Placement(func::FuncOp program)
    : module(program->getParentOfType<ModuleOp>()) {
  for (Operation &step : program.getBody().front()) {
    placeDispatches(step);
    if (step.getNumRegions() != 0)
      keepTogether(step);
  }
}

} // namespace nncc::webgpu
