//===- Raise.cpp - Replace what WGSL does not have ------------------------===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Arith/Transforms/Passes.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Math/Transforms/Passes.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/Matchers.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"
#include "nncc/Dialect/Exec/Exec.h"
#include "targets/webgpu/Passes.h"

namespace nncc::webgpu {

#define GEN_PASS_DEF_RAISE
#include "targets/webgpu/Passes.h.inc"

} // namespace nncc::webgpu

using namespace mlir;
using namespace nncc;
using namespace nncc::webgpu;

/// A float constant of a scalar or vector type.
static Value splat(OpBuilder &b, Location loc, Type type, double value) {
  auto number = b.getFloatAttr(getElementTypeOrSelf(type), value);
  if (auto vector = dyn_cast<VectorType>(type))
    return b.create<arith::ConstantOp>(loc,
                                       DenseElementsAttr::get(vector, number));
  return b.create<arith::ConstantOp>(loc, number);
}

/// The type of i32 in the shape of `type`.
static Type getWordType(OpBuilder &b, Type type) {
  if (auto vector = dyn_cast<VectorType>(type))
    return vector.clone(b.getI32Type());
  return b.getI32Type();
}

/// An i32, in the shape of `type`.
static Value makeWord(OpBuilder &b, Location loc, Type type, int32_t value) {
  TypedAttr number = b.getI32IntegerAttr(value);
  if (auto vector = dyn_cast<VectorType>(getWordType(b, type)))
    number = DenseElementsAttr::get(vector, number);
  return b.create<arith::ConstantOp>(loc, number);
}

namespace {

/// The largest number stands for infinity: WGSL has no literal for it.
struct FiniteConstant : OpRewritePattern<arith::ConstantOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(arith::ConstantOp op,
                                PatternRewriter &b) const override {
    auto number = dyn_cast<FloatAttr>(op.getValue());
    if (auto splat = dyn_cast<SplatElementsAttr>(op.getValue()))
      number = dyn_cast<FloatAttr>(splat.getSplatValue<Attribute>());
    if (!number || number.getValue().isFinite())
      return failure();
    APFloat value = APFloat::getLargest(number.getValue().getSemantics(),
                                        number.getValue().isNegative());
    if (number.getValue().isNaN()) {
      // Computed, so that no compiler refuses it.
      Value bits = makeWord(b, op.getLoc(), op.getType(), 0x7fc00000);
      b.replaceOpWithNewOp<arith::BitcastOp>(op, op.getType(), bits);
      return success();
    }
    b.replaceOp(op,
                splat(b, op.getLoc(), op.getType(), value.convertToDouble()));
    return success();
  }
};

/// pow is defined for positive bases only (WGSL, 17.5.45).
struct PowerOfAbsolute : OpRewritePattern<math::PowFOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(math::PowFOp op,
                                PatternRewriter &b) const override {
    Location loc = op.getLoc();
    Value base = op.getLhs(), exponent = op.getRhs();
    if (base.getDefiningOp<math::AbsFOp>())
      return failure();
    Type type = op.getType();
    Value zero = splat(b, loc, type, 0), one = splat(b, loc, type, 1);
    Value power = b.create<math::PowFOp>(
        loc, b.create<math::AbsFOp>(loc, base).getResult(), exponent);
    Value half =
        b.create<arith::MulFOp>(loc, exponent, splat(b, loc, type, 0.5));
    Value whole = b.create<math::FloorOp>(loc, half);
    auto compare = [&](arith::CmpFPredicate predicate, Value x, Value y) {
      return b.create<arith::CmpFOp>(loc, predicate, x, y).getResult();
    };
    Value odd = b.create<arith::AndIOp>(
        loc, compare(arith::CmpFPredicate::UNE, half, whole),
        compare(arith::CmpFPredicate::OLT, base, zero));
    Value negative = b.create<arith::NegFOp>(loc, power);
    Value result = b.create<arith::SelectOp>(loc, odd, negative, power);
    Value isZero = compare(arith::CmpFPredicate::OEQ, exponent, zero);
    b.replaceOpWithNewOp<arith::SelectOp>(op, isZero, one, result);
    return success();
  }
};

