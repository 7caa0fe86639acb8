//===- EntryPoints.cpp - What joins a program and the runtime -------------===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "targets/wasm/EntryPoints.h"

#include "runtime/core/Program.h"

#include "llvm/IR/IRBuilder.h"

using namespace llvm;
using namespace nncc;
using namespace nncc::wasm;

namespace {

/// Writes the words and names of the program's table.
class TableBuilder {
public:
  void addWord(uint64_t word) { words.push_back(static_cast<uint32_t>(word)); }

  void addName(StringRef name) {
    addWord(names.size());
    names.append(name.begin(), name.end());
    names.push_back('\0');
  }

  void addTensor(const TensorInfo &tensor) {
    addName(tensor.name);
    addWord(tensor.typeCode | tensor.bits << 8);
    addWord(tensor.dims.size());
  }

  void addDims(const TensorInfo &tensor) {
    for (mlir::AffineExpr dim : tensor.dims) {
      auto constant = mlir::dyn_cast<mlir::AffineConstantExpr>(dim);
      addWord(static_cast<uint32_t>(constant ? DimKind::Constant
                                             : DimKind::Symbol));
      addWord(constant ? constant.getValue()
                       : mlir::cast<mlir::AffineSymbolExpr>(dim).getPosition());
    }
  }

  SmallVector<uint32_t> words;
  std::string names;
};

/// Calls of the program with its values in an array of words.
class FrameBuilder {
public:
  explicit FrameBuilder(Module &module)
      : module(module), builder(module.getContext()) {}

  /// `name`: arguments come from the frame, results go behind them.
  void buildRun(Function *run, StringRef name);

  /// `name`, which takes symbols. No function: the arena is empty.
  void buildArenaBytes(Function *arenaBytes, StringRef name);

private:
  Function *start(StringRef name, Type *result);
  SmallVector<Value *> loadArguments(Function *callee, Value *words);
  Value *getWord(Value *words, unsigned i) {
    return builder.CreateConstInBoundsGEP1_32(builder.getInt32Ty(), words, i);
  }

  Module &module;
  IRBuilder<> builder;
};

} // namespace

Function *FrameBuilder::start(StringRef name, Type *result) {
  auto *type = FunctionType::get(result, {builder.getPtrTy()}, false);
  auto *function =
      Function::Create(type, Function::ExternalLinkage, name, module);
  builder.SetInsertPoint(BasicBlock::Create(module.getContext(), "", function));
  return function;
}

SmallVector<Value *> FrameBuilder::loadArguments(Function *callee,
                                                 Value *words) {
  SmallVector<Value *> arguments;
  for (Argument &argument : callee->args()) {
    Type *type = argument.getType();
    Value *word = getWord(words, argument.getArgNo());
    if (type->isIntegerTy(64))
      arguments.push_back(builder.CreateZExt(
          builder.CreateLoad(builder.getInt32Ty(), word), type));
    else
      arguments.push_back(builder.CreateLoad(type, word));
  }
  return arguments;
}

void FrameBuilder::buildRun(Function *run, StringRef name) {
  Function *call = start(name, builder.getVoidTy());
  Value *frame = call->getArg(0);
  CallInst *result = builder.CreateCall(run, loadArguments(run, frame));
  unsigned numArguments = run->arg_size();
  if (auto *results = dyn_cast<StructType>(run->getReturnType())) {
    for (unsigned i = 0; i < results->getNumElements(); ++i)
      builder.CreateStore(builder.CreateExtractValue(result, i),
                          getWord(frame, numArguments + i));
  } else if (!run->getReturnType()->isVoidTy()) {
    builder.CreateStore(result, getWord(frame, numArguments));
  }
  builder.CreateRetVoid();
  run->setLinkage(Function::InternalLinkage);
}

void FrameBuilder::buildArenaBytes(Function *arenaBytes, StringRef name) {
  Function *call = start(name, builder.getInt64Ty());
  if (!arenaBytes) {
    builder.CreateRet(builder.getInt64(0));
    return;
  }
  Value *result = builder.CreateCall(
      arenaBytes, loadArguments(arenaBytes, call->getArg(0)));
  builder.CreateRet(builder.CreateZExt(result, builder.getInt64Ty()));
  arenaBytes->setLinkage(Function::InternalLinkage);
}

static unsigned countResults(Function *function) {
  Type *type = function->getReturnType();
  if (auto *results = dyn_cast<StructType>(type))
    return results->getNumElements();
  return type->isVoidTy() ? 0 : 1;
}

static void addTable(Module &module, const Signature &signature,
                     uint32_t weightOffset, uint64_t storedBegin) {
  TableBuilder table;
  table.addWord(signature.symbols.size());
  table.addWord(signature.inputs.size());
  table.addWord(signature.outputs.size());
  table.addWord(weightOffset);
  table.addWord(storedBegin);
  for (const SymbolInfo &symbol : signature.symbols) {
    table.addName(symbol.name);
    table.addWord(symbol.low);
    table.addWord(symbol.high.value_or(-1));
    table.addName(symbol.node);
  }
  for (const TensorInfo &input : signature.inputs) {
    table.addTensor(input);
    table.addDims(input);
  }
  for (const TensorInfo &output : signature.outputs)
    table.addTensor(output);

  LLVMContext &context = module.getContext();
  auto addConstant = [&](Constant *value, StringRef name) {
    new GlobalVariable(module, value->getType(), /*isConstant=*/true,
                       GlobalValue::ExternalLinkage, value, name);
  };
  addConstant(ConstantDataArray::get(context, ArrayRef(table.words)),
              "nncc_program");
  addConstant(ConstantDataArray::getString(context, table.names),
              "nncc_strings");
}

