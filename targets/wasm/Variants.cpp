//===- Variants.cpp - Kernels that come in two forms ----------------------===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "targets/wasm/Variants.h"

#include "targets/wasm/VectorConstants.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/IR/IRBuilder.h"
#include "llvm/IR/InstIterator.h"
#include "llvm/IR/IntrinsicInst.h"
#include "llvm/IR/IntrinsicsWebAssembly.h"

using namespace llvm;
using namespace nncc::wasm;

namespace {

/// x * y + z.
struct SumOfProduct {
  Instruction *product;
  Value *addend;
};

} // namespace

static bool isFourFloats(Type *type) {
  auto *vector = dyn_cast<FixedVectorType>(type);
  return vector && vector->getNumElements() == 4 &&
         vector->getElementType()->isFloatTy();
}

static std::optional<SumOfProduct> matchSum(Instruction &sum) {
  if (sum.getOpcode() != Instruction::FAdd || !isFourFloats(sum.getType()))
    return std::nullopt;
  for (unsigned i : {0u, 1u}) {
    auto *product = dyn_cast<Instruction>(sum.getOperand(i));
    if (product && product->getOpcode() == Instruction::FMul &&
        product->hasOneUse())
      return SumOfProduct{product, sum.getOperand(1 - i)};
  }
  return std::nullopt;
}

/// What a function of another module cannot have: globals, calls, a stack.
static bool standsAlone(Function &kernel) {
  for (Instruction &instruction : instructions(kernel)) {
    if (isa<AllocaInst, MemIntrinsic>(instruction) ||
        instruction.getOpcode() == Instruction::FRem)
      return false;
    for (Value *operand : instruction.operands())
      if (auto *constant = dyn_cast<Constant>(operand)) {
        auto *function = dyn_cast<Function>(constant);
        bool isIntrinsic = function && function->isIntrinsic();
        if (!isIntrinsic && (isa<GlobalValue, ConstantExpr>(constant)))
          return false;
      }
  }
  return true;
}

static bool gainsFromRelaxedSums(Function &kernel) {
  // Nearly all phis of vectors are what a loop carries.
  return any_of(instructions(kernel), [](Instruction &instruction) {
    std::optional<SumOfProduct> sum = matchSum(instruction);
    return sum && isa<PHINode>(sum->addend);
  });
}

std::optional<Variant> nncc::wasm::chooseVariant(Function &kernel) {
  if (!standsAlone(kernel))
    return std::nullopt;
  if (gainsFromByteDots(kernel))
    return Variant::Dots;
  if (gainsFromRelaxedSums(kernel))
    return Variant::Sums;
  return std::nullopt;
}

void nncc::wasm::callThroughTable(Module &program,
                                  ArrayRef<Function *> kernels) {
  auto *pointer = PointerType::get(program.getContext(), 0);
  auto *type = ArrayType::get(pointer, kernels.size());
  auto *table = new GlobalVariable(program, type, /*isConstant=*/false,
                                   GlobalValue::ExternalLinkage, nullptr,
                                   kernelTableSymbol);
  table->setVisibility(GlobalValue::HiddenVisibility);
  for (auto [i, kernel] : enumerate(kernels))
    for (User *user : make_early_inc_range(kernel->users())) {
      auto *call = cast<CallInst>(user);
      IRBuilder<> b(call);
      Value *place = b.CreateConstInBoundsGEP2_32(type, table, 0, i);
      call->setCalledOperand(b.CreateLoad(pointer, place));
    }
}

static void useRelaxedSums(Function &copy) {
  SmallVector<Instruction *> sums;
  for (Instruction &instruction : instructions(copy))
    if (matchSum(instruction))
      sums.push_back(&instruction);
  for (Instruction *sum : sums) {
    // Again, since its operands may have been replaced.
    auto [product, addend] = *matchSum(*sum);
    IRBuilder<> b(sum);
    sum->replaceAllUsesWith(b.CreateIntrinsic(
        sum->getType(), Intrinsic::wasm_relaxed_madd,
        {product->getOperand(0), product->getOperand(1), addend}));
    sum->eraseFromParent();
    product->eraseFromParent();
  }
}

void nncc::wasm::makeVariant(Function &copy, Variant variant, unsigned slot) {
  copy.setVisibility(GlobalValue::DefaultVisibility);
  copy.addFnAttr("wasm-export-name", utostr(slot));
  copy.addFnAttr(noDataAttr);
  if (variant == Variant::Dots)
    useByteDots(copy);
  else
    useRelaxedSums(copy);
}
