//===- Driver.cpp - One run of the compiler -------------------------------===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Driver.h"

#include "Report.h"
#include "ReportPage.h"
#include "frontends/onnx/Passes.h"
#include "mlir/IR/AsmState.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Support/Timing.h"
#include "mlir/Transforms/Passes.h"
#include "nncc/Dialect/Exec/Exec.h"
#include "nncc/Dialect/Exec/Passes.h"
#include "nncc/Dialect/Exec/Weights.h"
#include "nncc/Pipeline/Pipeline.h"
#include "targets/wasm/Native.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Process.h"
#include "llvm/Support/ToolOutputFile.h"

#include <deque>

using namespace mlir;

namespace nncc {

namespace {

/// The phases of a run; each returns failure after emitting errors.
class Driver {
public:
  Driver(const DriverOptions &options, MLIRContext &context)
      : options(options), context(context) {}

  LogicalResult run();

  /// The stage that was begun last.
  StringRef getStage() const { return stage; }

private:
  LogicalResult import();
  LogicalResult legalize();
  LogicalResult runStages();
  LogicalResult formDeviceKernels();
  LogicalResult tellHostWork();
  LogicalResult emitTarget();
  LogicalResult writeReport();
  LogicalResult writeText();
  LogicalResult runPasses(StringRef stage, ModuleOp program,
                          llvm::function_ref<void(OpPassManager &)> build);
  void tell(StringRef begun);
  /// Whether the run ends with the stage of this name.
  bool isLast(StringRef stage) const { return options.emit == stage; }

