//===- nncc.cpp - The compiler's command line -----------------------------===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Driver.h"
#include "LinkCommand.h"
#include "Reproducer.h"

#include "frontends/onnx/OnnxToNN/Rows.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "nncc/Dialect/Exec/Exec.h"
#include "nncc/Pipeline/Pipeline.h"
#include "targets/wasm/WasiNN.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/CommandLine.h"
#include "llvm/Support/InitLLVM.h"
#include "llvm/Support/Process.h"
#include "llvm/Support/ThreadPool.h"
#include "llvm/Support/WithColor.h"

using namespace mlir;
using namespace nncc;
namespace cl = llvm::cl;

namespace {

/// Takes away an option that LLVM's libraries register under a name of ours.
struct ForeignOption {
  explicit ForeignOption(StringRef name) {
    if (cl::Option *option = cl::getRegisteredOptions().lookup(name))
      option->removeArgument();
  }
};

/// The options; an object, so that nothing about them is global.
struct CommandLine {
  cl::OptionCategory category{"nncc options"};

  cl::opt<std::string> input{cl::Positional, cl::desc("<model.onnx>"),
                             cl::cat(category)};
  cl::opt<std::string> output{
      "o", cl::desc("Output file (default: the input's name with .wasm)"),
      cl::value_desc("file"), cl::cat(category)};
  cl::opt<std::string> target{"target",
                              cl::desc("What to compile for: wasm or webgpu"),
                              cl::init("wasm"), cl::cat(category)};
  cl::opt<std::string> emit{
      "emit",
      cl::desc("Stop after a stage and write its form: onnx, nn, linalg, exec, "
               "llvm (text), obj, component (exports wasi:nn), wgsl or spirv "
               "(folders), "
               "wasm (default)"),
      cl::value_desc("stage"), cl::init("wasm"), cl::cat(category)};
  cl::opt<std::string> features{
      "features",
      cl::desc("scalar (hosts without SIMD), simd128 (default) or "
               "relaxed-simd"),
      cl::init("simd128"), cl::cat(category)};
  cl::opt<std::string> wasiNN{
      "wasi-nn",
      cl::desc("The edition of wasi:nn that a component exports: 2024-10-28 "
               "(default) or 2024-08-19"),
      cl::value_desc("edition"), cl::init(wasm::getWasiNNEditions()[0].str()),
      cl::cat(category)};
  cl::opt<bool> strictFp{
      "strict-fp",
      cl::desc("The same bits in every engine: no relaxed instructions, one "
               "order of sums"),
      cl::cat(category)};
  cl::opt<bool> noRelaxed{
      "no-relaxed",
      cl::desc("Without the second form of kernels for engines that have "
               "relaxed SIMD"),
      cl::cat(category)};
  ForeignOption foreignThreads{"threads"};
  cl::opt<bool> threads{
      "threads",
      cl::desc("Kernels run on several threads; the module imports a shared "
               "memory"),
      cl::cat(category)};
  cl::opt<bool> requireGpu{
      "require-gpu",
      cl::desc("With --target=webgpu: fail, naming the nodes, if the network "
               "cannot run on a GPU"),
      cl::cat(category)};
  cl::opt<bool> noFallback{
      "no-fallback",
      cl::desc("With --target=webgpu: leave out the program for the CPU"),
      cl::cat(category)};
  cl::opt<bool> f16{
      "f16",
      cl::desc("With --target=webgpu: store weights and tensors as f16 on the "
               "GPU, compute in f32"),
      cl::cat(category)};
  cl::opt<uint64_t> gpuBinding{
      "gpu-binding",
      cl::desc("With --target=webgpu: the most bytes of a tensor that the GPUs "
               "bind for a kernel (128 MiB, which all do); larger tensors are "
               "divided, if that is possible"),
      cl::value_desc("BYTES"), cl::init(128 << 20), cl::cat(category)};
  cl::opt<bool> fastMath{
      "fast-math",
      cl::desc("Faster forms of a larger rounding error: 3x3 convolutions on "
               "tiles of 4x4"),
      cl::cat(category)};
  cl::list<std::string> dims{
      "dim",
      cl::desc("Fix a dynamic dimension (NAME=VALUE) or bound it "
               "(NAME=LOW..HIGH); may be repeated"),
      cl::value_desc("NAME=VALUE|LOW..HIGH"), cl::cat(category)};
  cl::list<std::string> externs{
      "extern",
      cl::desc("A function of the host computes this operator of a domain of "
               "your own; its types and sizes are given, e.g. "
               "'my.domain::Op=T[n,...],i64[k]->T[n+k,...]' (docs/extern.md)"),
      cl::value_desc("DOMAIN::OP=TYPES"), cl::cat(category)};
  cl::list<std::string> state{
      "state",
      cl::desc("This output becomes this input of the next call; hosts keep it "
               "in between (docs/streams.md)"),
      cl::value_desc("OUTPUT=INPUT"), cl::cat(category)};
  cl::opt<std::string> weights{
      "weights",
      cl::desc("embed: weights in the module (default); external: in a "
               ".safetensors file beside it"),
      cl::init("embed"), cl::cat(category)};
  cl::opt<std::string> cache{
      "cache",
      cl::desc("Keep compiled kernels in this folder for the next time "
               "(default: $NNCC_CACHE, else none)"),
      cl::value_desc("folder"), cl::cat(category)};
  cl::opt<unsigned> jobs{
      "j",
      cl::desc("Compile on so many threads (default: all cores)"),
      cl::value_desc("N"),
      cl::init(0),
      cl::Prefix,
      cl::cat(category)};
  cl::opt<std::string> report{
      "report",
      cl::desc("Write a report of kernels, memory and ONNX nodes: a page to "
               "look at (.html) or JSON (any other name)"),
      cl::value_desc("file"), cl::cat(category)};
  cl::opt<std::string> profile{
      "report-profile",
      cl::desc("Show the times in this file of nncc-run --profile=FILE in the "
               "report's page"),
      cl::value_desc("file"), cl::cat(category)};
  cl::opt<std::string> reproduce{
      "reproduce",
      cl::desc("Pack the model, its external data and the options into this "
               "archive, for a report of a bug (docs/compiling.md)"),
      cl::value_desc("file.tar"), cl::cat(category)};
  cl::opt<bool> printPipeline{"print-pipeline",
                              cl::desc("Print the stages and their passes"),
                              cl::cat(category)};
  cl::opt<bool> printSupportedOps{
      "print-supported-ops",
      cl::desc("Print the table of supported ONNX operators (Markdown)"),
      cl::cat(category)};
  cl::opt<bool> timing{"timing", cl::desc("Print the time that passes take"),
                       cl::cat(category)};
  cl::opt<bool> verbose{"v", cl::desc("Say what is being done"),
                        cl::cat(category)};
};

} // namespace

