//===- Native.cpp - Functions compiled for the build machine --------------===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "targets/wasm/Native.h"

#include "runtime/core/Math.h"
#include "targets/wasm/Passes.h"
#include "targets/wasm/Translate.h"

#include "mlir/Pass/PassManager.h"
#include "llvm/ExecutionEngine/Orc/LLJIT.h"
#include "llvm/Passes/PassBuilder.h"
#include "llvm/Support/TargetSelect.h"

using namespace mlir;
using namespace nncc::wasm;
namespace orc = llvm::orc;

NativeModule::~NativeModule() = default;

namespace {

class JitModule : public NativeModule {
public:
  explicit JitModule(std::unique_ptr<orc::LLJIT> jit) : jit(std::move(jit)) {}

  void *lookup(StringRef name) override {
    llvm::Expected<orc::ExecutorAddr> address = jit->lookup(name);
    if (!address) {
      llvm::consumeError(address.takeError());
      return nullptr;
    }
    return address->toPtr<void *>();
  }

private:
  std::unique_ptr<orc::LLJIT> jit;
};

} // namespace

/// A light pipeline: constants are computed once.
static void optimize(llvm::Module &module, llvm::TargetMachine *machine) {
  llvm::LoopAnalysisManager loops;
  llvm::FunctionAnalysisManager functions;
  llvm::CGSCCAnalysisManager graph;
  llvm::ModuleAnalysisManager modules;
  llvm::PassBuilder builder(machine);
  builder.registerModuleAnalyses(modules);
  builder.registerCGSCCAnalyses(graph);
  builder.registerFunctionAnalyses(functions);
  builder.registerLoopAnalyses(loops);
  builder.crossRegisterProxies(loops, functions, graph, modules);
  builder.buildPerModuleDefaultPipeline(llvm::OptimizationLevel::O1)
      .run(module, modules);
}

static llvm::Error defineMathFunctions(orc::LLJIT &jit) {
  orc::SymbolMap symbols;
  auto define = [&](const char *name, auto *function) {
    symbols[jit.mangleAndIntern(name)] = {orc::ExecutorAddr::fromPtr(function),
                                          llvm::JITSymbolFlags::Exported |
                                              llvm::JITSymbolFlags::Callable};
  };
#define NNCC_MATH_FUNCTION(NAME) define("nncc_math_" #NAME, &nncc_math_##NAME);
  NNCC_MATH_FUNCTIONS(NNCC_MATH_FUNCTION)
#undef NNCC_MATH_FUNCTION
  if (auto error = jit.getMainJITDylib().define(
          orc::absoluteSymbols(std::move(symbols))))
    return error;
  // memcpy and the like.
  auto process = orc::DynamicLibrarySearchGenerator::GetForCurrentProcess(
      jit.getDataLayout().getGlobalPrefix());
  if (!process)
    return process.takeError();
  jit.getMainJITDylib().addGenerator(std::move(*process));
  return llvm::Error::success();
}

llvm::Expected<std::unique_ptr<NativeModule>>
nncc::wasm::jitCompile(ModuleOp module) {
  llvm::InitializeNativeTarget();
  llvm::InitializeNativeTargetAsmPrinter();

  PassManager pm(module.getContext());
  LoweringOptions options;
  options.indexBitwidth = 64;
  buildLowerToLLVMPipeline(pm, options);
  if (failed(pm.run(module)))
    return llvm::createStringError("cannot lower a constant computation");

  auto machineBuilder = orc::JITTargetMachineBuilder::detectHost();
  if (!machineBuilder)
    return machineBuilder.takeError();
  machineBuilder->setCodeGenOptLevel(llvm::CodeGenOptLevel::Less);
  auto machine = machineBuilder->createTargetMachine();
  if (!machine)
    return machine.takeError();

  auto context = std::make_unique<llvm::LLVMContext>();
  std::unique_ptr<llvm::Module> code =
      translateToLLVM(module, *context, **machine);
  if (!code)
    return llvm::createStringError("cannot translate a constant computation");
  optimize(*code, machine->get());

  auto jit = orc::LLJITBuilder()
                 .setJITTargetMachineBuilder(std::move(*machineBuilder))
                 .create();
  if (!jit)
    return jit.takeError();
  if (auto error = defineMathFunctions(**jit))
    return std::move(error);
  if (auto error = (*jit)->addIRModule(
          orc::ThreadSafeModule(std::move(code), std::move(context))))
    return std::move(error);
  return std::make_unique<JitModule>(std::move(*jit));
}
