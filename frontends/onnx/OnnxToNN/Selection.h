//===- OnnxToNN/Selection.h - elements that data select ---------*- C++ -*-===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef NNCC_FRONTENDS_ONNX_ONNXTONN_SELECTION_H
#define NNCC_FRONTENDS_ONNX_ONNXTONN_SELECTION_H

#include "frontends/onnx/OnnxToNN/Node.h"

namespace nncc::onnx {

/// The positions i64 [k] of the true elements of a vector of i1, in order; k is
/// known when the module runs. Null after an error.
mlir::Value getTruePositions(Node &node, mlir::Value flags);

/// The first input and the axis that the attribute 'axis' names; without one,
/// all elements in a row and axis 0. Null after an error.
std::pair<mlir::Value, int64_t> getLine(Node &node);

} // namespace nncc::onnx

#endif // NNCC_FRONTENDS_ONNX_ONNXTONN_SELECTION_H
