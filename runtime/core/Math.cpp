//===- Math.cpp - Exponentials and logarithms of f64 ----------------------===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Plain series: short and good to a few ulp; nothing that a network spends its
// time in is computed here.
//
//===----------------------------------------------------------------------===//

#include "Math.h"
#include "MathInternal.h"

using namespace nncc::math;

/// ln 2 in two parts; multiples of the first by an exponent are exact.
static constexpr double ln2High = 0x1.62e42fee00000p-1;
static constexpr double ln2Low = 0x1.a39ef35793c76p-33;

double nncc::math::scale(double x, int n) {
  while (n > 1023) {
    x *= 0x1p1023;
    n -= 1023;
    if (n > 2046)
      n = 2046;
  }
  while (n < -969) { // Not so far that x is rounded twice.
    x *= 0x1p-969;
    n += 969;
    if (n < -2046)
      n = -2046;
  }
  return x * fromBits(static_cast<uint64_t>(n + 1023) << 52);
}

/// e^r - 1 for |r| <= ln 2 / 2.
static double expSeries(double r) {
  double sum = 0;
  for (int i = 14; i > 1; --i)
    sum = (r + r * sum) * (1.0 / i);
  return r + r * sum;
}

double nncc_math_exp(double x) {
  if (isNaN(x))
    return x;
  if (x > 710)
    return infinity;
  if (x < -746)
    return 0;
  double n = nearest(x * (1 / ln2));
  double r = (x - n * ln2High) - n * ln2Low;
  return scale(1 + expSeries(r), static_cast<int>(n));
}

double nncc_math_exp2(double x) {
  if (isNaN(x))
    return x;
  if (x > 1024)
    return infinity;
  if (x < -1076)
    return 0;
  double n = nearest(x);
  return scale(1 + expSeries((x - n) * ln2), static_cast<int>(n));
}

double nncc_math_expm1(double x) {
  if (isNaN(x) || x == 0)
    return x;
  if (x > 710)
    return infinity;
  if (x < -50)
    return -1;
  double n = nearest(x * (1 / ln2));
  double p = expSeries((x - n * ln2High) - n * ln2Low);
  double half = scale(0.5, static_cast<int>(n));
  return 2 * (half * p + (half - 0.5));
}

namespace {

/// x = 2^n * (1 + f) with 1 + f in [sqrt 1/2, sqrt 2).
struct Split {
  int n;
  double f;
};

} // namespace

static Split split(double x) {
  int n = 0;
  if (x < 0x1p-1022) {
    x *= 0x1p54;
    n = -54;
  }
  constexpr uint64_t sqrtHalf = 0x3FE6A09E667F3BCDull;
  uint64_t i = toBits(x) - sqrtHalf;
  n += static_cast<int>(static_cast<int64_t>(i) >> 52);
  return {n, fromBits((i & 0xFFFFFFFFFFFFFull) + sqrtHalf) - 1};
}

/// log(1 + f) - f.
static double logSeries(double f) {
  double s = f / (2 + f), z = s * s;
  double sum = 0;
  for (int i = 23; i > 1; i -= 2)
    sum = z * (2.0 / i + sum);
  double half = f * f / 2;
  return s * (half + sum) - half;
}

/// True, with the logarithm in y, if x is no positive finite number.
static bool isSpecialLog(double x, double &y) {
  if (x > 0 && x < infinity)
    return false;
  y = x == 0 ? -infinity : x < 0 ? notANumber : x;
  return true;
}

double nncc_math_log(double x) {
  double y;
  if (isSpecialLog(x, y))
    return y;
  Split s = split(x);
  return s.n * ln2High + (s.f + (logSeries(s.f) + s.n * ln2Low));
}

double nncc_math_log2(double x) {
  double y;
  if (isSpecialLog(x, y))
    return y;
  Split s = split(x);
  return s.n + (s.f + logSeries(s.f)) * (1 / ln2);
}

double nncc_math_log10(double x) {
  constexpr double log2High = 0x1.34413509f0000p-2;
  constexpr double log2Low = 0x1.e7fbcc47c4acdp-40;
  double y;
  if (isSpecialLog(x, y))
    return y;
  Split s = split(x);
  return s.n * log2High +
         (s.n * log2Low + (s.f + logSeries(s.f)) * 0.43429448190325182765);
}

