//===- Codegen.cpp - From LLVM IR to a wasm object ------------------------===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "targets/wasm/Codegen.h"

#include "targets/wasm/Addresses.h"
#include "targets/wasm/PointerInduction.h"
#include "targets/wasm/SplatJoins.h"
#include "targets/wasm/VectorConstants.h"

#include "llvm/IR/LegacyPassManager.h"
#include "llvm/MC/TargetRegistry.h"
#include "llvm/Passes/PassBuilder.h"
#include "llvm/Support/CommandLine.h"
#include "llvm/Support/TargetSelect.h"
#include "llvm/Transforms/IPO/DeadArgumentElimination.h"
#include "llvm/Transforms/IPO/SCCP.h"
#include "llvm/Transforms/Scalar/EarlyCSE.h"
#include "llvm/Transforms/Scalar/SeparateConstOffsetFromGEP.h"

using namespace llvm;
using namespace nncc::wasm;

static constexpr StringLiteral tripleName = "wasm32-unknown-unknown";

/// Engines keep LLVM's order of instructions. Its default scheduling and loop
/// strength reduction lengthen live ranges until registers spill; only options
/// can turn them off.
static void setBackendOptions() {
  static const bool isDone = [] {
    StringMap<cl::Option *> &options = cl::getRegisteredOptions();
    const std::pair<StringRef, StringRef> values[] = {
        {"enable-misched", "false"},
        {"pre-RA-sched", "source"},
        {"disable-lsr", "true"}};
    for (auto [name, value] : values)
      if (cl::Option *option = options.lookup(name))
        if (option->getNumOccurrences() == 0)
          option->addOccurrence(0, name, value);
    return true;
  }();
  (void)isDone;
}

/// Only what every engine has; no bulk memory, for engines without it.
StringRef nncc::wasm::getFeatureString(Feature feature) {
  switch (feature) {
  case Feature::Scalar:
    return "+mutable-globals,+nontrapping-fptoint,+sign-ext";
  case Feature::Simd128:
    return "+mutable-globals,+nontrapping-fptoint,+sign-ext,+simd128";
  case Feature::RelaxedSimd:
    return "+mutable-globals,+nontrapping-fptoint,+sign-ext,+simd128,"
           "+relaxed-simd";
  }
  llvm_unreachable("a feature without a string");
}

Expected<std::unique_ptr<TargetMachine>>
nncc::wasm::createWasmMachine(Feature feature) {
  LLVMInitializeWebAssemblyTargetInfo();
  LLVMInitializeWebAssemblyTarget();
  LLVMInitializeWebAssemblyTargetMC();
  LLVMInitializeWebAssemblyAsmPrinter();
  setBackendOptions();
  std::string error;
  const llvm::Target *target =
      TargetRegistry::lookupTarget(tripleName.str(), error);
  if (!target)
    return createStringError(error);
  return std::unique_ptr<TargetMachine>(target->createTargetMachine(
      tripleName, "mvp", getFeatureString(feature), {}, Reloc::Static, {},
      CodeGenOptLevel::Aggressive));
}

/// Constant parts of indices move to the end of the address computation, where
/// instruction selection folds them; the first round makes expressions equal
/// that the second takes apart again.
static void addAddressPasses(FunctionPassManager &passes) {
  for (int round = 0; round < 2; ++round) {
    passes.addPass(EarlyCSEPass());
    passes.addPass(SeparateConstOffsetFromGEPPass());
  }
  passes.addPass(EarlyCSEPass());
  passes.addPass(PointerInductionPass());
  passes.addPass(EarlyCSEPass());
  passes.addPass(MarkAddressesPass());
  // Last: what asks for the same condition twice is simplified elsewhere.
  passes.addPass(SplatJoinsPass());
  passes.addPass(VectorConstantsPass());
}

/// Runs the passes that `build` returns.
static void runPasses(Module &module, PassBuilder builder,
                      function_ref<ModulePassManager(PassBuilder &)> build) {
  LoopAnalysisManager loops;
  FunctionAnalysisManager functions;
  CGSCCAnalysisManager graph;
  ModuleAnalysisManager modules;
  builder.registerModuleAnalyses(modules);
  builder.registerCGSCCAnalyses(graph);
  builder.registerFunctionAnalyses(functions);
  builder.registerLoopAnalyses(loops);
  builder.crossRegisterProxies(loops, functions, graph, modules);
  build(builder).run(module, modules);
}

void nncc::wasm::optimize(Module &module, TargetMachine &machine) {
  PipelineTuningOptions tuning;
  tuning.LoopUnrolling = false;
  tuning.LoopVectorization = false;
  tuning.SLPVectorization = false;
  tuning.LoopInterleaving = false;
  runPasses(module, PassBuilder(&machine, tuning), [](PassBuilder &builder) {
    ModulePassManager passes =
        builder.buildPerModuleDefaultPipeline(OptimizationLevel::O2);
    FunctionPassManager addressPasses;
    addAddressPasses(addressPasses);
    passes.addPass(createModuleToFunctionPassAdaptor(std::move(addressPasses)));
    return passes;
  });
}

void nncc::wasm::propagateArguments(Module &module) {
  runPasses(module, PassBuilder(), [](PassBuilder &) {
    ModulePassManager passes;
    passes.addPass(IPSCCPPass());
    passes.addPass(DeadArgumentEliminationPass());
    return passes;
  });
}

Error nncc::wasm::emitObject(Module &module, TargetMachine &machine,
                             raw_pwrite_stream &os) {
  legacy::PassManager passes;
  if (machine.addPassesToEmitFile(passes, os, nullptr,
                                  CodeGenFileType::ObjectFile))
    return createStringError("LLVM cannot write wasm objects");
  passes.run(module);
  return Error::success();
}
