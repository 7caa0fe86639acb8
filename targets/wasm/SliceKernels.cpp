//===- SliceKernels.cpp - Long kernels in several calls -------------------===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "targets/wasm/SliceKernels.h"

#include "targets/wasm/Translate.h"

#include "llvm/IR/IRBuilder.h"

using namespace llvm;
using namespace nncc::wasm;

/// Whether each call is of the whole grid, which begins at 0.
static bool isCalledWhole(const Function &kernel) {
  return all_of(kernel.users(), [&](const User *user) {
    auto *call = dyn_cast<CallInst>(user);
    if (!call || call->getCalledFunction() != &kernel)
      return false;
    auto *begin =
        dyn_cast<ConstantInt>(call->getArgOperand(call->arg_size() - 2));
    return begin && begin->isZero();
  });
}

/// What `kernel` was, as a function of its own.
static Function *takeBody(Function &kernel) {
  Function *body =
      Function::Create(kernel.getFunctionType(), kernel.getLinkage(),
                       kernel.getName() + ".slice");
  kernel.getParent()->getFunctionList().insertAfter(kernel.getIterator(), body);
  body->copyAttributesFrom(&kernel);
  body->splice(body->begin(), &kernel);
  for (auto [from, to] : zip_equal(kernel.args(), body->args()))
    from.replaceAllUsesWith(&to);
  return body;
}

/// for (i = 0; i < end; i += step) body(..., i, min(i + step, end))
static void callInSlices(Function &kernel, Function &body, unsigned slices) {
  LLVMContext &context = kernel.getContext();
  auto *entry = BasicBlock::Create(context, "", &kernel);
  auto *loop = BasicBlock::Create(context, "", &kernel);
  auto *exit = BasicBlock::Create(context, "", &kernel);
  Value *end = kernel.getArg(kernel.arg_size() - 1);
  IRBuilder<> b(entry);
  Value *step =
      b.CreateAdd(b.CreateUDiv(end, b.getInt32(slices)), b.getInt32(1));
  b.CreateCondBr(b.CreateIsNull(end), exit, loop);

  b.SetInsertPoint(loop);
  PHINode *from = b.CreatePHI(b.getInt32Ty(), 2);
  Value *to =
      b.CreateBinaryIntrinsic(Intrinsic::umin, b.CreateNUWAdd(from, step), end);
  SmallVector<Value *> arguments;
  for (Argument &argument : drop_end(kernel.args(), 2))
    arguments.push_back(&argument);
  arguments.append({from, to});
  b.CreateCall(&body, arguments)->setCallingConv(body.getCallingConv());
  b.CreateCondBr(b.CreateICmpULT(to, end), loop, exit);
  from->addIncoming(b.getInt32(0), entry);
  from->addIncoming(to, loop);

  b.SetInsertPoint(exit);
  b.CreateRetVoid();
}

void nncc::wasm::sliceKernels(Module &program) {
  SmallVector<Function *> kernels;
  for (Function &function : program)
    if (isKernel(function) && function.hasFnAttribute(slicesAttr) &&
        isCalledWhole(function))
      kernels.push_back(&function);
  for (Function *kernel : kernels) {
    unsigned slices = kernel->getFnAttributeAsParsedInteger(slicesAttr);
    callInSlices(*kernel, *takeBody(*kernel), slices);
  }
}
