//===- OnnxToNN/Narrow.h - numbers of a byte or less ------------*- C++ -*-===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// No kernel computes with integers of 2 or 4 bits or with floats of 8. A tensor
// of such *narrow* numbers is one of bytes with a cast to the narrow type: an
// integer is held in a byte of its own, of a float the byte holds the bits.
// Operators that know narrow numbers look through the cast, and those that
// only move elements move the bytes; no other may use the cast.
//
//===----------------------------------------------------------------------===//

#ifndef NNCC_FRONTENDS_ONNX_ONNXTONN_NARROW_H
#define NNCC_FRONTENDS_ONNX_ONNXTONN_NARROW_H

#include "frontends/onnx/OnnxToNN/Node.h"

namespace nncc::onnx {

bool isNarrow(mlir::Type type);
bool isFloat8(mlir::Type type);

/// The type of the bytes: u8 for floats and what is unsigned, else i8.
mlir::IntegerType getHeldType(mlir::Type narrow);

/// The bytes as a tensor of the narrow type.
mlir::Value wrapNarrow(mlir::OpBuilder &b, mlir::Location loc, mlir::Value held,
                       mlir::Type narrow);

/// The bytes of such a tensor; other values as they are.
mlir::Value unwrapNarrow(mlir::Value value);

/// A constant of a narrow type, of bytes.
mlir::ElementsAttr getHeldElements(mlir::ElementsAttr value);

/// The bits as another type of that many.
mlir::Value bitcast(Node &node, mlir::Value value, mlir::Type to);

/// A conversion from or to a narrow type, or between two. `saturates` is for
/// floats of 8 bits: what is too large becomes the largest number, else an
/// infinity, or NaN where the type has none.
mlir::Value castNarrow(Node &node, mlir::Value value, mlir::Type to,
                       bool saturates);

} // namespace nncc::onnx

#endif // NNCC_FRONTENDS_ONNX_ONNXTONN_NARROW_H
