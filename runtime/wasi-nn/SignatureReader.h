//===- SignatureReader.h - Reads a signature's JSON -------------*- C++ -*-===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef NNCC_RUNTIME_WASINN_SIGNATUREREADER_H
#define NNCC_RUNTIME_WASINN_SIGNATUREREADER_H

#include "runtime/wasi-nn/Model.h"

namespace nncc::wasinn {

/// Walks over JSON that the compiler wrote: it is well formed.
class JsonReader {
public:
  explicit JsonReader(const char *position) : position(position) {}

  /// Steps into an object or an array.
  void enter();
  /// Whether another member or element follows; steps out of it at its end.
  bool next();
  /// A text, its escapes resolved; in a new block. Empty without memory.
  Text readText();
  /// A member's name; without escapes, as all of the signature's own are.
  Text readKey();
  /// A number that is not negative; any other text is `other`.
  uint32_t readNumberOr(uint32_t other);
  void skip();

private:
  char peek();
  void skipText();

  const char *position;
};

} // namespace nncc::wasinn

#endif
