//===- OnnxToNN/Quantization.h - scales and zero points ---------*- C++ -*-===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef NNCC_FRONTENDS_ONNX_ONNXTONN_QUANTIZATION_H
#define NNCC_FRONTENDS_ONNX_ONNXTONN_QUANTIZATION_H

#include "frontends/onnx/OnnxToNN/Node.h"

namespace nncc::onnx {

/// Integers narrower than a byte as the bytes that they are held in.
mlir::Value asBytes(mlir::Value value);

/// Bytes [..., n] to the numbers [..., n * 8 / bits] that they hold, the first
/// in the low bits.
mlir::Value unpackBits(Node &node, mlir::Value bytes, int64_t bits);

/// A scale or zero point in a shape that broadcasts with `value`: one number,
/// one for each position along `axis`, or one for each block of `block`
/// positions along it. A null `parameter` stays null.
mlir::Value spread(Node &node, mlir::Value parameter, mlir::Value value,
                   int64_t axis, int64_t block = 0);

/// The numbers that integers stand for. Without a zero point it is 0.
mlir::Value dequantize(Node &node, mlir::Value value, mlir::Value scale,
                       mlir::Value zeroPoint);
/// Integers of the zero point's type, of u8 without one.
mlir::Value quantize(Node &node, mlir::Value value, mlir::Value scale,
                     mlir::Value zeroPoint);

/// value - zeroPoint as i16, the operand of an integer product; both are of
/// 8 bits and the zero point may be null.
mlir::Value subtractZeroPoint(Node &node, mlir::Value value,
                              mlir::Value zeroPoint);

/// Numbers, their scale and their zero point.
struct QuantizedValue {
  mlir::Value value, scale, zeroPoint;
};

/// Quantises to u8 with the scale and the zero point that fit the values'
/// range, as DynamicQuantizeLinear says.
QuantizedValue quantizeDynamically(Node &node, mlir::Value value);

} // namespace nncc::onnx

#endif // NNCC_FRONTENDS_ONNX_ONNXTONN_QUANTIZATION_H
