//===- DotVariants.cpp - Dot products of bytes ----------------------------===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Two dot products of pairs of i16 that go into one sum,
//   sum + dot(x0 x1, w0 w1) + dot(x2 x3, w2 w3),
// are one of bytes where x is 0 to 255 and w is of i8:
//   relaxed_dot(w0 w1 w2 w3, x0 x1 x2 x3) + sum
// They are two steps of a loop, which only the variant does at once: in the
// plain form that costs a quarter of the time in Node 20 and 22, which spill
// registers.
//
//===----------------------------------------------------------------------===//

#include "targets/wasm/Variants.h"

#include "llvm/Analysis/AssumptionCache.h"
#include "llvm/Analysis/LoopInfo.h"
#include "llvm/Analysis/OptimizationRemarkEmitter.h"
#include "llvm/Analysis/ScalarEvolution.h"
#include "llvm/Analysis/TargetLibraryInfo.h"
#include "llvm/Analysis/TargetTransformInfo.h"
#include "llvm/Analysis/VectorUtils.h"
#include "llvm/IR/Dominators.h"
#include "llvm/IR/IRBuilder.h"
#include "llvm/IR/InstIterator.h"
#include "llvm/IR/IntrinsicInst.h"
#include "llvm/IR/IntrinsicsWebAssembly.h"
#include "llvm/IR/PatternMatch.h"
#include "llvm/Transforms/Utils/LoopSimplify.h"
#include "llvm/Transforms/Utils/LoopUtils.h"
#include "llvm/Transforms/Utils/UnrollLoop.h"

using namespace llvm;
using namespace llvm::PatternMatch;
using namespace nncc::wasm;

namespace {

/// llvm.wasm.dot of a pair of x, the same in all lanes, and of weights.
struct Dot {
  Value *pair;    ///< i32
  Value *weights; ///< <8 x i8>
};

/// sum + first + second.
struct TwoDots {
  Value *sum;
  Dot first, second;
};

} // namespace

static Value *skipBitcasts(Value *value) {
  while (auto *cast = dyn_cast<BitCastInst>(value))
    value = cast->getOperand(0);
  return value;
}

static std::optional<Dot> matchDot(Value *value) {
  auto *call = dyn_cast<IntrinsicInst>(value);
  if (!call || call->getIntrinsicID() != Intrinsic::wasm_dot ||
      !call->hasOneUse())
    return std::nullopt;
  Value *pair = getSplatValue(skipBitcasts(call->getArgOperand(0)));
  auto *wide = dyn_cast<SExtInst>(skipBitcasts(call->getArgOperand(1)));
  if (!pair || !pair->getType()->isIntegerTy(32) || !wide ||
      wide->getSrcTy() !=
          FixedVectorType::get(Type::getInt8Ty(call->getContext()), 8))
    return std::nullopt;
  return Dot{pair, wide->getOperand(0)};
}

/// x + dot, either way round; `rest` is x.
static std::optional<Dot> matchSum(Value *value, Value *&rest) {
  Value *left, *right;
  if (!match(value, m_Add(m_Value(left), m_Value(right))))
    return std::nullopt;
  for (auto [dot, other] : {std::pair(left, right), std::pair(right, left)})
    if (std::optional<Dot> matched = matchDot(dot)) {
      rest = other;
      return matched;
    }
  return std::nullopt;
}

static std::optional<TwoDots> matchTwo(Instruction &last) {
  Value *inner = nullptr, *sum = nullptr;
  std::optional<Dot> second = matchSum(&last, inner);
  if (!second || !inner->hasOneUse())
    return std::nullopt;
  std::optional<Dot> first = matchSum(inner, sum);
  if (!first)
    return std::nullopt;
  return TwoDots{sum, *first, *second};
}

//===----------------------------------------------------------------------===//
// Loops
//===----------------------------------------------------------------------===//

namespace {

/// What is known of the loops of a function.
struct Loops {
  explicit Loops(Function &function)
      : tree(function), info(tree),
        libraryImpl(Triple(function.getParent()->getTargetTriple())),
        library(libraryImpl), assumptions(function),
        evolution(function, library, assumptions, tree, info),
        target(function.getParent()->getDataLayout()), remarks(&function) {}

  DominatorTree tree;
  LoopInfo info;
  TargetLibraryInfoImpl libraryImpl;
  TargetLibraryInfo library;
  AssumptionCache assumptions;
  ScalarEvolution evolution;
  TargetTransformInfo target;
  OptimizationRemarkEmitter remarks;
};

} // namespace

