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

/// Whether what a reshape joins or splits has known sizes, or all but one of
/// them are 1.
static bool isStaticReshape(Operation *reshape) {
  auto isStatic = [](ArrayRef<ReassociationIndices> groups,
                     RankedTensorType type) {
    return llvm::all_of(groups, [&](const ReassociationIndices &group) {
      bool isOpen = llvm::any_of(
          group, [&](int64_t dim) { return type.isDynamicDim(dim); });
      return !isOpen || llvm::count_if(group, [&](int64_t dim) {
                          return type.getDimSize(dim) != 1;
                        }) == 1;
    });
  };
  if (auto collapse = dyn_cast_or_null<tensor::CollapseShapeOp>(reshape))
    return isStatic(collapse.getReassociationIndices(), collapse.getSrcType());
  auto expand = dyn_cast_or_null<tensor::ExpandShapeOp>(reshape);
  return expand &&
         isStatic(expand.getReassociationIndices(), expand.getResultType());
}

/// Whether some run of sizes that is joined and split again has several open
/// ones. MLIR takes those in the same places for equal, which they need not be.
static bool joinsOpenSizes(tensor::ExpandShapeOp expand) {
  auto collapse = expand.getSrc().getDefiningOp<tensor::CollapseShapeOp>();
  if (!collapse)
    return false;
  auto hasSeveral = [](RankedTensorType type, ArrayRef<int64_t> run) {
    return llvm::count_if(
               run, [&](int64_t dim) { return type.isDynamicDim(dim); }) > 1;
  };
  return llvm::any_of(llvm::zip_equal(collapse.getReassociationIndices(),
                                      expand.getReassociationIndices()),
                      [&](auto runs) {
                        auto &[joined, split] = runs;
                        return hasSeveral(collapse.getSrcType(), joined) ||
                               hasSeveral(expand.getResultType(), split);
                      });
}

/// Whether an op is a transpose which reductions alone read: they may as well
/// read what it reads.
static bool isTransposeOfOperands(linalg::GenericOp op) {
  return isCopy(op) && llvm::all_of(op->getUsers(), [](Operation *user) {
           auto reader = dyn_cast<linalg::GenericOp>(user);
           return reader && reader.getNumReductionLoops() > 0;
         });
}

/// Whether an operand is what another op computes for its reader alone, with
/// which it can't be joined. A reader whose loops are joined to read something
/// else unsplit would read this through a reshape, and split its loops again to
/// be rid of that.
static bool readsResultAsItIs(OpOperand *operand) {
  auto consumer = cast<linalg::GenericOp>(operand->getOwner());
  auto producer = operand->get().getDefiningOp<linalg::GenericOp>();
  return producer && producer->hasOneUse() &&
         producer->getBlock() == consumer->getBlock() &&
         consumer.getMatchingIndexingMap(operand).isPermutation() &&
         !shouldFuse(operand);
}

/// Whether an elementwise op reads through a reshape what another op computes
/// for it alone: with the reshape behind both, one kernel computes them.
static bool shouldReadUnshaped(OpOperand *operand) {
  auto consumer = dyn_cast<linalg::GenericOp>(operand->getOwner());
  Operation *reshape = operand->get().getDefiningOp();
  if (!consumer || consumer.getNumReductionLoops() > 0 ||
      !consumer.isDpsInput(operand) || !isStaticReshape(reshape) ||
      !consumer.getMatchingIndexingMap(operand).isPermutation() ||
      isTransposeOfOperands(consumer))
    return false;
  if (isa<tensor::ExpandShapeOp>(reshape) &&
      llvm::any_of(consumer.getDpsInputOperands(), readsResultAsItIs))
    return false;
  auto producer = reshape->getOperand(0).getDefiningOp<linalg::GenericOp>();
  return producer && producer->hasOneUse() && reshape->hasOneUse() &&
         producer->getBlock() == consumer->getBlock();
}

namespace {

/// Such an op without its loops of one step, which operands that are broadcast
/// along them would keep from being joined with others.
struct DropUnitLoops : OpRewritePattern<linalg::GenericOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(linalg::GenericOp op,
                                PatternRewriter &rewriter) const override {
    if (llvm::none_of(op.getDpsInputOperands(), shouldReadUnshaped))
      return failure();
    return linalg::dropUnitDims(rewriter, op, linalg::ControlDropUnitDims());
  }
};

} // namespace

namespace {

/// A pattern of MLIR's that does not see expansions of sizes that it would pair
/// wrongly.
struct WithoutOpenJoins : RewritePattern {
  explicit WithoutOpenJoins(std::unique_ptr<RewritePattern> pattern)
      : RewritePattern(pattern->getRootKind()->getStringRef(),
                       pattern->getBenefit(), pattern->getContext()),
        pattern(std::move(pattern)) {}

  LogicalResult matchAndRewrite(Operation *op,
                                PatternRewriter &rewriter) const override {
    auto expand = dyn_cast<tensor::ExpandShapeOp>(op);
    if (expand && joinsOpenSizes(expand))
      return failure();
    return pattern->matchAndRewrite(op, rewriter);
  }

private:
  std::unique_ptr<RewritePattern> pattern;
};

} // namespace

/// Adds MLIR's canonical forms of expansions.
static void addExpansions(RewritePatternSet &patterns) {
  RewritePatternSet canonical(patterns.getContext());
  tensor::ExpandShapeOp::getCanonicalizationPatterns(canonical,
                                                     patterns.getContext());
  for (std::unique_ptr<RewritePattern> &pattern : canonical.getNativePatterns())
    patterns.getNativePatterns().push_back(
        std::make_unique<WithoutOpenJoins>(std::move(pattern)));
}

namespace {

struct FuseElementwisePass : impl::FuseElementwiseBase<FuseElementwisePass> {
  using Base::Base;

  void runOnOperation() override {
    RewritePatternSet fusion(&getContext()), reshapes(&getContext());
    addFusion(fusion);
    // Only then: what is still in front of a reshape is all that there is.
    addFusion(reshapes);
    reshapes.add<DropUnitLoops>(&getContext());
    linalg::populateFoldReshapeOpsByExpansionPatterns(reshapes,
                                                      shouldReadUnshaped);
    linalg::populateFoldReshapeOpsByCollapsingPatterns(reshapes,
                                                       shouldReadUnshaped);
    rewrite(std::move(fusion));
    rewrite(std::move(reshapes));
  }

private:
  void addFusion(RewritePatternSet &patterns) {
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
    addExpansions(patterns);
    tensor::CollapseShapeOp::getCanonicalizationPatterns(patterns,
                                                         &getContext());
    affine::AffineApplyOp::getCanonicalizationPatterns(patterns, &getContext());
  }

  /// That it does not come to an end is no failure: some of MLIR's patterns
  /// leave dead ops where they do not match, so that each round finds a change.
  void rewrite(RewritePatternSet patterns) {
    GreedyRewriteConfig config;
    config.useTopDownTraversal = true;
    (void)applyPatternsAndFoldGreedily(getOperation(), std::move(patterns),
                                       config);
  }
};

} // namespace
} // namespace nncc
