//===- ElementaryFunctions.cpp - Functions of f32 as arithmetic -----------===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The coefficients are minimax fits of the relative error (Lawson's weighted
// least squares on rationals). A division is hidden behind about ten
// multiply-adds, so a rational beats branches.
//
//===----------------------------------------------------------------------===//

#include "targets/wasm/ElementaryFunctions.h"

#include "mlir/IR/TypeUtilities.h"

#include <cmath>

using namespace mlir;
using namespace nncc::wasm;

/// ln 2 in two parts; the first has few bits, so that multiples are exact.
static constexpr double ln2High = 0.693359375;
static constexpr double ln2Low = -2.12194440e-4;

/// Adding this leaves the nearest integer in the low bits of the sum.
static constexpr double toNearest = 12582912; // 1.5 * 2^23
static constexpr int64_t toNearestBits = 0x4B400000;
static constexpr int64_t oneBits = 0x3F800000;

namespace {

/// e^x = 2^n * (1 + p).
struct ReducedExp {
  Value p;
  Value n; ///< i32
};

} // namespace

/// Of (e^r - 1 - r) / r^2.
static constexpr double expCoefficients[] = {
    0.50000001, 0.166665189, 0.041666206, 0.00836888243, 0.00139504768};

/// e^r - 1 for |r| <= ln 2 / 2.
static Value expPolynomial(MathBuilder &b, Value r) {
  Value square = b.mul(r, r);
  return b.fma(square, b.polynomial(r, square, expCoefficients), r);
}

static ReducedExp reduceExp(MathBuilder &b, Value x) {
  Value shifted = b.fma(x, M_LOG2E, b.like(x, toNearest));
  Value n = b.sub(shifted, toNearest);
  Value r = b.fma(n, -ln2High, x);
  r = b.fma(n, -ln2Low, r);
  return {expPolynomial(b, r), b.isub(b.bits(shifted), toNearestBits)};
}

static Value powerOfTwo(MathBuilder &b, Value n) {
  return b.fromBits(b.iadd(b.shl(n, 23), oneBits));
}

/// x * 2^n, in two steps so that neither power of two leaves the range.
static Value scale(MathBuilder &b, Value x, Value n) {
  Value half = b.shrs(n, 1);
  return b.mul(b.mul(x, powerOfTwo(b, half)), powerOfTwo(b, b.isub(n, half)));
}

Value nncc::wasm::expandExp(MathBuilder &b, Value x) {
  // What vanishes is left out: a product that rounds to zero takes a CPU a
  // hundred cycles, and half of a masked softmax is such numbers.
  Value vanishes = b.lt(x, -104);
  ReducedExp e = reduceExp(b, b.atMost(b.select(vanishes, 0, x), 89));
  return b.select(vanishes, 0, scale(b, b.add(e.p, 1), e.n));
}

/// e^x where 2^n is a normal number: for x from -87.6 to 88.3.
static Value normalExp(MathBuilder &b, Value x) {
  Value shifted = b.fma(x, M_LOG2E, b.like(x, toNearest));
  Value n = b.sub(shifted, toNearest);
  Value r = b.fma(n, -ln2Low, b.fma(n, -ln2High, x));
  // What else is in the low bits is shifted out.
  Value power = b.fromBits(b.iadd(b.shl(b.bits(shifted), 23), oneBits));
  return b.fma(power, expPolynomial(b, r), power);
}

Value nncc::wasm::expandExpOfNegative(MathBuilder &b, Value x) {
  // Below, e^x is denormal, and so are its parts, which take a CPU a hundred
  // cycles: half of a masked softmax is such numbers.
  Value vanishes = b.lt(x, -87.336);
  Value e = normalExp(b, b.select(vanishes, 0, x));
  return b.select(vanishes, 0, e);
}

