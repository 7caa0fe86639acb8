//===- PointerInduction.cpp - Pointers that walk with a loop --------------===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "targets/wasm/PointerInduction.h"

#include "llvm/Analysis/LoopInfo.h"
#include "llvm/Analysis/ScalarEvolution.h"
#include "llvm/Analysis/ScalarEvolutionExpressions.h"
#include "llvm/IR/IRBuilder.h"
#include "llvm/Transforms/Utils/Local.h"
#include "llvm/Transforms/Utils/ScalarEvolutionExpander.h"

using namespace llvm;
using namespace nncc::wasm;

namespace {

/// A carried pointer and the address it stands for.
struct Walk {
  const SCEVAddRecExpr *address;
  PHINode *pointer;
};

class LoopRewriter {
public:
  LoopRewriter(Loop &loop, ScalarEvolution &evolution)
      : loop(loop), evolution(evolution),
        expander(evolution, loop.getHeader()->getDataLayout(), "walk") {}

  bool run();

private:
  void findSplats();
  const SCEVAddRecExpr *getRecurrence(GetElementPtrInst &address);
  /// The pointer of another walk plus a constant, which is zero for splats;
  /// null if none is near.
  Value *reuse(GetElementPtrInst &address, const SCEVAddRecExpr *recurrence);
  Value *walk(const SCEVAddRecExpr *recurrence);

  Loop &loop;
  ScalarEvolution &evolution;
  SCEVExpander expander;
  SmallVector<Walk> walks;
  /// Addresses of what goes into all lanes. JavaScriptCore loads such by one
  /// instruction only where there is no offset, else by three. Empty where
  /// pointers of their own would take too many registers.
  SmallPtrSet<GetElementPtrInst *, 4> splats;
};

} // namespace

/// Whether what `address` points to goes into all lanes of a vector.
static bool feedsSplat(const GetElementPtrInst &address) {
  return all_of(address.users(), [](const User *load) {
    return isa<LoadInst>(load) && all_of(load->users(), [](const User *lane) {
             return isa<InsertElementInst>(lane) && lane->hasOneUse() &&
                    isa<ShuffleVectorInst>(*lane->user_begin());
           });
  });
}

void LoopRewriter::findSplats() {
  for (BasicBlock *block : loop.blocks())
    for (Instruction &instruction : *block)
      if (auto *address = dyn_cast<GetElementPtrInst>(&instruction))
        if (feedsSplat(*address))
          splats.insert(address);
  constexpr unsigned few = 4;
  if (splats.size() > few)
    splats.clear();
}

/// The address as `{start, +, step}` in this loop; null where it is not.
const SCEVAddRecExpr *LoopRewriter::getRecurrence(GetElementPtrInst &address) {
  if (address.getType()->isVectorTy() ||
      (address.hasAllConstantIndices() && !splats.contains(&address)))
    return nullptr;
  auto *recurrence = dyn_cast<SCEVAddRecExpr>(evolution.getSCEV(&address));
  if (!recurrence || recurrence->getLoop() != &loop || !recurrence->isAffine())
    return nullptr;
  Instruction *place = loop.getLoopPreheader()->getTerminator();
  if (!expander.isSafeToExpandAt(recurrence->getStart(), place) ||
      !expander.isSafeToExpandAt(recurrence->getStepRecurrence(evolution),
                                 place))
    return nullptr;
  return recurrence;
}

Value *LoopRewriter::reuse(GetElementPtrInst &address,
                           const SCEVAddRecExpr *recurrence) {
  for (const Walk &known : walks) {
    auto *distance = dyn_cast<SCEVConstant>(
        evolution.getMinusSCEV(recurrence, known.address));
    // An immediate offset is not negative.
    if (!distance || distance->getAPInt().isNegative())
      continue;
    if (distance->isZero())
      return known.pointer;
    if (splats.contains(&address))
      continue;
    IRBuilder<> b(&address);
    return b.CreateGEP(b.getInt8Ty(), known.pointer, distance->getValue());
  }
  return nullptr;
}

Value *LoopRewriter::walk(const SCEVAddRecExpr *recurrence) {
  BasicBlock *before = loop.getLoopPreheader(), *latch = loop.getLoopLatch();
  const SCEV *step = recurrence->getStepRecurrence(evolution);
  Value *start =
      expander.expandCodeFor(recurrence->getStart(), recurrence->getType(),
                             before->getTerminator()->getIterator());
  Value *bytes = expander.expandCodeFor(step, step->getType(),
                                        before->getTerminator()->getIterator());
  BasicBlock *header = loop.getHeader();
  IRBuilder<> b(header, header->begin());
  PHINode *pointer = b.CreatePHI(recurrence->getType(), 2);
  b.SetInsertPoint(latch->getTerminator());
  pointer->addIncoming(start, before);
  pointer->addIncoming(b.CreateGEP(b.getInt8Ty(), pointer, bytes), latch);
  walks.push_back({recurrence, pointer});
  return pointer;
}

bool LoopRewriter::run() {
  if (!loop.getLoopPreheader() || !loop.getLoopLatch() || !loop.isInnermost())
    return false;
  findSplats();
  SmallVector<std::pair<GetElementPtrInst *, const SCEVAddRecExpr *>> found;
  for (BasicBlock *block : loop.blocks())
    for (Instruction &instruction : *block)
      if (auto *address = dyn_cast<GetElementPtrInst>(&instruction))
        if (const SCEVAddRecExpr *recurrence = getRecurrence(*address))
          found.push_back({address, recurrence});
  for (auto [address, recurrence] : found) {
    Value *pointer = reuse(*address, recurrence);
    address->replaceAllUsesWith(pointer ? pointer : walk(recurrence));
  }
  SmallVector<WeakTrackingVH> dead;
  for (auto &entry : found)
    dead.push_back(entry.first);
  RecursivelyDeleteTriviallyDeadInstructionsPermissive(dead);
  return !found.empty();
}

PreservedAnalyses PointerInductionPass::run(Function &function,
                                            FunctionAnalysisManager &analyses) {
  auto &loops = analyses.getResult<LoopAnalysis>(function);
  auto &evolution = analyses.getResult<ScalarEvolutionAnalysis>(function);
  bool changed = false;
  for (Loop *loop : loops.getLoopsInPreorder())
    changed |= LoopRewriter(*loop, evolution).run();
  return changed ? PreservedAnalyses::none() : PreservedAnalyses::all();
}
