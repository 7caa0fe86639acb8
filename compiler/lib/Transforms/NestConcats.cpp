//===- NestConcats.cpp - concatenations that begin with others ------------===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
//   concat(a, b), concat(a, b, c)  ->  concat(a, b), concat(concat(a, b), c)
// which is how networks grow a tensor, layer by layer: one that is nested lies
// in place in the next, and each of its parts has one place to be written to.
//
//===----------------------------------------------------------------------===//

#include "nncc/Dialect/NN/NN.h"
#include "nncc/Transforms/Passes.h"

namespace nncc::nn {
#define GEN_PASS_DEF_NESTCONCATS
#include "nncc/Transforms/Passes.h.inc"
} // namespace nncc::nn

using namespace mlir;
using namespace nncc;
using namespace nncc::nn;

/// Whether `part` comes before `whole` and has some of its inputs, those from
/// `begin` on.
static bool isRunOf(ConcatOp part, ConcatOp whole, size_t begin) {
  ValueRange inputs = whole.getInputs(), run = part.getInputs();
  return part.getAxis() == whole.getAxis() &&
         part->getBlock() == whole->getBlock() &&
         part->isBeforeInBlock(whole) && begin + run.size() <= inputs.size() &&
         llvm::equal(inputs.slice(begin, run.size()), run);
}

/// The longest concatenation of inputs of `whole` from `begin` on, or null.
static ConcatOp findRun(ConcatOp whole, size_t begin) {
  ConcatOp longest;
  for (Operation *user : whole.getInputs()[begin].getUsers()) {
    auto part = dyn_cast<ConcatOp>(user);
    if (part && isRunOf(part, whole, begin) &&
        (!longest || part.getInputs().size() > longest.getInputs().size()))
      longest = part;
  }
  return longest;
}

static void nest(ConcatOp whole) {
  SmallVector<Value> inputs;
  for (size_t i = 0; i < whole.getInputs().size();) {
    ConcatOp part = findRun(whole, i);
    inputs.push_back(part ? part.getResult() : whole.getInputs()[i]);
    i += part ? part.getInputs().size() : 1;
  }
  if (inputs.size() == whole.getInputs().size())
    return;
  OpBuilder b(whole);
  auto nested = b.create<ConcatOp>(whole.getLoc(), inputs, whole.getAxis());
  // Sizes of other symbols that are equal may be written in another way.
  if (nested.getType() != whole.getType())
    return nested->erase();
  whole.replaceAllUsesWith(nested.getResult());
  whole->erase();
}

namespace {

struct NestConcatsPass : nn::impl::NestConcatsBase<NestConcatsPass> {
  void runOnOperation() override {
    SmallVector<ConcatOp> concats;
    getOperation()->walk([&](ConcatOp op) { concats.push_back(op); });
    // The last first: those before it are still as they were.
    llvm::for_each(llvm::reverse(concats), nest);
  }
};

} // namespace
