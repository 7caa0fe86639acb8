//===- WasmTarget.cpp - SIMD code that any wasm host runs -----------------===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "targets/wasm/WasmTarget.h"

#include "targets/wasm/CHeader.h"
#include "targets/wasm/Codegen.h"
#include "targets/wasm/CompileUnits.h"
#include "targets/wasm/Component.h"
#include "targets/wasm/Embed.h"
#include "targets/wasm/EntryPoints.h"
#include "targets/wasm/ExternCalls.h"
#include "targets/wasm/Link.h"
#include "targets/wasm/ModuleWriter.h"
#include "targets/wasm/ParallelCalls.h"
#include "targets/wasm/Passes.h"
#include "targets/wasm/SizeCalls.h"
#include "targets/wasm/Translate.h"
#include "targets/wasm/Units.h"
#include "targets/wasm/WeightFile.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/IR/Matchers.h"
#include "mlir/Pass/PassManager.h"
#include "llvm/ADT/SmallString.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"

using namespace mlir;
using namespace nncc;
using namespace nncc::wasm;

namespace {

/// The steps of one emission; an error of LLVM or of the file system becomes a
/// diagnostic at the program.
class Emission {
public:
  Emission(ModuleOp program, const Weights &weights,
           const TargetOptions &options, Feature feature, const GpuPart *gpu)
      : program(program), weights(weights), options(options), feature(feature),
        gpu(gpu) {}

  LogicalResult emit(StringRef path);

private:
  LogicalResult lower();
  LogicalResult generate(StringRef weightHash);
  LogicalResult generateObject(StringRef prefix);
  LogicalResult writeLLVM(StringRef path);
  LogicalResult writeObject(StringRef path);
  bool wantsVariants() const;
  FailureOr<std::string> makeVariants(ArrayRef<Unit> units, StringRef probe,
                                      CodeCache &cache);
  LinkOptions getLinkOptions(bool hasVariants) const;
  LogicalResult writeModules(StringRef path);
  LogicalResult
  writeComponent(StringRef path,
                 function_ref<llvm::Error(raw_ostream &)> writeModule);
  LogicalResult writeFile(StringRef path,
                          function_ref<llvm::Error(raw_ostream &)> write);
  LogicalResult fail(llvm::Error error) {
    return program.emitError(llvm::toString(std::move(error)));
  }
  ModuleInfo describeModule(StringRef weightHash);

  ModuleOp program;
  const Weights &weights;
  const TargetOptions &options;
  const Feature feature;
  const GpuPart *gpu; ///< May be null.
  Signature signature;
  std::string signatureText, weightFile;
  std::unique_ptr<llvm::TargetMachine> machine;
  llvm::LLVMContext context;
  std::unique_ptr<llvm::Module> code;
};

class WasmTarget : public nncc::Target {
public:
  StringRef getName() const override { return "wasm"; }

  ArrayRef<StringRef> getFeatures() const override {
    static const StringRef features[] = {"simd128", "scalar", "relaxed-simd"};
    return features;
  }

  void configure(PipelineOptions &pipeline,
                 const TargetOptions &options) const override {
    // Only modules have a first run, in which they are widened.
    pipeline.storesHalves = options.artifact == Artifact::Module ||
                            options.artifact == Artifact::Component;
  }

  LogicalResult emit(ModuleOp program, ModuleOp, const Weights &weights,
                     const TargetOptions &options,
                     StringRef path) const override {
    return emitModule(program, weights, options, nullptr, path);
  }
};

} // namespace

LogicalResult Emission::lower() {
  FailureOr<Signature> read = readSignature(program);
  if (failed(read))
    return failure();
  signature = std::move(*read);
  if (options.artifact == Artifact::Object && !signature.boundSymbols.empty())
    return program.emitError("the network has sizes that its data tell, which "
                             "need a runtime that an object has not: compile a "
                             "module");
  signature.state = options.state;
  if (failed(checkState(program, signature)))
    return failure();
  PassManager pm(program.getContext());
  LoweringOptions lowering;
  lowering.relaxedMadd = feature == Feature::RelaxedSimd && !options.strictFP;
  lowering.simd = feature != Feature::Scalar;
  buildLowerToLLVMPipeline(pm, lowering);
  return pm.run(program);
}

