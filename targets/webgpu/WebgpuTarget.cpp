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
#include "nncc/Dialect/Exec/Exec.h"
#include "nncc/Dialect/Exec/Passes.h"
#include "nncc/Kernels/Passes.h"
#include "targets/wasm/WasmTarget.h"
#include "targets/wasm/WeightFile.h"
#include "targets/webgpu/Kernel.h"
#include "targets/webgpu/KernelAttributes.h"
#include "targets/webgpu/Passes.h"
#include "targets/webgpu/Section.h"
#include "targets/webgpu/Spirv.h"
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

  void configure(PipelineOptions &pipeline,
                 const TargetOptions &options) const override {
    // The fallback has the same weights, which transforms would double.
    pipeline.winogradTile = 0;
    // Dispatches are what costs; the fallback is neither faster nor slower.
    pipeline.joinProducts = true;
    // Eight storage buffers are sure: one is for the result, and a product in
    // front reads two in place of one.
    pipeline.maxKernelInputs = 6;
    // What the fallback computes in some milliseconds.
    pipeline.maxScatterTests = 1 << 22;
    pipeline.maxConstantElements = options.bindingBytes / 4;
  }

  bool hasDevice() const override { return true; }

  void buildExec(OpPassManager &pm,
                 const TargetOptions &options) const override {
    pm.addPass(createFoldTransposes());
    pm.addPass(createFuseLookups());
    pm.addPass(createCSEPass());
    // After what fuses; what is left unread goes.
    pm.addPass(createSplitLarge({options.bindingBytes}));
    pm.addPass(createCSEPass());
    pm.addPass(exec::createLinalgToExec({/*guardPads=*/true}));
    pm.addPass(createCutSegments());
    pm.addPass(createBindBuffers());
    pm.addPass(kernels::createMergeRows(
        {maxBuffers, /*asLoop=*/false, options.bindingBytes / 4}));
    pm.addPass(createMergeSmall({options.bindingBytes / 4}));
    // Merged kernels tell what stays within one.
    if (options.storeHalves)
      pm.addPass(createStoreHalves());
    // What only one dispatch uses is f32, and tells what else is.
    pm.addPass(createKeepRows());
    pm.addPass(createLoopSmall());
    pm.addPass(createBindWindows({options.bindingBytes}));
    pm.addPass(exec::createPlanMemory({/*alignment=*/256, /*growing=*/true,
                                       /*page=*/2 * options.bindingBytes}));
    pm.addPass(createCSEPass());
    pm.addPass(createCompileKernels({options.bindingBytes}));
  }

  LogicalResult emit(ModuleOp program, ModuleOp device, const Weights &weights,
                     const TargetOptions &options,
                     StringRef path) const override;
};

} // namespace

static LogicalResult writeKernel(func::FuncOp kernel, StringRef folder,
                                 StringRef name, StringRef bytes) {
  SmallString<128> path(folder);
  llvm::sys::path::append(path, name);
  std::error_code code;
  llvm::raw_fd_ostream os(path, code);
  if (!code) {
    os << bytes;
    os.close();
    code = os.error();
    os.clear_error();
  }
  if (code)
    return kernel.emitError("cannot write '")
           << path << "': " << code.message();
  return success();
}

/// One text for each variant.
static LogicalResult writeWgsl(func::FuncOp kernel, StringRef folder,
                               StringRef number) {
  for (auto variant : kernel->getAttrOfType<ArrayAttr>(variantsAttrName)
                          .getAsRange<DictionaryAttr>()) {
    std::string name =
        (number + "-" + variant.getAs<StringAttr>("name").getValue()).str();
    for (auto feature :
         variant.getAs<ArrayAttr>("features").getAsRange<StringAttr>())
      name += "." + feature.str();
    if (failed(writeKernel(kernel, folder, name + ".wgsl",
                           variant.getAs<StringAttr>("code").getValue())))
      return failure();
  }
  return success();
}

static LogicalResult writeSpirv(func::FuncOp kernel, StringRef folder,
                                StringRef number) {
  FailureOr<SmallVector<uint32_t>> words = compileToSpirv(kernel);
  if (failed(words))
    return failure();
  auto first = cast<DictionaryAttr>(
      kernel->getAttrOfType<ArrayAttr>(variantsAttrName)[0]);
  std::string name =
      (number + "-" + first.getAs<StringAttr>("name").getValue() + ".spv")
          .str();
  StringRef bytes(reinterpret_cast<const char *>(words->data()),
                  words->size() * sizeof(uint32_t));
  return writeKernel(kernel, folder, name, bytes);
}

/// Writes the kernels to files FOLDER/NUMBER-NAME.
static LogicalResult writeKernels(ModuleOp device, Artifact artifact,
                                  StringRef folder) {
  if (std::error_code code = llvm::sys::fs::create_directories(folder))
    return device.emitError("cannot make the folder '")
           << folder << "': " << code.message();
  unsigned count = 0;
  for (auto kernel : device.getOps<func::FuncOp>()) {
    if (!kernel->hasAttr(variantsAttrName))
      continue;
    std::string number = std::to_string(count++);
    auto write = artifact == Artifact::Wgsl ? writeWgsl : writeSpirv;
    if (failed(write(kernel, folder, number)))
      return failure();
  }
  return success();
}

