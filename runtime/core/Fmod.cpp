//===- Fmod.cpp - The remainder that truncates ----------------------------===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// LLVM's frem is a call of these. The result is exact: long division, bit by
// bit, of the mantissas.
//
//===----------------------------------------------------------------------===//

#include "MathInternal.h"

using namespace nncc::math;

extern "C" double fmod(double x, double y) {
  double a = abs(x), d = abs(y);
  if (isNaN(x) || isNaN(y) || a == infinity || d == 0)
    return notANumber;
  if (a < d)
    return x;
  // Scaling both keeps denormals out of the loop.
  bool isSmall = d < 0x1p-960;
  if (isSmall && a > 0x1p900) {
    // Reduces the distance of the exponents first; exact as well.
    a = fmod(a, d * 0x1p200);
    if (a < d)
      return copySign(a, x);
  }
  if (isSmall) {
    a *= 0x1p100;
    d *= 0x1p100;
  }
  uint64_t dividendBits = toBits(a), divisorBits = toBits(d);
  int exponent = static_cast<int>(dividendBits >> 52);
  int divisorExponent = static_cast<int>(divisorBits >> 52);
  constexpr uint64_t one = 1ull << 52;
  uint64_t rest = (dividendBits & (one - 1)) | one;
  uint64_t divisor = (divisorBits & (one - 1)) | one;
  for (; exponent > divisorExponent; --exponent) {
    if (rest >= divisor)
      rest -= divisor;
    rest <<= 1;
  }
  if (rest >= divisor)
    rest -= divisor;
  // rest * 2^(exponent - 52 - bias), all exact.
  double result = static_cast<double>(rest) *
                  fromBits(static_cast<uint64_t>(divisorExponent) << 52) *
                  0x1p-52;
  if (isSmall)
    result *= 0x1p-100;
  return copySign(result, x);
}

extern "C" float fmodf(float x, float y) {
  return static_cast<float>(fmod(x, y));
}
