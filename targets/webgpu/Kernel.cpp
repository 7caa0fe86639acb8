//===- Kernel.cpp - A kernel of the host program as WGSL ------------------===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "targets/webgpu/Kernel.h"

#include "mlir/Conversion/AffineToStandard/AffineToStandard.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Transforms/Passes.h"
#include "nncc/Dialect/Exec/Exec.h"
#include "targets/webgpu/Passes.h"
#include "targets/webgpu/WgslPrinter.h"
#include "llvm/ADT/SetVector.h"
#include "llvm/ADT/StringRef.h"

using namespace mlir;

namespace nncc::webgpu {

int64_t getBindingBytes(func::FuncOp kernel, BlockArgument argument) {
  auto type = dyn_cast<MemRefType>(argument.getType());
  if (!type || !type.hasStaticShape())
    return 0;
  bool isHalf =
      kernel.getArgAttr(argument.getArgNumber(), halfAttrName) != nullptr;
  return type.getNumElements() * (isHalf ? 2 : 4);
}

/// The kernel first, then the parts that it calls.
static OwningOpRef<ModuleOp> isolate(func::FuncOp kernel) {
  OwningOpRef<ModuleOp> module = ModuleOp::create(kernel.getLoc());
  module->push_back(kernel.clone());
  // What it calls becomes a part of it.
  auto source = kernel->getParentOfType<ModuleOp>();
  llvm::SetVector<StringRef> callees;
  kernel.walk([&](func::CallOp call) { callees.insert(call.getCallee()); });
  for (StringRef callee : callees)
    module->push_back(source.lookupSymbol<func::FuncOp>(callee).clone());
  return module;
}

/// The kernel in a module of its own, as code for threads that is not raised
/// yet; null after a diagnostic.
static OwningOpRef<ModuleOp> shareAmongThreads(func::FuncOp kernel,
                                               bool useSubgroups) {
  OwningOpRef<ModuleOp> module = isolate(kernel);
  PassManager pm(kernel.getContext());
  pm.addPass(createGenerateKernels({useSubgroups}));
  // Bodies number elements of what was reshaped with affine.apply.
  pm.addPass(createLowerAffinePass());
  pm.addPass(createCanonicalizerPass());
  pm.addPass(createCSEPass());
  pm.addPass(createLoopInvariantCodeMotionPass());
  pm.addPass(createWidenBuffers());
  pm.addPass(createCanonicalizerPass());
  if (failed(pm.run(*module)))
    return nullptr;
  auto funcs = llvm::to_vector(module->getOps<func::FuncOp>());
  for (func::FuncOp part : ArrayRef(funcs).drop_front())
    part.erase();
  return module;
}

static LogicalResult raise(ModuleOp module, bool hasHalves) {
  PassManager pm(module.getContext());
  if (!hasHalves)
    pm.addPass(createPackHalves());
  pm.addPass(createRaise());
  pm.addPass(createCSEPass());
  return pm.run(module);
}

OwningOpRef<ModuleOp> generateKernel(func::FuncOp kernel) {
  OwningOpRef<ModuleOp> module =
      shareAmongThreads(kernel, /*useSubgroups=*/false);
  if (!module || failed(raise(*module, /*hasHalves=*/true)))
    return nullptr;
  return module;
}

/// Whether every WebGPU device has what the kernel needs.
static LogicalResult checkLimits(func::FuncOp kernel) {
  constexpr int64_t maxThreads = 256, maxBytes = 16384;
  int64_t buffers = llvm::count_if(kernel.getArgumentTypes(), [](Type type) {
    return isa<MemRefType>(type);
  });
  int64_t threads =
      kernel->getAttrOfType<IntegerAttr>(workgroupSizeAttrName).getInt();
  int64_t bytes = 0;
  kernel.walk([&](memref::AllocaOp alloca) {
    int64_t numLanes = 1;
    if (auto vector = dyn_cast<VectorType>(alloca.getType().getElementType()))
      numLanes = vector.getNumElements();
    bytes += alloca.getType().getNumElements() * numLanes * 4;
  });
  auto check = [&](int64_t count, int64_t most,
                   StringRef what) -> LogicalResult {
    if (count <= most)
      return success();
    return kernel.emitError("needs ")
           << count << " " << what << "; " << most
           << " are what every GPU has. --target=wasm computes it";
  };
  return success(succeeded(check(buffers, maxBuffers, "buffers")) &&
                 succeeded(check(threads, maxThreads, "threads a workgroup")) &&
                 succeeded(check(bytes, maxBytes, "bytes a workgroup")));
}

static func::FuncOp getKernel(ModuleOp module) {
  return *module.getOps<func::FuncOp>().begin();
}

static bool hasHalves(func::FuncOp kernel) {
  return llvm::any_of(kernel.getArgumentTypes(), [](Type type) {
    auto memref = dyn_cast<MemRefType>(type);
    return memref && getElementTypeOrSelf(memref.getElementType()).isF16();
  });
}

/// Whether subgroups would spare the kernel a tree.
static bool hasTree(func::FuncOp kernel) {
  return kernel
      .walk([](gpu::BarrierOp barrier) {
        return barrier->hasAttr(treeAttrName) ? WalkResult::interrupt()
                                              : WalkResult::advance();
      })
      .wasInterrupted();
}

/// Raises and prints the kernel of `module`, which is used up.
static LogicalResult addVariant(CompiledKernel &kernel, ModuleOp module,
                                bool hasHalves, bool useSubgroups) {
  KernelVariant variant;
  if (hasHalves)
    variant.features.push_back("shader-f16");
  if (useSubgroups)
    llvm::append_values(variant.features, "subgroups", "subgroup_id");
  llvm::raw_string_ostream os(variant.wgsl);
  if (failed(raise(module, hasHalves)) ||
      failed(printWgsl(getKernel(module), kernel.name, os)))
    return failure();
  kernel.variants.push_back(std::move(variant));
  return success();
}

FailureOr<CompiledKernel> compileKernel(func::FuncOp kernel) {
  OwningOpRef<ModuleOp> module =
      shareAmongThreads(kernel, /*useSubgroups=*/false);
  if (!module)
    return failure();
  func::FuncOp func = getKernel(*module);
  if (failed(checkLimits(func)))
    return failure();
  CompiledKernel result;
  result.name = makeWgslName(func.getName());
  for (BlockArgument argument : func.getArguments())
    if (auto symbol = exec::getSymbolArgument(func, argument))
      result.numSymbols = std::max(result.numSymbols, *symbol + 1);
  result.workgroups = func->getAttrOfType<AffineMapAttr>(workgroupsAttrName)
                          .getValue()
                          .getResult(0);
  bool isHalf = hasHalves(func);
  if (hasTree(func)) {
    OwningOpRef<ModuleOp> other =
        shareAmongThreads(kernel, /*useSubgroups=*/true);
    if (!other ||
        failed(addVariant(result, *other, isHalf, /*useSubgroups=*/true)))
      return failure();
  }
  if (isHalf) {
    OwningOpRef<ModuleOp> copy = module->clone();
    if (failed(addVariant(result, *copy, isHalf, /*useSubgroups=*/false)))
      return failure();
  }
  if (failed(addVariant(result, *module, /*hasHalves=*/false,
                        /*useSubgroups=*/false)))
    return failure();
  return result;
}

} // namespace nncc::webgpu
