//===- SizeCalls.cpp - Sizes that the runtime may refuse ------------------===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "targets/wasm/SizeCalls.h"

#include "nncc/Dialect/Exec/Exec.h"

#include "llvm/IR/Constants.h"
#include "llvm/IR/IRBuilder.h"
#include "llvm/Transforms/Utils/BasicBlockUtils.h"

using namespace llvm;

/// Each call has a text of its own, by whose address the runtime knows it.
static void nameSite(CallInst &call, ArrayRef<std::string> sites) {
  auto *number = dyn_cast<ConstantInt>(call.getArgOperand(0));
  StringRef name = number && number->getZExtValue() < sites.size()
                       ? StringRef(sites[number->getZExtValue()])
                       : "?";
  Constant *text = ConstantDataArray::getString(call.getContext(), name);
  auto *global = new GlobalVariable(
      *call.getModule(), text->getType(),
      /*isConstant=*/true, GlobalValue::PrivateLinkage, text, "nncc_site");
  call.setArgOperand(
      0, ConstantExpr::getPtrToInt(global, call.getArgOperand(0)->getType()));
}

static void returnWhereZero(CallInst &call) {
  IRBuilder<> b(call.getNextNode());
  Value *isRefused =
      b.CreateICmpEQ(&call, Constant::getNullValue(call.getType()));
  Instruction *exit = SplitBlockAndInsertIfThen(isRefused, b.GetInsertPoint(),
                                                /*Unreachable=*/true);
  b.SetInsertPoint(exit);
  Type *type = call.getFunction()->getReturnType();
  if (type->isVoidTy())
    b.CreateRetVoid();
  else
    b.CreateRet(Constant::getNullValue(type));
  exit->eraseFromParent();
}

void nncc::wasm::finishSizeCalls(Module &module, ArrayRef<std::string> sites) {
  for (StringRef name :
       {StringRef("nncc_accept_size"), StringRef(exec::boundMemoryName),
        StringRef(exec::checkSizesName), StringRef(exec::growArenasName)}) {
    Function *function = module.getFunction(name);
    if (!function)
      continue;
    SmallVector<CallInst *> calls;
    for (User *user : function->users())
      if (auto *call = dyn_cast<CallInst>(user))
        calls.push_back(call);
    for (CallInst *call : calls) {
      nameSite(*call, sites);
      if (name != "nncc_accept_size")
        returnWhereZero(*call);
    }
  }
}

void nncc::wasm::inlineSizeChecks(Module &module) {
  Function *function = module.getFunction(exec::checkSizesName);
  if (!function)
    return;
  for (User *user : make_early_inc_range(function->users())) {
    auto *call = cast<CallInst>(user);
    IRBuilder<> b(call);
    Value *areEqual =
        b.CreateICmpEQ(call->getArgOperand(1), call->getArgOperand(2));
    call->replaceAllUsesWith(b.CreateZExt(areEqual, call->getType()));
    call->eraseFromParent();
  }
  function->eraseFromParent();
}