  const DriverOptions &options;
  MLIRContext &context;
  /// Owns the memory that weights point into.
  std::shared_ptr<void> keepAlive;
  /// The program, if it runs on the CPU; null if that is left out.
  OwningOpRef<ModuleOp> module;
  /// Where the target has a device: the program for it; null if it cannot run
  /// there.
  OwningOpRef<ModuleOp> device;
  SmallVector<SourceNode> nodes;
  std::string stage;
  DefaultTimingManager timing;
};

} // namespace

/// Runs what depends on constants alone.
static LogicalResult runNative(ModuleOp module, char *arena, char *weights) {
  llvm::Expected<std::unique_ptr<wasm::NativeModule>> native =
      wasm::jitCompile(module);
  if (!native) {
    module.emitError("evaluating constants: ")
        << llvm::toString(native.takeError());
    return failure();
  }
  auto *program = reinterpret_cast<void (*)(char *, char *)>(
      (*native)->lookup(exec::programName));
  if (!program)
    return module.emitError("evaluating constants: no program was compiled");
  program(arena, weights);
  return success();
}

void Driver::tell(StringRef begun) {
  stage = begun.str();
  // A long compile shows where it is, on a terminal in one line.
  bool onTerminal = llvm::sys::Process::StandardErrIsDisplayed();
  if (options.verbose)
    llvm::errs() << "nncc: " << stage << "\n";
  else if (onTerminal)
    llvm::errs() << "\r\x1b[Knncc: " << stage << "...";
}

static void clearProgress(const DriverOptions &options) {
  if (!options.verbose && llvm::sys::Process::StandardErrIsDisplayed())
    llvm::errs() << "\r\x1b[K";
}

LogicalResult
Driver::runPasses(StringRef stage, ModuleOp program,
                  llvm::function_ref<void(OpPassManager &)> build) {
  tell(stage);
  PassManager pm(&context);
  TimingScope root = timing.getRootScope();
  TimingScope scope = root.nest(stage);
  if (options.timing)
    pm.enableTiming(scope);
  build(pm);
  return pm.run(program);
}

LogicalResult Driver::import() {
  tell("import");
  FailureOr<OwningOpRef<ModuleOp>> imported =
      onnx::importOnnx(options.input, context, options.import, keepAlive);
  if (failed(imported))
    return failure();
  module = std::move(*imported);
  nodes = getSourceNodes(*module);
  return success();
}

LogicalResult Driver::legalize() {
  return runPasses("legalize", *module, [&](OpPassManager &pm) {
    pm.addPass(onnx::createOnnxToNN(options.externs));
  });
}

/// Names the nodes of the device's program that run on the CPU.
LogicalResult Driver::tellHostWork() {
  LogicalResult result = success();
  SetVector<std::pair<Location, StringRef>> told;
  exec::walkHostWork(*device, [&](Operation *op, StringRef reason) {
    if (!told.insert({op->getLoc(), reason}))
      return;
    if (options.requireDevice)
      result = failure();
    InFlightDiagnostic diagnostic = options.requireDevice
                                        ? emitError(op->getLoc())
                                        : emitWarning(op->getLoc());
    llvm::SetVector<StringRef> names;
    exec::addNodeNames(op, names);
    diagnostic << "on the CPU run '" << llvm::join(names, "', '")
               << "': " << reason;
  });
  return result;
}

/// Makes the device's program. If that is not possible it stays null, with a
/// warning that says why, or it is an error.
LogicalResult Driver::formDeviceKernels() {
  device = OwningOpRef<ModuleOp>(module->clone());
  SmallVector<Diagnostic> errors;
  bool isFormed;
  {
    ScopedDiagnosticHandler handler(&context, [&](Diagnostic &diagnostic) {
      if (diagnostic.getSeverity() != DiagnosticSeverity::Error)
        return failure();
      errors.push_back(std::move(diagnostic));
      return success();
    });
    isFormed = succeeded(runPasses("exec", *device, [&](OpPassManager &pm) {
      options.target->buildExec(pm, options.targetOptions);
    }));
  }
  if (!isFormed) {
    bool isError = options.requireDevice || options.noFallback ||
                   options.targetOptions.artifact == Artifact::Wgsl ||
                   options.targetOptions.artifact == Artifact::Spirv;
    for (Diagnostic &error : errors) {
      InFlightDiagnostic told = isError ? emitError(error.getLocation())
                                        : emitWarning(error.getLocation());
      told << "the network runs on the CPU: " << error.str();
    }
    device = nullptr;
    return failure(isError);
  }
  if (failed(tellHostWork()))
    return failure();
  if (options.noFallback) {
    module = nullptr;
    return success();
  }
  // Both have the same weights at the same places.
  for (StringRef name : {exec::weightsAttrName, exec::weightOffsetsAttrName})
    (*module)->setAttr(name, (*device)->getAttr(name));
  return success();
}

LogicalResult Driver::runStages() {
  PipelineOptions pipeline{runNative};
  if (options.targetOptions.strictFP)
    pipeline.winogradTile = 0;
  else if (options.fastMath)
    pipeline.winogradTile = 4;
  options.target->configure(pipeline, options.targetOptions);
  for (const Stage &stage : getStages()) {
    bool isForked = stage.name == "exec" && options.target->hasDevice();
    if (isForked && failed(formDeviceKernels()))
      return failure();
    auto build = [&](OpPassManager &pm) { stage.build(pm, pipeline); };
    if (module && failed(runPasses(stage.name, *module, build)))
      return failure();
    if (isLast(stage.name))
      break;
  }
  return success();
}

/// Writes a file as a whole or not at all.
static LogicalResult writeFile(StringRef path, Location loc,
                               llvm::function_ref<void(raw_ostream &)> write) {
  if (path.empty() || path == "-") {
    write(llvm::outs());
    return success();
  }
  llvm::Error error = llvm::writeToOutput(path, [&](raw_ostream &os) {
    write(os);
    return llvm::Error::success();
  });
  if (error)
    return emitError(loc, "cannot write ")
           << path << ": " << llvm::toString(std::move(error));
  return success();
}

LogicalResult Driver::writeText() {
  // Weights are never printed.
  OpPrintingFlags flags;
  flags.elideLargeElementsAttrs(16).elideLargeResourceString(16);
  if (options.verbose)
    flags.enableDebugInfo(true, false);
  return writeFile(
      options.output, UnknownLoc::get(&context),
      [&](raw_ostream &os) { (device ? *device : *module).print(os, flags); });
}

/// The profile for the report; null if none was given.
static FailureOr<llvm::json::Value> readProfile(StringRef path, Location loc) {
  if (path.empty())
    return llvm::json::Value(nullptr);
  auto file = llvm::MemoryBuffer::getFile(path);
  if (!file)
    return emitError(loc, "cannot read ")
           << path << ": " << file.getError().message();
  llvm::Expected<llvm::json::Value> profile =
      llvm::json::parse((*file)->getBuffer());
  if (!profile)
    return emitError(loc) << path << " is no profile: "
                          << llvm::toString(profile.takeError());
  return std::move(*profile);
}

LogicalResult Driver::writeReport() {
  if (options.report.empty())
    return success();
  Location loc = UnknownLoc::get(&context);
  FailureOr<llvm::json::Value> profile = readProfile(options.profile, loc);
  if (failed(profile))
    return failure();
  llvm::json::Value report =
      makeReport(device ? *device : *module, device ? "gpu" : "cpu", nodes);
  return writeFile(options.report, loc, [&](raw_ostream &os) {
    if (StringRef(options.report).ends_with(".html"))
      writeReportPage(std::move(report), std::move(*profile), os);
    else
      os << llvm::formatv("{0:2}\n", report);
  });
}

/// The bytes of a program's weights, in `storage` where they are not elsewhere.
static Weights collectWeights(ModuleOp program,
                              std::deque<SmallVector<char>> &storage) {
  Weights weights;
  exec::HalfCounts halves = exec::getHalfCounts(program);
  weights.numF16 = halves.f16;
  weights.numBF16 = halves.bf16;
  for (const exec::Weight &weight : exec::getWeights(program)) {
    storage.emplace_back();
    ArrayRef<char> bytes = exec::getBytes(weight.value, storage.back());
    weights.size = weight.offset + bytes.size();
    uint64_t offset = weight.offset;
    exec::WeightStorage kind = halves.getStorage(offset);
    if (kind != exec::WeightStorage::Plain) {
      storage.back() = exec::toStorage(bytes, kind);
      bytes = storage.back();
      offset = weights.getBegin() + offset / 2;
    }
    weights.segments.push_back({offset, bytes});
  }
  return weights;
}

LogicalResult Driver::emitTarget() {
  TargetOptions target = options.targetOptions;
  ModuleOp program = module ? *module : *device;
  llvm::raw_string_ostream(target.kernelTable)
      << llvm::json::Value(makeKernelTable(program));
  // Afterwards the dispatches are plain calls.
  if (auto flops = dyn_cast_or_null<AffineConstantExpr>(countFlops(program)))
    program->setAttr("nncc.flops",
                     Builder(&context).getI64IntegerAttr(flops.getValue()));
  if (module && failed(runPasses("calls", *module, [&](OpPassManager &pm) {
        pm.addPass(exec::createCallExterns());
        pm.addPass(exec::createCallKernels({target.threads}));
        pm.addPass(exec::createBindSizes());
        pm.addPass(createCSEPass());
      })))
    return failure();
  tell("code");
  std::deque<SmallVector<char>> storage;
  Weights weights = collectWeights(program, storage);
  if (auto name = program->getAttrOfType<StringAttr>("nncc.source_name"))
    target.sourceName = name.str();
  if (auto hash = program->getAttrOfType<StringAttr>("nncc.source_sha256"))
    target.sourceHash = hash.str();
  StringRef path = options.output.empty() ? "-" : StringRef(options.output);
  return options.target->emit(module ? *module : ModuleOp(),
                              device ? *device : ModuleOp(), weights, target,
                              path);
}

LogicalResult Driver::run() {
  timing.setEnabled(options.timing);
  if (failed(import()))
    return failure();
  if (isLast("onnx"))
    return writeText();
  if (failed(legalize()))
    return failure();
  if (failed(runStages()))
    return failure();
  bool isText = llvm::any_of(
      getStages(), [&](const Stage &stage) { return isLast(stage.name); });
  if (isText && options.emit != "exec")
    return writeText();
  if (failed(writeReport()))
    return failure();
  return isText ? writeText() : emitTarget();
}

LogicalResult runDriver(const DriverOptions &options, MLIRContext &context) {
  bool toldWhy = false;
  ScopedDiagnosticHandler counter(&context, [&](Diagnostic &diagnostic) {
    toldWhy |= diagnostic.getSeverity() == DiagnosticSeverity::Error;
    return failure(); // Others print it.
  });
  Driver driver(options, context);
  LogicalResult result = driver.run();
  clearProgress(options);
  // Such as patterns that do not come to an end.
  if (failed(result) && !toldWhy)
    emitError(UnknownLoc::get(&context))
        << "a pass of the stage '" << driver.getStage()
        << "' failed, which is a fault of nncc: please report it, with what "
           "--reproduce=FILE.tar packs";
  return result;
}

void printPipeline(MLIRContext &context, raw_ostream &os) {
  os << "onnx: the file as it is, one generic op a node\n";
  PipelineOptions pipeline;
  for (const Stage &stage : getStages()) {
    PassManager pm(&context);
    if (stage.name == "nn")
      pm.addPass(onnx::createOnnxToNN());
    stage.build(pm, pipeline);
    os << stage.name << ": " << stage.summary << "\n  ";
    pm.printAsTextualPipeline(os);
    os << "\n";
  }
}

} // namespace nncc
