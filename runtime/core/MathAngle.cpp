//===- MathAngle.cpp - Functions of angles --------------------------------===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Math.h"
#include "MathInternal.h"

using namespace nncc::math;

/// 2/pi in binary, from the bit worth 1/2.
static const uint32_t twoOverPi[] = {
    0xA2F9836E, 0x4E441529, 0xFC2757D1, 0xF534DDC0, 0xDB629599, 0x3C439041,
    0xFE5163AB, 0xDEBBC561, 0xB7246E3A, 0x424DD2E0, 0x06492EEA, 0x09D1921C,
    0xFE1DEB1C, 0xB129A73E, 0xE88235F5, 0x2EBB4484, 0xE99C7026, 0xB45F7E41,
    0x3991D639, 0x835339F4, 0x9C845F8B, 0xBDF9283B, 0x1FF897FF, 0xDE05980F,
    0xEF2F118B, 0x5A0A6D1F, 0x6D367ECF, 0x27CB09B7, 0x4F463F66, 0x9E5FEA2D,
    0x7527BAC7, 0xEBE5F17B, 0x3D0739F7, 0x8A5292EA, 0x6BFB5FB1, 0x1F8D5D08,
    0x56033046, 0xFC7B6BAB};

/// Payne and Hanek: x * 2/pi mod 4 from those bits of 2/pi that matter.
static int reduceHugeAngle(double x, double &rest) {
  constexpr int words = 6;
  uint64_t bits = toBits(x);
  int exponent = static_cast<int>(bits >> 52 & 0x7FF) - 1075;
  uint64_t mantissa = (bits & 0xFFFFFFFFFFFFFull) | 1ull << 52;
  // Bits of 2/pi whose product with x is a multiple of 4 are skipped.
  int first = exponent > 2 ? (exponent - 2) / 32 : 0;

  uint32_t product[words + 2] = {}; // The low word first.
  for (int i = 0; i < words; ++i) {
    uint64_t word = twoOverPi[first + words - 1 - i];
    uint64_t low = word * (mantissa & 0xFFFFFFFF) + product[i];
    product[i] = static_cast<uint32_t>(low);
    uint64_t high = word * (mantissa >> 32) + product[i + 1] + (low >> 32);
    product[i + 1] = static_cast<uint32_t>(high);
    product[i + 2] = static_cast<uint32_t>(high >> 32);
  }

  int point = 32 * (first + words) - exponent;
  auto bitsAt = [&](int position) {
    uint64_t value = 0;
    for (int i = 0; i < 3; ++i) {
      int word = position / 32 + i;
      uint64_t part = word < words + 2 ? product[word] : 0;
      int shift = 32 * i - position % 32;
      value |= shift < 0 ? part >> -shift : shift < 64 ? part << shift : 0;
    }
    return value;
  };
  int quadrant = static_cast<int>(bitsAt(point) & 3);
  uint64_t high = bitsAt(point - 64), low = bitsAt(point - 128);
  bool isNegative = high >> 63;
  if (isNegative) {
    ++quadrant;
    low = ~low + 1;
    high = ~high + (low == 0);
  }
  rest = (static_cast<double>(high) * 0x1p-64 +
          static_cast<double>(low) * 0x1p-128) *
         (pi / 2);
  if (isNegative)
    rest = -rest;
  if (x < 0) {
    rest = -rest;
    quadrant = -quadrant;
  }
  return quadrant & 3;
}

int nncc::math::reduceAngle(double x, double &rest) {
  if (abs(x) > 0x1p20)
    return reduceHugeAngle(x, rest);
  // pi/2 in three parts; the first two have 33 bits, so that their multiples
  // are exact.
  double n = nearest(x * (2 / pi));
  rest = x - n * 0x1.921fb544p+0;
  rest -= n * 0x1.0b4611a6p-34;
  rest -= n * 0x1.3198a2e037073p-69;
  return static_cast<int>(n) & 3;
}

static double sinPolynomial(double x) {
  double z = x * x;
  double sum = 0;
  for (int i = 18; i > 0; i -= 2)
    sum = (1 + sum) * z * (-1.0 / (i * (i + 1)));
  return x + x * sum;
}

static double cosPolynomial(double x) {
  double z = x * x;
  double sum = 0;
  for (int i = 19; i > 1; i -= 2)
    sum = (1 + sum) * z * (-1.0 / (i * (i + 1)));
  return 1 - (z / 2) * (1 + sum);
}

static double circle(double x, int quarterTurns) {
  if (abs(x) == infinity || isNaN(x))
    return notANumber;
  double rest;
  int quadrant = reduceAngle(x, rest) + quarterTurns;
  double y = quadrant & 1 ? cosPolynomial(rest) : sinPolynomial(rest);
  return quadrant & 2 ? -y : y;
}

double nncc_math_sin(double x) { return x == 0 ? x : circle(x, 0); }

double nncc_math_cos(double x) { return circle(x, 1); }

double nncc_math_tan(double x) {
  if (abs(x) == infinity || isNaN(x))
    return notANumber;
  if (x == 0)
    return x;
  double rest;
  int quadrant = reduceAngle(x, rest);
  double sine = sinPolynomial(rest), cosine = cosPolynomial(rest);
  return quadrant & 1 ? -cosine / sine : sine / cosine;
}

double nncc_math_atan(double x) {
  double a = abs(x);
  if (isNaN(x) || x == 0)
    return x;
  double offset = 0;
  if (a > 2.414213562373095) { // tan(3 pi/8)
    offset = pi / 2;
    a = -1 / a;
  } else if (a > 0.4142135623730950) { // tan(pi/8)
    offset = pi / 4;
    a = (a - 1) / (a + 1);
  }
  double z = -a * a;
  double sum = 0;
  for (int i = 45; i > 1; i -= 2)
    sum = z * (1.0 / i + sum);
  return copySign(offset + (a + a * sum), x);
}

double nncc_math_atan2(double y, double x) {
  if (isNaN(x) || isNaN(y))
    return notANumber;
  double ax = abs(x), ay = abs(y);
  double angle; // Of the first quadrant.
  if (ay == 0)
    angle = 0;
  else if (ax == ay)
    angle = pi / 4;
  else if (ax == 0 || ay == infinity)
    angle = pi / 2;
  else
    angle = nncc_math_atan(ay / ax);
  if (copySign(1, x) < 0)
    angle = pi - angle;
  return copySign(angle, y);
}

double nncc_math_asin(double x) {
  if (x == 0)
    return x;
  return nncc_math_atan2(x, __builtin_sqrt((1 - x) * (1 + x)));
}

double nncc_math_acos(double x) {
  return nncc_math_atan2(__builtin_sqrt((1 - x) * (1 + x)), x);
}
