//===- MathToPolynomials.cpp - Math functions to arithmetic ---------------===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "targets/wasm/Passes.h"

#include "targets/wasm/ElementaryFunctions.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/Matchers.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

namespace nncc::wasm {

#define GEN_PASS_DEF_MATHTOPOLYNOMIALS
#include "targets/wasm/Passes.h.inc"

} // namespace nncc::wasm

using namespace mlir;
using namespace nncc::wasm;

/// The function nncc_math_NAME of the runtime, f64... -> f64.
static func::FuncOp getRuntimeFunction(OpBuilder &b, Operation *user,
                                       StringRef name, unsigned arity) {
  auto module = user->getParentOfType<ModuleOp>();
  std::string symbol = ("nncc_math_" + name).str();
  if (auto func = module.lookupSymbol<func::FuncOp>(symbol))
    return func;
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(module.getBody());
  SmallVector<Type> arguments(arity, b.getF64Type());
  auto func = b.create<func::FuncOp>(
      user->getLoc(), symbol, b.getFunctionType(arguments, {b.getF64Type()}));
  func.setPrivate();
  return func;
}

/// Calls a runtime function for each lane, in f64.
static Value callRuntime(OpBuilder &b, Operation *user, StringRef name,
                         ValueRange operands) {
  Location loc = user->getLoc();
  Type type = operands[0].getType();
  Type element = getElementTypeOrSelf(type);
  func::FuncOp func = getRuntimeFunction(b, user, name, operands.size());
  auto callOnScalars = [&](ValueRange scalars) -> Value {
    SmallVector<Value> wide;
    for (Value scalar : scalars)
      wide.push_back(element.isF64() ? scalar
                                     : b.create<arith::ExtFOp>(
                                           loc, b.getF64Type(), scalar));
    Value result = b.create<func::CallOp>(loc, func, wide).getResult(0);
    if (element.isF64())
      return result;
    return b.create<arith::TruncFOp>(loc, element, result);
  };

  auto vector = dyn_cast<VectorType>(type);
  if (!vector)
    return callOnScalars(operands);
  Value result =
      b.create<arith::ConstantOp>(loc, cast<TypedAttr>(b.getZeroAttr(type)));
  for (int64_t lane = 0; lane < vector.getNumElements(); ++lane) {
    SmallVector<Value> scalars;
    for (Value operand : operands)
      scalars.push_back(b.create<vector::ExtractOp>(loc, operand, lane));
    result =
        b.create<vector::InsertOp>(loc, callOnScalars(scalars), result, lane);
  }
  return result;
}

static bool isRealScalarOrVector(Type type) {
  auto vector = dyn_cast<VectorType>(type);
  return (!vector || (vector.getRank() == 1 && !vector.isScalable())) &&
         (getElementTypeOrSelf(type).isF32() ||
          getElementTypeOrSelf(type).isF64());
}

/// Whether `value` is 1 in all lanes.
static bool isOne(Value value) {
  if (auto broadcast = value.getDefiningOp<vector::BroadcastOp>())
    value = broadcast.getSource();
  return matchPattern(value, m_OneFloat());
}

