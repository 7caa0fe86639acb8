//===- Strings.cpp - What the compiler expects of a C library -------------===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include <stddef.h>

extern "C" size_t strlen(const char *text) {
  const char *end = text;
  while (*end)
    ++end;
  return end - text;
}

extern "C" int strncmp(const char *a, const char *b, size_t bytes) {
  for (size_t i = 0; i < bytes; ++i)
    if (a[i] != b[i] || !a[i])
      return a[i] - b[i];
  return 0;
}

extern "C" int memcmp(const void *a, const void *b, size_t bytes) {
  const auto *x = static_cast<const unsigned char *>(a);
  const auto *y = static_cast<const unsigned char *>(b);
  for (size_t i = 0; i < bytes; ++i)
    if (x[i] != y[i])
      return x[i] - y[i];
  return 0;
}