static void addRoom(Module &module, uint64_t bytes, StringRef name) {
  auto *type = ArrayType::get(Type::getInt8Ty(module.getContext()), bytes);
  auto *room = new GlobalVariable(module, type, /*isConstant=*/false,
                                  GlobalValue::ExternalLinkage,
                                  Constant::getNullValue(type), name);
  room->setAlignment(Align(64));
}

/// The number of words of a frame.
static size_t countWords(const Signature &signature) {
  size_t count = 2 + signature.symbols.size() + signature.inputs.size() +
                 signature.outputs.size();
  for (const TensorInfo &output : signature.outputs)
    count += output.dims.size();
  return count;
}

/// Adds the calls of a program with a frame; its names follow `prefix`.
static Error addCalls(Module &module, const Signature &signature,
                      const Twine &prefix, StringRef runName) {
  Function *run = module.getFunction(("nncc_" + prefix + runName).str());
  Function *arenaBytes =
      module.getFunction(("nncc_" + prefix + "arena_bytes").str());
  if (!run || !arenaBytes)
    return createStringError("the program has no nncc_" + prefix + runName +
                             " or nncc_" + prefix + "arena_bytes");
  size_t numWords = run->arg_size() + countResults(run);
  if (run->arg_size() !=
          2 + signature.symbols.size() + signature.inputs.size() ||
      numWords != countWords(signature) ||
      arenaBytes->arg_size() != signature.symbols.size())
    return createStringError(run->getName() +
                             " does not fit the program's signature");
  FrameBuilder frames(module);
  frames.buildRun(run, ("nncc_call_" + prefix + runName).str());
  frames.buildArenaBytes(arenaBytes,
                         ("nncc_call_" + prefix + "arena_bytes").str());
  return Error::success();
}

Expected<size_t> nncc::wasm::addFrameCalls(Module &module,
                                           const Signature &signature) {
  if (Error error = addCalls(module, signature, "", "run"))
    return std::move(error);
  return countWords(signature);
}

Error nncc::wasm::addGpuCalls(Module &module, const Signature &signature,
                              ArrayRef<int32_t> commands) {
  if (Error error = addCalls(module, signature, "gpu_", "record"))
    return error;
  FrameBuilder(module).buildArenaBytes(
      module.getFunction("nncc_host_arena_bytes"),
      "nncc_call_host_arena_bytes");
  ArrayRef<uint32_t> words(reinterpret_cast<const uint32_t *>(commands.data()),
                           commands.size());
  auto *value = ConstantDataArray::get(module.getContext(), words);
  new GlobalVariable(module, value->getType(), /*isConstant=*/true,
                     GlobalValue::ExternalLinkage, value, "nncc_gpu_commands");
  addRoom(module, 4 * signature.boundSymbols.size(), "nncc_gpu_sizes");
  auto *count = ConstantInt::get(Type::getInt32Ty(module.getContext()),
                                 signature.boundSymbols.size());
  new GlobalVariable(module, count->getType(), /*isConstant=*/true,
                     GlobalValue::ExternalLinkage, count, "nncc_gpu_num_sizes");
  return Error::success();
}

void nncc::wasm::addEntryPoints(Module &module, const Signature &signature,
                                StringRef signatureText, const Weights &weights,
                                uint32_t weightOffset) {
  addTable(module, signature, weightOffset, weights.getBegin());
  auto *text = ConstantDataArray::getString(module.getContext(), signatureText);
  new GlobalVariable(module, text->getType(), /*isConstant=*/true,
                     GlobalValue::ExternalLinkage, text, "nncc_signature_text");
  addRoom(module, 4 * countWords(signature), "nncc_frame");
  // Vector loads may pass the end of the last weight.
  addRoom(module, weightOffset + weights.size + 64, weightSymbol);
}

void nncc::wasm::callWidenWeights(Module &module, const Weights &weights,
                                  uint32_t weightOffset) {
  Function *run = module.getFunction("nncc_call_run");
  IRBuilder<> b(&run->getEntryBlock(), run->getEntryBlock().begin());
  Value *room = module.getNamedGlobal(weightSymbol);
  Value *begin =
      b.CreateConstInBoundsGEP1_32(b.getInt8Ty(), room, weightOffset);
  auto function =
      module.getOrInsertFunction("nncc_widen_weights", b.getVoidTy(),
                                 b.getPtrTy(), b.getInt32Ty(), b.getInt32Ty());
  b.CreateCall(function, {begin, b.getInt32(weights.numF16),
                          b.getInt32(weights.numBF16)});
}
