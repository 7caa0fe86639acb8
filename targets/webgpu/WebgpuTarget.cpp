//===- WebgpuTarget.cpp - Kernels for GPUs of browsers --------------------===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "targets/webgpu/WebgpuTarget.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Transforms/Passes.h"
#include "nncc/Conversion/LinalgToExec/LinalgToExec.h"
#include "nncc/Dialect/Exec/Passes.h"
#include "targets/wasm/WasmTarget.h"
#include "targets/wasm/WeightFile.h"
#include "targets/webgpu/KernelAttributes.h"
#include "targets/webgpu/Passes.h"
#include "targets/webgpu/Section.h"
#include "llvm/ADT/SmallString.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"

using namespace mlir;
using namespace nncc;
using namespace nncc::webgpu;

namespace {

class WebgpuTarget : public nncc::Target {
public:
  StringRef getName() const override { return "webgpu"; }

  /// Of the fallback.
  ArrayRef<StringRef> getFeatures() const override {
    return wasm::getWasmTarget().getFeatures();
  }

  void configure(PipelineOptions &options) const override {
    // The fallback has the same weights, which transforms would double.
    options.winogradTile = 0;
    // Eight storage buffers are sure; one is for the result.
    options.maxKernelInputs = 7;
  }

  bool hasDevice() const override { return true; }

  void buildExec(OpPassManager &pm) const override {
    pm.addPass(exec::createLinalgToExec());
    pm.addPass(createBindBuffers());
    pm.addPass(createMergeRows());
    pm.addPass(exec::createPlanMemory({/*alignment=*/256}));
    pm.addPass(createCSEPass());
    pm.addPass(createCompileKernels());
  }

  LogicalResult emit(ModuleOp program, ModuleOp device, const Weights &weights,
                     const TargetOptions &options,
                     StringRef path) const override;
};

} // namespace

/// Writes DIR/NAME.wgsl for each variant of each kernel.
static LogicalResult writeKernels(ModuleOp device, StringRef folder) {
  if (std::error_code code = llvm::sys::fs::create_directories(folder))
    return device.emitError("cannot make the folder '")
           << folder << "': " << code.message();
  unsigned number = 0;
  for (auto kernel : device.getOps<func::FuncOp>()) {
    auto variants = kernel->getAttrOfType<ArrayAttr>(variantsAttrName);
    if (!variants)
      continue;
    for (auto variant : variants.getAsRange<DictionaryAttr>()) {
      std::string name = std::to_string(number) + "-" +
                         variant.getAs<StringAttr>("name").str();
      for (auto feature :
           variant.getAs<ArrayAttr>("features").getAsRange<StringAttr>())
        name += "." + feature.str();
      SmallString<128> path(folder);
      llvm::sys::path::append(path, name + ".wgsl");
      std::error_code code;
      llvm::raw_fd_ostream os(path, code);
      if (code)
        return device.emitError("cannot write '")
               << path << "': " << code.message();
      os << variant.getAs<StringAttr>("code").getValue();
    }
    ++number;
  }
  return success();
}

/// Moves the functions that write the list of dispatches into the program for
/// the CPU.
static void moveRecorder(ModuleOp device, ModuleOp program) {
  for (auto func : llvm::make_early_inc_range(device.getOps<func::FuncOp>())) {
    if (func->hasAttr(variantsAttrName))
      continue;
    func->remove();
    for (unsigned i = 0; i < func.getNumArguments(); ++i)
      func.setArgAttrs(i, ArrayRef<NamedAttribute>());
    program.push_back(func);
  }
}

LogicalResult WebgpuTarget::emit(ModuleOp program, ModuleOp device,
                                 const Weights &weights,
                                 const TargetOptions &options,
                                 StringRef path) const {
  if (!device)
    return wasm::emitModule(program, weights, options, nullptr, path);
  if (options.artifact == Artifact::Wgsl)
    return writeKernels(device, path);
  PassManager pm(device.getContext());
  pm.addPass(createRecord());
  pm.addPass(createCSEPass());
  if (failed(pm.run(device)))
    return failure();
  wasm::GpuPart gpu;
  gpu.hasFallback = static_cast<bool>(program);
  gpu.section =
      printSection(device, options.externalWeights
                               ? wasm::getWeightFileHeader(weights.size).size()
                               : 0);
  gpu.commands =
      device->getAttrOfType<DenseI32ArrayAttr>(commandsAttrName).asArrayRef();
  OwningOpRef<ModuleOp> host;
  if (!program) {
    host = ModuleOp::create(device.getLoc());
    (*host)->setDiscardableAttrs(device->getDiscardableAttrDictionary());
    program = *host;
  }
  moveRecorder(device, program);
  return wasm::emitModule(program, weights, options, &gpu, path);
}

const nncc::Target &nncc::webgpu::getWebgpuTarget() {
  static const WebgpuTarget target;
  return target;
}
