//===- nncc-translate.cpp - A planned program to a module -----------------===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// For tests of the targets: takes what the compiler hands to a target as MLIR.
//
//===----------------------------------------------------------------------===//

#include "targets/Target.h"

#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/ControlFlow/IR/ControlFlow.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/Parser/Parser.h"
#include "nncc/Dialect/Exec/Exec.h"
#include "nncc/Pipeline/Pipeline.h"
#include "targets/webgpu/Kernel.h"
#include "targets/webgpu/Spirv.h"
#include "targets/webgpu/WgslPrinter.h"
#include "llvm/Support/CommandLine.h"
#include "llvm/Support/SourceMgr.h"

using namespace mlir;
namespace cl = llvm::cl;

namespace {

struct Options {
  cl::OptionCategory category{"nncc-translate options"};
  cl::opt<std::string> input{cl::Positional, cl::Required,
                             cl::desc("PROGRAM.mlir"), cl::cat(category)};
  cl::opt<std::string> output{"o", cl::init("-"), cl::desc("Where to write"),
                              cl::value_desc("FILE"), cl::cat(category)};
  cl::opt<std::string> target{"target", cl::init("wasm"),
                              cl::desc("The target's name"), cl::cat(category)};
  cl::opt<bool> wgsl{"wgsl", cl::desc("Print the kernels of a host program"),
                     cl::cat(category)};
  cl::opt<bool> spirv{"spirv", cl::desc("Write the kernels as SPIR-V to -o"),
                      cl::cat(category)};
  cl::opt<std::string> feature{"features", cl::desc("One of the target's"),
                               cl::cat(category)};
  cl::opt<nncc::Artifact> artifact{
      "emit", cl::init(nncc::Artifact::Module), cl::desc("What to write"),
      cl::values(clEnumValN(nncc::Artifact::LLVM, "llvm", "LLVM IR"),
                 clEnumValN(nncc::Artifact::Object, "obj", "an object file"),
                 clEnumValN(nncc::Artifact::Module, "wasm", "a module")),
      cl::cat(category)};
  cl::opt<bool> strictFP{"strict-fp", cl::desc("The same bits everywhere"),
                         cl::cat(category)};
  cl::opt<bool> externalWeights{"external-weights",
                                cl::desc("Write them to a file of their own"),
                                cl::cat(category)};
  cl::opt<std::string> weights{"weights", cl::value_desc("FILE"),
                               cl::desc("The bytes of the weights"),
                               cl::cat(category)};
};

} // namespace

/// The kernels of a program as LinalgToExec makes it.
static LogicalResult printKernels(ModuleOp program) {
  for (auto func : program.getOps<func::FuncOp>()) {
    if (!func->hasAttr(nncc::exec::kernelAttrName))
      continue;
    auto kernel = nncc::webgpu::compileKernel(func);
    if (failed(kernel))
      return failure();
    for (const auto &[features, wgsl] : kernel->variants)
      llvm::outs() << "// " << kernel->name << ", workgroups "
                   << kernel->workgroups << (features.empty() ? "" : ", needs ")
                   << llvm::join(features, ", ") << "\n"
                   << wgsl << "\n";
  }
  return success();
}

/// One file a kernel.
static LogicalResult writeSpirv(ModuleOp program, StringRef folder) {
  for (auto func : program.getOps<func::FuncOp>()) {
    if (!func->hasAttr(nncc::exec::kernelAttrName))
      continue;
    auto words = nncc::webgpu::compileToSpirv(func);
    if (failed(words))
      return failure();
    std::string path =
        (folder + "/" + nncc::webgpu::makeWgslName(func.getName()) + ".spv")
            .str();
    std::error_code error;
    llvm::raw_fd_ostream file(path, error);
    if (error)
      return func.emitError("cannot write ") << path << ": " << error.message();
    file.write(reinterpret_cast<const char *>(words->data()),
               words->size() * sizeof(uint32_t));
  }
  return success();
}

int main(int argc, char **argv) {
  Options options;
  cl::HideUnrelatedOptions(options.category);
  cl::ParseCommandLineOptions(argc, argv,
                              "nncc: a planned program to a module\n");

  const nncc::Target *target = nncc::findTarget(options.target);
  if (!target) {
    llvm::errs() << "there is no target '" << options.target << "'\n";
    return 1;
  }
  DialectRegistry registry;
  nncc::registerDialects(registry);
  registry.insert<cf::ControlFlowDialect>();
  MLIRContext context(registry);
  llvm::SourceMgr sources;
  SourceMgrDiagnosticHandler handler(sources, &context);
  auto program = parseSourceFile<ModuleOp>(options.input, sources, &context);
  if (!program)
    return 1;

  if (options.wgsl)
    return failed(printKernels(*program));
  if (options.spirv)
    return failed(writeSpirv(*program, options.output));
  nncc::Weights weights;
  std::unique_ptr<llvm::MemoryBuffer> bytes;
  if (!options.weights.empty()) {
    auto file = llvm::MemoryBuffer::getFile(options.weights, /*IsText=*/false,
                                            /*RequiresNullTerminator=*/false);
    if (!file) {
      llvm::errs() << options.weights << ": " << file.getError().message()
                   << "\n";
      return 1;
    }
    bytes = std::move(*file);
    StringRef text = bytes->getBuffer();
    weights.segments.push_back({0, ArrayRef(text.data(), text.size())});
    weights.size = text.size();
  }
  nncc::TargetOptions emission;
  emission.artifact = options.artifact;
  emission.feature = options.feature;
  emission.strictFP = options.strictFP;
  emission.externalWeights = options.externalWeights;
  return failed(
      target->emit(*program, ModuleOp(), weights, emission, options.output));
}
