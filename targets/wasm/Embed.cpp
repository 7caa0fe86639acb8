//===- Embed.cpp - A program as part of another ---------------------------===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "targets/wasm/Embed.h"

#include "runtime/core/Embedded.h"
#include "targets/wasm/CHeader.h"
#include "targets/wasm/EntryPoints.h"
#include "targets/wasm/ExternCalls.h"

#include "llvm/Bitcode/BitcodeReader.h"
#include "llvm/IR/Constants.h"
#include "llvm/IR/InstIterator.h"
#include "llvm/IR/Instructions.h"
#include "llvm/Linker/Linker.h"
#include "llvm/Transforms/Utils/ModuleUtils.h"

using namespace llvm;
using namespace nncc;
using namespace nncc::wasm;

/// Vector loads may pass the end of the last weight.
static constexpr uint64_t slack = 64;

static GlobalVariable *addWeights(Module &module, const Weights &weights,
                                  const Twine &name) {
  SmallVector<char, 0> bytes(weights.size + slack);
  for (const WeightSegment &segment : weights.segments)
    llvm::copy(segment.bytes, bytes.begin() + segment.offset);
  Constant *data = ConstantDataArray::getRaw(
      StringRef(bytes.data(), bytes.size()), bytes.size(),
      Type::getInt8Ty(module.getContext()));
  auto *global =
      new GlobalVariable(module, data->getType(), /*isConstant=*/true,
                         GlobalValue::ExternalLinkage, data, name);
  global->setAlignment(Align(64));
  return global;
}

/// Whether code generation will call functions that the program does not name.
static bool hasRemainders(const Module &module) {
  for (const Function &function : module)
    for (const Instruction &instruction : instructions(function))
      if (instruction.getOpcode() == Instruction::FRem)
        return true;
  return false;
}

static Error linkBitcode(Module &module, StringRef name, unsigned flags) {
  for (const EmbeddedObject &part :
       ArrayRef(embeddedObjects, numEmbeddedObjects)) {
    if (StringRef(part.name) != name)
      continue;
    StringRef bytes(reinterpret_cast<const char *>(part.data), part.size);
    Expected<std::unique_ptr<Module>> code =
        parseBitcodeFile(MemoryBufferRef(bytes, name), module.getContext());
    if (!code)
      return code.takeError();
    (*code)->setDataLayout(module.getDataLayout());
    (*code)->setTargetTriple(module.getTargetTriple());
    if (Linker::linkModules(module, std::move(*code), flags))
      return createStringError("cannot link the runtime's " + name);
    return Error::success();
  }
  return createStringError("the runtime has no " + name);
}

/// What code generation calls by name: the optimiser sees no use of it.
static Error linkImplicit(Module &module, StringRef name,
                          ArrayRef<StringRef> functions) {
  if (Error error = linkBitcode(module, name, Linker::Flags::None))
    return error;
  SmallVector<GlobalValue *> used;
  for (StringRef function : functions)
    if (Function *found = module.getFunction(function))
      used.push_back(found);
  appendToCompilerUsed(module, used);
  return Error::success();
}

static Error linkRuntime(Module &module, bool simd) {
  // Functions of angles may call others, so that they come first.
  for (StringRef name : {"MathAngleBitcode", "MathBitcode", "MathAngleBitcode"})
    if (Error error = linkBitcode(module, name, Linker::Flags::LinkOnlyNeeded))
      return error;
  if (hasRemainders(module))
    if (Error error = linkImplicit(module, "FmodBitcode", {"fmod", "fmodf"}))
      return error;
  return linkImplicit(module,
                      simd ? "MemorySimdBitcode" : "MemoryScalarBitcode",
                      {"memcpy", "memmove", "memset"});
}

/// Calls of functions that the program defines. The first that fails leaves its
/// status in a variable, and those after it are not called.
static void callLinkedFunctions(Module &module, const Signature &signature,
                                StringRef prefix) {
  if (signature.externs.empty())
    return;
  Type *i32 = Type::getInt32Ty(module.getContext());
  auto *failed = new GlobalVariable(
      module, i32, /*isConstant=*/false, GlobalValue::ExternalLinkage,
      ConstantInt::get(i32, 0), prefix + "_failed");
  auto emitCall = [&](IRBuilder<> &b, const ExternCall &call, Value *values,
                      unsigned count) {
    Function *function = b.GetInsertBlock()->getParent();
    auto *calls = BasicBlock::Create(b.getContext(), "", function);
    auto *end = BasicBlock::Create(b.getContext(), "", function);
    Value *isFine = b.CreateIsNull(b.CreateLoad(i32, failed));
    b.CreateCondBr(isFine, calls, end);
    b.SetInsertPoint(calls);
    FunctionCallee callee = module.getOrInsertFunction(
        makeIdentifier(call.function), i32, b.getPtrTy(), b.getPtrTy(), i32,
        b.getPtrTy());
    Value *none = b.CreateAlloca(ArrayType::get(b.getInt64Ty(), 2));
    b.CreateStore(Constant::getNullValue(ArrayType::get(b.getInt64Ty(), 2)),
                  none);
    Value *status =
        b.CreateCall(callee, {ConstantPointerNull::get(b.getPtrTy()), values,
                              b.getInt32(count), none});
    b.CreateStore(status, failed);
    b.CreateBr(end);
    b.SetInsertPoint(end);
  };
  defineExternCalls(module, signature, emitCall);
}

Error nncc::wasm::makeEmbeddable(Module &module, const Signature &signature,
                                 const Weights &weights, bool simd,
                                 StringRef prefix) {
  Expected<size_t> frameWords = addFrameCalls(module, signature);
  if (!frameWords)
    return frameWords.takeError();
  if (Error error = linkRuntime(module, simd))
    return error;
  for (GlobalObject &object : module.global_objects())
    if (!object.isDeclaration() && !object.getName().starts_with("llvm.")) {
      object.setVisibility(GlobalValue::DefaultVisibility);
      object.setLinkage(GlobalValue::InternalLinkage);
    }
  for (StringRef name : {"call_run", "call_arena_bytes"}) {
    Function *function = module.getFunction(("nncc_" + name).str());
    function->setLinkage(GlobalValue::ExternalLinkage);
    function->setName(prefix + "_" + name);
  }
  addWeights(module, weights, prefix + "_weights");
  callLinkedFunctions(module, signature, prefix);
  return Error::success();
}
