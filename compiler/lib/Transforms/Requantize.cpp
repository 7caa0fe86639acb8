//===- Requantize.cpp - round sums of integers once -------------*- C++ -*-===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// With dq(q, s, z) = (q - z) * s, and integers p and q:
//   quantize(x, s, z)           -> cast(saturate(x / s) + z)
//   (f32(p) * t + dq(b, t)) / s -> f32(p + b) * (t / s)
//   (f32(p - c) * t + dq(b, t)) / s -> f32(p + (b - c)) * (t / s)
//   (f32(p) * t + f32(q) * u) / s -> f32(p) * (t / s) + f32(q) * (u / s)
//   mean(f32(p) * t)            -> f32(sum(p)) * (t / n)
//   quantize(concat(x, y))      -> concat(quantize(x), quantize(y))
//   dq(cast(v), s, z)           -> f32(v - z) * s
//   (v + z) - z                 -> v
// Clamps before the quantisation become bounds of nn.saturate. This is also how
// onnxruntime rounds.
//
//===----------------------------------------------------------------------===//

#include "ConstantDerived.h"
#include "QuantizedValues.h"
#include "mlir/IR/TypeUtilities.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"
#include "nncc/Dialect/NN/NN.h"
#include "nncc/Dialect/NN/Symbols.h"
#include "nncc/Transforms/Passes.h"
#include <cmath>

namespace nncc::nn {
#define GEN_PASS_DEF_REQUANTIZE
#include "nncc/Transforms/Passes.h.inc"
} // namespace nncc::nn

using namespace mlir;
using namespace nncc;
using namespace nncc::nn;

//===----------------------------------------------------------------------===//
// x / s
//===----------------------------------------------------------------------===//

namespace {

/// Builds x / scale.
class Scaler {
public:
  Scaler(PatternRewriter &rewriter, Location loc, Value scale)
      : rewriter(rewriter), loc(loc), scale(scale) {}

  Value build(Value x);

private:
  Value buildNumber(const ScaledInteger &x);
  Value buildSum(AddOp add);
  Value buildProduct(MulOp mul);
  Value addBias(const ScaledInteger &sum, Value bias);
  Value divide(Value value) {
    return rewriter.createOrFold<DivOp>(loc, value, scale);
  }

  PatternRewriter &rewriter;
  Location loc;
  Value scale;
};

} // namespace

Value Scaler::buildNumber(const ScaledInteger &x) {
  return rewriter.create<MulOp>(loc, x.buildFloat(rewriter, loc),
                                divide(x.scale));
}

/// The i32 operand and the scale of a bias, through reshapes.
static DequantizeOp getBias(Value bias) {
  while (auto reshape = bias.getDefiningOp<ReshapeOp>())
    bias = reshape.getInput();
  auto op = bias.getDefiningOp<DequantizeOp>();
  if (!op || !getTensorType(op.getInput()).getElementType().isInteger(32) ||
      op.getInput().getType().getShape() != op.getType().getShape() ||
      getConstantNumber(op.getZeroPoint()) != 0.0)
    return nullptr;
  return op;
}

/// Whether two scales agree but for rounding.
static bool areClose(Value a, Value b) {
  constexpr float tolerance = 1e-5f;
  auto left = getConstantFloats(a), right = getConstantFloats(b);
  if (!left || !right || left->empty() || right->empty())
    return false;
  size_t count = std::max(left->size(), right->size());
  for (size_t i = 0; i != count; ++i) {
    float x = (*left)[left->size() == 1 ? 0 : i];
    float y = (*right)[right->size() == 1 ? 0 : i];
    if (!(std::abs(x - y) <= tolerance * std::abs(y)))
      return false;
  }
  return true;
}

