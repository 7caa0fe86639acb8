//===- Epilogue.cpp - What a reduction's kernel computes too ------------===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "HostProgram.h"

using namespace mlir;

namespace nncc::exec {

linalg::GenericOp getEpilogue(linalg::GenericOp op) {
  if (op.getNumReductionLoops() == 0 || op->getNumResults() != 1 ||
      !op->hasOneUse())
    return nullptr;
  auto user = dyn_cast<linalg::GenericOp>(*op->user_begin());
  OpOperand &use = *op->use_begin();
  if (!user || user->getBlock() != op->getBlock() ||
      user.getNumReductionLoops() > 0 || user->getNumResults() != 1 ||
      !user.isDpsInput(&use) ||
      user.getNumLoops() != op.getNumParallelLoops() ||
      !user.getMatchingIndexingMap(&use).isPermutation() ||
      !user.getMatchingIndexingMap(user.getDpsInitOperand(0)).isPermutation())
    return nullptr;
  AffineMap written = op.getMatchingIndexingMap(op.getDpsInitOperand(0));
  if (!written.isProjectedPermutation())
    return nullptr;
  bool readsIndex = false;
  user.getBody()->walk([&](Operation *inner) {
    readsIndex |= isa<linalg::IndexOp, tensor::ExtractOp>(inner);
  });
  if (readsIndex)
    return nullptr;
  // Of several reductions that the op reads, the first is computed with it.
  for (OpOperand *input : user.getDpsInputOperands()) {
    auto producer = input->get().getDefiningOp<linalg::GenericOp>();
    if (producer == op)
      return user;
    if (producer && producer.getNumReductionLoops() > 0 &&
        producer->hasOneUse() && producer->getBlock() == user->getBlock())
      return nullptr;
  }
  return nullptr;
}

linalg::GenericOp getMainOf(linalg::GenericOp epilogue) {
  for (OpOperand *input : epilogue.getDpsInputOperands()) {
    auto producer = input->get().getDefiningOp<linalg::GenericOp>();
    if (producer && getEpilogue(producer) == epilogue)
      return producer;
  }
  return nullptr;
}

} // namespace nncc::exec
