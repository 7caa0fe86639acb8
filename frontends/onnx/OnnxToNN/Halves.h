//===- OnnxToNN/Halves.h - f16 and bf16 -------------------------*- C++ -*-===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Kernels compute with f32. A tensor of f16 or bf16, of *halves*, is one of f32
// with a cast to its type. Operators take the f32, so that what goes from one
// to the next is neither rounded nor limited to the range of f16. Casts that
// the file asks for round, and so does what leaves the network.
//
//===----------------------------------------------------------------------===//

#ifndef NNCC_FRONTENDS_ONNX_ONNXTONN_HALVES_H
#define NNCC_FRONTENDS_ONNX_ONNXTONN_HALVES_H

#include "mlir/IR/Builders.h"

namespace nncc::onnx {

bool isHalf(mlir::Type type);

/// The f32 as a tensor of the type.
mlir::Value wrapHalves(mlir::OpBuilder &b, mlir::Value wide, mlir::Type half);

/// The f32 of such a tensor; other values as they are, null among them.
mlir::Value unwrapHalves(mlir::Value value);

/// The same for a tensor of halves that is none of f32 with a cast.
mlir::Value holdHalves(mlir::OpBuilder &b, mlir::Value halves);

} // namespace nncc::onnx

#endif // NNCC_FRONTENDS_ONNX_ONNXTONN_HALVES_H