/// The product of the squares that the bits of the exponent select. That of 1
/// or -1 is right for negative ones, too; others are fractions and become 0.
struct PowerOfInteger : OpRewritePattern<math::IPowIOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(math::IPowIOp op,
                                PatternRewriter &b) const override {
    Location loc = op.getLoc();
    Type type = op.getType();
    Value zero = makeWord(b, loc, type, 0), one = makeWord(b, loc, type, 1);
    auto compare = [&](arith::CmpIPredicate predicate, Value x, Value y) {
      return b.create<arith::CmpIOp>(loc, predicate, x, y).getResult();
    };
    Value product = multiplySquares(b, loc, op.getLhs(), op.getRhs());
    Value isFraction = compare(arith::CmpIPredicate::slt, op.getRhs(), zero);
    for (Value unit : {one, makeWord(b, loc, type, -1)})
      isFraction = b.create<arith::AndIOp>(
          loc, isFraction,
          compare(arith::CmpIPredicate::ne, op.getLhs(), unit));
    b.replaceOpWithNewOp<arith::SelectOp>(op, isFraction, zero, product);
    return success();
  }

  static Value multiplySquares(OpBuilder &b, Location loc, Value base,
                               Value exponent) {
    Type type = base.getType();
    Value zero = makeWord(b, loc, type, 0), one = makeWord(b, loc, type, 1);
    auto takeBit = [&](OpBuilder &inner, Location, Value, ValueRange carried) {
      Value product = carried[0], square = carried[1], bits = carried[2];
      Value bit = inner.create<arith::AndIOp>(loc, bits, one);
      Value isSet =
          inner.create<arith::CmpIOp>(loc, arith::CmpIPredicate::ne, bit, zero);
      Value more = inner.create<arith::MulIOp>(loc, product, square);
      Value next = inner.create<arith::MulIOp>(loc, square, square);
      Value rest = inner.create<arith::ShRSIOp>(loc, bits, one);
      product = inner.create<arith::SelectOp>(loc, isSet, more, product);
      inner.create<scf::YieldOp>(loc, ValueRange{product, next, rest});
    };
    auto index = [&](int64_t value) {
      return b.create<arith::ConstantIndexOp>(loc, value);
    };
    auto loop = b.create<scf::ForOp>(loc, index(0), index(31), index(1),
                                     ValueRange{one, base, exponent}, takeBit);
    return loop.getResult(0);
  }
};

/// Implementations compute (e^x - e^-x) / (e^x + e^-x), which overflows.
struct BoundedTanh : OpRewritePattern<math::TanhOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(math::TanhOp op,
                                PatternRewriter &b) const override {
    if (op.getOperand().getDefiningOp<arith::MinNumFOp>())
      return failure();
    Location loc = op.getLoc();
    Type type = op.getType();
    Value low = b.create<arith::MaxNumFOp>(loc, op.getOperand(),
                                           splat(b, loc, type, -12));
    Value value = b.create<arith::MinNumFOp>(loc, low, splat(b, loc, type, 12));
    b.replaceOpWithNewOp<math::TanhOp>(op, value);
    return success();
  }
};

/// x is NaN where its bits are above those of infinity.
struct UnorderedByBits : OpRewritePattern<arith::CmpFOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(arith::CmpFOp op,
                                PatternRewriter &b) const override {
    bool isNaN = op.getPredicate() == arith::CmpFPredicate::UNO;
    bool isSame = op.getLhs() == op.getRhs();
    if (!isNaN && !(isSame && op.getPredicate() == arith::CmpFPredicate::UNE))
      return failure();
    if (!getElementTypeOrSelf(op.getLhs()).isF32())
      return failure();
    Value result = testBits(b, op.getLoc(), op.getLhs());
    if (!isSame)
      result = b.create<arith::OrIOp>(op.getLoc(), result,
                                      testBits(b, op.getLoc(), op.getRhs()));
    b.replaceOp(op, result);
    return success();
  }

  static Value testBits(OpBuilder &b, Location loc, Value value) {
    Value bits =
        b.create<arith::BitcastOp>(loc, getWordType(b, value.getType()), value);
    Value magnitude = b.create<arith::AndIOp>(
        loc, bits, makeWord(b, loc, bits.getType(), 0x7fffffff));
    return b.create<arith::CmpIOp>(
        loc, arith::CmpIPredicate::sgt, magnitude,
        makeWord(b, loc, bits.getType(), 0x7f800000));
  }
};

/// An infinity that came in is more than every number that a comparison with
/// the largest one would allow: it is told by its bits.
struct InfinityByBits : OpRewritePattern<arith::CmpFOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(arith::CmpFOp op,
                                PatternRewriter &b) const override {
    APFloat number(0.0f);
    if (op.getPredicate() != arith::CmpFPredicate::OEQ ||
        !getElementTypeOrSelf(op.getLhs()).isF32() ||
        !matchPattern(getScalar(op.getRhs()), m_ConstantFloat(&number)) ||
        !number.isInfinity())
      return failure();
    Location loc = op.getLoc();
    Value bits = b.create<arith::BitcastOp>(
        loc, getWordType(b, op.getLhs().getType()), op.getLhs());
    int64_t pattern = number.bitcastToAPInt().getSExtValue();
    b.replaceOpWithNewOp<arith::CmpIOp>(
        op, arith::CmpIPredicate::eq, bits,
        makeWord(b, loc, bits.getType(), pattern));
    return success();
  }

  /// What is in all lanes.
  static Value getScalar(Value value) {
    auto broadcast = value.getDefiningOp<vector::BroadcastOp>();
    return broadcast ? broadcast.getSource() : value;
  }
};

