//===- SplatJoins.cpp - Numbers for all lanes, used once ------------------===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "targets/wasm/SplatJoins.h"

#include "llvm/Analysis/LoopInfo.h"
#include "llvm/IR/IRBuilder.h"
#include "llvm/Transforms/Utils/BasicBlockUtils.h"

using namespace llvm;
using namespace nncc::wasm;

namespace {

/// A vector of four times the number at a pointer that the loop carries.
struct Splat {
  LoadInst *load;
  InsertElementInst *lane;
  ShuffleVectorInst *all;
};

} // namespace

/// The splat that ends with `all`; none where it is used once anyway.
static std::optional<Splat> matchSplat(ShuffleVectorInst &all) {
  if (!all.isZeroEltSplat() || all.hasOneUse() ||
      all.getType()->getPrimitiveSizeInBits() != 128)
    return std::nullopt;
  auto *lane = dyn_cast<InsertElementInst>(all.getOperand(0));
  auto *load = lane ? dyn_cast<LoadInst>(lane->getOperand(1)) : nullptr;
  if (!load || !lane->hasOneUse() || !load->hasOneUse() ||
      load->getType()->getPrimitiveSizeInBits() != 32 ||
      lane->getParent() != all.getParent() ||
      load->getParent() != all.getParent())
    return std::nullopt;
  auto *pointer = dyn_cast<PHINode>(load->getPointerOperand());
  if (!pointer || pointer->getParent() != all.getParent())
    return std::nullopt;
  return Splat{load, lane, &all};
}

/// The splats of a loop of one block; none where something is stored, or where
/// they would take too many registers.
static SmallVector<Splat> findSplats(BasicBlock &block) {
  SmallVector<Splat> splats;
  for (Instruction &instruction : block) {
    if (instruction.mayHaveSideEffects())
      return {};
    if (auto *all = dyn_cast<ShuffleVectorInst>(&instruction))
      if (auto splat = matchSplat(*all))
        splats.push_back(*splat);
  }
  constexpr size_t few = 4;
  return splats.size() <= few ? splats : SmallVector<Splat>();
}

/// A condition that is false when the loop is entered: a pointer that is read
/// is not null. Who knows better than LLVM traps.
static Value *makeNever(Loop &loop, PHINode &pointer) {
  BasicBlock *before = loop.getLoopPreheader();
  IRBuilder<> b(before->getTerminator());
  Value *never = b.CreateIsNull(pointer.getIncomingValueForBlock(before));
  Instruction *trap = SplitBlockAndInsertIfThen(
      never, before->getTerminator()->getIterator(), /*Unreachable=*/true);
  b.SetInsertPoint(trap);
  b.CreateIntrinsic(Intrinsic::trap, {}, {});
  return never;
}

/// Puts the splats behind a branch on `never` and joins them with zeros.
static void join(BasicBlock &block, ArrayRef<Splat> splats, Value *never) {
  Instruction *loads = SplitBlockAndInsertIfThen(
      ConstantInt::getFalse(block.getContext()), block.getFirstNonPHIIt(),
      /*Unreachable=*/false);
  auto *branch = cast<BranchInst>(block.getTerminator());
  branch->setCondition(never);
  branch->swapSuccessors();
  BasicBlock *rest = branch->getSuccessor(0);
  for (auto [load, lane, all] : splats) {
    IRBuilder<> b(rest, rest->begin());
    PHINode *joined = b.CreatePHI(all->getType(), 2);
    all->replaceAllUsesWith(joined);
    joined->addIncoming(Constant::getNullValue(all->getType()), &block);
    joined->addIncoming(all, loads->getParent());
    for (Instruction *part : {cast<Instruction>(load), cast<Instruction>(lane),
                              cast<Instruction>(all)})
      part->moveBefore(loads);
  }
}

/// Whether everything that `instruction` takes of its block is in `placed`.
static bool isReady(const Instruction &instruction,
                    const SmallPtrSetImpl<const Instruction *> &placed) {
  return all_of(instruction.operands(), [&](const Use &use) {
    auto *operand = dyn_cast<Instruction>(use);
    return !operand || operand->getParent() != instruction.getParent() ||
           isa<PHINode>(operand) || placed.contains(operand);
  });
}

/// Moves what uses a loaded vector right behind its load.
static void useEarly(BasicBlock &block) {
  SmallVector<Instruction *> rest;
  for (Instruction &instruction : block)
    if (!isa<PHINode>(instruction) && !instruction.isTerminator())
      rest.push_back(&instruction);
  SmallPtrSet<const Instruction *, 32> placed;
  auto place = [&](Instruction *instruction) {
    instruction->moveBefore(block.getTerminator());
    placed.insert(instruction);
    return true;
  };
  while (!rest.empty()) {
    // Its address, the load, and what is possible now.
    place(rest.front());
    bool isLoad = isa<LoadInst>(rest.front());
    rest.erase(rest.begin());
    if (isLoad)
      erase_if(rest, [&](Instruction *next) {
        return next->getType()->isVectorTy() && !isa<LoadInst>(next) &&
               isReady(*next, placed) && place(next);
      });
  }
}

PreservedAnalyses SplatJoinsPass::run(Function &function,
                                      FunctionAnalysisManager &analyses) {
  auto &loops = analyses.getResult<LoopAnalysis>(function);
  bool changed = false;
  for (Loop *loop : loops.getLoopsInPreorder()) {
    BasicBlock *block = loop->getHeader();
    if (loop->getNumBlocks() != 1 || !loop->getLoopPreheader())
      continue;
    SmallVector<Splat> splats = findSplats(*block);
    if (splats.empty())
      continue;
    auto *pointer = cast<PHINode>(splats.front().load->getPointerOperand());
    join(*block, splats, makeNever(*loop, *pointer));
    useEarly(*cast<BranchInst>(block->getTerminator())->getSuccessor(0));
    changed = true;
  }
  return changed ? PreservedAnalyses::none() : PreservedAnalyses::all();
}
