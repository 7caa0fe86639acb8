//===- StoreHalves.cpp - Tensors in elements of 16 bits -------------------===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/IR/SymbolTable.h"
#include "nncc/Dialect/Exec/Exec.h"
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
      ElementsAttr value = toHalves(weight.getValue());
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

/// Gives a kernel that is dispatched with `isHalf` arguments of this type.
static void setHalves(func::FuncOp kernel, const llvm::BitVector &isHalf) {
  for (unsigned number : isHalf.set_bits())
    kernel.setArgAttr(number, halfAttrName, UnitAttr::get(kernel.getContext()));
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
    setHalves(version, isHalf);
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
