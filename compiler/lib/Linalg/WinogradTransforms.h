//===- WinogradTransforms.h - Matrices of minimal filtering -----*- C++ -*-===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef NNCC_LIB_LINALG_WINOGRADTRANSFORMS_H
#define NNCC_LIB_LINALG_WINOGRADTRANSFORMS_H

#include "mlir/IR/Builders.h"

namespace nncc {

/// A small constant matrix, row by row.
struct TransformMatrix {
  int64_t rows, columns;
  llvm::ArrayRef<double> elements;

  double at(int64_t row, int64_t column) const {
    return elements[row * columns + column];
  }
};

/// F(m x m, 3 x 3) after Lavin and Gray, "Fast Algorithms for Convolutional
/// Neural Networks" (2016): `y = A^T [(G w G^T) * (B^T x B)] A`, for m x m
/// outputs of a 3 x 3 filter, from (m + 2) x (m + 2) inputs.
struct WinogradAlgorithm {
  int64_t outputs; ///< m
  TransformMatrix input, filter, output;

  int64_t inputs() const { return outputs + 2; }
  int64_t points() const { return inputs() * inputs(); }
};

/// The algorithm for m = 2 (as exact as the direct form) or 4.
const WinogradAlgorithm &getWinogradAlgorithm(int64_t outputs);

/// `matrix * values * matrix^T`, where `values` is a square of scalars.
llvm::SmallVector<mlir::Value> emitTransform(mlir::OpBuilder &b,
                                             mlir::Location loc,
                                             const TransformMatrix &matrix,
                                             mlir::ValueRange values);

/// The filter's transform as [points][3][3] factors of the filter's elements.
llvm::SmallVector<double> getFilterFactors(const WinogradAlgorithm &algorithm);

} // namespace nncc

#endif