/// "nncc: error: <message>" with the ONNX nodes that the location names.
static LogicalResult printDiagnostic(Diagnostic &diagnostic) {
  bool isError = diagnostic.getSeverity() == DiagnosticSeverity::Error;
  if (diagnostic.getSeverity() == DiagnosticSeverity::Remark)
    return success();
  raw_ostream &os = isError ? llvm::WithColor::error(llvm::errs(), "nncc")
                            : llvm::WithColor::warning(llvm::errs(), "nncc");
  std::string message = diagnostic.str();
  os << message;
  for (StringRef node : exec::getNodeNames(diagnostic.getLocation()))
    if (!StringRef(message).contains(node))
      os << " [node '" << node << "']";
  os << "\n";
  for (Diagnostic &note : diagnostic.getNotes())
    llvm::WithColor::note(llvm::errs(), "nncc") << note.str() << "\n";
  return success();
}

static LogicalResult fail(const Twine &message) {
  llvm::WithColor::error(llvm::errs(), "nncc") << message << "\n";
  return failure();
}

/// The option goes before the environment; --cache= turns the cache off.
static std::string getCacheFolder(const CommandLine &line) {
  if (line.cache.getNumOccurrences() != 0)
    return line.cache;
  return llvm::sys::Process::GetEnv("NNCC_CACHE").value_or("");
}

/// The name of a file that the command line does not name; empty for text.
static std::string getDefaultOutput(const CommandLine &line) {
  std::string stem = line.input.substr(0, line.input.rfind(".onnx"));
  if (line.emit == "component")
    return stem + ".component.wasm";
  return line.emit == "wasm" ? stem + ".wasm" : "";
}

