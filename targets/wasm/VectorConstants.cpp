//===- VectorConstants.cpp - Constants of loops from memory ---------------===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "targets/wasm/VectorConstants.h"

#include "llvm/Analysis/LoopInfo.h"
#include "llvm/IR/IRBuilder.h"
#include "llvm/IR/IntrinsicInst.h"
#include "llvm/IR/IntrinsicsWebAssembly.h"
#include "llvm/IR/Module.h"

using namespace llvm;
using namespace nncc::wasm;

namespace {

/// Loads constants at one place.
class ConstantLoader {
public:
  /// In front of `place`, or else of the first user.
  explicit ConstantLoader(Instruction *place = nullptr) : place(place) {}

  /// Gives the block's instructions what is loaded.
  bool run(BasicBlock &block);

private:
  Value *load(Constant &vector, Instruction &user);

  Instruction *place;
  DenseMap<Constant *, Value *> loaded;
};

} // namespace

/// Whether the instruction's vectors may as well be loaded: no shift, whose
/// distance is a number in the instruction set.
static bool takesVectors(const Instruction &instruction) {
  if (auto *call = dyn_cast<IntrinsicInst>(&instruction))
    return call->getIntrinsicID() == Intrinsic::wasm_relaxed_madd;
  return (isa<BinaryOperator>(instruction) && !instruction.isShift()) ||
         isa<CmpInst, SelectInst>(instruction);
}

/// Vectors of zeros, or of ones, are one instruction.
static bool isLongConstant(const Constant &constant) {
  return constant.getType()->isVectorTy() &&
         constant.getType()->getPrimitiveSizeInBits() == 128 &&
         !constant.isNullValue() && !constant.isAllOnesValue() &&
         !constant.containsUndefOrPoisonElement();
}

/// One for all functions of the module. It is no constant to LLVM, which would
/// put its value in place of the load.
static GlobalVariable *getMemory(Module &module, Constant &vector) {
  constexpr StringLiteral prefix = "nncc_vector";
  for (GlobalVariable &known : module.globals())
    if (known.getName().starts_with(prefix) &&
        known.getInitializer() == &vector)
      return &known;
  auto *memory =
      new GlobalVariable(module, vector.getType(), /*isConstant=*/false,
                         GlobalValue::InternalLinkage, &vector, prefix);
  memory->setAlignment(Align(16));
  return memory;
}

Value *ConstantLoader::load(Constant &vector, Instruction &user) {
  Value *&known = loaded[&vector];
  if (!known) {
    IRBuilder<> b(place ? place : &user);
    GlobalVariable *memory = getMemory(*user.getModule(), vector);
    known = b.CreateAlignedLoad(vector.getType(), memory, Align(16));
  }
  return known;
}

bool ConstantLoader::run(BasicBlock &block) {
  for (Instruction &instruction : block)
    if (takesVectors(instruction))
      for (Use &operand : instruction.operands()) {
        auto *constant = dyn_cast<Constant>(operand);
        if (constant && isLongConstant(*constant))
          operand.set(load(*constant, instruction));
      }
  return !loaded.empty();
}

/// In front of an innermost loop, elsewhere in each block: what is carried
/// through a loop that does not use it would take its registers.
static bool loadConstants(Loop &loop, const LoopInfo &loops) {
  bool changed = false;
  BasicBlock *before = loop.isInnermost() ? loop.getLoopPreheader() : nullptr;
  if (before) {
    ConstantLoader loader(before->getTerminator());
    for (BasicBlock *block : loop.blocks())
      changed |= loader.run(*block);
    return changed;
  }
  for (BasicBlock *block : loop.blocks())
    if (loops.getLoopFor(block) == &loop)
      changed |= ConstantLoader().run(*block);
  return changed;
}

PreservedAnalyses VectorConstantsPass::run(Function &function,
                                           FunctionAnalysisManager &analyses) {
  if (function.hasFnAttribute(noDataAttr))
    return PreservedAnalyses::all();
  auto &loops = analyses.getResult<LoopAnalysis>(function);
  bool changed = false;
  for (Loop *loop : loops.getLoopsInPreorder())
    changed |= loadConstants(*loop, loops);
  return changed ? PreservedAnalyses::none() : PreservedAnalyses::all();
}
