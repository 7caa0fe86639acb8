//===- Source.cpp - Whether bytes are what the model was made of ----------===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// SHA-256 as FIPS 180-4 defines it.
//
//===----------------------------------------------------------------------===//

#include "runtime/wasi-nn/Failure.h"
#include "runtime/wasi-nn/Inference.h"

using namespace nncc::wasinn;

namespace {

const uint32_t roundConstants[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1,
    0x923f82a4, 0xab1c5ed5, 0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3,
    0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174, 0xe49b69c1, 0xefbe4786,
    0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147,
    0x06ca6351, 0x14292967, 0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13,
    0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85, 0xa2bfe8a1, 0xa81a664b,
    0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a,
    0x5b9cca4f, 0x682e6ff3, 0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208,
    0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};

class Sha256 {
public:
  void add(const uint8_t *bytes, uint32_t count) {
    length += count;
    for (uint32_t i = 0; i < count; ++i)
      addByte(bytes[i]);
  }

  /// Writes 64 digits.
  void finish(char *digits);

private:
  void addByte(uint8_t byte) {
    chunk[used++] = byte;
    if (used == sizeof chunk)
      mix();
  }
  void mix();

  uint32_t state[8] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                       0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
  uint8_t chunk[64];
  uint32_t used = 0;
  uint64_t length = 0;
};

} // namespace

static uint32_t rotate(uint32_t x, int by) { return x >> by | x << (32 - by); }

void Sha256::mix() {
  uint32_t words[64];
  for (int i = 0; i < 16; ++i)
    words[i] = chunk[4 * i] << 24 | chunk[4 * i + 1] << 16 |
               chunk[4 * i + 2] << 8 | chunk[4 * i + 3];
  for (int i = 16; i < 64; ++i) {
    uint32_t a = words[i - 15], b = words[i - 2];
    words[i] = words[i - 16] + (rotate(a, 7) ^ rotate(a, 18) ^ a >> 3) +
               words[i - 7] + (rotate(b, 17) ^ rotate(b, 19) ^ b >> 10);
  }
  uint32_t v[8];
  __builtin_memcpy(v, state, sizeof v);
  for (int i = 0; i < 64; ++i) {
    uint32_t e = v[4], a = v[0];
    uint32_t first = v[7] + (rotate(e, 6) ^ rotate(e, 11) ^ rotate(e, 25)) +
                     ((e & v[5]) ^ (~e & v[6])) + roundConstants[i] + words[i];
    uint32_t second = (rotate(a, 2) ^ rotate(a, 13) ^ rotate(a, 22)) +
                      ((a & v[1]) ^ (a & v[2]) ^ (v[1] & v[2]));
    for (int j = 7; j > 0; --j)
      v[j] = v[j - 1];
    v[4] += first;
    v[0] = first + second;
  }
  for (int i = 0; i < 8; ++i)
    state[i] += v[i];
  used = 0;
}

void Sha256::finish(char *digits) {
  uint64_t bits = length * 8;
  addByte(0x80);
  while (used != 56)
    addByte(0);
  for (int shift = 56; shift >= 0; shift -= 8)
    addByte(static_cast<uint8_t>(bits >> shift));
  for (int i = 0; i < 64; ++i)
    digits[i] = "0123456789abcdef"[state[i / 8] >> (28 - 4 * (i % 8)) & 15];
}

bool nncc::wasinn::checkSource(const Network &network, const Text *parts,
                               uint32_t numParts) {
  Sha256 hash;
  for (uint32_t i = 0; i < numParts; ++i)
    hash.add(reinterpret_cast<const uint8_t *>(parts[i].begin),
             parts[i].length);
  char digits[64];
  hash.finish(digits);
  if (network.sourceHash == Text{digits, sizeof digits})
    return true;
  return fail(ErrorCode::InvalidEncoding)
         << "these bytes are not the ONNX file that the linked model was "
            "compiled from";
}
