//===- OnnxToNN/Trees.h - ensembles of decision trees -----------*- C++ -*-===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef NNCC_FRONTENDS_ONNX_ONNXTONN_TREES_H
#define NNCC_FRONTENDS_ONNX_ONNXTONN_TREES_H

#include "frontends/onnx/OnnxToNN/Node.h"

#include <vector>

namespace nncc::onnx {

/// Leads to `whenTrue` if the feature is at most the threshold (or equal to
/// it); a leaf leads to itself.
struct TreeNode {
  int64_t feature = 0;
  double threshold = 0;
  unsigned whenTrue = 0, whenFalse = 0;
  unsigned whenMissing = 0; ///< for a NaN
  bool testsEqual = false;

  bool isLeaf(unsigned number) const {
    return whenTrue == number && whenFalse == number;
  }
};

/// What a leaf gives to a target.
struct TreeWeight {
  unsigned node;
  int64_t target;
  double value;
};

struct TreeEnsemble {
  enum class Join { Sum, Average, Min, Max };

  /// Adds a leaf and returns its number.
  unsigned addNode();
  /// Gives a node whose threshold and ways are set its test: BRANCH_LEQ, LT,
  /// GTE, GT, EQ or NEQ. False if the mode is none of them.
  bool setTest(unsigned number, llvm::StringRef mode, bool missingIsTrue);
  /// The most tests on the way to a leaf; none if there is a circle.
  std::optional<int64_t> getDepth() const;

  std::vector<TreeNode> nodes;
  Ints roots;
  std::vector<TreeWeight> weights;
  int64_t numTargets = 1;
  Join joins = Join::Sum;
  bool isDouble = false; ///< thresholds and weights are f64
};

/// What readers of a tree node's attributes share.
class TreeReaderBase {
protected:
  explicit TreeReaderBase(Node &node) : node(node) {}

  /// Empty where the attribute is missing.
  Ints getList(llvm::StringRef name) {
    return node.getInts(name).value_or(Ints());
  }
  bool fail(const llvm::Twine &message) {
    (void)node.fail(message);
    return false;
  }

  Node &node;
  TreeEnsemble trees;
};

/// The scores [N, targets] of the examples in `input`; null after an error.
mlir::Value evaluateTrees(Node &node, const TreeEnsemble &trees,
                          mlir::Value input);

} // namespace nncc::onnx

#endif // NNCC_FRONTENDS_ONNX_ONNXTONN_TREES_H
