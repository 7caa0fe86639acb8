//===- FoldScale.cpp - fold factors and offsets into weights ----*- C++ -*-===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// With y = linear(x, weights), f and c derived from constants:
//   y * f           ->  linear(x, weights * f)
//   (x * e) * f     ->  x * (e * f)
//   (y + c) * f     ->  y * f + c * f
//   (y + c) + d     ->  y + (c + d)
// and the same for quotients and differences. f has one value, or one for each
// element of y's last dimension; y may be x * e, too.
//
//===----------------------------------------------------------------------===//

#include "ConstantDerived.h"
#include "QuantizedValues.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"
#include "nncc/Transforms/Passes.h"

namespace nncc::nn {
#define GEN_PASS_DEF_FOLDSCALE
#include "nncc/Transforms/Passes.h.inc"
} // namespace nncc::nn

using namespace mlir;
using namespace nncc;
using namespace nncc::nn;

/// Splits the operands of `op`, of which one is derived from constants, into
/// that one and the other. For ops that don't commute, the second one must be
/// the constant.
static std::optional<std::pair<Value, Value>> matchOperands(Operation *op,
                                                            bool commutes) {
  Value lhs = op->getOperand(0), rhs = op->getOperand(1);
  if (isConstantDerived(rhs) && !isConstantDerived(lhs))
    return std::make_pair(lhs, rhs);
  if (commutes && isConstantDerived(lhs) && !isConstantDerived(rhs))
    return std::make_pair(rhs, lhs);
  return std::nullopt;
}

/// Whether `value` has one element, or one for each of the last dimension of a
/// tensor like `tensor` and varies along no other.
static bool isPerChannel(Value value, Value tensor) {
  auto type = cast<RankedTensorType>(value.getType());
  auto target = cast<RankedTensorType>(tensor.getType());
  if (type.getRank() > target.getRank())
    return false;
  int64_t count = type.getNumElements();
  int64_t channels = target.getRank() ? target.getShape().back() : 1;
  return count == 1 || (type.getShape().back() == count && channels == count);
}

/// Such a value as a vector, or as a tensor of one element; else null.
static Value getPerChannel(PatternRewriter &rewriter, Location loc, Value value,
                           Value tensor) {
  if (!isPerChannel(value, tensor))
    return nullptr;
  auto type = cast<RankedTensorType>(value.getType());
  if (type.getRank() <= 1)
    return value;
  return rewriter.create<ReshapeOp>(
      loc, value,
      getAffineConstantExpr(type.getNumElements(), rewriter.getContext()));
}

/// The op that gives `value`, if it is linear in weights derived from constants
/// and has no other reader.
static LinearOpInterface getLinearOp(Value value) {
  auto linear = value.getDefiningOp<LinearOpInterface>();
  // Products of integers stay exact.
  if (!linear || !value.hasOneUse() || isIntegerProduct(value))
    return nullptr;
  std::optional<unsigned> weights = linear.getWeightsOperand();
  if (!weights || !isConstantDerived(linear->getOperand(*weights)))
    return nullptr;
  return linear;
}

/// value + constant, or value - constant, with one reader.
static Operation *getOffset(Value value) {
  Operation *op = value.getDefiningOp();
  if (!op || !value.hasOneUse() || !isa<AddOp, SubOp>(op))
    return nullptr;
  return matchOperands(op, isa<AddOp>(op)) ? op : nullptr;
}

/// value * constant, with one reader.
static MulOp getProduct(Value value) {
  auto op = value.getDefiningOp<MulOp>();
  return op && value.hasOneUse() && matchOperands(op, /*commutes=*/true)
             ? op
             : MulOp();
}

/// An op like `op` on two other operands.
static Value rebuild(PatternRewriter &rewriter, Operation *op, Value lhs,
                     Value rhs) {
  if (isa<AddOp>(op))
    return rewriter.create<AddOp>(op->getLoc(), lhs, rhs);
  if (isa<SubOp>(op))
    return rewriter.create<SubOp>(op->getLoc(), lhs, rhs);
  if (isa<MulOp>(op))
    return rewriter.create<MulOp>(op->getLoc(), lhs, rhs);
  return rewriter.create<DivOp>(op->getLoc(), lhs, rhs);
}