/// The size of the arena if it is the same for all inputs.
static std::optional<int64_t> getConstantArenaBytes(ModuleOp program) {
  auto func = program.lookupSymbol<LLVM::LLVMFuncOp>("nncc_arena_bytes");
  if (!func)
    func = program.lookupSymbol<LLVM::LLVMFuncOp>("nncc_gpu_arena_bytes");
  if (!func || func.isExternal())
    return std::nullopt;
  auto result = dyn_cast<LLVM::ReturnOp>(func.getBody().back().getTerminator());
  APInt bytes;
  if (!result || result->getNumOperands() != 1 ||
      !matchPattern(result->getOperand(0), m_ConstantInt(&bytes)))
    return std::nullopt;
  return bytes.getSExtValue();
}

ModuleInfo Emission::describeModule(StringRef weightHash) {
  ModuleInfo info;
  info.sourceName = options.sourceName;
  info.sourceHash = options.sourceHash;
  if (feature != Feature::Scalar)
    info.features.push_back("simd128");
  if (feature == Feature::RelaxedSimd)
    info.features.push_back("relaxed-simd");
  if (options.threads)
    info.features.push_back("threads");
  if (signature.boundSymbols.empty())
    info.arenaBytes = getConstantArenaBytes(program);
  if (auto flops = program->getAttrOfType<IntegerAttr>("nncc.flops"))
    info.flops = flops.getInt();
  info.weightBytes = weights.size - weights.getBegin();
  for (auto func : program.getOps<LLVM::LLVMFuncOp>())
    info.numKernels +=
        func.getSymVisibility() == "private" && !func.isExternal();
  info.weightFile = weightFile;
  info.weightHash = weightHash.str();
  return info;
}

LogicalResult Emission::generate(StringRef weightHash) {
  llvm::Expected<std::unique_ptr<llvm::TargetMachine>> created =
      createWasmMachine(feature);
  if (!created)
    return fail(created.takeError());
  machine = std::move(*created);
  signatureText = printSignature(signature, describeModule(weightHash));
  code = translateToLLVM(program, context, *machine);
  if (!code)
    return failure();
  uint64_t header =
      options.externalWeights ? getWeightFileHeader(weights).size() : 0;
  if (header + weights.size > 0xF0000000)
    return program.emitError()
           << "the network has " << weights.size
           << " bytes of weights, more than a 32-bit memory holds";
  defineExternCalls(*code, signature);
  finishSizeCalls(*code, signature.sites);
  addEntryPoints(*code, signature, signatureText, weights, header);
  if (!gpu || gpu->hasFallback)
    if (llvm::Error error = addFrameCalls(*code, signature).takeError())
      return fail(std::move(error));
  if (weights.getBegin() > 0)
    callWidenWeights(*code, weights, header);
  if (gpu)
    if (llvm::Error error = addGpuCalls(*code, signature, gpu->commands))
      return fail(std::move(error));
  if (options.threads)
    if (llvm::Error error = addThreads(*code))
      return fail(std::move(error));
  return success();
}

