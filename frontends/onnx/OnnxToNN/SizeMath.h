//===- OnnxToNN/SizeMath.h - sizes that are computed as floats --*- C++ -*-===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef NNCC_FRONTENDS_ONNX_ONNXTONN_SIZEMATH_H
#define NNCC_FRONTENDS_ONNX_ONNXTONN_SIZEMATH_H

#include "frontends/onnx/OnnxToNN/Node.h"
#include "nncc/Dialect/NN/NN.h"

namespace nncc::onnx {

// Exporters compute sizes in floating point now and then: Cast, Mul, Min, Cast.
// Such arithmetic is done on integers, whose values are known when compiling.

/// The i64 tensor whose cast a small float tensor of sizes is; null if it is
/// none.
mlir::Value asSizes(Node &node, mlir::Value value);

/// The integers that two float operands stand for, if they are sizes (two
/// constants are left alone).
bool areSizes(Node &node, mlir::Value &a, mlir::Value &b);

/// min(a, b); of sizes each element is decided when compiling, see
/// Node::minimum.
mlir::Value minimum(Node &node, mlir::Value a, mlir::Value b);

/// An elementwise op of two operands, on integers where they are sizes.
template <typename OpT>
mlir::Value joinSizes(Node &node, mlir::Value a, mlir::Value b) {
  mlir::Type type = Node::elementType(a);
  if (areSizes(node, a, b))
    return node.cast(node.create<OpT>(a, b), type);
  return node.create<OpT>(a, b);
}

} // namespace nncc::onnx

#endif // NNCC_FRONTENDS_ONNX_ONNXTONN_SIZEMATH_H