namespace {

/// A function of f32 as arithmetic in place.
template <typename OpT> struct InlinePattern : OpRewritePattern<OpT> {
  using Expansion = Value (*)(MathBuilder &, Value);

  InlinePattern(MLIRContext *context, Expansion expansion)
      : OpRewritePattern<OpT>(context, /*benefit=*/2), expansion(expansion) {}

  LogicalResult matchAndRewrite(OpT op,
                                PatternRewriter &rewriter) const override {
    if (!isRealScalarOrVector(op.getType()) ||
        !getElementTypeOrSelf(op.getType()).isF32())
      return failure();
    MathBuilder b(rewriter, op.getLoc());
    rewriter.replaceOp(op, expansion(b, op.getOperand()));
    return success();
  }

private:
  const Expansion expansion;
};

/// Any function, by the runtime.
template <typename OpT> struct CallPattern : OpRewritePattern<OpT> {
  CallPattern(MLIRContext *context, StringRef name)
      : OpRewritePattern<OpT>(context), name(name) {}

  LogicalResult matchAndRewrite(OpT op,
                                PatternRewriter &rewriter) const override {
    if (!isRealScalarOrVector(op.getType()))
      return failure();
    rewriter.replaceOp(op, callRuntime(rewriter, op, name, op->getOperands()));
    return success();
  }

private:
  const StringRef name;
};

/// sin and cos of f32: arithmetic for all but huge arguments and infinities.
template <typename OpT> struct CirclePattern : OpRewritePattern<OpT> {
  CirclePattern(MLIRContext *context, StringRef name, int quarterTurns)
      : OpRewritePattern<OpT>(context, /*benefit=*/2), name(name),
        quarterTurns(quarterTurns) {}

  LogicalResult matchAndRewrite(OpT op,
                                PatternRewriter &rewriter) const override {
    if (!isRealScalarOrVector(op.getType()) ||
        !getElementTypeOrSelf(op.getType()).isF32())
      return failure();
    MathBuilder b(rewriter, op.getLoc());
    Value x = op.getOperand();
    Value isSmall = b.lt(b.abs(x), 1e8);
    Value y =
        expandCircle(b, b.select(isSmall, x, b.like(x, 0.0)), quarterTurns);
    Value allSmall = isSmall;
    if (isa<VectorType>(x.getType()))
      allSmall = rewriter.create<vector::ReductionOp>(
          op.getLoc(), vector::CombiningKind::AND, isSmall);
    auto branch = rewriter.create<scf::IfOp>(op.getLoc(), op.getType(),
                                             allSmall, /*else=*/true);
    OpBuilder inThen = branch.getThenBodyBuilder();
    inThen.create<scf::YieldOp>(op.getLoc(), y);
    OpBuilder inElse = branch.getElseBodyBuilder();
    inElse.create<scf::YieldOp>(op.getLoc(), callRuntime(inElse, op, name, x));
    rewriter.replaceOp(op, branch);
    return success();
  }

private:
  const StringRef name;
  const int quarterTurns;
};

/// The exponential of 1 / (1 + exp(x)), which needs less than any exponential.
/// A number times the quotient is divided instead.
struct SigmoidPattern : OpRewritePattern<math::ExpOp> {
  explicit SigmoidPattern(MLIRContext *context)
      : OpRewritePattern(context, /*benefit=*/3) {}

  LogicalResult matchAndRewrite(math::ExpOp op,
                                PatternRewriter &rewriter) const override {
    arith::DivFOp quotient = getQuotient(op);
    if (!quotient)
      return failure();
    MathBuilder b(rewriter, op.getLoc());
    Value x = op.getOperand();
    auto negation = x.getDefiningOp<arith::NegFOp>();
    if (negation)
      x = negation.getOperand();
    rewriter.replaceOp(op, expandExpInSigmoid(b, x, negation != nullptr));
    auto product = quotient->hasOneUse()
                       ? dyn_cast<arith::MulFOp>(*quotient->user_begin())
                       : arith::MulFOp();
    if (!product)
      return success();
    bool isLeft = product.getLhs() == quotient.getResult();
    Value factor = isLeft ? product.getRhs() : product.getLhs();
    rewriter.setInsertionPoint(product);
    rewriter.replaceOpWithNewOp<arith::DivFOp>(product, factor,
                                               quotient.getRhs());
    return success();
  }

private:
  /// The sigmoid whose exponential this is, if it is one.
  static arith::DivFOp getQuotient(math::ExpOp op) {
    if (!isRealScalarOrVector(op.getType()) ||
        !getElementTypeOrSelf(op.getType()).isF32() || !op->hasOneUse())
      return nullptr;
    auto sum = dyn_cast<arith::AddFOp>(*op->user_begin());
    if (!sum || !sum->hasOneUse() ||
        !(isOne(sum.getLhs()) || isOne(sum.getRhs())))
      return nullptr;
    auto quotient = dyn_cast<arith::DivFOp>(*sum->user_begin());
    return quotient && isOne(quotient.getLhs()) ? quotient : arith::DivFOp();
  }
};

/// The exponential of softmax, see the pass.
struct ApproximateExpPattern : OpRewritePattern<math::ExpOp> {
  explicit ApproximateExpPattern(MLIRContext *context)
      : OpRewritePattern(context, /*benefit=*/3) {}

