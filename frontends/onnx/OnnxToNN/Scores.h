//===- OnnxToNN/Scores.h - what classifiers give ----------------*- C++ -*-===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The common end of the models of ai.onnx.ml: scores are transformed, and a
// classifier has a label for each.
//
//===----------------------------------------------------------------------===//

#ifndef NNCC_FRONTENDS_ONNX_ONNXTONN_SCORES_H
#define NNCC_FRONTENDS_ONNX_ONNXTONN_SCORES_H

#include "frontends/onnx/OnnxToNN/Node.h"

namespace nncc::onnx {

/// The input [N, F] as floats: a vector is one row. Null after an error.
mlir::Value getRows(Node &node, mlir::Value input);

/// The attribute post_transform applied along the last axis of the scores
/// [N, C]; null after an error.
mlir::Value transformScores(Node &node, mlir::Value scores,
                            llvm::StringRef transform);

/// The classes of a classifier: `classlabels_int64s` or, as their numbers,
/// `classlabels_strings` (`stringsName`), which tensors can't hold.
std::optional<Ints> readLabels(Node &node, llvm::StringRef intsName,
                               llvm::StringRef stringsName);

/// The numbers of labels that are strings, with a warning.
Ints numberLabels(Node &node, llvm::ArrayRef<std::string> strings);

/// i64[N]: the label of the greatest of each row's scores [N, C].
mlir::Value getBestLabel(Node &node, mlir::Value scores,
                         llvm::ArrayRef<int64_t> labels);

/// i64[N]: one of two labels, as the score [N, 1] is above the bound or not.
mlir::Value getBinaryLabel(Node &node, mlir::Value score, double bound,
                           llvm::ArrayRef<int64_t> labels);

} // namespace nncc::onnx

#endif // NNCC_FRONTENDS_ONNX_ONNXTONN_SCORES_H
