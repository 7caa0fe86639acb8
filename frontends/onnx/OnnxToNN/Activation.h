//===- OnnxToNN/Activation.h - activation functions -------------*- C++ -*-===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef NNCC_FRONTENDS_ONNX_ONNXTONN_ACTIVATION_H
#define NNCC_FRONTENDS_ONNX_ONNXTONN_ACTIVATION_H

#include "mlir/IR/Value.h"

namespace nncc::onnx {

class Node;

/// What the function at the end of a fused node makes of `x`: the ONNX operator
/// `name` with its attributes in `parameters`, in the order of their names; `x`
/// where the name is empty. A null value after an error.
mlir::Value activate(Node &node, mlir::Value x, llvm::StringRef name,
                     llvm::ArrayRef<float> parameters);

} // namespace nncc::onnx

#endif // NNCC_FRONTENDS_ONNX_ONNXTONN_ACTIVATION_H
