//===- Failure.h - Why a call of an adapter failed --------------*- C++ -*-===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef NNCC_RUNTIME_WASINN_FAILURE_H
#define NNCC_RUNTIME_WASINN_FAILURE_H

#include "runtime/core/ErrorText.h"
#include "runtime/wasi-nn/Model.h"

namespace nncc::wasinn {

/// As wasi:nn/errors numbers them.
enum class ErrorCode : uint8_t {
  InvalidArgument,
  InvalidEncoding,
  Timeout,
  RuntimeError,
  UnsupportedOperation,
  TooLarge,
  NotFound,
  Security,
  Unknown,
};

/// The last failure. `return fail(code) << "why"` returns false.
struct Failure {
  ErrorCode code = ErrorCode::Unknown;
  ErrorText text;

  template <typename T> Failure &operator<<(T part) {
    text << part;
    return *this;
  }
  Failure &operator<<(Text part) {
    for (uint32_t i = 0; i < part.length; ++i) {
      const char letter[] = {part.begin[i], '\0'};
      text << letter;
    }
    return *this;
  }
  operator bool() const { return false; }
};

extern Failure failure;

inline Failure &fail(ErrorCode code) {
  failure.code = code;
  failure.text.clear();
  return failure;
}

inline Failure &failWithoutMemory() {
  return fail(ErrorCode::TooLarge) << "out of memory";
}

} // namespace nncc::wasinn

#endif
