//===- ResizeCoordinates.h - where a resize reads ---------------*- C++ -*-===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef NNCC_LIB_DIALECT_NN_RESIZECOORDINATES_H
#define NNCC_LIB_DIALECT_NN_RESIZECOORDINATES_H

#include "nncc/Dialect/NN/NN.h"

namespace nncc::nn {

/// One axis of a resize.
struct ResizeAxis {
  ResizeOp op;
  unsigned entry; ///< in the op's axes
  int64_t axis;
  mlir::AffineExpr from, to; ///< the sizes along the axis

  /// Output per input elements, if known at compile time.
  std::optional<double> getScale();

  /// Where the nearest neighbour is an affine function of the position.
  std::optional<mlir::AffineExpr> getNearestMap();

  /// How many input elements one output element may depend on.
  int64_t getTapCount();
};

/// Scalar code for one output position along an axis. Floating-point arithmetic
/// is in f32, as ONNX has it.
class ResizeCoordinates {
public:
  /// The sizes are of type index.
  ResizeCoordinates(ResizeAxis axis, mlir::OpBuilder &b, mlir::Location loc,
                    mlir::Value inputSize, mlir::Value outputSize);

  /// The position in the input (f32) that output position `x` (index) stands
  /// for.
  mlir::Value getSource(mlir::Value x);

  /// The index (i32), clamped to the input, and the weight (f32) of a tap
  /// (index). Weights are not normalised yet.
  std::pair<mlir::Value, mlir::Value> getTap(mlir::Value source,
                                             mlir::Value tap);

  /// A weight as part of the sum of all taps'.
  mlir::Value normalize(mlir::Value weight, mlir::Value source);

  /// Whether a source lies outside of the input (i1).
  mlir::Value isOutside(mlir::Value source);

private:
  mlir::Value constant(double value);
  mlir::Value integer(int64_t value);
  mlir::Value add(mlir::Value x, mlir::Value y);
  mlir::Value sub(mlir::Value x, mlir::Value y);
  mlir::Value mul(mlir::Value x, mlir::Value y);
  mlir::Value div(mlir::Value x, mlir::Value y);
  mlir::Value floor(mlir::Value x);
  mlir::Value ceil(mlir::Value x);
  mlir::Value less(mlir::Value x, mlir::Value y);
  mlir::Value select(mlir::Value condition, mlir::Value x, mlir::Value y);
  mlir::Value clamp(mlir::Value x, mlir::Value last);
  mlir::Value toInteger(mlir::Value x);
  mlir::Value indexToInteger(mlir::Value index);
  mlir::Value indexToFloat(mlir::Value index);

  mlir::Value getNearest(mlir::Value source);
  mlir::Value getCubicWeight(mlir::Value distance);
  mlir::Value getLinearWeight(mlir::Value distance);
  mlir::Value getFilterScale();
  std::pair<mlir::Value, mlir::Value> getIntegerTap(mlir::Value source,
                                                    mlir::Value tap);

  ResizeAxis axis;
  mlir::OpBuilder &b;
  mlir::Location loc;
  mlir::Value inputSize, outputSize; ///< f32
  mlir::Value scale;                 ///< f32, output per input
};

} // namespace nncc::nn

#endif // NNCC_LIB_DIALECT_NN_RESIZECOORDINATES_H
