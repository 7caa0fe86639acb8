//===- LowerToLLVM.cpp - The way to the LLVM dialect ----------------------===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "nncc/Dialect/Exec/KernelInfo.h"
#include "targets/wasm/Passes.h"
#include "targets/wasm/SliceKernels.h"
#include "targets/wasm/Variants.h"

#include "mlir/Conversion/AffineToStandard/AffineToStandard.h"
#include "mlir/Conversion/ArithToLLVM/ArithToLLVM.h"
#include "mlir/Conversion/ControlFlowToLLVM/ControlFlowToLLVM.h"
#include "mlir/Conversion/FuncToLLVM/ConvertFuncToLLVM.h"
#include "mlir/Conversion/LLVMCommon/ConversionTarget.h"
#include "mlir/Conversion/LLVMCommon/Pattern.h"
#include "mlir/Conversion/LLVMCommon/TypeConverter.h"
#include "mlir/Conversion/MathToLLVM/MathToLLVM.h"
#include "mlir/Conversion/ReconcileUnrealizedCasts/ReconcileUnrealizedCasts.h"
#include "mlir/Conversion/SCFToControlFlow/SCFToControlFlow.h"
#include "mlir/Conversion/VectorToLLVM/ConvertVectorToLLVM.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Vector/Transforms/LoweringPatterns.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"
#include "mlir/Transforms/Passes.h"

namespace nncc::wasm {

#define GEN_PASS_DEF_LOWERTOLLVM
#include "targets/wasm/Passes.h.inc"

} // namespace nncc::wasm

using namespace mlir;
using nncc::wasm::byteDotsAttr;
using nncc::wasm::slicesAttr;

namespace {

/// LLVM has no generic form of the relaxed multiply-add: llvm.fma must round
/// once, and llvm.fmuladd becomes two instructions.
struct RelaxedMaddPattern : ConvertOpToLLVMPattern<math::FmaOp> {
  explicit RelaxedMaddPattern(LLVMTypeConverter &converter)
      : ConvertOpToLLVMPattern(converter, /*benefit=*/10) {}

  LogicalResult
  matchAndRewrite(math::FmaOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    auto type = dyn_cast<VectorType>(op.getType());
    if (!type || type.getRank() != 1 || type.getDimSize(0) != 4 ||
        !type.getElementType().isF32())
      return failure();
    rewriter.replaceOpWithNewOp<LLVM::CallIntrinsicOp>(
        op, type, rewriter.getStringAttr("llvm.wasm.relaxed.madd"),
        ValueRange{adaptor.getA(), adaptor.getB(), adaptor.getC()});
    return success();
  }
};

/// The dot product of vectors of pairs is one instruction; where there is none
/// (scalars, the build machine), multiplications.
struct DotPattern : ConvertOpToLLVMPattern<nncc::exec::DotOp> {
  DotPattern(LLVMTypeConverter &converter, bool hasDot)
      : ConvertOpToLLVMPattern(converter), hasDot(hasDot) {}

  LogicalResult
  matchAndRewrite(nncc::exec::DotOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    Type type = op.getType();
    auto vector = dyn_cast<VectorType>(type);
    if (hasDot && vector && vector.getNumElements() == 4) {
      auto halves = VectorType::get({8}, rewriter.getI16Type());
      Value lhs =
          rewriter.create<LLVM::BitcastOp>(loc, halves, adaptor.getLhs());
      Value rhs =
          rewriter.create<LLVM::BitcastOp>(loc, halves, adaptor.getRhs());
      rewriter.replaceOpWithNewOp<LLVM::CallIntrinsicOp>(
          op, type, rewriter.getStringAttr("llvm.wasm.dot"),
          ValueRange{lhs, rhs});
      return success();
    }
    Attribute bits = rewriter.getI32IntegerAttr(16);
    if (vector)
      bits = DenseElementsAttr::get(vector, rewriter.getI32IntegerAttr(16));
    Value half =
        rewriter.create<LLVM::ConstantOp>(loc, type, cast<TypedAttr>(bits));
    auto high = [&](Value pair) -> Value {
      return rewriter.create<LLVM::AShrOp>(loc, pair, half);
    };
    auto low = [&](Value pair) -> Value {
      return high(rewriter.create<LLVM::ShlOp>(loc, pair, half));
    };
    Value first = rewriter.create<LLVM::MulOp>(loc, low(adaptor.getLhs()),
                                               low(adaptor.getRhs()));
    Value second = rewriter.create<LLVM::MulOp>(loc, high(adaptor.getLhs()),
                                                high(adaptor.getRhs()));
    rewriter.replaceOpWithNewOp<LLVM::AddOp>(op, first, second);
    return success();
  }

