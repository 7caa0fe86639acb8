//===- DispatchCost.cpp - Into how many parts a dispatch is worth ---------===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The time of a kernel is estimated from its operations and the bytes of its
// operands, in 32-bit floats: products of sizes may pass what an index counts.
//
//===----------------------------------------------------------------------===//

#include "DispatchCost.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/AffineExprVisitor.h"
#include "nncc/Dialect/Exec/KernelInfo.h"

#include <algorithm>

using namespace mlir;

/// What SIMD128 code reaches on a server's core.
static constexpr float flopsPerNanosecond = 60;
static constexpr float bytesPerNanosecond = 15;
/// A part should take longer than to hand it to a thread that is awake, which
/// was measured as one to two microseconds.
static constexpr float nanosecondsPerPart = 4000;
/// Keeps the number within an i32; there are never so many threads.
static constexpr float mostParts = 1 << 16;

namespace {

/// Emits an expression over the symbols as a float. Divisions are not rounded
/// and remainders are taken for the divisor: it is an estimate.
class FloatBuilder : public AffineExprVisitor<FloatBuilder, Value> {
public:
  FloatBuilder(OpBuilder &b, Location loc, ValueRange symbols)
      : b(b), loc(loc), symbols(symbols) {}

  Value visitConstantExpr(AffineConstantExpr expr) {
    return getConstant(static_cast<float>(expr.getValue()));
  }
  Value visitSymbolExpr(AffineSymbolExpr expr) {
    Value word = b.create<arith::IndexCastOp>(loc, b.getI32Type(),
                                              symbols[expr.getPosition()]);
    return b.create<arith::UIToFPOp>(loc, b.getF32Type(), word);
  }
  Value visitDimExpr(AffineDimExpr) { return getConstant(1); }
  Value visitAddExpr(AffineBinaryOpExpr expr) {
    return build<arith::AddFOp>(expr);
  }
  Value visitMulExpr(AffineBinaryOpExpr expr) {
    return build<arith::MulFOp>(expr);
  }
  Value visitFloorDivExpr(AffineBinaryOpExpr expr) {
    return build<arith::DivFOp>(expr);
  }
  Value visitCeilDivExpr(AffineBinaryOpExpr expr) {
    return build<arith::DivFOp>(expr);
  }
  Value visitModExpr(AffineBinaryOpExpr expr) { return visit(expr.getRHS()); }

  Value getConstant(float value) {
    return b.create<arith::ConstantOp>(loc, b.getF32FloatAttr(value));
  }

private:
  template <typename Op> Value build(AffineBinaryOpExpr expr) {
    Value lhs = visit(expr.getLHS());
    return b.create<Op>(loc, lhs, visit(expr.getRHS()));
  }

  OpBuilder &b;
  Location loc;
  ValueRange symbols;
};

} // namespace

static Value limitParts(OpBuilder &b, Location loc, Value parts,
                        FloatBuilder &floats) {
  auto choose = [&](arith::CmpFPredicate predicate, float bound) {
    Value limit = floats.getConstant(bound);
    Value isInside = b.create<arith::CmpFOp>(loc, predicate, parts, limit);
    parts = b.create<arith::SelectOp>(loc, isInside, parts, limit);
  };
  choose(arith::CmpFPredicate::OLT, mostParts);
  choose(arith::CmpFPredicate::OGT, 1);
  Value word = b.create<arith::FPToUIOp>(loc, b.getI32Type(), parts);
  return b.create<arith::IndexCastOp>(loc, b.getIndexType(), word);
}

namespace nncc::exec {

OpFoldResult buildUsefulParts(OpBuilder &b, Location loc, func::FuncOp kernel,
                              ValueRange symbols) {
  KernelInfo info = getKernelInfo(kernel);
  AffineExpr flops = info.getFlops(), bytes = info.getBytes();
  if (!flops || !bytes)
    return b.getIndexAttr(static_cast<int64_t>(mostParts));
  constexpr float partsPerFlop = 1 / (flopsPerNanosecond * nanosecondsPerPart);
  constexpr float partsPerByte = 1 / (bytesPerNanosecond * nanosecondsPerPart);
  auto constantFlops = dyn_cast<AffineConstantExpr>(flops);
  auto constantBytes = dyn_cast<AffineConstantExpr>(bytes);
  if (constantFlops && constantBytes) {
    float parts = static_cast<float>(constantFlops.getValue()) * partsPerFlop +
                  static_cast<float>(constantBytes.getValue()) * partsPerByte;
    return b.getIndexAttr(
        static_cast<int64_t>(std::clamp(parts, 1.0f, mostParts)));
  }
  FloatBuilder floats(b, loc, symbols);
  auto scale = [&](AffineExpr expr, float factor) -> Value {
    return b.create<arith::MulFOp>(loc, floats.visit(expr),
                                   floats.getConstant(factor));
  };
  Value parts = b.create<arith::AddFOp>(loc, scale(flops, partsPerFlop),
                                        scale(bytes, partsPerByte));
  return limitParts(b, loc, parts, floats);
}

} // namespace nncc::exec
