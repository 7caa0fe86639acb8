//===- OnnxToNN/TreeEnsemble5.cpp - TreeEnsemble of ai.onnx.ml 5 *- C++ -*-===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "frontends/onnx/OnnxToNN/Node.h"
#include "frontends/onnx/OnnxToNN/Rows.h"
#include "frontends/onnx/OnnxToNN/Scores.h"
#include "frontends/onnx/OnnxToNN/Trees.h"

#include <cmath>

using namespace mlir;
using namespace nncc::onnx;

namespace {

/// Reads an ensemble whose nodes and leaves are two lists of attributes.
class EnsembleReader : TreeReaderBase {
public:
  explicit EnsembleReader(Node &node) : TreeReaderBase(node) {}

  std::optional<TreeEnsemble> read();

private:
  bool readLists();
  bool addLeaves();
  bool addTests();
  bool addTest(size_t number);
  void addMembers(size_t number);
  std::optional<unsigned> getChild(int64_t number, bool isLeaf);

  Ints features, whenTrue, whenFalse, trueLeaves, falseLeaves, missing;
  SmallVector<double> modes, splits, members;
  size_t nextMember = 0;
  unsigned firstLeaf = 0, numLeaves = 0;
};

} // namespace

bool EnsembleReader::readLists() {
  features = getList("nodes_featureids");
  whenTrue = getList("nodes_truenodeids");
  whenFalse = getList("nodes_falsenodeids");
  trueLeaves = getList("nodes_trueleafs");
  falseLeaves = getList("nodes_falseleafs");
  size_t count = features.size();
  missing = getList("nodes_missing_value_tracks_true");
  missing.resize(count, 0);
  ElementsAttr splitTensor = node.getTensor("nodes_splits");
  auto modeNumbers = node.readNumbers(node.getTensor("nodes_modes"));
  auto splitNumbers = node.readNumbers(splitTensor);
  if (node.hasAttr("nodes_hitrates"))
    (void)node.getTensor("nodes_hitrates");
  if (!modeNumbers || !splitNumbers)
    return false;
  trees.isDouble = splitTensor.getElementType().isF64();
  modes = *modeNumbers;
  splits = *splitNumbers;
  if (node.hasAttr("membership_values")) {
    auto values = node.readNumbers(node.getTensor("membership_values"));
    if (!values)
      return false;
    members = *values;
  }
  for (size_t size : {whenTrue.size(), whenFalse.size(), trueLeaves.size(),
                      falseLeaves.size(), modes.size(), splits.size()})
    if (size != count || count == 0)
      return fail("the attributes nodes_* must have one entry a node");
  return true;
}

bool EnsembleReader::addLeaves() {
  Ints targets = getList("leaf_targetids");
  auto weights = node.readNumbers(node.getTensor("leaf_weights"));
  if (!weights)
    return false;
  if (weights->size() != targets.size())
    return fail("the attributes leaf_* must have one entry a leaf");
  numLeaves = targets.size();
  firstLeaf = trees.nodes.size();
  for (auto [target, weight] : llvm::zip_equal(targets, *weights)) {
    if (target < 0 || target >= trees.numTargets)
      return fail("a leaf is for the target " + llvm::Twine(target) + " of " +
                  llvm::Twine(trees.numTargets));
    trees.weights.push_back({trees.addNode(), target, weight});
  }
  return true;
}

std::optional<unsigned> EnsembleReader::getChild(int64_t number, bool isLeaf) {
  int64_t count = isLeaf ? numLeaves : features.size();
  if (number >= 0 && number < count)
    return number + (isLeaf ? firstLeaf : 0);
  fail("a node leads to " + llvm::Twine(number) + " of " + llvm::Twine(count));
  return std::nullopt;
}

/// A test for one of several values is one for each of them, a chain.
void EnsembleReader::addMembers(size_t number) {
  TreeNode last = trees.nodes[number];
  unsigned at = number;
  trees.nodes[at].threshold = std::nan("");
  bool isFirst = true;
  for (; nextMember < members.size() && !std::isnan(members[nextMember]);
       ++nextMember) {
    if (!isFirst) {
      unsigned next = trees.addNode();
      trees.nodes[at].whenFalse = trees.nodes[at].whenMissing = next;
      trees.nodes[next] = last;
      at = next;
    }
    isFirst = false;
    trees.nodes[at].threshold = members[nextMember];
    (void)trees.setTest(at, "BRANCH_EQ", false);
  }
  ++nextMember; // the NaN between two lists
  if (isFirst)
    (void)trees.setTest(at, "BRANCH_EQ", false);
}

bool EnsembleReader::addTest(size_t number) {
  static constexpr const char *names[] = {"BRANCH_LEQ", "BRANCH_LT",
                                          "BRANCH_GTE", "BRANCH_GT",
                                          "BRANCH_EQ",  "BRANCH_NEQ"};
  auto first = getChild(whenTrue[number], trueLeaves[number] != 0);
  auto second = getChild(whenFalse[number], falseLeaves[number] != 0);
  if (!first || !second)
    return false;
  TreeNode &entry = trees.nodes[number];
  entry.feature = features[number];
  entry.threshold = splits[number];
  entry.whenTrue = *first;
  entry.whenFalse = *second;
  if (modes[number] == std::size(names)) {
    addMembers(number);
    return true;
  }
  if (modes[number] < 0 || modes[number] > std::size(names))
    return fail("a node's mode is unknown");
  return trees.setTest(number, names[static_cast<size_t>(modes[number])],
                       missing[number] != 0);
}

bool EnsembleReader::addTests() {
  for (size_t number = 0; number < features.size(); ++number)
    if (!addTest(number))
      return false;
  return true;
}

std::optional<TreeEnsemble> EnsembleReader::read() {
  using Join = TreeEnsemble::Join;
  static constexpr Join joins[] = {Join::Average, Join::Sum, Join::Min,
                                   Join::Max};
  int64_t join = node.getInt("aggregate_function", 1);
  trees.numTargets = node.getInt("n_targets", 1);
  if (join < 0 || join > 3 || trees.numTargets < 1 ||
      trees.numTargets > 65536) {
    fail("aggregate_function or n_targets is out of range");
    return std::nullopt;
  }
  trees.joins = joins[join];
  if (!readLists())
    return std::nullopt;
  for (size_t i = 0; i < features.size(); ++i)
    (void)trees.addNode();
  if (!addLeaves() || !addTests())
    return std::nullopt;
  trees.roots = getList("tree_roots");
  for (int64_t root : trees.roots)
    if (!getChild(root, false))
      return std::nullopt;
  if (trees.roots.empty()) {
    fail("the ensemble has no trees");
    return std::nullopt;
  }
  return std::move(trees);
}

static LogicalResult convertTreeEnsemble(Node &node) {
  static constexpr const char *transforms[] = {"NONE", "SOFTMAX", "LOGISTIC",
                                               "SOFTMAX_ZERO", "PROBIT"};
  auto trees = EnsembleReader(node).read();
  int64_t transform = node.getInt("post_transform", 0);
  if (!trees)
    return failure();
  if (transform < 0 || transform > 4)
    return node.fail("post_transform is unknown");
  Value scores = evaluateTrees(node, *trees, node.in(0));
  scores = transformScores(node, scores, transforms[transform]);
  return node.result(node.cast(scores, Node::elementType(node.in(0))));
}

static const Row rows[] = {
    {"TreeEnsemble", 5, 1, 1, convertTreeEnsemble, "ai.onnx.ml"},
};

ArrayRef<Row> nncc::onnx::getTreeEnsemble5Rows() { return rows; }
