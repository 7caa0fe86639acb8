//===- FuseElementwise.cpp - Join elementwise ops with their readers ------===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "nncc/Linalg/Passes.h"

#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Linalg/Transforms/Transforms.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

namespace nncc {

#define GEN_PASS_DEF_FUSEELEMENTWISE
#include "nncc/Linalg/Passes.h.inc"

using namespace mlir;

/// Whether an op reads its operand many times: a reduction in which another
/// input gives some parallel dimension that the operand does not have.
static bool readsOften(linalg::GenericOp consumer, OpOperand &operand) {
  AffineMap map = consumer.getMatchingIndexingMap(&operand);
  if (!map.isProjectedPermutation())
    return true;
  return map.getNumResults() < consumer.getNumLoops();
}

/// Moves data without computing: cheap to do again.
static bool isCopy(linalg::GenericOp op) {
  return op.getBody()->without_terminator().empty();
}

/// Adds the tensors that an op reads, also those that its body extracts from.
static void addInputs(linalg::GenericOp op,
                      llvm::SmallDenseSet<Value> &inputs) {
  inputs.insert(op.getInputs().begin(), op.getInputs().end());
  op.getBody()->walk(
      [&](tensor::ExtractOp extract) { inputs.insert(extract.getTensor()); });
}

/// The tensors that both read, each once.
static unsigned countInputs(linalg::GenericOp producer,
                            linalg::GenericOp consumer) {
  llvm::SmallDenseSet<Value> inputs;
  addInputs(producer, inputs);
  addInputs(consumer, inputs);
  return inputs.size() - 1;
}

static bool shouldFuse(OpOperand *operand) {
  auto producer = operand->get().getDefiningOp<linalg::GenericOp>();
  auto consumer = dyn_cast<linalg::GenericOp>(operand->getOwner());
  if (!producer || !consumer || producer->getBlock() != consumer->getBlock() ||
      producer.getNumReductionLoops() > 0 || !producer->hasOneUse())
    return false;
  if (!readsOften(consumer, *operand))
    return true;
  // A broadcast is cheaper read than written; a transpose for a contraction
  // pays.
  bool broadcasts =
      isCopy(producer) && producer.getNumDpsInputs() == 1 &&
      producer.getMatchingIndexingMap(producer.getDpsInputOperand(0))
              .getNumResults() < producer.getNumLoops();
  return broadcasts && consumer.getNumReductionLoops() == 0;
}

namespace {

struct FuseElementwisePass : impl::FuseElementwiseBase<FuseElementwisePass> {
  using Base::Base;

  void runOnOperation() override {
    RewritePatternSet patterns(&getContext());
    linalg::populateElementwiseOpsFusionPatterns(
        patterns, [this](OpOperand *operand) {
          return shouldFuse(operand) &&
                 (maxInputs == 0 ||
                  countInputs(operand->get().getDefiningOp<linalg::GenericOp>(),
                              cast<linalg::GenericOp>(operand->getOwner())) <=
                      maxInputs);
        });
    linalg::populateInlineConstantOperandsPatterns(patterns);
    linalg::populateEraseUnusedOperandsAndResultsPatterns(patterns);
    tensor::ExpandShapeOp::getCanonicalizationPatterns(patterns, &getContext());
    tensor::CollapseShapeOp::getCanonicalizationPatterns(patterns,
                                                         &getContext());
    affine::AffineApplyOp::getCanonicalizationPatterns(patterns, &getContext());
    GreedyRewriteConfig config;
    config.useTopDownTraversal = true;
    if (failed(applyPatternsAndFoldGreedily(getOperation(), std::move(patterns),
                                            config)))
      return signalPassFailure();
  }
};

} // namespace
} // namespace nncc