namespace {

/// y * f, (y + c) * f, and quotients. T: MulOp or DivOp.
template <typename T> struct FoldFactor : OpRewritePattern<T> {
  using OpRewritePattern<T>::OpRewritePattern;

  LogicalResult matchAndRewrite(T op,
                                PatternRewriter &rewriter) const override {
    if (!isa<FloatType>(op.getType().getElementType()))
      return failure();
    auto operands = matchOperands(op, std::is_same_v<T, MulOp>);
    if (!operands || operands->first.getType() != op.getType())
      return failure();
    auto [value, factor] = *operands;
    if (Operation *offset = getOffset(value))
      return distribute(op, offset, factor, rewriter);
    if (MulOp product = getProduct(value))
      return join(op, product, factor, rewriter);
    LinearOpInterface linear = getLinearOp(value);
    if (!linear)
      return failure();
    unsigned number = *linear.getWeightsOperand();
    Value perChannel = getPerChannel(rewriter, op.getLoc(), factor, value);
    if (!perChannel)
      return failure();
    Value weights = linear->getOperand(number);
    // A vector is a matrix of one column to nn.matmul: its only dimension is
    // not the result's last one. getWeightsOperand has excluded it.
    Value scaled = rebuild(rewriter, op, weights, perChannel);
    Operation *copy = rewriter.clone(*linear.getOperation());
    copy->setOperand(number, scaled);
    copy->setLoc(rewriter.getFusedLoc({linear.getLoc(), op.getLoc()}));
    rewriter.replaceOp(op, copy);
    rewriter.eraseOp(linear);
    return success();
  }

  /// (x * e) * f.
  LogicalResult join(T op, MulOp product, Value factor,
                     PatternRewriter &rewriter) const {
    auto [value, constant] = *matchOperands(product, /*commutes=*/true);
    if (value.getType() != op.getType() || !isPerChannel(constant, value) ||
        !isPerChannel(factor, value))
      return failure();
    Value joined = rebuild(rewriter, op, constant, factor);
    Value result = rebuild(rewriter, product, value, joined);
    result.getDefiningOp()->setLoc(
        rewriter.getFusedLoc({product.getLoc(), op.getLoc()}));
    rewriter.replaceOp(op, result);
    rewriter.eraseOp(product);
    return success();
  }

  /// (y + c) * f, where y becomes foldable.
  LogicalResult distribute(T op, Operation *offset, Value factor,
                           PatternRewriter &rewriter) const {
    auto [value, constant] = *matchOperands(offset, isa<AddOp>(offset));
    if (value.getType() != op.getType() ||
        !(getLinearOp(value) || getProduct(value)) ||
        !isPerChannel(factor, value))
      return failure();
    Value scaled = rebuild(rewriter, op, value, factor);
    // c may have fewer dimensions than f; the product has those of both.
    Value moved = rebuild(rewriter, op, constant, factor);
    rewriter.replaceOp(op, rebuild(rewriter, offset, scaled, moved));
    rewriter.eraseOp(offset);
    return success();
  }
};

/// (y + c) + d and differences. T: AddOp or SubOp.
template <typename T> struct JoinOffsets : OpRewritePattern<T> {
  using OpRewritePattern<T>::OpRewritePattern;

  LogicalResult matchAndRewrite(T op,
                                PatternRewriter &rewriter) const override {
    if (!isa<FloatType>(op.getType().getElementType()))
      return failure();
    auto outer = matchOperands(op, std::is_same_v<T, AddOp>);
    if (!outer)
      return failure();
    Operation *inner = getOffset(outer->first);
    if (!inner)
      return failure();
    auto [value, constant] = *matchOperands(inner, isa<AddOp>(inner));
    // y - c + d = y - (c - d); otherwise y + (c +- d).
    bool same = isa<SubOp>(inner) == isa<SubOp>(op);
    Location loc = rewriter.getFusedLoc({inner->getLoc(), op.getLoc()});
    Value sum;
    if (same)
      sum = rewriter.create<AddOp>(loc, constant, outer->second);
    else
      sum = rewriter.create<SubOp>(loc, constant, outer->second);
    Value result = rebuild(rewriter, inner, value, sum);
    result.getDefiningOp()->setLoc(loc);
    rewriter.replaceOp(op, result);
    rewriter.eraseOp(inner);
    return success();
  }
};

struct FoldScalePass : nn::impl::FoldScaleBase<FoldScalePass> {
  void runOnOperation() override {
    RewritePatternSet patterns(&getContext());
    patterns.add<FoldFactor<MulOp>, FoldFactor<DivOp>, JoinOffsets<AddOp>,
                 JoinOffsets<SubOp>>(&getContext());
    GreedyRewriteConfig config;
    config.useTopDownTraversal = true;
    if (failed(applyPatternsAndFoldGreedily(getOperation(), std::move(patterns),
                                            config)))
      signalPassFailure();
  }
};

} // namespace
