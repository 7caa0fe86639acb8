//===- IntegerRange.h - what integers may be --------------------*- C++ -*-===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef NNCC_DIALECT_NN_INTEGERRANGE_H
#define NNCC_DIALECT_NN_INTEGERRANGE_H

#include "mlir/IR/Value.h"
#include <optional>

namespace nncc::nn {

/// Both bounds belong to it.
struct IntegerRange {
  int64_t low, high;

  bool contains(const IntegerRange &other) const {
    return low <= other.low && other.high <= high;
  }
};

/// What the elements of a tensor of integers may be, as far as its type and the
/// few ops that make it tell; none where they tell nothing.
std::optional<IntegerRange> getIntegerRange(mlir::Value value);

/// Whether all elements of a tensor are known to be 0 to 255.
bool holdsBytes(mlir::Value value);

} // namespace nncc::nn

#endif // NNCC_DIALECT_NN_INTEGERRANGE_H
