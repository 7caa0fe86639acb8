//===- StoreHalves.cpp - Tensors in elements of 16 bits -------------------===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/IR/SymbolTable.h"
#include "nncc/Dialect/Exec/KernelInfo.h"
#include "targets/webgpu/DelicateTensors.h"
#include "targets/webgpu/Kernel.h"
#include "targets/webgpu/Passes.h"
#include "targets/webgpu/WordWeights.h"
#include "llvm/ADT/MapVector.h"

namespace nncc::webgpu {

#define GEN_PASS_DEF_STOREHALVES
#include "targets/webgpu/Passes.h.inc"

} // namespace nncc::webgpu

using namespace mlir;
using namespace nncc;
using namespace nncc::webgpu;

namespace {

struct StoreHalvesPass : webgpu::impl::StoreHalvesBase<StoreHalvesPass> {
  void runOnOperation() override;

private:
  void collect(func::FuncOp program);
  void mark(func::FuncOp kernel, ArrayRef<exec::DispatchOp> dispatches);

  /// The memory of the tensors that become halves.
  llvm::SetVector<Value> halves;
};

} // namespace

/// Whether `memory` is seen by the GPU alone, in dispatches, as floats.
static bool isForKernels(Value memory) {
  for (Operation *user : memory.getUsers()) {
    auto view = dyn_cast<memref::ViewOp>(user);
    if (!view || !isa<FloatType>(view.getType().getElementType()) ||
        !llvm::all_of(view->getUsers(), [](Operation *reader) {
          return isa<exec::DispatchOp>(reader) &&
                 !reader->hasAttr(exec::hostAttrName);
        }))
      return false;
  }
  return !memory.use_empty();
}

/// Scalars and filters of a few taps are nothing to read, but an error in one
/// of them is in all that is computed with it.
static bool isSmall(ElementsAttr weight) { return weight.size() <= 16; }

void StoreHalvesPass::collect(func::FuncOp program) {
  DelicateTensors delicate(program);
  program.walk([&](Operation *op) {
    if (!isa<exec::AllocOp, exec::WeightOp>(op) ||
        op->hasAttr(exec::hostAttrName))
      return;
    Value memory = op->getResult(0);
    if (!isForKernels(memory) || delicate.contains(memory))
      return;
    if (auto weight = dyn_cast<exec::WeightOp>(op)) {
      ElementsAttr value;
      if (!isSmall(weight.getValue()))
        value = toHalves(weight.getValue());
      if (!value)
        return;
      weight.setValueAttr(value);
    } else {
      auto alloc = cast<exec::AllocOp>(op);
      AffineMap words = alloc.getBytes();
      alloc.setBytes(AffineMap::get(0, words.getNumSymbols(),
                                    words.getResult(0).floorDiv(2)));
    }
    halves.insert(memory);
  });
}

/// The elements that a kernel and its parts touch in an argument, as far as
/// they do not depend on symbols.
static int64_t countElements(ModuleOp module, BlockArgument argument) {
  int64_t count = 0;
  for (OpOperand &use : argument.getUses()) {
    if (auto call = dyn_cast<func::CallOp>(use.getOwner())) {
      auto callee = module.lookupSymbol<func::FuncOp>(call.getCallee());
      count +=
          countElements(module, callee.getArgument(use.getOperandNumber()));
    } else if (auto view = dyn_cast<memref::ReinterpretCastOp>(use.getOwner());
               view && view.getType().hasStaticShape()) {
      count += view.getType().getNumElements();
    }
  }
  return count;
}

/// Gives a kernel that is dispatched with `isHalf` arguments of this type, and
/// takes what that saves off its bytes.
static void setHalves(ModuleOp module, func::FuncOp kernel,
                      const llvm::BitVector &isHalf) {
  int64_t saved = 0;
  for (unsigned number : isHalf.set_bits()) {
    kernel.setArgAttr(number, halfAttrName, UnitAttr::get(kernel.getContext()));
    saved += 2 * countElements(module, kernel.getArgument(number));
  }
  exec::KernelInfo info = exec::getKernelInfo(kernel);
  if (!info.bytes || saved == 0)
    return;
  info.bytes =
      AffineMap::get(info.bytes.getNumDims(), info.bytes.getNumSymbols(),
                     info.getBytes() - saved);
  exec::setKernelInfo(kernel, info);
}

/// A kernel becomes one for each choice of types that its dispatches make.
void StoreHalvesPass::mark(func::FuncOp kernel,
                           ArrayRef<exec::DispatchOp> dispatches) {
  SmallVector<std::pair<llvm::BitVector, func::FuncOp>> versions;
  for (exec::DispatchOp dispatch : dispatches) {
    llvm::BitVector isHalf(dispatch.getArguments().size());
    for (auto [i, argument] : llvm::enumerate(dispatch.getArguments()))
      if (auto view = argument.getDefiningOp<memref::ViewOp>())
        isHalf[i] = halves.contains(view.getSource());
    auto known = llvm::find_if(
        versions, [&](const auto &version) { return version.first == isHalf; });
    if (known == versions.end()) {
      func::FuncOp version = kernel;
      if (!versions.empty()) {
        version = kernel.clone();
        SymbolTable(getOperation()).insert(version);
      }
      versions.push_back({isHalf, version});
      known = std::prev(versions.end());
    }
    dispatch.setKernel(known->second.getName());
  }
  for (auto &[isHalf, version] : versions)
    setHalves(getOperation(), version, isHalf);
}

void StoreHalvesPass::runOnOperation() {
  auto program = getOperation().lookupSymbol<func::FuncOp>(exec::programName);
  if (!program)
    return;
  collect(program);
  llvm::MapVector<StringRef, SmallVector<exec::DispatchOp>> dispatches;
  program.walk([&](exec::DispatchOp dispatch) {
    if (!dispatch->hasAttr(exec::hostAttrName))
      dispatches[dispatch.getKernel()].push_back(dispatch);
  });
  for (auto &[name, ofKernel] : dispatches)
    mark(getOperation().lookupSymbol<func::FuncOp>(name), ofKernel);
  halves.clear();
}
