//===- Value.h - A tensor that an adapter keeps -----------------*- C++ -*-===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef NNCC_RUNTIME_WASINN_VALUE_H
#define NNCC_RUNTIME_WASINN_VALUE_H

#include "runtime/wasi-nn/Model.h"

namespace nncc::wasinn {

/// As wasi:nn/tensor numbers them.
enum class ElementType : uint8_t { F16, F32, F64, BF16, U8, I32, I64, None };

/// A tensor whose blocks it owns.
struct Value {
  uint32_t *dims;
  uint32_t rank;
  ElementType type;
  uint8_t *data;
  uint32_t bytes;
};

/// A value with these blocks; null, after fail(), without memory. The blocks
/// are given back then.
Value *makeValue(uint32_t *dims, uint32_t rank, ElementType type, uint8_t *data,
                 uint32_t bytes);

/// Gives a value and its blocks back; null is ignored.
void releaseValue(Value *value);

/// A value of its own blocks; null, after fail(), without memory.
Value *copyValue(const Value &value);

} // namespace nncc::wasinn

#endif