Value Scaler::addBias(const ScaledInteger &sum, Value bias) {
  Type type = getTensorType(sum.number).getElementType();
  if (DequantizeOp op = getBias(bias); op &&
                                       (type.isInteger(32) || type.isF32()) &&
                                       areClose(op.getScale(), sum.scale)) {
    Value integers = rewriter.createOrFold<CastOp>(loc, op.getInput(), type);
    if (getTensorType(integers).getShape() != getTensorType(bias).getShape())
      integers = rewriter.create<ReshapeOp>(
          loc, withElementType(bias.getType(), type), integers);
    Value products = sum.number;
    // Two constants are one.
    if (auto sub = products.getDefiningOp<SubOp>();
        sub && sub.getLhs().getType() == sub.getType() &&
        isConstantDerived(sub.getRhs())) {
      integers = rewriter.create<SubOp>(loc, integers, sub.getRhs());
      products = sub.getLhs();
    }
    Value number = rewriter.create<AddOp>(loc, products, integers);
    return buildNumber({number, sum.scale, sum.zeroPoint});
  }
  return rewriter.create<AddOp>(loc, buildNumber(sum), divide(bias));
}

Value Scaler::buildSum(AddOp add) {
  auto left = ScaledInteger::match(add.getLhs());
  auto right = ScaledInteger::match(add.getRhs());
  if (left && isConstantDerived(add.getRhs()))
    return addBias(*left, add.getRhs());
  if (right && isConstantDerived(add.getLhs()))
    return addBias(*right, add.getLhs());
  if (left && right)
    return rewriter.create<AddOp>(loc, buildNumber(*left), buildNumber(*right));
  return divide(add);
}

/// The product of two integers of 8 bits is exact in f32.
Value Scaler::buildProduct(MulOp mul) {
  auto left = ScaledInteger::match(mul.getLhs());
  auto right = ScaledInteger::match(mul.getRhs());
  if (!left || !right || !left->zeroPoint || !right->zeroPoint)
    return divide(mul);
  Value product = rewriter.create<MulOp>(loc, left->buildFloat(rewriter, loc),
                                         right->buildFloat(rewriter, loc));
  Value factor = rewriter.createOrFold<MulOp>(loc, left->scale, right->scale);
  return rewriter.create<MulOp>(loc, product, divide(factor));
}

Value Scaler::build(Value x) {
  // Rounded as a number that is read by others too.
  if (auto number = ScaledInteger::match(x); number && !number->zeroPoint)
    return buildNumber(*number);
  if (auto add = x.getDefiningOp<AddOp>())
    return buildSum(add);
  if (auto mul = x.getDefiningOp<MulOp>())
    return buildProduct(mul);
  return divide(x);
}

//===----------------------------------------------------------------------===//
// Bounds
//===----------------------------------------------------------------------===//

/// Bounds within the given ones that `first` and `second`, in steps, ask for.
static ElementRange getWithin(ElementRange bounds, double first,
                              double second) {
  auto limit = [&](double value) {
    return std::min(std::max(std::nearbyint(value), bounds.low), bounds.high);
  };
  return {limit(first), limit(second)};
}

/// What nn.saturate is bounded by.
static ElementRange getBounds(Type type, double zero) {
  ElementRange all = getTypeRange(type);
  return {all.low - zero, all.high - zero};
}

/// Takes off a clamp at `x` and narrows the bounds; false where there is none.
static bool skipClamp(Value &x, ElementRange &bounds, Value scale) {
  constexpr double infinity = std::numeric_limits<double>::infinity();
  std::optional<double> step = getConstantNumber(scale);
  auto inSteps = [&](Value limit) -> std::optional<double> {
    std::optional<double> known = getConstantNumber(limit);
    if (!known || !step)
      return std::nullopt;
    return static_cast<float>(*known) / static_cast<float>(*step);
  };
  std::optional<double> low = -infinity, high = infinity;
  Operation *op = x.getDefiningOp();
  if (isa_and_nonnull<ReluOp>(op)) {
    low = 0;
  } else if (auto clamp = dyn_cast_or_null<ClampOp>(op)) {
    low = inSteps(clamp.getLow());
    high = inSteps(clamp.getHigh());
  } else if (isa_and_nonnull<MaxOp>(op)) {
    low = inSteps(op->getOperand(1));
  } else if (isa_and_nonnull<MinOp>(op)) {
    high = inSteps(op->getOperand(1));
  } else {
    return false;
  }
  if (!low || !high || op->getOperand(0).getType() != x.getType())
    return false;
  bounds = getWithin(bounds, *low, *high);
  x = op->getOperand(0);
  return true;
}

//===----------------------------------------------------------------------===//
// Patterns
//===----------------------------------------------------------------------===//

