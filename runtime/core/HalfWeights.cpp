//===- HalfWeights.cpp - Weights that are stored as 16 bits ---------------===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Compiled with and without SIMD. The numbers become f32 where they lie: they
// end where their room ends, and each step reads what the steps so far have not
// written over.
//
//===----------------------------------------------------------------------===//

#include <stddef.h>
#include <stdint.h>

typedef uint16_t Halves __attribute__((vector_size(8), aligned(2), may_alias));
typedef uint32_t Words __attribute__((vector_size(16), may_alias));
typedef float Floats __attribute__((vector_size(16)));

static constexpr size_t lanes = 4;

static Words widenF16(Words halves) {
  Words magnitude = (halves & 0x7FFF) << 13;
  // The multiplication moves the exponent and normalises denormals.
  Words finite = (Words)((Floats)magnitude * 0x1p112f);
  Words special = magnitude | 0x7F800000;
  Words isSpecial = (Words)(magnitude >= 0x0F800000);
  return (isSpecial & special) | (~isSpecial & finite) |
         (halves & 0x8000) << 16;
}

static Words widenBF16(Words halves) { return halves << 16; }

template <Words widen(Words)>
static char *widenAll(char *to, const char *from, size_t count) {
  for (size_t i = 0; i < count; i += lanes, to += sizeof(Words)) {
    Halves halves = *reinterpret_cast<const Halves *>(from + 2 * i);
    *reinterpret_cast<Words *>(to) =
        widen(__builtin_convertvector(halves, Words));
  }
  return to;
}

extern "C" void nncc_widen_weights(char *weights, size_t numF16,
                                   size_t numBF16) {
  static bool isDone;
  if (isDone)
    return;
  isDone = true;
  const char *stored = weights + 2 * (numF16 + numBF16);
  weights = widenAll<widenF16>(weights, stored, numF16);
  widenAll<widenBF16>(weights, stored + 2 * numF16, numBF16);
}
