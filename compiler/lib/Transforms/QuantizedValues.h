//===- QuantizedValues.h - numbers by integers and scales -------*- C++ -*-===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef NNCC_LIB_TRANSFORMS_QUANTIZEDVALUES_H
#define NNCC_LIB_TRANSFORMS_QUANTIZEDVALUES_H

#include "mlir/IR/PatternMatch.h"
#include "nncc/Dialect/NN/NN.h"

namespace nncc::nn {

mlir::RankedTensorType getTensorType(mlir::Value value);

bool isOneNumber(mlir::Value value);

/// A tensor of one element as one of rank 0.
mlir::Value asScalar(mlir::PatternRewriter &rewriter, mlir::Location loc,
                     mlir::Value value);

/// The one number of a constant.
std::optional<double> getConstantNumber(mlir::Value value);

/// Whether two values, of one number each, are the same.
bool isSameNumber(mlir::Value a, mlir::Value b);

/// The elements of f32 of a constant, through reshapes and products.
std::optional<llvm::SmallVector<float>> getConstantFloats(mlir::Value value);

/// Whether sums of products of 8-bit numbers, zero points subtracted, are exact
/// in f32: those of a depthwise convolution, which has no use for dot products.
bool hasShortSums(ConvOp op);

/// Whether a value of f32 is a convolution of integers with short sums.
bool isIntegerProduct(mlir::Value value);

/// An f32 value that is f32(number) * scale, with an integer number and a scale
/// of one number or a vector along the last dimension. The number may be held
/// in f32.
struct ScaledInteger {
  mlir::Value number, scale;
  /// Subtracted from `number`, which it has the type of; may be null.
  mlir::Value zeroPoint;

  static std::optional<ScaledInteger> match(mlir::Value value);
  /// Whether the number has an integer type of at most `width` bits.
  bool hasInteger(unsigned width) const;
  /// f32(number - zeroPoint).
  mlir::Value buildFloat(mlir::PatternRewriter &rewriter,
                         mlir::Location loc) const;
  /// number - zeroPoint as i32.
  mlir::Value buildInteger(mlir::PatternRewriter &rewriter,
                           mlir::Location loc) const;
};

} // namespace nncc::nn

#endif // NNCC_LIB_TRANSFORMS_QUANTIZEDVALUES_H