static Value buildConstant(PatternRewriter &rewriter, Location loc, Type type,
                           int64_t number) {
  auto attribute = DenseElementsAttr::get(
      RankedTensorType::get({}, type),
      static_cast<Attribute>(rewriter.getIntegerAttr(type, number)));
  return rewriter.create<ConstantOp>(loc, attribute);
}

namespace {

struct RoundOnce : OpRewritePattern<QuantizeOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(QuantizeOp op,
                                PatternRewriter &rewriter) const override {
    std::optional<double> zero = getConstantNumber(op.getZeroPoint());
    RankedTensorType type = op.getType();
    Value x = op.getInput();
    if (!zero || !isOneNumber(op.getScale()) ||
        !getTensorType(x).getElementType().isF32() ||
        !getTensorType(op.getScale()).getElementType().isF32() ||
        getDims(x.getType()) != getDims(type))
      return failure();
    Location loc = op.getLoc();
    ElementRange bounds = getBounds(type.getElementType(), *zero);
    Value scale = asScalar(rewriter, loc, op.getScale());
    while (skipClamp(x, bounds, scale)) {
    }
    Type held =
        rewriter.getIntegerType(type.getElementTypeBitWidth() == 8 ? 16 : 32);
    Value scaled = Scaler(rewriter, loc, scale).build(x);
    Value steps = rewriter.create<SaturateOp>(
        loc, withElementType(type, held), scaled,
        static_cast<int64_t>(bounds.low), static_cast<int64_t>(bounds.high));
    if (*zero != 0)
      steps = rewriter.create<AddOp>(loc, steps,
                                     buildConstant(rewriter, loc, held, *zero));
    rewriter.replaceOpWithNewOp<CastOp>(op, steps, type.getElementType());
    return success();
  }
};

struct QuantizeParts : OpRewritePattern<QuantizeOp> {
  QuantizeParts(MLIRContext *context) : OpRewritePattern(context, 2) {}

  LogicalResult matchAndRewrite(QuantizeOp op,
                                PatternRewriter &rewriter) const override {
    auto concat = op.getInput().getDefiningOp<ConcatOp>();
    if (!concat || !concat->hasOneUse() || !isOneNumber(op.getScale()) ||
        !isOneNumber(op.getZeroPoint()) ||
        !llvm::all_of(concat.getInputs(), [](Value input) {
          return ScaledInteger::match(input).has_value();
        }))
      return failure();
    SmallVector<Value> parts;
    for (Value input : concat.getInputs())
      parts.push_back(
          quantize(op, input, ScaledInteger::match(input), rewriter));
    rewriter.replaceOpWithNewOp<ConcatOp>(op, op.getType(), parts,
                                          concat.getAxis());
    return success();
  }

private:
  /// What is quantised alike stays as it is.
  static Value quantize(QuantizeOp op, Value part,
                        std::optional<ScaledInteger> value,
                        PatternRewriter &rewriter) {
    if (value->zeroPoint && isSameNumber(value->scale, op.getScale()) &&
        isSameNumber(value->zeroPoint, op.getZeroPoint()) &&
        getElementTypeOrSelf(value->number) ==
            getElementTypeOrSelf(op.getType()))
      return value->number;
    Value scale = asScalar(rewriter, op.getLoc(), op.getScale());
    Value zero = asScalar(rewriter, op.getLoc(), op.getZeroPoint());
    return rewriter.create<QuantizeOp>(op.getLoc(), part, scale, zero);
  }
};

struct MeanOfIntegers : OpRewritePattern<ReduceMeanOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(ReduceMeanOp op,
                                PatternRewriter &rewriter) const override {
    // So that a sum of numbers of 8 bits does not overflow.
    constexpr int64_t most = 1 << 22;
    auto value = ScaledInteger::match(op.getInput());
    if (!value || !isOneNumber(value->scale) || !value->hasInteger(16))
      return failure();
    int64_t count = 1;
    for (int64_t axis : op.getAxes()) {
      int64_t size = op.getInput().getType().getDimSize(axis);
      if (ShapedType::isDynamic(size) || size < 1 || size > most / count)
        return failure();
      count *= size;
    }
    Location loc = op.getLoc();
    Value sum =
        rewriter.create<ReduceSumOp>(loc, value->buildInteger(rewriter, loc),
                                     op.getAxes(), op.getKeepdims());
    auto size =
        DenseElementsAttr::get(RankedTensorType::get({}, rewriter.getF32Type()),
                               static_cast<float>(count));
    Value scale =
        rewriter.createOrFold<DivOp>(loc, asScalar(rewriter, loc, value->scale),
                                     rewriter.create<ConstantOp>(loc, size));
    Value number = rewriter.create<CastOp>(loc, sum, rewriter.getF32Type());
    rewriter.replaceOpWithNewOp<MulOp>(op, op.getType(), number, scale);
    return success();
  }
};

} // namespace

