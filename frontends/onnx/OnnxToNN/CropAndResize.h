//===- OnnxToNN/CropAndResize.h - crops that data tell ----------*- C++ -*-===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef NNCC_FRONTENDS_ONNX_ONNXTONN_CROPANDRESIZE_H
#define NNCC_FRONTENDS_ONNX_ONNXTONN_CROPANDRESIZE_H

#include "frontends/onnx/OnnxToNN/Node.h"
#include "nncc/Dialect/NN/NN.h"

namespace nncc::onnx {

/// How the elements of a crop are found.
struct CropMode {
  bool isLinear = false; ///< else the nearest element is taken
  nn::NearestMode nearest = nn::NearestMode::Simple;
  double extrapolation = 0; ///< what lies outside of the input
};

/// The part `roi` of the input, [starts of the axes..., ends...] as fractions
/// that only data tell, resampled to `sizes`, one an axis of the input (the
/// coordinates are those of tf_crop_and_resize). Null after an error.
mlir::Value cropAndResize(Node &node, mlir::Value input, mlir::Value roi,
                          llvm::ArrayRef<int64_t> axes,
                          llvm::ArrayRef<mlir::AffineExpr> sizes,
                          const CropMode &mode);

} // namespace nncc::onnx

#endif // NNCC_FRONTENDS_ONNX_ONNXTONN_CROPANDRESIZE_H