/// The functions of the device's program that run in wasm: those that write
/// the list of dispatches, and the kernels of the host.
static OwningOpRef<ModuleOp> takeHostPart(ModuleOp device) {
  OwningOpRef<ModuleOp> host = ModuleOp::create(device.getLoc());
  for (auto func : llvm::make_early_inc_range(device.getOps<func::FuncOp>())) {
    if (func->hasAttr(exec::kernelAttrName) &&
        !func->hasAttr(exec::hostAttrName))
      continue;
    func->remove();
    host->push_back(func);
  }
  return host;
}

/// Tells the host's part of sizes that data tell, and of the nodes that the
/// program for the CPU, if any, blames for theirs.
static void shareSizes(ModuleOp host, ModuleOp device, ModuleOp program) {
  if (Attribute count = device->getAttr(exec::boundSymbolsAttrName))
    host->setAttr(exec::boundSymbolsAttrName, count);
  Attribute sites = program ? program->getAttr(exec::sitesAttrName) : nullptr;
  if (sites)
    host->setAttr(exec::sitesAttrName, sites);
}

/// Generates the code for the CPU of what the host does.
static LogicalResult generateHostPart(ModuleOp host) {
  auto recorder = host.lookupSymbol<func::FuncOp>(recordName);
  recorder.setName(exec::programName);
  PassManager pm(host.getContext());
  pm.addPass(kernels::createGenerateKernels());
  pm.addPass(exec::createCallExterns());
  pm.addPass(exec::createCallKernels());
  pm.addPass(createBindSymbols());
  pm.addPass(createCSEPass());
  LogicalResult result = pm.run(host);
  recorder.setName(recordName);
  return result;
}

/// Gives the calls of functions outside numbers behind those of the program.
static LogicalResult joinExterns(ModuleOp host, ModuleOp program) {
  auto getCalls = [](ModuleOp module) {
    auto calls = module->getAttrOfType<ArrayAttr>(exec::externsAttrName);
    return calls ? llvm::to_vector(calls) : SmallVector<Attribute>();
  };
  SmallVector<Attribute> calls = getCalls(program), more = getCalls(host);
  SymbolTable symbols(host);
  // From the last on, so that no two have the same name in between.
  for (unsigned i = more.size(); i-- > 0;) {
    auto getName = [](unsigned number) {
      return (exec::externPrefix + Twine(number)).str();
    };
    if (!calls.empty() && failed(symbols.rename(symbols.lookup(getName(i)),
                                                getName(calls.size() + i))))
      return failure();
  }
  llvm::append_range(calls, more);
  if (!calls.empty())
    program->setAttr(exec::externsAttrName,
                     ArrayAttr::get(program.getContext(), calls));
  return success();
}

/// Moves the functions of the host's part into the program for the CPU.
static LogicalResult join(ModuleOp host, ModuleOp program) {
  if (failed(joinExterns(host, program)))
    return failure();
  if (Attribute sites = host->getAttr(exec::sitesAttrName))
    program->setAttr(exec::sitesAttrName, sites);
  SymbolTable symbols(host), others(program);
  for (auto func : llvm::make_early_inc_range(host.getOps<func::FuncOp>())) {
    if (func->hasAttr(exec::hostAttrName) &&
        failed(symbols.renameToUnique(func, {&others})))
      return failure();
    for (unsigned i = 0; i < func.getNumArguments(); ++i)
      func.setArgAttrs(i, ArrayRef<NamedAttribute>());
  }
  for (auto func : llvm::make_early_inc_range(host.getOps<func::FuncOp>())) {
    func->remove();
    // Both may call the same function of the runtime.
    if (func.isExternal() && others.lookup(func.getName()))
      func.erase();
    else
      program.push_back(func);
  }
  return success();
}

LogicalResult WebgpuTarget::emit(ModuleOp program, ModuleOp device,
                                 const Weights &weights,
                                 const TargetOptions &options,
                                 StringRef path) const {
  if (!device)
    return wasm::emitModule(program, weights, options, nullptr, path);
  if (options.artifact == Artifact::Wgsl || options.artifact == Artifact::Spirv)
    return writeKernels(device, options.artifact, path);
  PassManager pm(device.getContext());
  pm.addPass(createRecord({static_cast<uint64_t>(options.bindingBytes)}));
  pm.addPass(createCSEPass());
  if (failed(pm.run(device)))
    return failure();
  wasm::GpuPart gpu;
  gpu.hasFallback = static_cast<bool>(program);
  gpu.section = printSection(
      device,
      options.externalWeights ? wasm::getWeightFileHeader(weights).size() : 0);
  gpu.commands =
      device->getAttrOfType<DenseI32ArrayAttr>(commandsAttrName).asArrayRef();
  OwningOpRef<ModuleOp> host = takeHostPart(device), alone;
  shareSizes(*host, device, program);
  if (failed(generateHostPart(*host)))
    return failure();
  if (!program) {
    alone = ModuleOp::create(device.getLoc());
    (*alone)->setDiscardableAttrs(device->getDiscardableAttrDictionary());
    program = *alone;
  }
  if (failed(join(*host, program)))
    return failure();
  return wasm::emitModule(program, weights, options, &gpu, path);
}

const nncc::Target &nncc::webgpu::getWebgpuTarget() {
  static const WebgpuTarget target;
  return target;
}