/// The halves of both words, sign-extended, multiplied and added.
struct DotOfHalves : OpRewritePattern<exec::DotOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(exec::DotOp op,
                                PatternRewriter &b) const override {
    Location loc = op.getLoc();
    if (!getElementTypeOrSelf(op.getType()).isInteger(32))
      return failure();
    Value half = makeWord(b, loc, op.getType(), 16);
    auto high = [&](Value word) {
      return b.create<arith::ShRSIOp>(loc, word, half).getResult();
    };
    auto low = [&](Value word) {
      return high(b.create<arith::ShLIOp>(loc, word, half));
    };
    Value lows =
        b.create<arith::MulIOp>(loc, low(op.getLhs()), low(op.getRhs()));
    Value highs =
        b.create<arith::MulIOp>(loc, high(op.getLhs()), high(op.getRhs()));
    b.replaceOpWithNewOp<arith::AddIOp>(op, lows, highs);
    return success();
  }
};

/// The bytes of a word's low half, sign-extended to halves.
struct WidenByShifts : OpRewritePattern<exec::WidenOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(exec::WidenOp op,
                                PatternRewriter &b) const override {
    Location loc = op.getLoc();
    Type type = op.getType();
    if (!getElementTypeOrSelf(type).isInteger(32))
      return failure();
    auto constant = [&](int32_t value) {
      return makeWord(b, loc, type, value);
    };
    Value word = op.getPair();
    if (word.getType() != type)
      word = b.create<arith::ExtUIOp>(loc, type, word);
    auto extend = [&](int32_t shift) -> Value {
      Value top = b.create<arith::ShLIOp>(loc, word, constant(shift));
      return b.create<arith::ShRSIOp>(loc, top, constant(24));
    };
    Value low = b.create<arith::AndIOp>(loc, extend(24), constant(0xffff));
    Value high = b.create<arith::ShLIOp>(loc, extend(16), constant(16));
    b.replaceOpWithNewOp<arith::OrIOp>(op, low, high);
    return success();
  }
};

/// WGSL orders numbers, not truth values; false is less than true, and as a
/// signed number of one bit it is more.
struct OrderOfFlags : OpRewritePattern<arith::CmpIOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(arith::CmpIOp op,
                                PatternRewriter &b) const override {
    using Predicate = arith::CmpIPredicate;
    Type type = op.getLhs().getType();
    Predicate predicate = op.getPredicate();
    if (!getElementTypeOrSelf(type).isInteger(1) ||
        predicate == Predicate::eq || predicate == Predicate::ne)
      return failure();
    bool isStrict = predicate == Predicate::ult ||
                    predicate == Predicate::ugt ||
                    predicate == Predicate::slt || predicate == Predicate::sgt;
    bool isLeftFalse =
        predicate == Predicate::ult || predicate == Predicate::ule ||
        predicate == Predicate::sgt || predicate == Predicate::sge;
    Value low = isLeftFalse ? op.getLhs() : op.getRhs();
    Value high = isLeftFalse ? op.getRhs() : op.getLhs();
    Value edge = b.create<arith::ConstantOp>(
        op.getLoc(), isStrict ? b.getZeroAttr(type) : b.getOneAttr(type));
    b.replaceOpWithNewOp<arith::SelectOp>(op, low, isStrict ? edge : high,
                                          isStrict ? high : edge);
    return success();
  }
};

struct RaisePass : webgpu::impl::RaiseBase<RaisePass> {
  void runOnOperation() override;
};

} // namespace

void RaisePass::runOnOperation() {
  RewritePatternSet early(&getContext());
  early.add<InfinityByBits>(&getContext());
  RewritePatternSet patterns(&getContext());
  patterns.add<BoundedTanh, DotOfHalves, FiniteConstant, OrderOfFlags,
               PowerOfAbsolute, PowerOfInteger, UnorderedByBits, WidenByShifts>(
      &getContext());
  populatePolynomialApproximateErfPattern(patterns);
  populateExpandRoundFPattern(patterns);
  arith::populateCeilFloorDivExpandOpsPatterns(patterns);
  FrozenRewritePatternSet first(std::move(early)), second(std::move(patterns));
  for (auto func : getOperation().getOps<func::FuncOp>()) {
    if (!func->hasAttr(exec::kernelAttrName))
      continue;
    if (failed(applyPatternsAndFoldGreedily(func, first)) ||
        failed(applyPatternsAndFoldGreedily(func, second)))
      return signalPassFailure();
  }
}