  LogicalResult matchAndRewrite(math::ExpOp op,
                                PatternRewriter &rewriter) const override {
    if (!isRealScalarOrVector(op.getType()) ||
        !getElementTypeOrSelf(op.getType()).isF32() ||
        !bitEnumContainsAll(op.getFastmath(), arith::FastMathFlags::afn))
      return failure();
    MathBuilder b(rewriter, op.getLoc());
    rewriter.replaceOp(op, expandExpOfNegative(b, op.getOperand()));
    return success();
  }
};

/// Powers with a constant exponent that are a few multiplications or a square
/// root.
struct ConstantPowerPattern : OpRewritePattern<math::PowFOp> {
  explicit ConstantPowerPattern(MLIRContext *context)
      : OpRewritePattern(context, /*benefit=*/3) {}

  LogicalResult matchAndRewrite(math::PowFOp op,
                                PatternRewriter &rewriter) const override {
    APFloat exponent(0.0);
    Value scalar = op.getRhs();
    if (auto broadcast = scalar.getDefiningOp<vector::BroadcastOp>())
      scalar = broadcast.getSource();
    if (!isRealScalarOrVector(op.getType()) ||
        !matchPattern(scalar, m_ConstantFloat(&exponent)))
      return failure();
    MathBuilder b(rewriter, op.getLoc());
    Value x = op.getLhs();
    Value y;
    if (exponent.isExactlyValue(0.0))
      y = b.like(x, 1.0);
    else if (exponent.isExactlyValue(1.0))
      y = x;
    else if (exponent.isExactlyValue(2.0))
      y = b.mul(x, x);
    else if (exponent.isExactlyValue(3.0))
      y = b.mul(b.mul(x, x), x);
    else if (exponent.isExactlyValue(4.0))
      y = b.mul(b.mul(x, x), b.mul(x, x));
    else if (exponent.isExactlyValue(-1.0))
      y = b.div(1.0, x);
    else if (exponent.isExactlyValue(-2.0))
      y = b.div(1.0, b.mul(x, x));
    else if (exponent.isExactlyValue(0.5)) // pow(-inf, 0.5) is inf, -0 is 0.
      y = b.sqrt(b.select(b.eq(x, -INFINITY), INFINITY, b.add(x, 0.0)));
    else
      return failure();
    rewriter.replaceOp(op, y);
    return success();
  }
};

/// An integer power of a float is the power with a float exponent.
struct IntegerExponentPattern : OpRewritePattern<math::FPowIOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(math::FPowIOp op,
                                PatternRewriter &rewriter) const override {
    if (!isRealScalarOrVector(op.getType()))
      return failure();
    MathBuilder b(rewriter, op.getLoc());
    Type element = getElementTypeOrSelf(op.getType());
    rewriter.replaceOpWithNewOp<math::PowFOp>(op, op.getLhs(),
                                              b.toFloat(op.getRhs(), element));
    return success();
  }
};

/// The power of integers, multiplied in f64 as far as that is exact.
struct IntegerPowerPattern : OpRewritePattern<math::IPowIOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(math::IPowIOp op,
                                PatternRewriter &rewriter) const override {
    MathBuilder b(rewriter, op.getLoc());
    Type wide = rewriter.getF64Type();
    Value y = callRuntime(
        rewriter, op, "pow",
        {b.toFloat(op.getLhs(), wide), b.toFloat(op.getRhs(), wide)});
    unsigned width = getElementTypeOrSelf(op.getType()).getIntOrFloatBitWidth();
    Value whole = b.toInt(b.make<math::TruncOp>(y), 64);
    rewriter.replaceOp(op, width == 64 ? whole : b.trunci(whole, width));
    return success();
  }
};

