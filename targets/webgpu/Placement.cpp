//===- Placement.cpp - What runs on the GPU and what does not -------------===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "targets/webgpu/Placement.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "nncc/Dialect/Exec/KernelInfo.h"
#include "targets/webgpu/Kernel.h"
#include "targets/webgpu/OpenLoops.h"
#include "targets/webgpu/Scalars.h"
#include "llvm/ADT/MapVector.h"

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

static bool hasGpuNumbers(func::FuncOp kernel) {
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

StringRef getObstacle(exec::DispatchOp dispatch, func::FuncOp kernel) {
  if (!hasGpuNumbers(kernel))
    return "a GPU has 32 bits for numbers";
  llvm::SmallDenseSet<Value> roots;
  for (Value argument : dispatch.getArguments())
    if (isa<MemRefType>(argument.getType()))
      roots.insert(getRootBuffer(argument));
  return roots.size() > maxBuffers ? "a GPU binds no more than 8 buffers" : "";
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

/// The type of the elements of a tensor in memory.
static Type getSignless(Attribute type) {
  Type element = getElementTypeOrSelf(cast<TypeAttr>(type).getValue());
  return element.isInteger() ? IntegerType::get(type.getContext(),
                                                element.getIntOrFloatBitWidth())
                             : element;
}

SmallVector<BufferUse> Placement::getUses(Operation *op) const {
  SmallVector<BufferUse> uses;
  auto add = [&](OpOperand &operand, bool isHost, bool writes) {
    Type element = cast<MemRefType>(operand.get().getType()).getElementType();
    Value root = getRootBuffer(operand.get());
    // Slots are the host's own.
    Operation *maker = root.getDefiningOp();
    if (!maker || !maker->hasAttr(exec::hostAttrName))
      uses.push_back({&operand, root, element, isHost, writes});
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
    } else if (auto call = dyn_cast<exec::CallExternOp>(inner)) {
      for (auto [i, operand] : llvm::enumerate(call.getBuffersMutable())) {
        add(operand, /*isHost=*/true, /*writes=*/i >= call.getNumInputs());
        uses.back().element = getSignless(call.getTypes()[i]);
      }
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
    auto kernel = module.lookupSymbol<func::FuncOp>(dispatch.getKernel());
    StringRef obstacle = getObstacle(dispatch, kernel);
    if (!obstacle.empty())
      reasons[dispatch] = obstacle;
  });
}

llvm::SetVector<Value> Placement::getShared(Operation *op) const {
  struct Sides {
    bool host = false, gpu = false, written = false;
  };
  llvm::MapVector<Value, Sides> sides;
  for (const BufferUse &use : getUses(op)) {
    Sides &known = sides[use.root];
    (use.onHost ? known.host : known.gpu) = true;
    known.written |= use.writes;
  }
  llvm::SetVector<Value> shared;
  for (auto &[root, known] : sides)
    if (known.host && known.gpu && known.written)
      shared.insert(root);
  return shared;
}

/// Transfers take place between steps only.
void Placement::keepTogether(Operation &step) {
  if (getShared(&step).empty())
    return;
  if (isWorthOpening(step))
    toOpen.push_back(&step);
  step.walk([&](exec::DispatchOp dispatch) {
    reasons.try_emplace(dispatch, "within a loop or branch that the host "
                                  "must follow");
  });
}

/// A readback in each iteration takes as long as a CPU does with some millions
/// of operations. What is not known may be much.
bool Placement::isWorthOpening(Operation &step) const {
  constexpr int64_t fewFlops = 1'000'000;
  bool isBranch = isa<scf::IfOp>(step) && step.getNumResults() == 0;
  if (!isBranch && !isa<scf::ForOp, scf::WhileOp>(step))
    return false;
  int64_t flops = 0;
  step.walk([&](exec::DispatchOp dispatch) {
    if (isOnHost(dispatch))
      return;
    auto kernel =
        ModuleOp(module).lookupSymbol<func::FuncOp>(dispatch.getKernel());
    exec::KernelInfo info = exec::getKernelInfo(kernel);
    if (info.flops)
      flops += info.getConstantFlops().value_or(fewFlops);
  });
  return flops >= fewFlops;
}

Placement::Placement(func::FuncOp program)
    : module(program->getParentOfType<ModuleOp>()) {
  forEachOpenBlock(program, [&](Block &block) { place(block); });
}

void Placement::place(Block &block) {
  for (Operation &step : block) {
    if (isOpenLoop(&step))
      continue;
    placeDispatches(step);
    if (step.getNumRegions() != 0)
      keepTogether(step);
  }
}

} // namespace nncc::webgpu
