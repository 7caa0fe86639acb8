//===- ErrorText.cpp - The message of the last failure --------------------===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ErrorText.h"

using namespace nncc;

ErrorText nncc::lastError;

ErrorText &ErrorText::operator<<(const char *part) {
  while (*part && length + 1 < sizeof text)
    text[length++] = *part++;
  text[length] = '\0';
  return *this;
}

ErrorText &ErrorText::operator<<(int64_t number) {
  char digits[24];
  unsigned at = sizeof digits;
  digits[--at] = '\0';
  uint64_t rest = number < 0 ? 0 - static_cast<uint64_t>(number)
                             : static_cast<uint64_t>(number);
  do
    digits[--at] = static_cast<char>('0' + rest % 10);
  while (rest /= 10);
  if (number < 0)
    digits[--at] = '-';
  return *this << &digits[at];
}
