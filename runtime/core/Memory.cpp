//===- Memory.cpp - What LLVM expects of a C library ----------------------===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Compiled with and without SIMD: a Chunk is one register or four.
//
//===----------------------------------------------------------------------===//

#include <stddef.h>
#include <stdint.h>

typedef uint32_t Chunk __attribute__((vector_size(16), aligned(1), may_alias));

extern "C" void *memcpy(void *to, const void *from, size_t bytes) {
  char *out = static_cast<char *>(to);
  const char *in = static_cast<const char *>(from);
  for (; bytes >= 64; bytes -= 64, out += 64, in += 64) {
    Chunk a = *reinterpret_cast<const Chunk *>(in);
    Chunk b = *reinterpret_cast<const Chunk *>(in + 16);
    Chunk c = *reinterpret_cast<const Chunk *>(in + 32);
    Chunk d = *reinterpret_cast<const Chunk *>(in + 48);
    *reinterpret_cast<Chunk *>(out) = a;
    *reinterpret_cast<Chunk *>(out + 16) = b;
    *reinterpret_cast<Chunk *>(out + 32) = c;
    *reinterpret_cast<Chunk *>(out + 48) = d;
  }
  for (; bytes >= 16; bytes -= 16, out += 16, in += 16)
    *reinterpret_cast<Chunk *>(out) = *reinterpret_cast<const Chunk *>(in);
  while (bytes--)
    *out++ = *in++;
  return to;
}

extern "C" void *memset(void *to, int value, size_t bytes) {
  char *out = static_cast<char *>(to);
  uint32_t word = static_cast<uint8_t>(value) * 0x01010101u;
  Chunk chunk = {word, word, word, word};
  for (; bytes >= 16; bytes -= 16, out += 16)
    *reinterpret_cast<Chunk *>(out) = chunk;
  while (bytes--)
    *out++ = static_cast<char>(value);
  return to;
}

extern "C" void *memmove(void *to, const void *from, size_t bytes) {
  char *out = static_cast<char *>(to);
  const char *in = static_cast<const char *>(from);
  // Upwards each chunk is read before anything behind it is written.
  if (out <= in || out >= in + bytes)
    return memcpy(to, from, bytes);
  while (bytes >= 16) {
    bytes -= 16;
    Chunk chunk = *reinterpret_cast<const Chunk *>(in + bytes);
    *reinterpret_cast<Chunk *>(out + bytes) = chunk;
  }
  while (bytes--)
    out[bytes] = in[bytes];
  return to;
}