/// What the target writes; failure after saying what that cannot be.
static LogicalResult getArtifact(const CommandLine &line,
                                 TargetOptions &options) {
  if (line.emit == "llvm")
    options.artifact = Artifact::LLVM;
  else if (line.emit == "obj")
    options.artifact = Artifact::Object;
  else if (line.emit == "component")
    options.artifact = Artifact::Component;
  else if (line.emit == "wgsl")
    options.artifact = Artifact::Wgsl;
  else if (line.emit == "spirv")
    options.artifact = Artifact::Spirv;
  options.wasiNNEdition = line.wasiNN;
  if (!llvm::is_contained(wasm::getWasiNNEditions(), line.wasiNN))
    return fail("--wasi-nn=" + line.wasiNN + ": expected " +
                llvm::join(wasm::getWasiNNEditions(), " or "));
  if (line.threads && options.artifact == Artifact::Object)
    return fail("--threads: an object file has no threads; its program may "
                "have its own");
  if (line.threads && options.artifact == Artifact::Component)
    return fail("--threads: a component cannot share a memory");
  if (line.weights != "embed" && options.artifact == Artifact::Component)
    return fail("--weights=external: a component has its weights in it");
  return success();
}

static LogicalResult readDims(const CommandLine &line,
                              onnx::ImportOptions &options) {
  for (const std::string &text : line.dims) {
    llvm::Expected<onnx::DimBound> bound = onnx::parseDimBound(text);
    if (!bound)
      return fail("--dim=" + text + ": " + llvm::toString(bound.takeError()));
    options.dims.push_back(*bound);
  }
  return success();
}

static LogicalResult readState(const CommandLine &line,
                               TargetOptions &options) {
  for (const std::string &text : line.state) {
    auto [output, input] = StringRef(text).split('=');
    if (output.empty() || input.empty())
      return fail("--state=" + text + ": expected OUTPUT=INPUT");
    options.state.emplace_back(output, input);
  }
  if (!line.state.empty() && line.emit == "obj")
    return fail("--state: the program that links an object keeps its state");
  return success();
}

static LogicalResult readExterns(const CommandLine &line, MLIRContext &context,
                                 std::vector<onnx::ExternOperator> &externs) {
  for (const std::string &text : line.externs) {
    llvm::Expected<onnx::ExternOperator> declared =
        onnx::parseExtern(text, &context);
    if (!declared)
      return fail("--extern=" + text + ": " +
                  llvm::toString(declared.takeError()));
    externs.push_back(std::move(*declared));
  }
  return success();
}

static LogicalResult checkStage(StringRef stage) {
  static const StringRef stages[] = {"onnx",      "nn",  "linalg", "exec",
                                     "llvm",      "obj", "wgsl",   "spirv",
                                     "component", "wasm"};
  if (llvm::is_contained(stages, stage))
    return success();
  return fail("--emit=" + stage +
              ": expected onnx, nn, linalg, exec, llvm, obj, component, "
              "wgsl, spirv or wasm");
}

/// Options that only some targets have.
static LogicalResult checkTarget(const CommandLine &line,
                                 const Target &target) {
  StringRef stage = line.emit;
  bool isForDevice = stage == "wgsl" || stage == "spirv";
  if (!target.hasDevice() &&
      (line.requireGpu || line.noFallback || line.f16 || isForDevice ||
       line.gpuBinding.getNumOccurrences()))
    return fail("--require-gpu, --no-fallback, --f16, --gpu-binding, "
                "--emit=wgsl and --emit=spirv are for --target=webgpu");
  if (target.hasDevice() &&
      (stage == "llvm" || stage == "obj" || stage == "component"))
    return fail("--emit=" + stage + " is for --target=wasm");
  if (isForDevice && (line.output.empty() || line.output == "-"))
    return fail("--emit=" + stage + ": name a folder with -o");
  if (!llvm::is_contained(target.getFeatures(), line.features))
    return fail("--features=" + line.features + ": target " + line.target +
                " has " + llvm::join(target.getFeatures(), ", "));
  return success();
}

/// Options that exclude each other.
static LogicalResult checkCombinations(const CommandLine &line) {
  if (line.noFallback && line.threads)
    return fail("--threads is for the CPU's program, which --no-fallback "
                "leaves out");
  if (line.fastMath && line.strictFp)
    return fail("--fast-math and --strict-fp exclude each other");
  return success();
}

