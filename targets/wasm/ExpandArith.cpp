//===- ExpandArith.cpp - Arithmetic that wasm has no instruction for ------===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What is left to LLVM here would become a call of a library function.
//
//===----------------------------------------------------------------------===//

#include "targets/wasm/Passes.h"

#include "targets/wasm/MathBuilder.h"

#include "mlir/Dialect/Arith/Transforms/Passes.h"
#include "mlir/Dialect/Math/Transforms/Passes.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/Dialect/Vector/Transforms/LoweringPatterns.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

namespace nncc::wasm {

#define GEN_PASS_DEF_EXPANDARITH
#include "targets/wasm/Passes.h.inc"

} // namespace nncc::wasm

using namespace mlir;
using namespace nncc::wasm;

static bool isF16(Type type) { return getElementTypeOrSelf(type).isF16(); }
static bool isBF16(Type type) { return getElementTypeOrSelf(type).isBF16(); }

/// f16 to f32 by the bits: exact, NaN stays NaN.
static Value widenF16(MathBuilder &b, Value half) {
  Value h = b.extui(b.bits(half), 32);
  Value magnitude = b.shl(b.iand(h, 0x7FFF), 13);
  // The multiplication moves the exponent and normalises denormals.
  Value finite = b.bits(b.mul(b.fromBits(magnitude), 0x1p112));
  Value special = b.ior(magnitude, 0x7F800000);
  Value isSpecial = b.icompare("sge", magnitude, 0x0F800000);
  Value sign = b.shl(b.iand(h, 0x8000), 16);
  return b.fromBits(b.ior(b.select(isSpecial, special, finite), sign));
}

/// f32 to f16, to nearest even. Magnitudes compare as signed numbers, which
/// takes one instruction.
static Value narrowF16(MathBuilder &b, Value x) {
  Value bits = b.bits(x);
  Value sign = b.iand(bits, 0x80000000);
  Value magnitude = b.ixor(bits, sign);
  // Denormals: adding a power of two shifts and rounds.
  Value small = b.isub(b.bits(b.add(b.fromBits(magnitude), 0.5)), 0x3F000000);
  // What is too large becomes the number whose bits are those of infinity.
  Value bounded =
      b.make<arith::MinSIOp>(magnitude, b.like(magnitude, int64_t(0x47800000)));
  Value odd = b.iand(b.shru(bounded, 13), 1);
  Value normal = b.shru(b.iadd(b.iadd(bounded, -0x38000000 + 0xFFF), odd), 13);
  Value isSmall = b.icompare("slt", magnitude, 0x38800000);
  Value isNaN = b.icompare("sgt", magnitude, 0x7F800000);
  Value number = b.select(isSmall, small, normal);
  Value h = b.select(isNaN, b.like(magnitude, int64_t(0x7E00)), number);
  return b.fromBits(b.trunci(b.ior(h, b.shru(sign, 16)), 16));
}

static Value widenBF16(MathBuilder &b, Value narrow, Type i16) {
  Value bits = b.make<arith::BitcastOp>(i16, narrow);
  return b.fromBits(b.shl(b.extui(bits, 32), 16));
}

static Value narrowBF16(MathBuilder &b, Value x, Type bf16) {
  Value bits = b.bits(x);
  Value odd = b.iand(b.shru(bits, 16), 1);
  Value rounded = b.shru(b.iadd(b.iadd(bits, 0x7FFF), odd), 16);
  Value isNaN = b.icompare("ugt", b.iand(bits, 0x7FFFFFFF), 0x7F800000);
  Value result = b.select(isNaN, b.like(bits, int64_t(0x7FC0)), rounded);
  return b.make<arith::BitcastOp>(bf16, b.trunci(result, 16));
}

static Type withElement(Type type, Type element) {
  if (auto vector = dyn_cast<VectorType>(type))
    return vector.clone(element);
  return element;
}

namespace {

struct ExtFPattern : OpRewritePattern<arith::ExtFOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(arith::ExtFOp op,
                                PatternRewriter &rewriter) const override {
    Type from = op.getIn().getType();
    if (!isF16(from) && !isBF16(from))
      return failure();
    MathBuilder b(rewriter, op.getLoc());
    Value y = isF16(from) ? widenF16(b, op.getIn())
                          : widenBF16(b, op.getIn(),
                                      withElement(from, rewriter.getI16Type()));
    if (y.getType() != op.getType())
      y = b.make<arith::ExtFOp>(op.getType(), y);
    rewriter.replaceOp(op, y);
    return success();
  }
};

struct TruncFPattern : OpRewritePattern<arith::TruncFOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(arith::TruncFOp op,
                                PatternRewriter &rewriter) const override {
    if (!isF16(op.getType()) && !isBF16(op.getType()))
      return failure();
    MathBuilder b(rewriter, op.getLoc());
    Value x = op.getIn();
    if (getElementTypeOrSelf(x.getType()).isF64())
      x = b.truncf(x, rewriter.getF32Type());
    rewriter.replaceOp(op, isF16(op.getType())
                               ? narrowF16(b, x)
                               : narrowBF16(b, x, op.getType()));
    return success();
  }
};

