//===- MathBuilder.h - Short notation for arithmetic ------------*- C++ -*-===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef NNCC_TARGETS_WASM_MATHBUILDER_H
#define NNCC_TARGETS_WASM_MATHBUILDER_H

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/TypeUtilities.h"

namespace nncc::wasm {

/// Builds arithmetic on scalars or vectors of one shape. A constant takes the
/// type of the other operand.
class MathBuilder {
public:
  using Value = mlir::Value;

  MathBuilder(mlir::OpBuilder &b, mlir::Location loc) : b(b), loc(loc) {}

  Value add(Value x, Value y) { return make<mlir::arith::AddFOp>(x, y); }
  Value sub(Value x, Value y) { return make<mlir::arith::SubFOp>(x, y); }
  Value mul(Value x, Value y) { return make<mlir::arith::MulFOp>(x, y); }
  Value div(Value x, Value y) { return make<mlir::arith::DivFOp>(x, y); }
  Value add(Value x, double y) { return add(x, like(x, y)); }
  Value sub(Value x, double y) { return sub(x, like(x, y)); }
  Value mul(Value x, double y) { return mul(x, like(x, y)); }
  Value sub(double x, Value y) { return sub(like(y, x), y); }
  Value div(double x, Value y) { return div(like(y, x), y); }
  Value sqrt(Value x) { return make<mlir::math::SqrtOp>(x); }
  Value abs(Value x) { return make<mlir::math::AbsFOp>(x); }

  /// x * y + z; rounded once or twice, whichever the target does faster.
  Value fma(Value x, Value y, Value z) {
    return make<mlir::math::FmaOp>(x, y, z);
  }
  Value fma(Value x, double y, Value z) { return fma(x, like(x, y), z); }

  /// The polynomial in x with these coefficients, that of x^0 first. `square`
  /// is x * x: pairs of terms wait for each other half as often as single ones
  /// do (Estrin's scheme).
  Value polynomial(Value x, Value square, llvm::ArrayRef<double> coefficients);

  Value iadd(Value x, Value y) { return make<mlir::arith::AddIOp>(x, y); }
  Value iadd(Value x, int64_t y) { return iadd(x, like(x, y)); }
  Value isub(Value x, Value y) { return make<mlir::arith::SubIOp>(x, y); }
  Value isub(Value x, int64_t y) { return isub(x, like(x, y)); }
  Value iand(Value x, int64_t y) {
    return make<mlir::arith::AndIOp>(x, like(x, y));
  }
  Value ior(Value x, Value y) { return make<mlir::arith::OrIOp>(x, y); }
  Value ior(Value x, int64_t y) { return ior(x, like(x, y)); }
  Value ixor(Value x, Value y) { return make<mlir::arith::XOrIOp>(x, y); }
  Value shl(Value x, int64_t n) {
    return make<mlir::arith::ShLIOp>(x, like(x, n));
  }
  Value shrs(Value x, int64_t n) {
    return make<mlir::arith::ShRSIOp>(x, like(x, n));
  }
  Value shru(Value x, int64_t n) {
    return make<mlir::arith::ShRUIOp>(x, like(x, n));
  }

  Value lt(Value x, Value y) { return compare("olt", x, y); }
  Value lt(Value x, double y) { return lt(x, like(x, y)); }
  Value lt(double x, Value y) { return lt(like(y, x), y); }
  Value eq(Value x, double y) { return compare("oeq", x, like(x, y)); }
  /// A float comparison by its MLIR name.
  Value compare(llvm::StringRef predicate, Value x, Value y);
  /// An integer comparison by its MLIR name.
  Value icompare(llvm::StringRef predicate, Value x, int64_t y);
  Value select(Value condition, Value x, Value y) {
    return make<mlir::arith::SelectOp>(condition, x, y);
  }
  Value select(Value condition, double x, Value y) {
    return select(condition, like(y, x), y);
  }
  /// One instruction each; a NaN in x stays.
  Value atLeast(Value x, double low) { return select(lt(x, low), low, x); }
  Value atMost(Value x, double high) { return select(lt(high, x), high, x); }

  /// The bits of a float as an integer and back.
  Value bits(Value x) { return bitcast(x, /*toFloat=*/false); }
  Value fromBits(Value x) { return bitcast(x, /*toFloat=*/true); }
  Value toFloat(Value x, mlir::Type type) {
    return b.create<mlir::arith::SIToFPOp>(loc, withElement(x, type), x);
  }
  Value toInt(Value x, unsigned width) {
    return b.create<mlir::arith::FPToSIOp>(
        loc, withElement(x, b.getIntegerType(width)), x);
  }
  Value extf(Value x, mlir::Type type) {
    return b.create<mlir::arith::ExtFOp>(loc, withElement(x, type), x);
  }
  Value truncf(Value x, mlir::Type type) {
    return b.create<mlir::arith::TruncFOp>(loc, withElement(x, type), x);
  }
  Value extui(Value x, unsigned width) {
    return b.create<mlir::arith::ExtUIOp>(
        loc, withElement(x, b.getIntegerType(width)), x);
  }
  Value trunci(Value x, unsigned width) {
    return b.create<mlir::arith::TruncIOp>(
        loc, withElement(x, b.getIntegerType(width)), x);
  }

  /// A constant with the type of x.
  Value like(Value x, double value);
  Value like(Value x, int64_t value);

  template <typename OpT, typename... Args> Value make(Args... args) {
    return b.create<OpT>(loc, args...);
  }

  mlir::OpBuilder &b;
  const mlir::Location loc;

private:
  static mlir::Type withElement(Value x, mlir::Type element);
  Value bitcast(Value x, bool toFloat);
};

} // namespace nncc::wasm

#endif
