//===- MemRefToPointer.cpp - 1-D memrefs to bare pointers -----------------===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "targets/wasm/Passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Func/Transforms/FuncConversions.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/Transforms/DialectConversion.h"

namespace nncc::wasm {

#define GEN_PASS_DEF_MEMREFTOPOINTER
#include "targets/wasm/Passes.h.inc"

} // namespace nncc::wasm

using namespace mlir;

namespace {

/// Memrefs to pointers; every other type stays.
class PointerConverter : public TypeConverter {
public:
  explicit PointerConverter(unsigned indexBitwidth)
      : indexBitwidth(indexBitwidth) {
    addConversion([](Type type) { return type; });
    addConversion([](MemRefType type) -> std::optional<Type> {
      if (type.getRank() > 1 || !type.getLayout().isIdentity())
        return std::nullopt;
      return LLVM::LLVMPointerType::get(type.getContext());
    });
  }

  const unsigned indexBitwidth;
};

template <typename OpT> class AccessPattern : public OpConversionPattern<OpT> {
public:
  AccessPattern(const PointerConverter &converter, MLIRContext *context)
      : OpConversionPattern<OpT>(converter, context),
        indexBitwidth(converter.indexBitwidth) {}

protected:
  Type getIndexType(OpBuilder &b) const {
    return b.getIntegerType(indexBitwidth);
  }

  /// The type that a value has in memory: booleans are bytes, an index has the
  /// width of a pointer, and of narrow floats only the bits are moved.
  Type getStoredType(OpBuilder &b, Type type) const {
    if (isa<MemRefType>(type))
      return LLVM::LLVMPointerType::get(b.getContext());
    Type element = getElementTypeOrSelf(type);
    if (element.isInteger(1))
      element = b.getI8Type();
    else if (element.isIndex())
      element = getIndexType(b);
    else if (element.isF16() || element.isBF16())
      element = b.getI16Type();
    if (auto vector = dyn_cast<VectorType>(type))
      return vector.clone(element);
    return element;
  }

  Value getAddress(OpBuilder &b, Location loc, Value pointer, Type element,
                   ValueRange indices) const {
    if (indices.empty())
      return pointer;
    Type pointerType = pointer.getType();
    Type stored = getStoredType(b, element);
    if (std::optional<int64_t> index = getConstantIntValue(indices[0]))
      if (llvm::isInt<LLVM::kGEPConstantBitWidth>(*index))
        return b.create<LLVM::GEPOp>(
            loc, pointerType, stored, pointer,
            ArrayRef<LLVM::GEPArg>{static_cast<int32_t>(*index)},
            /*inbounds=*/true);
    Value index =
        b.create<arith::IndexCastOp>(loc, getIndexType(b), indices[0]);
    return b.create<LLVM::GEPOp>(loc, pointerType, stored, pointer,
                                 ValueRange{index}, /*inbounds=*/true);
  }

  /// In bytes; an access of a vector is aligned as its elements.
  static unsigned getAlignment(Type stored) {
    if (isa<LLVM::LLVMPointerType>(stored))
      return 4;
    return std::max(1u,
                    getElementTypeOrSelf(stored).getIntOrFloatBitWidth() / 8);
  }

  Value createLoad(OpBuilder &b, Location loc, Type type, Value address) const {
    Type stored = getStoredType(b, type);
    Value value =
        b.create<LLVM::LoadOp>(loc, stored, address, getAlignment(stored));
    if (stored == type || isa<MemRefType>(type))
      return value;
    if (getElementTypeOrSelf(type).isIndex())
      return b.create<arith::IndexCastOp>(loc, type, value);
    if (isa<FloatType>(getElementTypeOrSelf(type)))
      return b.create<arith::BitcastOp>(loc, type, value);
    Value zero = b.create<arith::ConstantOp>(loc, b.getZeroAttr(stored));
    return b.create<arith::CmpIOp>(loc, arith::CmpIPredicate::ne, value, zero);
  }

  void createStore(OpBuilder &b, Location loc, Value value,
                   Value address) const {
    Type stored = getStoredType(b, value.getType());
    if (stored != value.getType()) {
      if (getElementTypeOrSelf(value.getType()).isIndex())
        value = b.create<arith::IndexCastOp>(loc, stored, value);
      else if (isa<FloatType>(getElementTypeOrSelf(value.getType())))
        value = b.create<arith::BitcastOp>(loc, stored, value);
      else
        value = b.create<arith::ExtUIOp>(loc, stored, value);
    }
    b.create<LLVM::StoreOp>(loc, value, address, getAlignment(stored));
  }

private:
  const unsigned indexBitwidth;
};

/// What is the same in both dialects under two names.
template <typename Adaptor> Value getBase(Adaptor op) {
  if constexpr (std::is_base_of_v<memref::LoadOp::Adaptor, Adaptor> ||
                std::is_base_of_v<memref::StoreOp::Adaptor, Adaptor>)
    return op.getMemref();
  else
    return op.getBase();
}
Value getStoredValue(memref::StoreOp::Adaptor op) { return op.getValue(); }
Value getStoredValue(vector::StoreOp::Adaptor op) {
  return op.getValueToStore();
}

template <typename OpT> struct LoadPattern : AccessPattern<OpT> {
  using AccessPattern<OpT>::AccessPattern;

  LogicalResult
  matchAndRewrite(OpT op, typename OpT::Adaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    Value address =
        this->getAddress(rewriter, loc, getBase(adaptor),
                         op.getMemRefType().getElementType(), op.getIndices());
    rewriter.replaceOp(
        op, this->createLoad(rewriter, loc, op.getResult().getType(), address));
    return success();
  }
};

template <typename OpT> struct StorePattern : AccessPattern<OpT> {
  using AccessPattern<OpT>::AccessPattern;

  LogicalResult
  matchAndRewrite(OpT op, typename OpT::Adaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    Value address =
        this->getAddress(rewriter, loc, getBase(adaptor),
                         op.getMemRefType().getElementType(), op.getIndices());
    this->createStore(rewriter, loc, getStoredValue(adaptor), address);
    rewriter.eraseOp(op);
    return success();
  }
};

/// A view starts some bytes behind its base.
struct ViewPattern : AccessPattern<memref::ViewOp> {
  using AccessPattern::AccessPattern;

