//===- IntegerProducts.cpp - products of quantised numbers ------*- C++ -*-===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// With dq(q, s, z) = (q - z) * s:
//   linear(dq(a, s, z), dq(w, t, y)) -> f32(linear(a - z, w - y)) * (s * t)
//     where sums are short, linear(f32(a - z), f32(w - y)) * (s * t)
//   move(dq(a, s, z))                -> dq(move(a), s, z)
//   quantize(dq(a, s, z), s, z)      -> a
//   dq(quantize(x, s, z), s, z)      -> the same in ui8 for i8, with z + 128
// s and z are single numbers; t is one, or one for each of the last dimension.
//
//===----------------------------------------------------------------------===//

#include "ConstantDerived.h"
#include "QuantizedValues.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"
#include "nncc/Dialect/NN/NN.h"
#include "nncc/Dialect/NN/Symbols.h"
#include "nncc/Transforms/Passes.h"

namespace nncc::nn {
#define GEN_PASS_DEF_INTEGERPRODUCTS
#include "nncc/Transforms/Passes.h.inc"
} // namespace nncc::nn

using namespace mlir;
using namespace nncc;
using namespace nncc::nn;

namespace {

/// transpose(dequantize(...)), with any number of transposes.
struct Dequantized {
  DequantizeOp op;
  /// From the op's result on.
  SmallVector<TransposeOp> transposes;

  static std::optional<Dequantized> match(Value value);
  bool isPerTensor() {
    return isOneNumber(op.getScale()) && isOneNumber(op.getZeroPoint());
  }
  /// Whether the scale is the same but along the last dimension.
  bool isPerColumn();
  /// input - zero_point as i16, transposed.
  Value buildSteps(PatternRewriter &rewriter);
  /// The scale, as one number or a vector.
  Value buildScale(PatternRewriter &rewriter);

private:
  Value transpose(PatternRewriter &rewriter, Value value);
};

} // namespace

std::optional<Dequantized> Dequantized::match(Value value) {
  Dequantized result;
  while (auto transpose = value.getDefiningOp<TransposeOp>()) {
    result.transposes.insert(result.transposes.begin(), transpose);
    value = transpose.getInput();
  }
  result.op = value.getDefiningOp<DequantizeOp>();
  if (!result.op || !result.op.getType().getElementType().isF32() ||
      getTensorType(result.op.getInput()).getElementTypeBitWidth() != 8 ||
      getDims(result.op.getInput().getType()) != getDims(result.op.getType()))
    return std::nullopt;
  return result;
}

bool Dequantized::isPerColumn() {
  if (isOneNumber(op.getScale()))
    return true;
  RankedTensorType scale = getTensorType(op.getScale());
  if (!scale.hasStaticShape())
    return false;
  int64_t rank = op.getType().getRank(), missing = rank - scale.getRank();
  int64_t column = rank - 1;
  for (TransposeOp transpose : llvm::reverse(transposes))
    column = transpose.getPerm()[column];
  for (int64_t i = missing; i < rank; ++i)
    if (i != column && scale.getDimSize(i - missing) != 1)
      return false;
  return true;
}

Value Dequantized::transpose(PatternRewriter &rewriter, Value value) {
  for (TransposeOp transpose : transposes)
    value =
        rewriter.create<TransposeOp>(op.getLoc(), value, transpose.getPerm());
  return value;
}

Value Dequantized::buildSteps(PatternRewriter &rewriter) {
  Location loc = op.getLoc();
  Type i16 = rewriter.getI16Type();
  Value steps = rewriter.create<CastOp>(loc, op.getInput(), i16);
  Value zero = op.getZeroPoint();
  if (isOneNumber(zero))
    zero = asScalar(rewriter, loc, zero);
  steps = rewriter.create<SubOp>(loc, steps,
                                 rewriter.create<CastOp>(loc, zero, i16));
  return transpose(rewriter, steps);
}

Value Dequantized::buildScale(PatternRewriter &rewriter) {
  Value scale = op.getScale();
  if (isOneNumber(scale))
    return asScalar(rewriter, op.getLoc(), scale);
  int64_t count = getTensorType(scale).getNumElements();
  return rewriter.create<ReshapeOp>(
      op.getLoc(),
      makeTensorType(getAffineConstantExpr(count, rewriter.getContext()),
                     rewriter.getF32Type()),
      scale);
}

