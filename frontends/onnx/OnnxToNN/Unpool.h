//===- Unpool.h - where the maxima of windows lie ---------------*- C++ -*-===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef NNCC_FRONTENDS_ONNX_ONNXTONN_UNPOOL_H
#define NNCC_FRONTENDS_ONNX_ONNXTONN_UNPOOL_H

#include "frontends/onnx/OnnxToNN/Spatial.h"

namespace nncc::onnx {

/// Of each window of [N, C, spatial...] the position of its first maximum in
/// the whole tensor, counted in row-major order or, within a channel, in
/// column-major order: i64 [N, C, spatial...] of the sizes `pooled`.
mlir::Value findMaxima(Node &node, const Windows &windows, mlir::Value input,
                       llvm::ArrayRef<mlir::AffineExpr> pooled,
                       bool columnMajor);

} // namespace nncc::onnx

#endif // NNCC_FRONTENDS_ONNX_ONNXTONN_UNPOOL_H
