//===- WidenNarrowMath.cpp - Computation with narrow floats in f32 --------===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "targets/wasm/Passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Arith/Transforms/Passes.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Math/Transforms/Passes.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/TypeUtilities.h"
#include "mlir/Transforms/DialectConversion.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

namespace nncc::wasm {

#define GEN_PASS_DEF_WIDENNARROWMATH
#include "targets/wasm/Passes.h.inc"

} // namespace nncc::wasm

using namespace mlir;

/// On casts that the network itself asks for.
static constexpr const char *roundsAttr = "nncc.rounds";

static bool isNarrow(Type type) {
  Type element = getElementTypeOrSelf(type);
  return element.isF16() || element.isBF16();
}

static Type getWide(Type type) {
  Type f32 = Float32Type::get(type.getContext());
  auto vector = dyn_cast<VectorType>(type);
  return vector ? vector.clone(f32) : f32;
}

/// A narrowing that only stands between two computations.
static arith::TruncFOp getFreeNarrowing(Value value) {
  auto narrowing = value.getDefiningOp<arith::TruncFOp>();
  bool isFree = narrowing && isNarrow(value.getType()) &&
                !narrowing->hasAttr(roundsAttr) &&
                narrowing.getIn().getType() == getWide(value.getType());
  return isFree ? narrowing : arith::TruncFOp();
}

namespace {

/// What one op computes reaches the next one as f32.
struct StayWide : OpRewritePattern<arith::ExtFOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(arith::ExtFOp op,
                                PatternRewriter &rewriter) const override {
    arith::TruncFOp narrowing = getFreeNarrowing(op.getIn());
    if (!narrowing || narrowing.getIn().getType() != op.getType())
      return failure();
    rewriter.replaceOp(op, narrowing.getIn());
    return success();
  }
};

/// And so does a sum from one step of a loop to the next.
struct CarryWide : OpRewritePattern<scf::ForOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(scf::ForOp op,
                                PatternRewriter &rewriter) const override {
    SmallVector<Value> inits(op.getInitArgs());
    llvm::SmallBitVector isWidened(inits.size());
    for (auto [i, value] : llvm::enumerate(op.getYieldedValues()))
      if (getFreeNarrowing(value)) {
        isWidened.set(i);
        inits[i] = widen(rewriter, op.getLoc(), inits[i]);
      }
    if (isWidened.none())
      return failure();
    auto loop =
        rewriter.create<scf::ForOp>(op.getLoc(), op.getLowerBound(),
                                    op.getUpperBound(), op.getStep(), inits);
    loop->setDiscardableAttrs(op->getDiscardableAttrDictionary());
    moveBody(rewriter, op, loop, isWidened);
    rewriter.setInsertionPointAfter(loop);
    rewriter.replaceOp(op, narrow(rewriter, op.getLoc(), loop.getResults(),
                                  op.getResultTypes()));
    return success();
  }

private:
  static Value widen(PatternRewriter &rewriter, Location loc, Value value) {
    return rewriter.create<arith::ExtFOp>(loc, getWide(value.getType()), value);
  }

  /// The values as `types`.
  static SmallVector<Value> narrow(PatternRewriter &rewriter, Location loc,
                                   ValueRange values, TypeRange types) {
    SmallVector<Value> narrowed(values);
    for (auto [value, type] : llvm::zip_equal(narrowed, types))
      if (value.getType() != type)
        value = rewriter.create<arith::TruncFOp>(loc, type, value);
    return narrowed;
  }

  static void moveBody(PatternRewriter &rewriter, scf::ForOp from,
                       scf::ForOp to, const llvm::SmallBitVector &isWidened) {
    rewriter.setInsertionPointToStart(to.getBody());
    SmallVector<Value> arguments{to.getInductionVar()};
    arguments.append(narrow(rewriter, from.getLoc(), to.getRegionIterArgs(),
                            from.getResultTypes()));
    rewriter.mergeBlocks(from.getBody(), to.getBody(), arguments);
    Operation *yield = to.getBody()->getTerminator();
    rewriter.setInsertionPoint(yield);
    for (unsigned i : isWidened.set_bits())
      yield->setOperand(i,
                        widen(rewriter, from.getLoc(), yield->getOperand(i)));
  }
};

struct WidenNarrowMathPass
    : nncc::wasm::impl::WidenNarrowMathBase<WidenNarrowMathPass> {
  using Base::Base;

  void runOnOperation() override {
    getOperation()->walk([](arith::TruncFOp op) {
      op->setAttr(roundsAttr, UnitAttr::get(op.getContext()));
    });
    if (failed(widenFunctions()) || failed(widenArithmetic()) ||
        failed(removeRoundings()))
      signalPassFailure();
  }

private:
  LogicalResult widenFunctions();
  LogicalResult widenArithmetic();
  LogicalResult removeRoundings();
};

} // namespace

LogicalResult WidenNarrowMathPass::widenFunctions() {
  TypeConverter converter;
  math::populateLegalizeToF32TypeConverter(converter);
  // The library would narrow vectors of f64.
  converter.addConversion([](VectorType type) -> std::optional<Type> {
    if (type.getElementType().isF64())
      return type;
    return std::nullopt;
  });
  ConversionTarget target(getContext());
  math::populateLegalizeToF32ConversionTarget(target, converter);
  RewritePatternSet patterns(&getContext());
  math::populateLegalizeToF32Patterns(patterns, converter);
  return applyPartialConversion(getOperation(), target, std::move(patterns));
}

LogicalResult WidenNarrowMathPass::widenArithmetic() {
  MLIRContext *context = &getContext();
  TypeConverter converter;
  Type f16 = Float16Type::get(context), bf16 = BFloat16Type::get(context);
  arith::populateEmulateUnsupportedFloatsConversions(converter, {f16, bf16},
                                                     Float32Type::get(context));
  RewritePatternSet patterns(context);
  arith::populateEmulateUnsupportedFloatsPatterns(patterns, converter);
  ConversionTarget target(*context);
  arith::populateEmulateUnsupportedFloatsLegality(target, converter);
  // These move bits only.
  target.addLegalOp<arith::SelectOp>();
  return applyPartialConversion(getOperation(), target, std::move(patterns));
}

LogicalResult WidenNarrowMathPass::removeRoundings() {
  auto isNeeded = [](arith::TruncFOp op) {
    return getFreeNarrowing(op) ? WalkResult::interrupt()
                                : WalkResult::advance();
  };
  if (!getOperation()->walk(isNeeded).wasInterrupted())
    return success();
  RewritePatternSet patterns(&getContext());
  patterns.add<StayWide, CarryWide>(&getContext());
  return applyPatternsAndFoldGreedily(getOperation(), std::move(patterns));
}