/// The value that a cast to a narrower integer type does not change.
static Value getWide(Value narrow) {
  auto cast = narrow.getDefiningOp<CastOp>();
  Type type = getTensorType(narrow).getElementType();
  bool isKept = cast && isa<IntegerType>(type) &&
                getTypeRange(type).contains(getTensorRange(cast.getInput()));
  return isKept ? cast.getInput() : Value();
}

namespace {

struct WidenAgain : OpRewritePattern<CastOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(CastOp op,
                                PatternRewriter &rewriter) const override {
    Value wide = getWide(op.getInput());
    if (!wide || wide.getType() != op.getType())
      return failure();
    rewriter.replaceOp(op, wide);
    return success();
  }
};

/// cast(saturate(x)) to f32, where no other reads the integers.
struct SaturateInFloat : OpRewritePattern<CastOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(CastOp op,
                                PatternRewriter &rewriter) const override {
    auto saturate = op.getInput().getDefiningOp<SaturateOp>();
    if (!saturate || !saturate->hasOneUse() ||
        !op.getType().getElementType().isF32())
      return failure();
    rewriter.replaceOpWithNewOp<SaturateOp>(
        op, op.getType(), saturate.getInput(), saturate.getLow(),
        saturate.getHigh());
    return success();
  }
};

/// Whether some reader of integers takes more than their distance from `zero`.
static bool isReadWhole(Value integers, Value zero) {
  return llvm::any_of(integers.getUsers(), [&](Operation *user) {
    if (auto sub = dyn_cast<SubOp>(user))
      return sub.getLhs() != integers || !isOneNumber(sub.getRhs()) ||
             !isSameNumber(sub.getRhs(), zero);
    if (auto cast = dyn_cast<CastOp>(user))
      return isReadWhole(cast, zero);
    return isa<LinearOpInterface, TransposeOp>(user);
  });
}

struct SubtractAgain : OpRewritePattern<SubOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(SubOp op,
                                PatternRewriter &rewriter) const override {
    auto add = op.getLhs().getDefiningOp<AddOp>();
    if (!add || !isa<IntegerType>(op.getType().getElementType()) ||
        add.getLhs().getType() != op.getType() || !isOneNumber(op.getRhs()) ||
        !isOneNumber(add.getRhs()) ||
        !isSameNumber(add.getRhs(), op.getRhs()) ||
        isReadWhole(add, op.getRhs()))
      return failure();
    rewriter.replaceOp(op, add.getLhs());
    return success();
  }
};

struct DequantizeWide : OpRewritePattern<DequantizeOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(DequantizeOp op,
                                PatternRewriter &rewriter) const override {
    auto value = ScaledInteger::match(op);
    if (!value || !getWide(op.getInput()))
      return failure();
    rewriter.replaceOpWithNewOp<MulOp>(
        op, op.getType(), value->buildFloat(rewriter, op.getLoc()),
        asScalar(rewriter, op.getLoc(), value->scale));
    return success();
  }
};

struct RequantizePass : nn::impl::RequantizeBase<RequantizePass> {
  void runOnOperation() override {
    // The readers of integers first.
    if (failed(apply<RoundOnce, QuantizeParts, MeanOfIntegers, WidenAgain,
                     SubtractAgain, DequantizeWide>()) ||
        failed(apply<SaturateInFloat>()))
      signalPassFailure();
  }

private:
  template <typename... Patterns> LogicalResult apply() {
    RewritePatternSet patterns(&getContext());
    patterns.add<Patterns...>(&getContext());
    GreedyRewriteConfig config;
    config.useTopDownTraversal = true;
    return applyPatternsAndFoldGreedily(getOperation(), std::move(patterns),
                                        config);
  }
};

} // namespace
