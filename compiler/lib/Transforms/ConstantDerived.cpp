//===- ConstantDerived.cpp - values known at compile time -------*- C++ -*-===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ConstantDerived.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "nncc/Dialect/NN/NN.h"
#include "llvm/ADT/SmallPtrSet.h"

using namespace mlir;
using namespace nncc;

bool nn::isConstantDerived(Value value) {
  constexpr unsigned maxOps = 64;
  SmallVector<Value> worklist = {value};
  llvm::SmallPtrSet<Operation *, 8> seen;
  while (!worklist.empty()) {
    Value next = worklist.pop_back_val();
    Operation *op = next.getDefiningOp();
    // A dynamic size is only known at run time.
    if (!op || !isMemoryEffectFree(op) ||
        !cast<ShapedType>(next.getType()).hasStaticShape())
      return false;
    if (!seen.insert(op).second)
      continue;
    if (seen.size() > maxOps)
      return false;
    // An op without operands is a constant, or depends on sizes alone.
    worklist.append(op->operand_begin(), op->operand_end());
  }
  return true;
}