/// normalExp of -x, with the signs in the constants.
static Value normalExpOfOpposite(MathBuilder &b, Value x) {
  Value shifted = b.fma(x, -M_LOG2E, b.like(x, toNearest));
  Value n = b.sub(shifted, toNearest);
  Value r = b.fma(n, ln2Low, b.fma(n, ln2High, x)); // of -x, with its sign
  SmallVector<double> coefficients(ArrayRef<double>{expCoefficients});
  for (unsigned i = 1; i < coefficients.size(); i += 2)
    coefficients[i] = -coefficients[i];
  Value square = b.mul(r, r);
  Value p = b.sub(b.mul(square, b.polynomial(r, square, coefficients)), r);
  Value power = b.fromBits(b.iadd(b.shl(b.bits(shifted), 23), oneBits));
  return b.fma(power, p, power);
}

Value nncc::wasm::expandExpInSigmoid(MathBuilder &b, Value x, bool opposite) {
  // 1 + e^x is 1 long before the power of two leaves the range, and the
  // quotient is denormal beyond the other end, which takes a CPU a hundred
  // cycles.
  constexpr double least = -80, most = 87.3;
  if (opposite)
    return normalExpOfOpposite(b, b.atMost(b.atLeast(x, -most), -least));
  return normalExp(b, b.atMost(b.atLeast(x, least), most));
}

Value nncc::wasm::expandExp2(MathBuilder &b, Value x) {
  x = b.atMost(b.atLeast(x, -151), 129);
  Value shifted = b.add(x, toNearest);
  Value r = b.mul(b.sub(x, b.sub(shifted, toNearest)), M_LN2);
  return scale(b, b.add(expPolynomial(b, r), 1),
               b.isub(b.bits(shifted), toNearestBits));
}

Value nncc::wasm::expandExpM1(MathBuilder &b, Value x) {
  // Half the value, so that the power of two stays in the range.
  ReducedExp e = reduceExp(b, b.atMost(b.atLeast(x, -40), 89));
  Value half = powerOfTwo(b, b.isub(e.n, 1));
  Value y = b.fma(half, e.p, b.sub(half, 0.5));
  return b.select(b.eq(x, 0), x, b.add(y, y));
}

Value nncc::wasm::expandLog(MathBuilder &b, Value x) {
  constexpr int64_t sqrtHalfBits = 0x3F3504F3;
  // Denormals are scaled by 2^23; the mantissa m is in [sqrt 1/2, sqrt 2).
  Value isDenormal = b.lt(x, 1.17549435e-38);
  Value scaled = b.select(isDenormal, b.mul(x, 8388608.0), x);
  Value i = b.isub(b.bits(scaled), sqrtHalfBits);
  Value m = b.fromBits(b.iadd(b.iand(i, 0x7FFFFF), sqrtHalfBits));
  Value f = b.sub(m, 1.0);
  Value n = b.toFloat(b.shrs(i, 23), getElementTypeOrSelf(x.getType()));
  n = b.sub(n, b.select(isDenormal, 23.0, b.like(x, 0.0)));

  Value z = b.mul(f, f);
  Value p =
      b.polynomial(f, z,
                   {0.333333317, -0.250008211, 0.200012267, -0.166233565,
                    0.142017625, -0.131601951, 0.127615503, -0.0763442984});
  Value y = b.fma(b.mul(z, f), p, b.mul(n, ln2Low));
  y = b.fma(z, -0.5, y);
  y = b.fma(n, ln2High, b.add(f, y));

  y = b.select(b.eq(x, 0.0), -INFINITY, y);
  y = b.select(b.lt(x, 0.0), NAN, y);
  // Infinity and NaN stay.
  return b.select(b.lt(x, INFINITY), y, x);
}

Value nncc::wasm::expandLog1p(MathBuilder &b, Value x) {
  // The rounding error of 1 + x, divided by it, is what the logarithm lacks.
  Value u = b.add(x, 1.0);
  Value lost = b.sub(x, b.sub(u, 1.0));
  Value correction = b.div(lost, u);
  correction = b.select(b.compare("ord", correction, correction), correction,
                        b.like(x, 0.0));
  Value y = b.add(expandLog(b, u), correction);
  return b.select(b.eq(x, 0.0), x, y);
}

