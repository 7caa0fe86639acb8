//===- MathInternal.h - Parts of the elementary functions -------*- C++ -*-===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef NNCC_RUNTIME_CORE_MATHINTERNAL_H
#define NNCC_RUNTIME_CORE_MATHINTERNAL_H

#include <stdint.h>

namespace nncc::math {

inline constexpr double infinity = __builtin_inf();
inline constexpr double notANumber = __builtin_nan("");
inline constexpr double pi = 3.14159265358979323846;
inline constexpr double ln2 = 0.69314718055994530942;

inline uint64_t toBits(double x) {
  uint64_t bits;
  __builtin_memcpy(&bits, &x, sizeof bits);
  return bits;
}

inline double fromBits(uint64_t bits) {
  double x;
  __builtin_memcpy(&x, &bits, sizeof x);
  return x;
}

inline bool isNaN(double x) { return x != x; }
inline double abs(double x) { return __builtin_fabs(x); }
inline double copySign(double x, double sign) {
  return __builtin_copysign(x, sign);
}

/// The nearest integer, half to even, of |x| < 2^51.
inline double nearest(double x) {
  constexpr double shift = 0x1.8p52;
  return (x + shift) - shift;
}

/// x * 2^n for any n.
double scale(double x, int n);

/// The quadrant (mod 4) and the rest in about [-pi/4, pi/4] of an angle; finite
/// arguments only.
int reduceAngle(double x, double &rest);

} // namespace nncc::math

#endif
