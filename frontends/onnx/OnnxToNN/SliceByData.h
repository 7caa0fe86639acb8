//===- OnnxToNN/SliceByData.h - slices at computed positions ----*- C++ -*-===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef NNCC_FRONTENDS_ONNX_ONNXTONN_SLICEBYDATA_H
#define NNCC_FRONTENDS_ONNX_ONNXTONN_SLICEBYDATA_H

#include "frontends/onnx/OnnxToNN/Node.h"

namespace nncc::onnx {

/// Exporters write numbers from here on for "to the end".
constexpr int64_t openEnd = 100'000'000;

/// A Slice (opset 10) whose positions depend on data. Its size does not where
/// their distance is constant, as in x[i : i + 1]. Starts and ends are of
/// static size. Null after an error.
mlir::Value sliceByData(Node &node, llvm::ArrayRef<int64_t> axes,
                        llvm::ArrayRef<int64_t> steps);

} // namespace nncc::onnx

#endif // NNCC_FRONTENDS_ONNX_ONNXTONN_SLICEBYDATA_H