Value nncc::wasm::expandTanh(MathBuilder &b, Value x) {
  constexpr double limit = 9.0108;
  Value a = b.atMost(b.atLeast(x, -limit), limit);
  Value z = b.mul(a, a);
  Value square = b.mul(z, z);
  Value p = b.polynomial(z, square,
                         {0.999999979, 0.133803331, 0.00349476454,
                          2.05954756e-05, 1.33356801e-08});
  Value q = b.polynomial(
      z, square,
      {1, 0.467136486, 0.0258738519, 0.000328428574, 7.76881804e-07});
  return b.atMost(b.atLeast(b.div(b.mul(a, p), q), -1), 1);
}

Value nncc::wasm::expandErf(MathBuilder &b, Value x) {
  constexpr double limit = 3.9192; // erf is 1 in f32 beyond it.
  Value a = b.atMost(b.atLeast(x, -limit), limit);
  Value z = b.mul(a, a);
  Value square = b.mul(z, z);
  Value p = b.polynomial(z, square,
                         {1.12837915, 0.190376172, 0.0527452569, 0.00376445074,
                          0.000284880604, 2.05065124e-06});
  Value q = b.polynomial(z, square,
                         {1, 0.502049234, 0.114097078, 0.0149668805,
                          0.0011622963, 3.80974077e-05});
  Value y = b.div(b.mul(a, p), q);
  return b.select(b.lt(x, -limit), -1.0, b.select(b.lt(limit, x), 1.0, y));
}

Value nncc::wasm::expandRsqrt(MathBuilder &b, Value x) {
  return b.div(1.0, b.sqrt(x));
}

Value nncc::wasm::expandRound(MathBuilder &b, Value x) {
  Value whole = b.make<math::TruncOp>(x);
  Value isHalf = b.lt(b.abs(b.sub(x, whole)), 0.5);
  Value one = b.make<math::CopySignOp>(b.like(x, 1.0), x);
  // Infinities have no distance to their whole part: the comparison is false.
  Value away = b.add(whole, one);
  return b.select(b.compare("oeq", x, whole), x, b.select(isHalf, whole, away));
}

Value nncc::wasm::expandCircle(MathBuilder &b, Value x, int quarterTurns) {
  Type f64 = b.b.getF64Type();
  // pi/2 in two parts of f64, the first with 25 bits: multiples are exact.
  Value wide = b.extf(x, f64);
  Value n = b.make<math::RoundEvenOp>(b.mul(wide, M_2_PI));
  Value r = b.sub(b.sub(wide, b.mul(n, 1.57079631090164184570)),
                  b.mul(n, 1.58932547735281966916e-08));
  Value quadrant = b.toInt(n, 32);
  if (quarterTurns != 0)
    quadrant = b.iadd(quadrant, quarterTurns);

  auto polynomial = [&](ArrayRef<double> coefficients, Value z) {
    Value sum = b.like(z, coefficients.back());
    for (double c : llvm::reverse(coefficients.drop_back()))
      sum = b.add(b.mul(sum, z), c);
    return sum;
  };
  Value z = b.mul(r, r);
  Value sine =
      b.mul(r, polynomial({1.0, -0.16666666641626524, 0.008333329385889463,
                           -0.00019839334836096632, 2.718311493989822e-06},
                          z));
  Value cosine = polynomial({1.0, -0.499999997251031, 0.04166662332373906,
                             -0.001388676377460993, 2.439044879627741e-05},
                            z);
  Value isSine = b.icompare("eq", b.iand(quadrant, 1), 0);
  Value y = b.truncf(b.select(isSine, sine, cosine),
                     getElementTypeOrSelf(x.getType()));
  Value sign = b.shl(b.iand(quadrant, 2), 30);
  y = b.fromBits(b.ixor(b.bits(y), sign));
  // Keeps the sign of zero.
  return quarterTurns == 0 ? b.select(b.eq(x, 0.0), x, y) : y;
}
