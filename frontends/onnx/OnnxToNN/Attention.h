//===- OnnxToNN/Attention.h - what attention ops are made of ----*- C++ -*-===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The attention operators of ONNX and of com.microsoft differ in how they take
// their operands and masks. What they compute is here, once.
//
//===----------------------------------------------------------------------===//

#ifndef NNCC_FRONTENDS_ONNX_ONNXTONN_ATTENTION_H
#define NNCC_FRONTENDS_ONNX_ONNXTONN_ATTENTION_H

#include "frontends/onnx/OnnxToNN/Node.h"

#include <functional>

namespace nncc::onnx {

/// softmax(cap(scale * query * key') + bias) * value, where `keep` holds.
/// Several heads of the query may share one of key and value, in order. A row
/// of which nothing is kept gives zeros.
struct Attention {
  mlir::Value query;  ///< [batch, heads, length, size]
  mlir::Value key;    ///< [batch, shared heads, total, size]
  mlir::Value value;  ///< [batch, shared heads, total, value size]
  double scale = 0;   ///< 0: 1 / sqrt(size)
  double softcap = 0; ///< c * tanh(x / c); 0: none
  mlir::Value bias;   ///< broadcasts to [batch, heads, length, total], or null
  mlir::Value keep;   ///< bool, the same
  mlir::Value sink;   ///< [heads]: scores of a key without a value, or null
  /// What else becomes of the masked scores and of the probabilities.
  std::function<mlir::Value(mlir::Value)> changeScores, changeProbabilities;
};

struct AttentionValues {
  mlir::Value output;        ///< [batch, heads, length, value size]
  mlir::Value scores;        ///< [batch, heads, length, total], scaled
  mlir::Value capped;        ///< after the softcap
  mlir::Value masked;        ///< after the masks
  mlir::Value probabilities; ///< after the softmax
};

/// Whether query, key and value are there and of rank 4; else an error.
mlir::LogicalResult checkHeads(Node &node, const Attention &attention);

AttentionValues attend(Node &node, const Attention &attention);

/// [batch, length, heads * size] to [batch, heads, length, size].
mlir::Value splitHeads(Node &node, mlir::Value value, int64_t heads);

/// [batch, heads, length, size] to [batch, length, heads * size].
mlir::Value mergeHeads(Node &node, mlir::Value value);

/// Both must hold; a null value always does.
mlir::Value both(Node &node, mlir::Value a, mlir::Value b);

/// A size as a value: i64 of shape [].
mlir::Value sizeValue(Node &node, mlir::AffineExpr size);

/// 0, 1, ... as elements of an integer type.
mlir::Value countTo(Node &node, mlir::AffineExpr count, mlir::Type type);

/// The keys that the queries of a block may see: key j for query i where
/// i + offset - left <= j <= i + offset + right; a negative bound is none.
/// `offset` is i64 of shape [] or [batch, 1, 1, 1].
mlir::Value keepWindow(Node &node, mlir::AffineExpr length,
                       mlir::AffineExpr total, mlir::Value offset, int64_t left,
                       int64_t right);

/// Rotates pairs of features by the position's angles (RoFormer, Su et al.
/// 2021). `value` is [batch, heads, length, size]; `cos` and `sin` are
/// [batch or 1, length, pairs]. Features beyond 2 * pairs stay as they are.
mlir::Value rotate(Node &node, mlir::Value value, mlir::Value cos,
                   mlir::Value sin, bool interleaved);

} // namespace nncc::onnx

#endif // NNCC_FRONTENDS_ONNX_ONNXTONN_ATTENTION_H