static LogicalResult readTargetOptions(const CommandLine &line,
                                       TargetOptions &options) {
  if (line.weights != "embed" && line.weights != "external")
    return fail("--weights=" + line.weights + ": expected embed or external");
  constexpr uint64_t leastBinding = 256, mostBinding = uint64_t(1) << 31;
  if (line.gpuBinding < leastBinding || line.gpuBinding > mostBinding ||
      line.gpuBinding % leastBinding != 0)
    return fail("--gpu-binding=" + Twine(line.gpuBinding) +
                ": expected a multiple of 256 up to 2 GiB");
  options.bindingBytes = line.gpuBinding;
  options.externalWeights = line.weights == "external";
  options.strictFP = line.strictFp;
  options.relaxedVariants = !line.noRelaxed;
  options.threads = line.threads;
  options.storeHalves = line.f16;
  options.feature = line.features;
  options.cacheFolder = getCacheFolder(line);
  return success();
}

/// Turns the command line into a request; failure after saying what is wrong.
static FailureOr<DriverOptions> getOptions(const CommandLine &line,
                                           MLIRContext &context) {
  DriverOptions options;
  options.input = line.input;
  if (options.input.empty())
    return fail("no input file; see nncc --help");
  options.target = findTarget(line.target);
  if (!options.target)
    return fail("--target=" + line.target + ": expected wasm or webgpu");
  options.report = line.report;
  options.profile = line.profile;
  options.timing = line.timing;
  options.verbose = line.verbose;
  options.emit = line.emit;
  options.output = line.output;
  if (options.output.empty())
    options.output = getDefaultOutput(line);
  options.requireDevice = line.requireGpu;
  options.noFallback = line.noFallback;
  options.fastMath = line.fastMath;
  if (failed(checkStage(options.emit)) ||
      failed(readDims(line, options.import)) ||
      failed(readState(line, options.targetOptions)) ||
      failed(readExterns(line, context, options.externs)) ||
      failed(readTargetOptions(line, options.targetOptions)) ||
      failed(checkTarget(line, *options.target)) ||
      failed(checkCombinations(line)) ||
      failed(getArtifact(line, options.targetOptions)))
    return failure();
  return options;
}

/// With --reproduce: what the run reads goes into an archive, too.
static LogicalResult startReproducer(const CommandLine &line,
                                     ArrayRef<const char *> arguments,
                                     DriverOptions &options) {
  if (line.reproduce.empty())
    return success();
  llvm::Expected<Reproducer> created = Reproducer::create(line.reproduce);
  if (!created)
    return fail("--reproduce: " + llvm::toString(created.takeError()));
  auto reproducer = std::make_shared<Reproducer>(std::move(*created));
  reproducer->addCommand(arguments, line.input);
  options.import.onFile = [reproducer](StringRef path, StringRef bytes) {
    reproducer->addFile(path, bytes);
  };
  return success();
}

int main(int argc, char **argv) {
  llvm::InitLLVM init(argc, argv);
  if (argc > 1 && StringRef(argv[1]) == "link")
    return runLinkCommand(argc, argv);
  CommandLine line;
  cl::HideUnrelatedOptions(line.category);
  cl::SetVersionPrinter(
      [](raw_ostream &os) { os << "nncc " NNCC_VERSION " (LLVM 19)\n"; });
  cl::ParseCommandLineOptions(
      argc, argv,
      "nncc: compiles a trained network (ONNX) to a WebAssembly module that "
      "needs no framework\n\n"
      "  nncc model.onnx --target=wasm -o model.wasm\n"
      "  nncc-run model.wasm --input image.npy\n"
      "  nncc link guest.wasm model.wasm -o app.wasm  (see nncc link "
      "--help)\n");

  DialectRegistry registry;
  registerDialects(registry);
  llvm::DefaultThreadPool threads(llvm::hardware_concurrency(line.jobs));
  MLIRContext context(registry, MLIRContext::Threading::DISABLED);
  if (line.jobs != 1)
    context.setThreadPool(threads);
  context.loadAllAvailableDialects();
  context.printOpOnDiagnostic(false);
  context.getDiagEngine().registerHandler(printDiagnostic);
  if (line.printPipeline) {
    printPipeline(context, llvm::outs());
    return 0;
  }
  if (line.printSupportedOps) {
    onnx::printSupportedOps(llvm::outs());
    return 0;
  }
  FailureOr<DriverOptions> options = getOptions(line, context);
  ArrayRef<const char *> arguments(argv + 1, argv + argc);
  if (failed(options) || failed(startReproducer(line, arguments, *options)) ||
      failed(runDriver(*options, context)))
    return 1;
  return 0;
}
