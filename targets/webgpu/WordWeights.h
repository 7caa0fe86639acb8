//===- WordWeights.h - Constants in elements of 32 bits ---------*- C++ -*-===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef NNCC_TARGETS_WEBGPU_WORDWEIGHTS_H
#define NNCC_TARGETS_WEBGPU_WORDWEIGHTS_H

#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/Location.h"

#include <cmath>

namespace nncc::webgpu {

/// The tensor with elements as a GPU stores them (getStorageType): itself if
/// they are f32 or i32. Fails with a diagnostic if an integer needs more bits.
mlir::FailureOr<mlir::ElementsAttr> toWords(mlir::ElementsAttr value,
                                            mlir::Location loc);

/// Whether f16 has nothing near a number: it is finite, but would not be.
inline bool isBeyondHalves(double number) {
  constexpr double roundsToInfinity = 65520;
  return std::isfinite(number) && std::fabs(number) >= roundsToInfinity;
}

/// Whether that is so for an f32 of a tensor.
bool isBeyondHalves(mlir::ElementsAttr value);

/// A tensor of f32 as f16; null if it has a finite number beyond f16's.
mlir::ElementsAttr toHalves(mlir::ElementsAttr value);

} // namespace nncc::webgpu

#endif
