//===- Constants.cpp - What is known at build time ------------------------===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "nncc/Linalg/Constants.h"

#include "mlir/IR/Operation.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "llvm/ADT/DenseSet.h"

using namespace mlir;

namespace nncc {

bool isConstantDerived(Value value) {
  SmallVector<Value> todo = {value};
  DenseSet<Value> seen;
  while (!todo.empty()) {
    Value next = todo.pop_back_val();
    if (!seen.insert(next).second)
      continue;
    Operation *op = next.getDefiningOp();
    if (!op || !isMemoryEffectFree(op))
      return false;
    llvm::append_range(todo, op->getOperands());
    // What a body captures counts as an operand.
    op->walk([&](Operation *inner) {
      for (Value operand : inner->getOperands()) {
        Region *region = operand.getParentRegion();
        if (op->getNumRegions() == 0 || op->isAncestor(region->getParentOp()))
          continue;
        todo.push_back(operand);
      }
    });
  }
  return true;
}

} // namespace nncc
