//===- Activations.h - nonlinearities of gates ---------------*- C++ -*-===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef NNCC_LIB_DIALECT_NN_ACTIVATIONS_H
#define NNCC_LIB_DIALECT_NN_ACTIVATIONS_H

#include "nncc/Dialect/NN/NN.h"
#include <optional>
#include <utility>

namespace nncc::nn {

/// A nonlinearity with its parameters.
struct ActivationFunction {
  Activation kind;
  double alpha, beta;
  /// The bound on the magnitude of its input.
  std::optional<double> clip;

  /// ONNX's defaults of alpha and beta.
  static std::pair<double, double> getDefaults(Activation kind);

  /// The function of a floating-point scalar.
  mlir::Value build(mlir::OpBuilder &b, mlir::Location loc,
                    mlir::Value x) const;
};

} // namespace nncc::nn

#endif // NNCC_LIB_DIALECT_NN_ACTIVATIONS_H
