//===- Permutable.cpp - ops on permuted dimensions --------------*- C++ -*-===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Permute.h"

using namespace mlir;
using namespace nncc;
using namespace nncc::nn;

Value ConcatOp::buildPermuted(OpBuilder &b, ValueRange sources, Perm perm,
                              PermResult &resultPerm) {
  return permuteAxis(*this, b, sources, perm, resultPerm);
}

Value CumSumOp::buildPermuted(OpBuilder &b, ValueRange sources, Perm perm,
                              PermResult &resultPerm) {
  return permuteAxis(*this, b, sources, perm, resultPerm);
}

Value SliceOp::buildPermuted(OpBuilder &b, ValueRange sources, Perm perm,
                             PermResult &resultPerm) {
  return rebuildSameRank<SliceOp>(*this, b, sources, perm, resultPerm,
                                  [&](SliceOp copy) {
                                    copy.setStarts(toSource(getStarts(), perm));
                                    copy.setSizes(toSource(getSizes(), perm));
                                    copy.setSteps(toSource(getSteps(), perm));
                                  });
}

Value PadOp::buildPermuted(OpBuilder &b, ValueRange sources, Perm perm,
                           PermResult &resultPerm) {
  return rebuildSameRank<PadOp>(*this, b, sources, perm, resultPerm,
                                [&](PadOp copy) {
                                  copy.setLow(toSource(getLow(), perm));
                                  copy.setHigh(toSource(getHigh(), perm));
                                });
}

Value TileOp::buildPermuted(OpBuilder &b, ValueRange sources, Perm perm,
                            PermResult &resultPerm) {
  return rebuildSameRank<TileOp>(
      *this, b, sources, perm, resultPerm,
      [&](TileOp copy) { copy.setRepeats(toSource(getRepeats(), perm)); });
}

Value ResizeOp::buildPermuted(OpBuilder &b, ValueRange sources, Perm perm,
                              PermResult &resultPerm) {
  return rebuildSameRank<ResizeOp>(*this, b, sources, perm, resultPerm,
                                   [&](ResizeOp copy) {
                                     SmallVector<int64_t> axes;
                                     for (int64_t axis : getAxes())
                                       axes.push_back(perm[axis]);
                                     copy.setAxes(axes);
                                   });
}

Value BroadcastToOp::buildPermuted(OpBuilder &b, ValueRange sources, Perm perm,
                                   PermResult &resultPerm) {
  if (getInput().getType().getRank() != getType().getRank())
    return nullptr;
  return rebuildSameRank<BroadcastToOp>(*this, b, sources, perm, resultPerm,
                                        [](BroadcastToOp) {});
}
