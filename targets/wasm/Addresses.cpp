//===- Addresses.cpp - Which addresses only go up -------------------------===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "targets/wasm/Addresses.h"

#include "llvm/ADT/DenseMap.h"
#include "llvm/IR/InstIterator.h"
#include "llvm/IR/Instructions.h"
#include "llvm/IR/IntrinsicInst.h"

using namespace llvm;
using namespace nncc::wasm;

namespace {

/// Finds out which values are never negative: a value is until something on
/// its way may make it so.
class UpwardValues {
public:
  bool contains(Value *value) {
    auto [known, isNew] = results.try_emplace(value, true);
    if (!isNew)
      return known->second; // In a cycle: the rest of it decides.
    bool result = compute(value);
    // What was found meanwhile may rest on the wrong assumption. Whoever asked
    // asks nothing more after a no, so that no cycle is entered again.
    if (!result)
      results.clear();
    results[value] = result;
    return result;
  }

private:
  bool compute(Value *value);
  bool allOperands(User *user) {
    return all_of(user->operands(),
                  [&](Value *operand) { return contains(operand); });
  }

  DenseMap<Value *, bool> results;
};

} // namespace

bool UpwardValues::compute(Value *value) {
  if (auto *constant = dyn_cast<ConstantInt>(value))
    return !constant->isNegative();
  if (isa<Argument, GlobalVariable>(value))
    return true;
  if (isa<LoadInst>(value)) // An address from a frame, or an index from data.
    return value->getType()->isPointerTy();
  if (auto *select = dyn_cast<SelectInst>(value))
    return contains(select->getTrueValue()) &&
           contains(select->getFalseValue());
  if (auto *call = dyn_cast<IntrinsicInst>(value)) {
    switch (call->getIntrinsicID()) {
    case Intrinsic::usub_sat: // Where a slice of the grid begins.
      return contains(call->getArgOperand(0));
    case Intrinsic::smin:
    case Intrinsic::umin:
    case Intrinsic::umax:
      return contains(call->getArgOperand(0)) &&
             contains(call->getArgOperand(1));
    default:
      return false;
    }
  }
  auto *instruction = dyn_cast<Instruction>(value);
  if (!instruction)
    return false;
  switch (instruction->getOpcode()) {
  case Instruction::Add:
  case Instruction::Mul:
  case Instruction::Or:
  case Instruction::And:
  case Instruction::UDiv:
  case Instruction::URem:
  case Instruction::SDiv:
  case Instruction::SRem:
  case Instruction::PHI:
  case Instruction::GetElementPtr:
  case Instruction::Freeze:
  case Instruction::Trunc:
    return allOperands(instruction);
  case Instruction::Shl:
  case Instruction::LShr:
  case Instruction::AShr:
    return contains(instruction->getOperand(0));
  case Instruction::ZExt:
    return true;
  default:
    return false;
  }
}

/// Whether the address lies behind one that its block reads or writes: that one
/// is no more than an address, however it was computed.
static bool isBehindAccess(const GetElementPtrInst &address) {
  bool isForward = all_of(address.indices(), [](const Use &index) {
    auto *constant = dyn_cast<ConstantInt>(index);
    return constant && !constant->isNegative();
  });
  return isForward &&
         any_of(address.getPointerOperand()->users(), [&](const User *user) {
           auto *access = dyn_cast<Instruction>(user);
           return access && access->getParent() == address.getParent() &&
                  getLoadStorePointerOperand(access) ==
                      address.getPointerOperand();
         });
}

PreservedAnalyses MarkAddressesPass::run(Function &function,
                                         FunctionAnalysisManager &) {
  UpwardValues upward;
  for (Instruction &instruction : instructions(function))
    if (auto *address = dyn_cast<GetElementPtrInst>(&instruction))
      address->setIsInBounds(isBehindAccess(*address) ||
                             upward.contains(address));
  return PreservedAnalyses::none();
}
