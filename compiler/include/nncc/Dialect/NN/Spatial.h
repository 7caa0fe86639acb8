//===- Spatial.h - sizes of windows and resizes -----------------*- C++ -*-===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Arithmetic on symbolic sizes that the spatial ops share with frontends.
//
//===----------------------------------------------------------------------===//

#ifndef NNCC_DIALECT_NN_SPATIAL_H
#define NNCC_DIALECT_NN_SPATIAL_H

#include "mlir/IR/AffineExpr.h"
#include <cstdint>
#include <optional>
#include <utility>

namespace nncc::nn {

/// A window sliding along one dimension.
struct Window {
  int64_t kernel = 1;
  int64_t stride = 1;
  int64_t dilation = 1;
  int64_t low = 0;
  int64_t high = 0;

  /// The number of elements from the first one read to the last one.
  int64_t extent() const { return (kernel - 1) * dilation + 1; }
};

/// The number of positions of a window over `size` elements. With `ceilMode` a
/// last window may reach over the high padding, if it starts before it.
mlir::AffineExpr getWindowedDim(mlir::AffineExpr size, const Window &window,
                                bool ceilMode = false);

/// The (low, high) padding with which a window of `kernel`, `stride` and
/// `dilation` (`low` and `high` are ignored) has ceil(size / stride)
/// positions. The odd element goes to the high side, or to the low one with
/// `lower` (SAME_UPPER and SAME_LOWER of ONNX). Results that are not constant
/// are for an nn.pad in front of the op. None where no affine expression says
/// it: a symbolic size and an extent less than the stride.
std::optional<std::pair<mlir::AffineExpr, mlir::AffineExpr>>
getSamePadding(mlir::AffineExpr size, const Window &window, bool lower);

/// floor(size * scale). None where `size` is symbolic and `scale` no fraction
/// with a denominator of at most 64.
std::optional<mlir::AffineExpr> getResizedDim(mlir::AffineExpr size,
                                              double scale);

} // namespace nncc::nn

#endif // NNCC_DIALECT_NN_SPATIAL_H
