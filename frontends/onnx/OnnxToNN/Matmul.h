//===- OnnxToNN/Matmul.h - shared by matrix products ------------*- C++ -*-===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef NNCC_FRONTENDS_ONNX_ONNXTONN_MATMUL_H
#define NNCC_FRONTENDS_ONNX_ONNXTONN_MATMUL_H

#include "frontends/onnx/OnnxToNN/Node.h"

namespace nncc::onnx {

/// alpha * A' * B' + beta * C of the node's first inputs, as Gemm's attributes
/// say. Null after an error.
mlir::Value gemm(Node &node);

/// alpha * A' * B' of the node's first inputs, as FusedMatMul's attributes say.
/// Null after an error.
mlir::Value fusedMatMul(Node &node);

} // namespace nncc::onnx

#endif // NNCC_FRONTENDS_ONNX_ONNXTONN_MATMUL_H