/// Beside its final place, and moved there when it is whole.
LogicalResult
Emission::writeFile(StringRef path,
                    function_ref<llvm::Error(raw_ostream &)> write) {
  auto complain = [&](llvm::Error error) {
    return program.emitError() << "cannot write '" << path
                               << "': " << llvm::toString(std::move(error));
  };
  if (path == "-") {
    if (llvm::Error error = write(llvm::outs()))
      return complain(std::move(error));
    return success();
  }
  if (llvm::sys::fs::is_directory(path))
    return program.emitError()
           << "cannot write '" << path << "': it is a folder";
  auto file = llvm::sys::fs::TempFile::create(
      path + ".tmp%%%%%%", llvm::sys::fs::all_read | llvm::sys::fs::all_write);
  if (!file)
    return complain(file.takeError());
  llvm::Error error = llvm::Error::success();
  {
    llvm::raw_fd_ostream os(file->FD, /*shouldClose=*/false);
    error = llvm::joinErrors(std::move(error), write(os));
    os.flush();
    error =
        llvm::joinErrors(std::move(error), llvm::errorCodeToError(os.error()));
    os.clear_error();
  }
  if (error) {
    llvm::consumeError(file->discard());
    return complain(std::move(error));
  }
  if (llvm::Error moved = file->keep(path))
    return complain(std::move(moved));
  return success();
}

LogicalResult Emission::writeLLVM(StringRef path) {
  optimize(*code, *machine);
  return writeFile(path, [&](raw_ostream &os) {
    code->print(os, nullptr);
    return llvm::Error::success();
  });
}

/// The object's names begin with that of its file.
static std::string getPrefix(StringRef path) {
  return makeIdentifier(path == "-" ? "model" : llvm::sys::path::stem(path));
}

LogicalResult Emission::generateObject(StringRef prefix) {
  llvm::Expected<std::unique_ptr<llvm::TargetMachine>> created =
      createWasmMachine(feature);
  if (!created)
    return fail(created.takeError());
  machine = std::move(*created);
  code = translateToLLVM(program, context, *machine);
  if (!code)
    return failure();
  finishSizeCalls(*code, signature.sites);
  inlineSizeChecks(*code);
  if (llvm::Error error = makeEmbeddable(*code, signature, weights,
                                         feature != Feature::Scalar, prefix))
    return fail(std::move(error));
  optimize(*code, *machine);
  return success();
}

LogicalResult Emission::writeObject(StringRef path) {
  if (options.externalWeights)
    return program.emitError(
        "an object has its weights in it: --weights=external is for modules");
  if (failed(generateObject(getPrefix(path))))
    return failure();
  SmallString<128> header(path);
  llvm::sys::path::replace_extension(header, "h");
  if (path != "-" && header == path)
    return program.emitError()
           << "the object needs another name than its header, " << path;
  if (path != "-" && failed(writeFile(header, [&](raw_ostream &os) {
        os << printHeader(signature, describeModule(""), getPrefix(path));
        return llvm::Error::success();
      })))
    return failure();
  return writeFile(path, [&](raw_ostream &os) {
    SmallVector<char> object;
    llvm::raw_svector_ostream objectStream(object);
    llvm::Error error = emitObject(*code, *machine, objectStream);
    os.write(object.data(), object.size());
    return error;
  });
}

/// Hosts of components know nothing of variants.
bool Emission::wantsVariants() const {
  return options.relaxedVariants && !options.strictFP &&
         feature == Feature::Simd128 && (!gpu || gpu->hasFallback) &&
         options.artifact == Artifact::Module;
}

/// The module with the second forms of kernels; empty if there are none.
FailureOr<std::string> Emission::makeVariants(ArrayRef<Unit> units,
                                              StringRef probe,
                                              CodeCache &cache) {
  FailureOr<std::vector<std::string>> variants =
      compileUnits(program.getLoc(), units, cache);
  if (failed(variants) || variants->empty())
    return failed(variants) ? FailureOr<std::string>() : std::string();
  auto linked = linkVariants(*variants, probe, options.threads);
  if (!linked)
    return fail(linked.takeError());
  return (*linked)->getBuffer().str();
}

LinkOptions Emission::getLinkOptions(bool hasVariants) const {
  LinkOptions linking;
  linking.simd = feature != Feature::Scalar;
  linking.exportWeights = options.externalWeights || gpu;
  linking.packedFunctions = !signature.externs.empty();
  linking.threads = options.threads;
  linking.runs = !gpu || gpu->hasFallback;
  linking.plansGpu = gpu;
  linking.hasVariants = hasVariants;
  return linking;
}

