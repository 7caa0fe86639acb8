//===- OnnxToNN/Spatial.h - windows and channel order -----------*- C++ -*-===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef NNCC_FRONTENDS_ONNX_ONNXTONN_SPATIAL_H
#define NNCC_FRONTENDS_ONNX_ONNXTONN_SPATIAL_H

#include "frontends/onnx/OnnxToNN/Node.h"

namespace nncc::onnx {

/// [N, C, S...] to [N, S..., C]; values of rank 2 or less are left alone.
mlir::Value toChannelsLast(Node &node, mlir::Value value);
/// [N, S..., C] to [N, C, S...].
mlir::Value toChannelsFirst(Node &node, mlir::Value value);

/// Kernels, strides and pads are not larger.
constexpr int64_t maxWindowValue = int64_t(1) << 24;

/// The window attributes of convolutions and pools, one entry a spatial
/// dimension.
struct Windows {
  Ints kernel, strides, dilations, low, high;
  /// What the input [N, C, S...] is padded by beside `low` and `high`, where
  /// auto_pad depends on open sizes; empty otherwise.
  Dims openLow, openHigh;
};

/// The input with the border that open sizes ask for; null if it is.
mlir::Value padOpenSizes(Node &node, const Windows &windows, mlir::Value input,
                         mlir::TypedAttr border);

/// A list of `size` entries, one a spatial dimension, from `least` on;
/// `otherwise` for each where it is missing.
std::optional<Ints> readSpatialList(Node &node, llvm::StringRef name,
                                    size_t size, int64_t otherwise,
                                    int64_t least);

/// Reads kernel_shape, strides, dilations, pads and auto_pad, with
/// `defaultKernel` (may be empty) where there is no kernel_shape. `input` is
/// [N, C, S...]. With `transposed` auto_pad is left to the caller.
std::optional<Windows> readWindows(Node &node, mlir::Value input,
                                   llvm::ArrayRef<int64_t> defaultKernel,
                                   bool transposed = false);

/// The convolution that the node's attributes describe, of `input` [N, C, S...]
/// with `filter` [O, C / group, K...], without a bias: [N, S'..., O]. Null
/// after an error.
mlir::Value convolve(Node &node, mlir::Value input, mlir::Value filter);

/// The average pooling that the node's attributes describe, of `input`
/// [N, C, S...] to [N, C, S'...]. Null after an error.
mlir::Value poolAverage(Node &node, mlir::Value input);

} // namespace nncc::onnx

#endif // NNCC_FRONTENDS_ONNX_ONNXTONN_SPATIAL_H
