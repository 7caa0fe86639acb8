//===- ElementRange.h - what elements lie between ---------------*- C++ -*-===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef NNCC_DIALECT_NN_ELEMENTRANGE_H
#define NNCC_DIALECT_NN_ELEMENTRANGE_H

#include "mlir/IR/Value.h"
#include "llvm/ADT/ArrayRef.h"
#include <limits>

namespace nncc::nn {

/// What a number is known to lie between; both bounds belong to it. Truth
/// values are 0 and 1.
struct ElementRange {
  double low = -std::numeric_limits<double>::infinity();
  double high = std::numeric_limits<double>::infinity();

  bool isExactly(double value) const { return low == value && high == value; }
  bool contains(const ElementRange &other) const {
    return low <= other.low && other.high <= high;
  }
  /// The range of what is of either.
  ElementRange join(const ElementRange &other) const {
    return {std::min(low, other.low), std::max(high, other.high)};
  }
};

/// What a type of integers can hold; unbounded for others.
ElementRange getTypeRange(mlir::Type type);

/// What all elements of a tensor of integers lie between, as far as its type
/// and the ops that make it tell; of one of floats nothing is known.
ElementRange getTensorRange(mlir::Value tensor);

/// What one element lies between, by its number in row-major order. More is
/// known than of the tensor where that is of static shape and has at most
/// maxSymbolicElements elements.
ElementRange getElementRange(mlir::Value tensor, int64_t element);

/// Whether all elements of a tensor are known to be 0 to 255.
bool holdsBytes(mlir::Value tensor);

/// The range of a result from those of the operands; results that the type
/// cannot hold are the caller's.
namespace range {
ElementRange add(llvm::ArrayRef<ElementRange> operands);
ElementRange sub(llvm::ArrayRef<ElementRange> operands);
ElementRange min(llvm::ArrayRef<ElementRange> operands);
ElementRange max(llvm::ArrayRef<ElementRange> operands);
ElementRange less(ElementRange lhs, ElementRange rhs);
ElementRange equal(llvm::ArrayRef<ElementRange> operands);
ElementRange negateTruth(ElementRange truth);
ElementRange select(llvm::ArrayRef<ElementRange> operands);
} // namespace range

} // namespace nncc::nn

#endif // NNCC_DIALECT_NN_ELEMENTRANGE_H