  LogicalResult
  matchAndRewrite(memref::ViewOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    rewriter.replaceOp(op,
                       getAddress(rewriter, op.getLoc(), adaptor.getSource(),
                                  rewriter.getI8Type(), op.getByteShift()));
    return success();
  }
};

/// The sizes of a memref are not kept.
struct CastPattern : AccessPattern<memref::CastOp> {
  using AccessPattern::AccessPattern;

  LogicalResult
  matchAndRewrite(memref::CastOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    rewriter.replaceOp(op, adaptor.getSource());
    return success();
  }
};

/// Scratch of a fixed size, taken once per call of the function.
struct AllocaPattern : AccessPattern<memref::AllocaOp> {
  using AccessPattern::AccessPattern;

  LogicalResult
  matchAndRewrite(memref::AllocaOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    MemRefType type = op.getType();
    if (!type.hasStaticShape())
      return rewriter.notifyMatchFailure(op, "size not known");
    auto func = op->getParentOfType<func::FuncOp>();
    OpBuilder::InsertionGuard guard(rewriter);
    rewriter.setInsertionPointToStart(&func.getBody().front());
    Value size = rewriter.create<arith::ConstantOp>(
        op.getLoc(), rewriter.getI32IntegerAttr(type.getNumElements()));
    Value pointer = rewriter.create<LLVM::AllocaOp>(
        op.getLoc(), LLVM::LLVMPointerType::get(getContext()),
        getStoredType(rewriter, type.getElementType()), size,
        /*alignment=*/16);
    rewriter.replaceOp(op, pointer);
    return success();
  }
};

struct SelectPattern : OpConversionPattern<arith::SelectOp> {
  using OpConversionPattern::OpConversionPattern;

  LogicalResult
  matchAndRewrite(arith::SelectOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    rewriter.replaceOpWithNewOp<arith::SelectOp>(op, adaptor.getCondition(),
                                                 adaptor.getTrueValue(),
                                                 adaptor.getFalseValue());
    return success();
  }
};

struct MemRefToPointerPass
    : nncc::wasm::impl::MemRefToPointerBase<MemRefToPointerPass> {
  using Base::Base;

  void runOnOperation() override {
    MLIRContext *context = &getContext();
    PointerConverter converter(indexBitwidth);
    RewritePatternSet patterns(context);
    patterns.add<LoadPattern<memref::LoadOp>, LoadPattern<vector::LoadOp>,
                 StorePattern<memref::StoreOp>, StorePattern<vector::StoreOp>,
                 ViewPattern, CastPattern, AllocaPattern>(converter, context);
    patterns.add<SelectPattern>(converter, context);
    populateFunctionOpInterfaceTypeConversionPattern<func::FuncOp>(patterns,
                                                                   converter);
    populateCallOpTypeConversionPattern(patterns, converter);
    populateReturnOpTypeConversionPattern(patterns, converter);
    populateBranchOpInterfaceTypeConversionPattern(patterns, converter);

    ConversionTarget target(*context);
    target.addIllegalDialect<memref::MemRefDialect>();
    target.addDynamicallyLegalOp<func::FuncOp>([&](func::FuncOp op) {
      return converter.isSignatureLegal(op.getFunctionType()) &&
             converter.isLegal(&op.getBody());
    });
    target.markUnknownOpDynamicallyLegal(
        [&](Operation *op) { return converter.isLegal(op); });
    if (failed(
            applyFullConversion(getOperation(), target, std::move(patterns))))
      signalPassFailure();
  }
};

} // namespace