struct MathToPolynomialsPass
    : nncc::wasm::impl::MathToPolynomialsBase<MathToPolynomialsPass> {
  using Base::Base;

  void runOnOperation() override;
};

} // namespace

template <typename OpT>
static void addInline(RewritePatternSet &patterns,
                      typename InlinePattern<OpT>::Expansion expansion) {
  patterns.add<InlinePattern<OpT>>(patterns.getContext(), expansion);
}

template <typename OpT>
static void addCall(RewritePatternSet &patterns, StringRef name) {
  patterns.add<CallPattern<OpT>>(patterns.getContext(), name);
}

static void addInlineFunctions(RewritePatternSet &patterns) {
  patterns.add<SigmoidPattern, ApproximateExpPattern>(patterns.getContext());
  addInline<math::ExpOp>(patterns, expandExp);
  addInline<math::Exp2Op>(patterns, expandExp2);
  addInline<math::ExpM1Op>(patterns, expandExpM1);
  addInline<math::LogOp>(patterns, expandLog);
  addInline<math::Log1pOp>(patterns, expandLog1p);
  addInline<math::TanhOp>(patterns, expandTanh);
  addInline<math::ErfOp>(patterns, expandErf);
  addInline<math::RsqrtOp>(patterns, expandRsqrt);
  MLIRContext *context = patterns.getContext();
  patterns.add<CirclePattern<math::SinOp>>(context, "sin", 0);
  patterns.add<CirclePattern<math::CosOp>>(context, "cos", 1);
}

static void addRuntimeFunctions(RewritePatternSet &patterns) {
  addCall<math::ExpOp>(patterns, "exp");
  addCall<math::Exp2Op>(patterns, "exp2");
  addCall<math::ExpM1Op>(patterns, "expm1");
  addCall<math::LogOp>(patterns, "log");
  addCall<math::Log2Op>(patterns, "log2");
  addCall<math::Log10Op>(patterns, "log10");
  addCall<math::Log1pOp>(patterns, "log1p");
  addCall<math::SinOp>(patterns, "sin");
  addCall<math::CosOp>(patterns, "cos");
  addCall<math::TanOp>(patterns, "tan");
  addCall<math::AsinOp>(patterns, "asin");
  addCall<math::AcosOp>(patterns, "acos");
  addCall<math::AtanOp>(patterns, "atan");
  addCall<math::Atan2Op>(patterns, "atan2");
  addCall<math::SinhOp>(patterns, "sinh");
  addCall<math::CoshOp>(patterns, "cosh");
  addCall<math::TanhOp>(patterns, "tanh");
  addCall<math::AsinhOp>(patterns, "asinh");
  addCall<math::AcoshOp>(patterns, "acosh");
  addCall<math::AtanhOp>(patterns, "atanh");
  addCall<math::ErfOp>(patterns, "erf");
  addCall<math::CbrtOp>(patterns, "cbrt");
  addCall<math::PowFOp>(patterns, "pow");
}

/// The ops that work on one bit pattern or that are one instruction stay.
void MathToPolynomialsPass::runOnOperation() {
  MLIRContext *context = &getContext();
  RewritePatternSet patterns(context);
  addInlineFunctions(patterns);
  addRuntimeFunctions(patterns);
  addInline<math::RoundOp>(patterns, expandRound);
  patterns
      .add<ConstantPowerPattern, IntegerExponentPattern, IntegerPowerPattern>(
          context);
  if (failed(applyPatternsAndFoldGreedily(getOperation(), std::move(patterns))))
    signalPassFailure();
}
