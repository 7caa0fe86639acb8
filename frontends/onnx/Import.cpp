//===- Import.cpp - reads an ONNX file --------------------------*- C++ -*-===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "frontends/onnx/Import.h"

#include "frontends/onnx/Graph.h"
#include "frontends/onnx/IR/OnnxDialect.h"
#include "frontends/onnx/ModelFile.h"

#include "onnx-ml.pb.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"

using namespace mlir;
using namespace nncc::onnx;
using ::onnx::GraphProto;
using ::onnx::ModelProto;

namespace {

class ModelImporter {
public:
  ModelImporter(ModelFile &file, const ImportOptions &options,
                MLIRContext &context)
      : file(file), options(options), builder(&context),
        symbols(file, options, context) {}

  FailureOr<OwningOpRef<ModuleOp>> import();

private:
  LogicalResult checkModel();
  LogicalResult importMain(ModuleOp module);
  LogicalResult addInputs(func::FuncOp func, GraphImporter &importer);
  LogicalResult addOutputs(func::FuncOp func, GraphImporter &importer);

  const GraphProto &graph() const { return file.getModel().graph(); }

  ModelFile &file;
  const ImportOptions &options;
  OpBuilder builder;
  DimSymbols symbols;
  OpsetVersions opsets;
  Functions functions;
};

/// What a module's constants point into.
struct Source {
  std::unique_ptr<llvm::MemoryBuffer> buffer;
  std::unique_ptr<ModelFile> file;
};

} // namespace

LogicalResult ModelImporter::checkModel() {
  FailureOr<OpsetVersions> imported =
      readOpsets(file, file.getModel().opset_import());
  if (failed(imported) || failed(functions.read(file)))
    return failure();
  opsets = *imported;
  if (opsets.empty())
    return file.error() << "imports no opset: the model doesn't say which "
                           "version of the operators it means";
  if (graph().output_size() == 0)
    return file.error() << "has no outputs";
  return success();
}

LogicalResult ModelImporter::addInputs(func::FuncOp func,
                                       GraphImporter &importer) {
  // Until IR version 4 every initializer is listed as an input, too.
  llvm::StringSet<> initializers;
  for (const auto &tensor : graph().initializer())
    initializers.insert(tensor.name());

  bool failedAny = false;
  for (const auto &input : graph().input()) {
    if (initializers.contains(input.name()))
      continue;
    if (input.name().empty())
      return file.error() << "an input of the graph has no name";
    FailureOr<RankedTensorType> type =
        symbols.getInputType(input.name(), input.type());
    if (failed(type)) {
      failedAny = true;
      continue;
    }
    StringAttr name = builder.getStringAttr(input.name());
    unsigned index = func.getNumArguments();
    func.insertArgument(
        index, *type,
        builder.getDictionaryAttr(builder.getNamedAttr("nn.name", name)),
        NameLoc::get(name));
    failedAny |= failed(importer.define(input.name(), func.getArgument(index)));
  }
  return failure(failedAny || failed(symbols.checkBounds()));
}

LogicalResult ModelImporter::addOutputs(func::FuncOp func,
                                        GraphImporter &importer) {
  FailureOr<SmallVector<Value>> outputs = importer.getOutputs(graph());
  if (failed(outputs))
    return failure();
  SmallVector<Type> types;
  SmallVector<Attribute> attributes;
  llvm::StringSet<> seen;
  for (auto [output, value] : llvm::zip_equal(graph().output(), *outputs)) {
    if (!seen.insert(output.name()).second)
      return file.error() << "the output '" << printable(output.name())
                          << "' is listed twice";
    types.push_back(value.getType());
    attributes.push_back(builder.getDictionaryAttr(
        builder.getNamedAttr("nn.name", builder.getStringAttr(output.name()))));
  }
  builder.create<func::ReturnOp>(builder.getUnknownLoc(), *outputs);
  func.setType(
      builder.getFunctionType(func.getFunctionType().getInputs(), types));
  func.setResAttrsAttr(builder.getArrayAttr(attributes));
  return success();
}

LogicalResult ModelImporter::importMain(ModuleOp module) {
  builder.setInsertionPointToEnd(module.getBody());
  auto func = builder.create<func::FuncOp>(builder.getUnknownLoc(), "main",
                                           builder.getFunctionType({}, {}));
  builder.setInsertionPointToEnd(func.addEntryBlock());

  GraphImporter::Context context{file, options, functions, builder};
  GraphImporter importer(context, opsets);
  if (failed(addInputs(func, importer)) ||
      failed(importer.importBody(graph())) ||
      failed(addOutputs(func, importer)))
    return failure();

  SmallVector<StringRef> names(symbols.getNames().begin(),
                               symbols.getNames().end());
  func->setAttr("nn.symbols", builder.getStrArrayAttr(names));
  SmallVector<Attribute> bounds = symbols.getBounds();
  if (!bounds.empty())
    func->setAttr("nn.symbol_bounds", builder.getArrayAttr(bounds));
  return success();
}

FailureOr<OwningOpRef<ModuleOp>> ModelImporter::import() {
  if (failed(checkModel()))
    return failure();
  OwningOpRef<ModuleOp> module(ModuleOp::create(builder.getUnknownLoc()));
  (*module)->setAttr("nncc.source_name", builder.getStringAttr(file.getName()));
  (*module)->setAttr("nncc.source_sha256",
                     builder.getStringAttr(file.getSha256()));
  if (failed(importMain(*module)))
    return failure();
  return module;
}

static FailureOr<OwningOpRef<ModuleOp>>
importSource(std::shared_ptr<Source> source, StringRef bytes,
             MLIRContext &context, const ImportOptions &options,
             std::shared_ptr<void> &keepAlive) {
  context.loadDialect<OnnxDialect, func::FuncDialect>();
  keepAlive = source;
  if (failed(source->file->parse(bytes)))
    return failure();
  return ModelImporter(*source->file, options, context).import();
}

FailureOr<OwningOpRef<ModuleOp>>
nncc::onnx::importOnnx(StringRef path, MLIRContext &context,
                       const ImportOptions &options,
                       std::shared_ptr<void> &keepAlive) {
  auto source = std::make_shared<Source>();
  source->file = std::make_unique<ModelFile>(path, context, options.onFile);
  auto buffer = llvm::MemoryBuffer::getFile(path, /*IsText=*/false,
                                            /*RequiresNullTerminator=*/false);
  if (!buffer)
    return source->file->error()
           << "can't be read: " << buffer.getError().message();
  source->buffer = std::move(*buffer);
  if (options.onFile)
    options.onFile(llvm::sys::path::filename(path),
                   source->buffer->getBuffer());
  return importSource(source, source->buffer->getBuffer(), context, options,
                      keepAlive);
}

FailureOr<OwningOpRef<ModuleOp>>
nncc::onnx::importOnnx(StringRef bytes, StringRef path, MLIRContext &context,
                       const ImportOptions &options,
                       std::shared_ptr<void> &keepAlive) {
  auto source = std::make_shared<Source>();
  source->file = std::make_unique<ModelFile>(path, context);
  return importSource(source, bytes, context, options, keepAlive);
}