  bool hasDot;
};

/// A sign extension of bytes, which a load of them can do.
struct WidenPattern : ConvertOpToLLVMPattern<nncc::exec::WidenOp> {
  using ConvertOpToLLVMPattern::ConvertOpToLLVMPattern;

  LogicalResult
  matchAndRewrite(nncc::exec::WidenOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    auto vector = dyn_cast<VectorType>(op.getType());
    int64_t count = vector ? 2 * vector.getNumElements() : 2;
    Value bytes = rewriter.create<LLVM::BitcastOp>(
        loc, VectorType::get({count}, rewriter.getI8Type()), adaptor.getPair());
    Value wide = rewriter.create<LLVM::SExtOp>(
        loc, VectorType::get({count}, rewriter.getI16Type()), bytes);
    rewriter.replaceOpWithNewOp<LLVM::BitcastOp>(op, op.getType(), wide);
    return success();
  }
};

/// A constant of a narrow float is its bits.
struct NarrowConstantPattern : ConvertOpToLLVMPattern<arith::ConstantOp> {
  explicit NarrowConstantPattern(LLVMTypeConverter &converter)
      : ConvertOpToLLVMPattern(converter, /*benefit=*/10) {}

  LogicalResult
  matchAndRewrite(arith::ConstantOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    Type element = getElementTypeOrSelf(op.getType());
    if (!element.isF16() && !element.isBF16())
      return failure();
    Attribute bits;
    if (auto scalar = dyn_cast<FloatAttr>(op.getValue()))
      bits = rewriter.getI16IntegerAttr(static_cast<int16_t>(
          scalar.getValue().bitcastToAPInt().getZExtValue()));
    else if (auto dense = dyn_cast<DenseElementsAttr>(op.getValue()))
      bits = dense.bitcast(rewriter.getI16Type());
    else
      return failure();
    rewriter.replaceOpWithNewOp<LLVM::ConstantOp>(
        op, getTypeConverter()->convertType(op.getType()), bits);
    return success();
  }
};

} // namespace

/// An attribute of LLVM's: a name, or a name and a value.
static void addPassthrough(func::FuncOp func, Attribute attribute) {
  constexpr StringLiteral name = "passthrough";
  SmallVector<Attribute> all;
  if (auto known = func->getAttrOfType<ArrayAttr>(name))
    llvm::append_range(all, known);
  all.push_back(attribute);
  func->setAttr(name, ArrayAttr::get(func.getContext(), all));
}

/// Which functions' dot products are of bytes; their instructions do not tell.
static void markByteDots(ModuleOp module) {
  for (auto func : module.getOps<func::FuncOp>()) {
    bool hasBytes = false, hasOthers = false;
    func.walk([&](nncc::exec::DotOp dot) {
      (dot.getBytes() ? hasBytes : hasOthers) = true;
    });
    if (hasBytes && !hasOthers)
      addPassthrough(func, Builder(func).getStringAttr(byteDotsAttr));
  }
}

/// The least number of operations: open sizes count as 1.
static int64_t countFlops(func::FuncOp kernel) {
  AffineMap flops = nncc::exec::getKernelInfo(kernel).flops;
  if (!flops)
    return 0;
  SmallVector<Attribute> ones(flops.getNumInputs(),
                              Builder(kernel).getIndexAttr(1));
  SmallVector<Attribute> results;
  if (failed(flops.constantFold(ones, results)))
    return 0;
  return cast<IntegerAttr>(results.front()).getInt();
}

