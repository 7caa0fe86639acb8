//===- Kernel.cpp - A kernel of the host program as WGSL ------------------===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "targets/webgpu/Kernel.h"

#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Transforms/Passes.h"
#include "nncc/Dialect/Exec/Exec.h"
#include "targets/webgpu/Passes.h"
#include "targets/webgpu/WgslPrinter.h"
#include "llvm/ADT/SetVector.h"

using namespace mlir;

namespace nncc::webgpu {

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

OwningOpRef<ModuleOp> generateKernel(func::FuncOp kernel) {
  OwningOpRef<ModuleOp> module = isolate(kernel);
  PassManager pm(kernel.getContext());
  pm.addPass(createGenerateKernels());
  pm.addPass(createCanonicalizerPass());
  pm.addPass(createCSEPass());
  pm.addPass(createLoopInvariantCodeMotionPass());
  pm.addPass(createWidenBuffers());
  pm.addPass(createCanonicalizerPass());
  pm.addPass(createRaise());
  pm.addPass(createCSEPass());
  if (failed(pm.run(*module)))
    return nullptr;
  auto funcs = llvm::to_vector(module->getOps<func::FuncOp>());
  for (func::FuncOp part : ArrayRef(funcs).drop_front())
    part.erase();
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

FailureOr<CompiledKernel> compileKernel(func::FuncOp kernel) {
  OwningOpRef<ModuleOp> module = generateKernel(kernel);
  if (!module)
    return failure();
  auto func = *module->getOps<func::FuncOp>().begin();
  if (failed(checkLimits(func)))
    return failure();
  CompiledKernel result;
  result.name = makeWgslName(func.getName());
  llvm::raw_string_ostream os(result.wgsl);
  if (failed(printWgsl(func, result.name, os)))
    return failure();
  for (BlockArgument argument : func.getArguments()) {
    if (auto symbol = exec::getSymbolArgument(func, argument))
      result.numSymbols = std::max(result.numSymbols, *symbol + 1);
    if (isa<MemRefType>(argument.getType()))
      result.written.push_back(
          llvm::any_of(argument.getUsers(), [&](Operation *user) {
            return isa<memref::StoreOp>(user);
          }));
  }
  result.workgroups = func->getAttrOfType<AffineMapAttr>(workgroupsAttrName)
                          .getValue()
                          .getResult(0);
  return result;
}

} // namespace nncc::webgpu