double nncc_math_log1p(double x) {
  if (x == 0 || x == infinity || isNaN(x))
    return x;
  double u = 1 + x;
  if (u <= 0)
    return u < 0 ? notANumber : -infinity;
  // What rounding took from u, in proportion.
  return nncc_math_log(u) + (x - (u - 1)) / u;
}

double nncc_math_sinh(double x) {
  double a = abs(x);
  if (a > 709) {
    double half = nncc_math_exp(a / 2);
    return copySign(half / 2 * half, x);
  }
  double e = nncc_math_expm1(a);
  return copySign((e + e / (e + 1)) / 2, x);
}

double nncc_math_cosh(double x) {
  double a = abs(x);
  if (a > 709) {
    double half = nncc_math_exp(a / 2);
    return half / 2 * half;
  }
  double e = nncc_math_exp(a);
  return (e + 1 / e) / 2;
}

double nncc_math_tanh(double x) {
  double a = abs(x);
  if (a > 22)
    return copySign(1, x);
  double e = nncc_math_expm1(2 * a);
  return copySign(e / (e + 2), x);
}

double nncc_math_asinh(double x) {
  double a = abs(x);
  if (a > 0x1p30)
    return copySign(nncc_math_log(a) + ln2, x);
  double square = a * a;
  return copySign(
      nncc_math_log1p(a + square / (1 + __builtin_sqrt(1 + square))), x);
}

double nncc_math_acosh(double x) {
  if (x < 1)
    return notANumber;
  if (x > 0x1p30)
    return nncc_math_log(x) + ln2;
  double t = x - 1;
  return nncc_math_log1p(t + __builtin_sqrt(t * (2 + t)));
}

double nncc_math_atanh(double x) {
  double a = abs(x);
  return copySign(nncc_math_log1p(2 * a / (1 - a)) / 2, x);
}

/// The series without cancellation: e^-x^2 * sum of 2^n x^(2n+1) / (2n+1)!!
double nncc_math_erf(double x) {
  double a = abs(x);
  if (isNaN(x))
    return x;
  if (a > 6)
    return copySign(1, x);
  double term = a, sum = a;
  for (int i = 3; term > sum * 0x1p-54; i += 2) {
    term *= 2 * a * a / i;
    sum += term;
  }
  return copySign(1.12837916709551257390 * nncc_math_exp(-a * a) * sum, x);
}

double nncc_math_cbrt(double x) {
  double a = abs(x);
  if (a == 0 || a == infinity || isNaN(x))
    return x;
  double y = nncc_math_exp(nncc_math_log(a) / 3);
  y -= (y - a / (y * y)) / 3;
  return copySign(y, x);
}

static bool isInteger(double x) {
  return abs(x) >= 0x1p52 ||
         (abs(x) < 0x1p51 ? nearest(x) == x : nearest(x / 2) * 2 == x);
}

static bool isOdd(double x) {
  return isInteger(x) && abs(x) < 0x1p53 && !isInteger(x / 2);
}

/// By multiplications, exact as long as the results are.
static double integerPower(double x, int n) {
  double y = 1;
  for (int m = n < 0 ? -n : n; m; m >>= 1, x *= x)
    if (m & 1)
      y *= x;
  return n < 0 ? 1 / y : y;
}

double nncc_math_pow(double x, double y) {
  if (y == 0 || x == 1)
    return 1;
  if (isNaN(x) || isNaN(y))
    return notANumber;
  if (abs(y) == infinity) {
    if (abs(x) == 1)
      return 1;
    return (abs(x) > 1) == (y > 0) ? infinity : 0;
  }
  bool isNegative = copySign(1, x) < 0 && isOdd(y);
  double a = abs(x);
  if (a == 0 || a == infinity) {
    double result = (a == 0) == (y > 0) ? 0 : infinity;
    return isNegative ? -result : result;
  }
  if (x < 0 && !isInteger(y))
    return notANumber;
  if (isInteger(y) && abs(y) <= 64) {
    double result = integerPower(a, static_cast<int>(y));
    // Beyond the range the way through the reciprocal loses the denormals.
    if (result != 0 && result != infinity)
      return isNegative ? -result : result;
  }
  double exponent = y * nncc_math_log2(a);
  double result = exponent > 2000    ? infinity
                  : exponent < -2000 ? 0
                                     : nncc_math_exp2(exponent);
  return isNegative ? -result : result;
}
