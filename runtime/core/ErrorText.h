//===- ErrorText.h - The message of the last failure ------------*- C++ -*-===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef NNCC_RUNTIME_CORE_ERRORTEXT_H
#define NNCC_RUNTIME_CORE_ERRORTEXT_H

#include <stdint.h>

namespace nncc {

/// A text of limited length; what does not fit is cut off.
class ErrorText {
public:
  void clear() { text[length = 0] = '\0'; }
  const char *c_str() const { return text; }

  ErrorText &operator<<(const char *part);
  ErrorText &operator<<(int64_t number);

private:
  char text[1024] = {};
  unsigned length = 0;
};

/// Why the last call of the module failed.
extern ErrorText lastError;

} // namespace nncc

#endif