namespace {

/// T: an op linear in both of its operands.
template <typename T> struct ProductOfIntegers : OpRewritePattern<T> {
  using OpRewritePattern<T>::OpRewritePattern;

  LogicalResult matchAndRewrite(T op,
                                PatternRewriter &rewriter) const override {
    std::optional<unsigned> weights =
        cast<LinearOpInterface>(op.getOperation()).getWeightsOperand();
    auto left = Dequantized::match(op->getOperand(0));
    auto right = Dequantized::match(op->getOperand(1));
    if (weights != 1u || !left || !right || !left->isPerTensor() ||
        !right->isPerColumn())
      return failure();
    Location loc = op.getLoc();
    bool inFloat = isExactInFloat(op);
    auto getOperand = [&](Dequantized &value) -> Value {
      Value steps = value.buildSteps(rewriter);
      if (!inFloat)
        return steps;
      return rewriter.create<CastOp>(loc, steps, rewriter.getF32Type());
    };
    IRMapping mapping;
    mapping.map(op->getOperand(0), getOperand(*left));
    if (op->getOperand(0) != op->getOperand(1))
      mapping.map(op->getOperand(1), getOperand(*right));
    Operation *product = rewriter.clone(*op.getOperation(), mapping);
    Value number = product->getResult(0);
    if (!inFloat) {
      number.setType(
          makeTensorType(getDims(op.getType()), rewriter.getI32Type()));
      number = rewriter.create<CastOp>(loc, number, rewriter.getF32Type());
    }
    Value scale = rewriter.create<MulOp>(loc, left->buildScale(rewriter),
                                         right->buildScale(rewriter));
    rewriter.replaceOpWithNewOp<MulOp>(op, op.getType(), number, scale);
    return success();
  }

private:
  static bool isExactInFloat(T op) {
    if constexpr (std::is_same_v<T, ConvOp>)
      return hasShortSums(op);
    return false;
  }
};

/// T: an op whose result's elements are elements of its one operand.
template <typename T> struct MoveIntegers : OpRewritePattern<T> {
  using OpRewritePattern<T>::OpRewritePattern;

  LogicalResult matchAndRewrite(T op,
                                PatternRewriter &rewriter) const override {
    auto dequantized = Dequantized::match(op->getOperand(0));
    if (!dequantized || !dequantized->transposes.empty() ||
        !dequantized->isPerTensor() || isConstantDerived(op->getOperand(0)))
      return failure();
    DequantizeOp source = dequantized->op;
    IRMapping mapping;
    mapping.map(op->getOperand(0), source.getInput());
    Operation *moved = rewriter.clone(*op.getOperation(), mapping);
    Value result = moved->getResult(0);
    result.setType(
        makeTensorType(getDims(op.getType()),
                       getTensorType(source.getInput()).getElementType()));
    Value scale = asScalar(rewriter, op.getLoc(), source.getScale());
    Value zero = asScalar(rewriter, op.getLoc(), source.getZeroPoint());
    rewriter.replaceOpWithNewOp<DequantizeOp>(op, op.getType(), result, scale,
                                              zero);
    return success();
  }
};

struct QuantizeAgain : OpRewritePattern<QuantizeOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(QuantizeOp op,
                                PatternRewriter &rewriter) const override {
    auto source = op.getInput().getDefiningOp<DequantizeOp>();
    if (!source || source.getInput().getType() != op.getType() ||
        getTensorType(source.getInput()).getElementTypeBitWidth() != 8 ||
        !isOneNumber(op.getScale()) || !isOneNumber(op.getZeroPoint()) ||
        !isOneNumber(source.getScale()) ||
        !isOneNumber(source.getZeroPoint()) ||
        !isSameNumber(op.getScale(), source.getScale()) ||
        !isSameNumber(op.getZeroPoint(), source.getZeroPoint()))
      return failure();
    rewriter.replaceOp(op, source.getInput());
    return success();
  }
};

/// Numbers of i8 that are read as dequantised alone, held as ui8.
struct HoldUnsigned : OpRewritePattern<QuantizeOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(QuantizeOp op,
                                PatternRewriter &rewriter) const override {
    std::optional<double> zero = getConstantNumber(op.getZeroPoint());
    if (!op.getType().getElementType().isSignlessInteger(8) || !zero ||
        !llvm::all_of(op->getUsers(), [&](Operation *user) {
          auto reader = dyn_cast<DequantizeOp>(user);
          return reader && reader.getInput() == op &&
                 isSameNumber(reader.getZeroPoint(), op.getZeroPoint());
        }))
      return failure();
    Type ui8 = rewriter.getIntegerType(8, /*isSigned=*/false);
    auto moved = DenseElementsAttr::get(
        RankedTensorType::get({}, ui8),
        static_cast<Attribute>(rewriter.getIntegerAttr(ui8, *zero + 128)));
    Value newZero = rewriter.create<ConstantOp>(op.getLoc(), moved);
    Value number = rewriter.create<QuantizeOp>(
        op.getLoc(), withElementType(op.getType(), ui8), op.getInput(),
        op.getScale(), newZero);
    for (Operation *user : llvm::make_early_inc_range(op->getUsers()))
      rewriter.replaceOpWithNewOp<DequantizeOp>(
          user, user->getResultTypes().front(), number,
          cast<DequantizeOp>(user).getScale(), newZero);
    rewriter.eraseOp(op);
    return success();
  }
};

struct IntegerProductsPass
    : nn::impl::IntegerProductsBase<IntegerProductsPass> {
  void runOnOperation() override {
    RewritePatternSet patterns(&getContext());
    patterns.add<ProductOfIntegers<ConvOp>, ProductOfIntegers<MatmulOp>,
                 MoveIntegers<MaxPoolOp>, MoveIntegers<ReshapeOp>,
                 MoveIntegers<SliceOp>, QuantizeAgain, HoldUnsigned>(
        &getContext());
    GreedyRewriteConfig config;
    config.useTopDownTraversal = true;
    if (failed(applyPatternsAndFoldGreedily(getOperation(), std::move(patterns),
                                            config)))
      signalPassFailure();
  }
};

} // namespace
