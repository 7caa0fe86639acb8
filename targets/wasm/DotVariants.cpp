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
//
//===----------------------------------------------------------------------===//

#include "targets/wasm/Variants.h"

#include "llvm/Analysis/VectorUtils.h"
#include "llvm/IR/IRBuilder.h"
#include "llvm/IR/InstIterator.h"
#include "llvm/IR/IntrinsicInst.h"
#include "llvm/IR/IntrinsicsWebAssembly.h"
#include "llvm/IR/PatternMatch.h"

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

bool nncc::wasm::gainsFromByteDots(Function &kernel) {
  if (!kernel.hasFnAttribute(byteDotsAttr))
    return false;
  return any_of(instructions(kernel), [](Instruction &instruction) {
    std::optional<TwoDots> dots = matchTwo(instruction);
    return dots && isa<PHINode>(dots->sum);
  });
}

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