LogicalResult Emission::writeModules(StringRef path) {
  CodeCache cache(options.cacheFolder);
  Parts parts = splitProgram(*code, feature, wantsVariants());
  FailureOr<std::vector<std::string>> objects =
      compileUnits(program.getLoc(), parts.units, cache);
  // First, since the linker's start function stays from one link to the next.
  FailureOr<std::string> sums = makeVariants(parts.sums, "ProbeSums", cache);
  FailureOr<std::string> dots = makeVariants(parts.dots, "ProbeDots", cache);
  if (failed(objects) || failed(sums) || failed(dots))
    return failure();
  cache.prune();
  llvm::Expected<std::unique_ptr<llvm::MemoryBuffer>> linked =
      link(*objects, getLinkOptions(!sums->empty() || !dots->empty()));
  if (!linked)
    return fail(linked.takeError());
  auto write = [&](raw_ostream &os) {
    return writeModule((*linked)->getBuffer(),
                       options.externalWeights ? nullptr : &weights,
                       {{"nncc.signature", signatureText},
                        {"nncc.kernels", options.kernelTable},
                        {"nncc.relaxed-simd", *sums},
                        {"nncc.relaxed-dots", *dots},
                        {"nncc.webgpu", gpu ? gpu->section : StringRef()}},
                       os);
  };
  return options.artifact == Artifact::Component ? writeComponent(path, write)
                                                 : writeFile(path, write);
}

LogicalResult
Emission::writeComponent(StringRef path,
                         function_ref<llvm::Error(raw_ostream &)> writeModule) {
  std::string module;
  llvm::raw_string_ostream moduleStream(module);
  if (llvm::Error error = writeModule(moduleStream))
    return fail(std::move(error));
  llvm::Expected<std::string> component =
      makeComponent(module, options.wasiNNEdition);
  if (!component)
    return fail(component.takeError());
  return writeFile(path, [&](raw_ostream &os) {
    os << *component;
    return llvm::Error::success();
  });
}

LogicalResult Emission::emit(StringRef path) {
  if (failed(lower()))
    return failure();
  if (options.artifact == Artifact::Object)
    return writeObject(path);
  std::string weightHash;
  SmallString<128> weightPath(path);
  if (options.externalWeights && options.artifact == Artifact::Module) {
    llvm::sys::path::replace_extension(weightPath, "safetensors");
    weightFile = llvm::sys::path::filename(weightPath).str();
    // The module names the hash, so that the weights come first.
    if (failed(writeFile(weightPath, [&](raw_ostream &os) {
          weightHash = writeWeightFile(weights, os);
          return llvm::Error::success();
        })))
      return failure();
  }
  LogicalResult result = generate(weightHash);
  if (succeeded(result))
    result = options.artifact == Artifact::LLVM ? writeLLVM(path)
                                                : writeModules(path);
  if (failed(result) && !weightFile.empty())
    llvm::sys::fs::remove(weightPath);
  return result;
}

LogicalResult nncc::wasm::emitModule(ModuleOp program, const Weights &weights,
                                     const TargetOptions &options,
                                     const GpuPart *gpu, StringRef path) {
  Feature feature = Feature::Simd128;
  if (options.feature == "scalar")
    feature = Feature::Scalar;
  else if (options.feature == "relaxed-simd")
    feature = Feature::RelaxedSimd;
  else if (!options.feature.empty() && options.feature != "simd128")
    return program.emitError()
           << "the target wasm has no feature '" << options.feature << "'";
  return Emission(program, weights, options, feature, gpu).emit(path);
}

const nncc::Target &nncc::wasm::getWasmTarget() {
  static const WasmTarget target;
  return target;
}