/// Slices take some 50 microseconds, when an engine has optimised the code.
static void markLongKernels(ModuleOp module) {
  constexpr int64_t flopsPerSlice = 2'500'000, least = 4, most = 32;
  for (auto func : module.getOps<func::FuncOp>()) {
    int64_t slices = std::min(countFlops(func) / flopsPerSlice, most);
    if (slices >= least)
      addPassthrough(func, Builder(func).getStrArrayAttr(
                               {slicesAttr, std::to_string(slices)}));
  }
}

namespace {

struct LowerToLLVMPass : nncc::wasm::impl::LowerToLLVMBase<LowerToLLVMPass> {
  using Base::Base;

  void runOnOperation() override {
    MLIRContext *context = &getContext();
    markByteDots(getOperation());
    markLongKernels(getOperation());
    mlir::LowerToLLVMOptions options(context);
    options.overrideIndexBitwidth(indexBitwidth);
    LLVMTypeConverter converter(context, options);
    // What is left of narrow floats is moved, not computed with: as the type
    // half it would be widened and narrowed by calls.
    Type i16 = IntegerType::get(context, 16);
    converter.addConversion([i16](Float16Type) -> Type { return i16; });
    converter.addConversion([i16](BFloat16Type) -> Type { return i16; });
    converter.addConversion([i16](VectorType type) -> std::optional<Type> {
      if (type.getElementType().isF16() || type.getElementType().isBF16())
        return type.clone(i16);
      return std::nullopt;
    });

    RewritePatternSet patterns(context);
    patterns.add<NarrowConstantPattern, WidenPattern>(converter);
    patterns.add<DotPattern>(converter, simd);
    if (relaxedMadd)
      patterns.add<RelaxedMaddPattern>(converter);
    populateVectorToLLVMMatrixConversionPatterns(converter, patterns);
    populateVectorToLLVMConversionPatterns(converter, patterns);
    arith::populateArithToLLVMConversionPatterns(converter, patterns);
    populateMathToLLVMConversionPatterns(converter, patterns);
    cf::populateControlFlowToLLVMConversionPatterns(converter, patterns);
    populateFuncToLLVMConversionPatterns(converter, patterns);

    LLVMConversionTarget target(*context);
    target.addLegalOp<ModuleOp>();
    if (failed(
            applyFullConversion(getOperation(), target, std::move(patterns))))
      signalPassFailure();
  }
};

} // namespace

void nncc::wasm::buildLowerToLLVMPipeline(OpPassManager &pm,
                                          const LoweringOptions &options) {
  // What is nested takes the functions one by one, on several threads.
  OpPassManager &first = pm.nest<func::FuncOp>();
  first.addPass(createLowerAffinePass());
  first.addPass(createWidenNarrowMath());
  pm.addPass(createWidenArenaBytes());
  pm.addPass(createMathToPolynomials());
  OpPassManager &loops = pm.nest<func::FuncOp>();
  loops.addPass(createExpandArith({/*contract=*/options.relaxedMadd}));
  loops.addPass(createCanonicalizerPass());
  loops.addPass(createCSEPass());
  // Before the loops are gone, since their bounds and steps move as well.
  loops.addPass(createLoopInvariantCodeMotionPass());
  loops.addPass(createConvertSCFToCFPass());
  pm.addPass(createMemRefToPointer({options.indexBitwidth}));
  pm.addPass(createLowerToLLVM(
      {options.indexBitwidth, options.relaxedMadd, options.simd}));
  OpPassManager &lowered = pm.nest<LLVM::LLVMFuncOp>();
  lowered.addPass(createReconcileUnrealizedCastsPass());
  lowered.addPass(createCanonicalizerPass());
  lowered.addPass(createCSEPass());
}