/// How often the body of a loop with one exit is done; 0 where that is open.
static unsigned countSteps(const Loop &loop, ScalarEvolution &evolution) {
  const BasicBlock *exiting = loop.getExitingBlock();
  if (!exiting)
    return 0;
  unsigned tests = evolution.getSmallConstantTripCount(&loop, exiting);
  return tests == 0 || exiting == loop.getLoopLatch() ? tests : tests - 1;
}

/// The innermost loops of an even number of steps that carry sums of dots.
static SmallVector<Loop *> findDotLoops(Loops &loops) {
  SmallVector<Loop *> found;
  for (Loop *loop : loops.info.getLoopsInPreorder()) {
    unsigned steps =
        loop->isInnermost() ? countSteps(*loop, loops.evolution) : 1;
    if (steps == 0 || steps % 2 != 0)
      continue;
    bool sums = any_of(loop->blocks(), [](BasicBlock *block) {
      return any_of(*block, [](Instruction &instruction) {
        Value *rest = nullptr;
        return matchSum(&instruction, rest) && isa<PHINode>(rest);
      });
    });
    if (sums)
      found.push_back(loop);
  }
  return found;
}

bool nncc::wasm::gainsFromByteDots(Function &kernel) {
  if (!kernel.hasFnAttribute(byteDotsAttr))
    return false;
  Loops loops(kernel);
  return !findDotLoops(loops).empty();
}

/// Makes two steps of each loop of dots one.
static void pairSteps(Function &copy) {
  Loops loops(copy);
  UnrollLoopOptions twice{};
  twice.Count = 2;
  for (Loop *loop : findDotLoops(loops)) {
    simplifyLoop(loop, &loops.tree, &loops.info, &loops.evolution,
                 &loops.assumptions, nullptr, /*PreserveLCSSA=*/false);
    formLCSSARecursively(*loop, loops.tree, &loops.info, &loops.evolution);
    UnrollLoop(loop, twice, &loops.info, &loops.evolution, &loops.tree,
               &loops.assumptions, &loops.target, &loops.remarks,
               /*PreserveLCSSA=*/true);
  }
}

//===----------------------------------------------------------------------===//
// Instructions
//===----------------------------------------------------------------------===//

/// x0 x1 x2 x3 in each lane: the four numbers of i16 as bytes.
static Value *buildBytes(IRBuilder<> &b, const TwoDots &dots) {
  Value *low = b.CreateZExt(dots.first.pair, b.getInt64Ty());
  Value *high = b.CreateZExt(dots.second.pair, b.getInt64Ty());
  Value *four = b.CreateOr(low, b.CreateShl(high, 32));
  auto *shorts = FixedVectorType::get(b.getInt16Ty(), 8);
  auto *bytes = FixedVectorType::get(b.getInt8Ty(), 16);
  Value *all = b.CreateBitCast(b.CreateVectorSplat(2, four), shorts);
  return b.CreateIntrinsic(Intrinsic::wasm_narrow_unsigned, {bytes, shorts},
                           {all, all});
}

/// w0 w1 w2 w3 in each lane: pairs of both vectors by turns.
static Value *buildWeights(IRBuilder<> &b, const TwoDots &dots) {
  auto *pairs = FixedVectorType::get(b.getInt16Ty(), 4);
  Value *first = b.CreateBitCast(dots.first.weights, pairs);
  Value *second = b.CreateBitCast(dots.second.weights, pairs);
  Value *both = b.CreateShuffleVector(first, second, {0, 4, 1, 5, 2, 6, 3, 7});
  return b.CreateBitCast(both, FixedVectorType::get(b.getInt8Ty(), 16));
}

void nncc::wasm::useByteDots(Function &copy) {
  pairSteps(copy);
  // In order: the sum that one match makes is what the next one adds to.
  for (Instruction &instruction : make_early_inc_range(instructions(copy))) {
    std::optional<TwoDots> dots = matchTwo(instruction);
    if (!dots)
      continue;
    IRBuilder<> b(&instruction);
    Value *bytes = buildBytes(b, *dots), *weights = buildWeights(b, *dots);
    instruction.replaceAllUsesWith(
        b.CreateIntrinsic(Intrinsic::wasm_relaxed_dot_i8x16_i7x16_add_signed,
                          {}, {weights, bytes, dots->sum}));
    instruction.eraseFromParent();
  }
}