/// minnumf and maxnumf: the other operand where one is NaN.
template <typename OpT> struct MinMaxNumPattern : OpRewritePattern<OpT> {
  using OpRewritePattern<OpT>::OpRewritePattern;

  LogicalResult matchAndRewrite(OpT op,
                                PatternRewriter &rewriter) const override {
    MathBuilder b(rewriter, op.getLoc());
    constexpr bool isMin = std::is_same_v<OpT, arith::MinNumFOp>;
    Value x = op.getLhs(), y = op.getRhs();
    Value takeY = isMin ? b.lt(y, x) : b.lt(x, y);
    Value xIsNaN = b.compare("uno", x, x);
    rewriter.replaceOp(op, b.select(b.make<arith::OrIOp>(takeY, xIsNaN), y, x));
    return success();
  }
};

/// A sum, product, minimum ... of the lanes: halves are combined, so that the
/// result does not depend on what a target does with a reduction.
struct ReductionPattern : OpRewritePattern<vector::ReductionOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(vector::ReductionOp op,
                                PatternRewriter &rewriter) const override {
    auto type = op.getSourceVectorType();
    int64_t lanes = type.getNumElements();
    // All lanes of a comparison are one instruction.
    if (type.getRank() != 1 || type.isScalable() ||
        !llvm::isPowerOf2_64(lanes) || type.getElementType().isInteger(1))
      return failure();
    Location loc = op.getLoc();
    Value v = op.getVector();
    for (int64_t half = lanes / 2; half >= 1; half /= 2) {
      SmallVector<int64_t> upper;
      for (int64_t i = 0; i < lanes; ++i)
        upper.push_back((i + half) % lanes);
      Value other = rewriter.create<vector::ShuffleOp>(loc, v, v, upper);
      v = vector::makeArithReduction(rewriter, loc, op.getKind(), v, other);
    }
    Value result = rewriter.create<vector::ExtractOp>(loc, v, 0);
    if (Value acc = op.getAcc())
      result =
          vector::makeArithReduction(rewriter, loc, op.getKind(), acc, result);
    rewriter.replaceOp(op, result);
    return success();
  }
};

/// One op for both spellings of a fused multiply-add.
struct VectorFMAPattern : OpRewritePattern<vector::FMAOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(vector::FMAOp op,
                                PatternRewriter &rewriter) const override {
    rewriter.replaceOpWithNewOp<math::FmaOp>(op, op.getLhs(), op.getRhs(),
                                             op.getAcc());
    return success();
  }
};

static bool hasRelaxedMadd(Type type) {
  auto vector = dyn_cast<VectorType>(type);
  return vector && vector.getRank() == 1 && vector.getDimSize(0) == 4 &&
         vector.getElementType().isF32();
}

/// llvm.fma would be a call.
struct FmaPattern : OpRewritePattern<math::FmaOp> {
  FmaPattern(MLIRContext *context, bool contract)
      : OpRewritePattern(context), contract(contract) {}

  LogicalResult matchAndRewrite(math::FmaOp op,
                                PatternRewriter &rewriter) const override {
    if (contract && hasRelaxedMadd(op.getType()))
      return failure();
    MathBuilder b(rewriter, op.getLoc());
    rewriter.replaceOp(op, b.add(b.mul(op.getA(), op.getB()), op.getC()));
    return success();
  }

private:
  const bool contract;
};

struct ContractPattern : OpRewritePattern<arith::AddFOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(arith::AddFOp op,
                                PatternRewriter &rewriter) const override {
    if (!hasRelaxedMadd(op.getType()))
      return failure();
    for (unsigned i : {0u, 1u}) {
      auto product = op->getOperand(i).getDefiningOp<arith::MulFOp>();
      if (!product || !product->hasOneUse())
        continue;
      rewriter.replaceOpWithNewOp<math::FmaOp>(
          op, product.getLhs(), product.getRhs(), op->getOperand(1 - i));
      return success();
    }
    return failure();
  }
};

struct ExpandArithPass : nncc::wasm::impl::ExpandArithBase<ExpandArithPass> {
  using Base::Base;

  void runOnOperation() override;
};

} // namespace

void ExpandArithPass::runOnOperation() {
  MLIRContext *context = &getContext();
  RewritePatternSet patterns(context);
  patterns.add<ExtFPattern, TruncFPattern, MinMaxNumPattern<arith::MinNumFOp>,
               MinMaxNumPattern<arith::MaxNumFOp>, ReductionPattern,
               VectorFMAPattern>(context);
  patterns.add<FmaPattern>(context, contract);
  if (contract)
    patterns.add<ContractPattern>(context);
  arith::populateCeilFloorDivExpandOpsPatterns(patterns);
  vector::populateVectorBroadcastLoweringPatterns(patterns);
  vector::populateVectorShapeCastLoweringPatterns(patterns);
  if (failed(applyPatternsAndFoldGreedily(getOperation(), std::move(patterns))))
    signalPassFailure();
}
