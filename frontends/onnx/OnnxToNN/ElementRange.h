//===- OnnxToNN/ElementRange.h - bounds of elements -------------*- C++ -*-===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef NNCC_FRONTENDS_ONNX_ONNXTONN_ELEMENTRANGE_H
#define NNCC_FRONTENDS_ONNX_ONNXTONN_ELEMENTRANGE_H

#include "frontends/onnx/OnnxToNN/Node.h"

#include <limits>

namespace nncc::onnx {

/// What an element of a vector, or a number, is known to lie between; truth
/// values are 0 and 1.
struct ElementRange {
  double low = -std::numeric_limits<double>::infinity();
  double high = std::numeric_limits<double>::infinity();

  bool isExactly(double value) const { return low == value && high == value; }
};

/// Follows the ops that vectors of positions are made of: tensors of TensorFlow
/// are sliced at positions of which masks tell some.
ElementRange getElementRange(Node &node, mlir::Value vector, int64_t index,
                             unsigned depth = 0);

/// The operand of a concatenation of vectors that has its element `index`,
/// which becomes the operand's; null where sizes are open.
mlir::Value findConcatenated(mlir::Operation *concat, int64_t &index);

/// Which of a selection's operands the element is, if that is known.
mlir::Value findSelected(Node &node, mlir::Operation *select, int64_t index,
                         unsigned depth = 0);

} // namespace nncc::onnx

#endif // NNCC_FRONTENDS_ONNX_ONNXTONN_ELEMENTRANGE_H
