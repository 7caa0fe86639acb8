//===- OnnxToNN/AxesByData.h - axes that data tell --------------*- C++ -*-===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Axes are constants in networks; where they are operands that only the run
// knows, all choices are computed and one is taken.
//
//===----------------------------------------------------------------------===//

#ifndef NNCC_FRONTENDS_ONNX_ONNXTONN_AXESBYDATA_H
#define NNCC_FRONTENDS_ONNX_ONNXTONN_AXESBYDATA_H

#include "frontends/onnx/OnnxToNN/Node.h"

namespace nncc::onnx {

/// Whether the values of an operand are unknown: neither constants nor sizes.
bool isData(Node &node, mlir::Value value);

/// What `compute` gives for an axis of the first operand that `axis`, an
/// operand of one number, tells; all axes give results of one type.
mlir::Value computeAlong(Node &node, mlir::Value axis,
                         llvm::function_ref<mlir::Value(int64_t)> compute);

/// Reduces the axes that a vector of static size tells. `reduce` joins along
/// one axis and keeps it as a dimension of 1.
mlir::Value
reduceAlong(Node &node, mlir::Value value, mlir::Value axes, bool keepDims,
            llvm::function_ref<mlir::Value(mlir::Value, int64_t)> reduce);

/// The sizes without those of the axes, of which each must be 1.
std::optional<Dims> squeezeAlong(Node &node, mlir::Value value,
                                 mlir::Value axes);

/// The sizes with ones at the axes of the result.
std::optional<Dims> unsqueezeAlong(Node &node, mlir::Value value,
                                   mlir::Value axes);

} // namespace nncc::onnx

#endif // NNCC_FRONTENDS_ONNX_ONNXTONN_AXESBYDATA_H
