//===- ByteOperands.cpp - products of unsigned bytes ------------*- C++ -*-===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// With bytes a and constant weights w:
//   linear(a - z, w) -> linear(a, w) - z * sum of w's columns
// Not where a border is padded with what would be z.
//
//===----------------------------------------------------------------------===//

#include "ConstantDerived.h"
#include "QuantizedValues.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"
#include "nncc/Dialect/NN/NN.h"
#include "nncc/Dialect/NN/Symbols.h"
#include "nncc/Transforms/Passes.h"
#include <numeric>

namespace nncc::nn {
#define GEN_PASS_DEF_BYTEOPERANDS
#include "nncc/Transforms/Passes.h.inc"
} // namespace nncc::nn

using namespace mlir;
using namespace nncc;
using namespace nncc::nn;

static bool hasPadding(MatmulOp) { return false; }

static bool hasPadding(ConvOp op) {
  auto isPositive = [](int64_t size) { return size > 0; };
  return llvm::any_of(op.getPadsLow(), isPositive) ||
         llvm::any_of(op.getPadsHigh(), isPositive);
}

namespace {

/// transpose(bytes - zero), with any number of transposes.
struct Centred {
  SubOp op;
  /// From the op's result on.
  SmallVector<TransposeOp> transposes;

  static std::optional<Centred> match(Value value);
  Value buildBytes(PatternRewriter &rewriter);
};

} // namespace

std::optional<Centred> Centred::match(Value value) {
  Centred result;
  while (auto transpose = value.getDefiningOp<TransposeOp>()) {
    result.transposes.insert(result.transposes.begin(), transpose);
    value = transpose.getInput();
  }
  result.op = value.getDefiningOp<SubOp>();
  if (!result.op || !isOneNumber(result.op.getRhs()) ||
      result.op.getLhs().getType() != result.op.getType() ||
      !holdsBytes(result.op.getLhs()))
    return std::nullopt;
  return result;
}

Value Centred::buildBytes(PatternRewriter &rewriter) {
  Value bytes = op.getLhs();
  for (TransposeOp transpose : transposes)
    bytes = rewriter.create<TransposeOp>(transpose.getLoc(), bytes,
                                         transpose.getPerm());
  return bytes;
}

/// The sums over all dimensions but the last, in i32; beside the weights, since
/// the product may stand in a loop.
static Value sumColumns(PatternRewriter &rewriter, Location loc,
                        Value weights) {
  OpBuilder::InsertionGuard guard(rewriter);
  rewriter.setInsertionPointAfterValue(weights);
  SmallVector<int64_t> axes(getTensorType(weights).getRank() - 1);
  std::iota(axes.begin(), axes.end(), 0);
  Value wide = rewriter.create<CastOp>(loc, weights, rewriter.getI32Type());
  return rewriter.create<ReduceSumOp>(loc, wide, axes, /*keepdims=*/false);
}

namespace {

/// T: an op linear in both of its operands.
template <typename T> struct SubtractAfterwards : OpRewritePattern<T> {
  using OpRewritePattern<T>::OpRewritePattern;

  LogicalResult matchAndRewrite(T op,
                                PatternRewriter &rewriter) const override {
    Value left = op->getOperand(0), weights = op->getOperand(1);
    bool isMatrix = getTensorType(weights).getRank() == 2;
    if (!getTensorType(left).getElementType().isInteger(16) ||
        (std::is_same_v<T, MatmulOp> && !isMatrix) ||
        !isConstantDerived(weights) || hasPadding(op) || holdsBytes(left))
      return failure();
    std::optional<Centred> centred = Centred::match(left);
    if (!centred)
      return failure();
    Location loc = op.getLoc();
    IRMapping mapping;
    mapping.map(left, centred->buildBytes(rewriter));
    Value product = rewriter.clone(*op.getOperation(), mapping)->getResult(0);
    Value zero = rewriter.create<CastOp>(
        loc, asScalar(rewriter, loc, centred->op.getRhs()),
        rewriter.getI32Type());
    Value offset =
        rewriter.create<MulOp>(loc, sumColumns(rewriter, loc, weights), zero);
    rewriter.replaceOpWithNewOp<SubOp>(op, op.getType(), product, offset);
    return success();
  }
};

struct ByteOperandsPass : nn::impl::ByteOperandsBase<ByteOperandsPass> {
  void runOnOperation() override {
    RewritePatternSet patterns(&getContext());
    patterns.add<SubtractAfterwards<ConvOp>, SubtractAfterwards<MatmulOp>>(
        &getContext());
    if (failed(
            applyPatternsAndFoldGreedily(getOperation(), std::move(patterns))))
      signalPassFailure();
  }
};

} // namespace
