//===- OnnxToNN/Normalization.h - shared by normalisations ------*- C++ -*-===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef NNCC_FRONTENDS_ONNX_ONNXTONN_NORMALIZATION_H
#define NNCC_FRONTENDS_ONNX_ONNXTONN_NORMALIZATION_H

#include "frontends/onnx/OnnxToNN/Node.h"

namespace nncc::onnx {

/// (x - mean) * rsqrt(variance + epsilon) over axes, the statistics' sizes
/// there being 1; also the mean and the factor. Null stays null.
mlir::Value normalize(Node &node, mlir::Value x, llvm::ArrayRef<int64_t> axes,
                      double epsilon, mlir::Value *meanOut = nullptr,
                      mlir::Value *inverseOut = nullptr);

} // namespace nncc::onnx

#endif // NNCC_FRONTENDS_ONNX_ONNXTONN_NORMALIZATION_H
