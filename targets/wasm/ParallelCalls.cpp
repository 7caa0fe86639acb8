//===- ParallelCalls.cpp - Calls of kernels on all threads ----------------===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "targets/wasm/ParallelCalls.h"

#include "nncc/Dialect/Exec/Exec.h"

#include "llvm/IR/IRBuilder.h"

using namespace llvm;
using namespace nncc::wasm;

/// The arguments that the block holds: all but the last two of a kernel.
static StructType *getBlockType(Function *kernel) {
  ArrayRef<Type *> types = kernel->getFunctionType()->params();
  return StructType::get(kernel->getContext(), types.drop_back(2));
}

/// void kernel.slice(block, begin, end): the kernel on a part of its grid.
static Function *buildSlice(Function *kernel) {
  IRBuilder<> b(kernel->getContext());
  auto *type = FunctionType::get(
      b.getVoidTy(), {b.getPtrTy(), b.getInt32Ty(), b.getInt32Ty()}, false);
  auto *slice =
      Function::Create(type, Function::InternalLinkage,
                       kernel->getName() + ".slice", kernel->getParent());
  b.SetInsertPoint(BasicBlock::Create(b.getContext(), "", slice));
  StructType *block = getBlockType(kernel);
  SmallVector<Value *> arguments;
  for (unsigned i = 0; i < block->getNumElements(); ++i)
    arguments.push_back(
        b.CreateLoad(block->getElementType(i),
                     b.CreateStructGEP(block, slice->getArg(0), i)));
  arguments.push_back(slice->getArg(1));
  arguments.push_back(slice->getArg(2));
  b.CreateCall(kernel, arguments);
  b.CreateRetVoid();
  return slice;
}

/// The last two arguments of `call` are the number of steps and of parts.
static void defineCall(Function *call, Function *kernel) {
  Module &module = *call->getParent();
  IRBuilder<> b(BasicBlock::Create(module.getContext(), "", call));
  call->setLinkage(Function::InternalLinkage);
  StructType *type = getBlockType(kernel);
  Value *block = b.CreateAlloca(type);
  for (unsigned i = 0; i < type->getNumElements(); ++i)
    b.CreateStore(call->getArg(i), b.CreateStructGEP(type, block, i));
  FunctionCallee parallel =
      module.getOrInsertFunction("nncc_parallel", b.getVoidTy(), b.getPtrTy(),
                                 b.getPtrTy(), b.getInt32Ty(), b.getInt32Ty());
  unsigned numArguments = call->arg_size();
  b.CreateCall(parallel,
               {buildSlice(kernel), block, call->getArg(numArguments - 2),
                call->getArg(numArguments - 1)});
  b.CreateRetVoid();
}

/// Each run loads the weights if they are not there yet.
static void callLoadWeights(Module &module) {
  Function *run = module.getFunction("nncc_call_run");
  IRBuilder<> b(&run->getEntryBlock(), run->getEntryBlock().begin());
  b.CreateCall(module.getOrInsertFunction("nncc_load_weights", b.getVoidTy()));
}

Error nncc::wasm::addThreads(Module &module) {
  callLoadWeights(module);
  SmallVector<Function *> calls;
  for (Function &function : module)
    if (function.isDeclaration() &&
        function.getName().starts_with(exec::parallelPrefix))
      calls.push_back(&function);
  for (Function *call : calls) {
    StringRef name = call->getName().drop_front(exec::parallelPrefix.size());
    Function *kernel = module.getFunction(name);
    if (!kernel || kernel->getFunctionType() != call->getFunctionType())
      return createStringError("there is no kernel '" + name +
                               "' to call on all threads");
    defineCall(call, kernel);
  }
  return Error::success();
}
