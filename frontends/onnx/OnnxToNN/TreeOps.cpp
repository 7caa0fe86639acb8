//===- OnnxToNN/TreeOps.cpp - operators on decision trees -------*- C++ -*-===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "frontends/onnx/OnnxToNN/Node.h"
#include "frontends/onnx/OnnxToNN/Rows.h"
#include "frontends/onnx/OnnxToNN/Scores.h"
#include "frontends/onnx/OnnxToNN/Trees.h"
#include "nncc/Dialect/NN/NN.h"

#include "llvm/ADT/DenseMap.h"

using namespace mlir;
using namespace nncc::onnx;
namespace nn = nncc::nn;

using Numbers = SmallVector<double>;

/// The attribute `name` or, as a tensor of floats or doubles, `name_as_tensor`.
/// Without either, `count` times 0.
static Numbers readNumbers(Node &node, const llvm::Twine &name, size_t count,
                           bool *isDouble = nullptr) {
  std::string plain = name.str();
  if (auto floats = node.getFloats(plain))
    return Numbers(floats->begin(), floats->end());
  std::string tensorName = plain + "_as_tensor";
  if (!node.hasAttr(tensorName))
    return Numbers(count, 0.0);
  ElementsAttr tensor = node.getTensor(tensorName);
  if (tensor && isDouble)
    *isDouble |= tensor.getElementType().isF64();
  return node.readNumbers(tensor).value_or(Numbers());
}

//===----------------------------------------------------------------------===//
// The form of versions 1 and 3
//===----------------------------------------------------------------------===//

namespace {

/// Reads the attributes nodes_*, whose nodes are named by the numbers of their
/// tree and within it.
class TreeReader : TreeReaderBase {
public:
  explicit TreeReader(Node &node) : TreeReaderBase(node) {}

  /// `kind` is the prefix of the attributes of weights, "class" or "target".
  std::optional<TreeEnsemble> read(StringRef kind, int64_t numTargets);

private:
  bool readNodes();
  bool readWeights(StringRef kind);
  bool readJoin();
  std::optional<unsigned> find(int64_t tree, int64_t number);

  llvm::DenseMap<std::pair<int64_t, int64_t>, unsigned> numbers;
};

} // namespace

std::optional<unsigned> TreeReader::find(int64_t tree, int64_t number) {
  auto found = numbers.find({tree, number});
  if (found != numbers.end())
    return found->second;
  fail("the tree " + llvm::Twine(tree) + " has no node " + llvm::Twine(number));
  return std::nullopt;
}

bool TreeReader::readNodes() {
  Ints treeIds = getList("nodes_treeids"), ids = getList("nodes_nodeids");
  Ints features = getList("nodes_featureids");
  Ints whenTrue = getList("nodes_truenodeids");
  Ints whenFalse = getList("nodes_falsenodeids");
  SmallVector<std::string> modes = node.getStrings("nodes_modes");
  size_t count = ids.size();
  Ints missing =
      node.getInts("nodes_missing_value_tracks_true").value_or(Ints(count, 0));
  Numbers values = readNumbers(node, "nodes_values", count, &trees.isDouble);
  (void)readNumbers(node, "nodes_hitrates", 0);
  for (size_t size : {treeIds.size(), features.size(), whenTrue.size(),
                      whenFalse.size(), modes.size(), values.size()})
    if (size != count || count == 0)
      return fail("the attributes nodes_* must have one entry a node");
  missing.resize(count, 0);
  for (size_t i = 0; i < count; ++i)
    if (!numbers.try_emplace({treeIds[i], ids[i]}, trees.addNode()).second)
      return fail("the node " + llvm::Twine(ids[i]) + " of the tree " +
                  llvm::Twine(treeIds[i]) + " is given twice");
  std::vector<bool> hasParent(count);
  for (size_t i = 0; i < count; ++i) {
    if (modes[i] == "LEAF")
      continue;
    auto first = find(treeIds[i], whenTrue[i]);
    auto second = first ? find(treeIds[i], whenFalse[i]) : std::nullopt;
    if (!second)
      return false;
    hasParent[*first] = hasParent[*second] = true;
    TreeNode &entry = trees.nodes[i];
    entry.feature = features[i];
    entry.threshold = values[i];
    entry.whenTrue = *first;
    entry.whenFalse = *second;
    if (!trees.setTest(i, modes[i], missing[i] != 0))
      return fail("the mode '" + llvm::Twine(modes[i]) + "' is unknown");
  }
  for (size_t i = 0; i < count; ++i)
    if (!hasParent[i])
      trees.roots.push_back(i);
  return true;
}

bool TreeReader::readWeights(StringRef kind) {
  std::string prefix = (kind + "_").str();
  Ints treeIds = getList(prefix + "treeids"), ids = getList(prefix + "nodeids");
  Ints targets = getList(prefix + "ids");
  Numbers values = readNumbers(node, prefix + "weights", 0, &trees.isDouble);
  if (treeIds.size() != ids.size() || targets.size() != ids.size() ||
      values.size() != ids.size())
    return fail("the attributes " + prefix + "* must have one entry a weight");
  llvm::DenseSet<unsigned> weighed;
  for (size_t i = 0; i < ids.size(); ++i) {
    auto number = find(treeIds[i], ids[i]);
    if (!number)
      return false;
    if (targets[i] < 0 || targets[i] >= trees.numTargets)
      return fail("a weight is for the target " + llvm::Twine(targets[i]) +
                  " of " + llvm::Twine(trees.numTargets));
    // Of several weights of a leaf for the one target, onnxruntime takes the
    // first. What numbers leaves, as scikit-learn's decision_leaf, counts on
    // it.
    bool isRepeated = kind == "target" && trees.numTargets == 1 &&
                      !weighed.insert(*number).second;
    if (!isRepeated)
      trees.weights.push_back({*number, targets[i], values[i]});
  }
  return true;
}

bool TreeReader::readJoin() {
  std::string name = node.getString("aggregate_function", "SUM");
  if (name == "AVERAGE")
    trees.joins = TreeEnsemble::Join::Average;
  else if (name == "MIN")
    trees.joins = TreeEnsemble::Join::Min;
  else if (name == "MAX")
    trees.joins = TreeEnsemble::Join::Max;
  else if (name != "SUM")
    return fail("aggregate_function = '" + llvm::Twine(name) + "' is unknown");
  return true;
}

std::optional<TreeEnsemble> TreeReader::read(StringRef kind,
                                             int64_t numTargets) {
  trees.numTargets = numTargets;
  if (trees.numTargets < 1 || trees.numTargets > 65536) {
    fail("n_targets is out of range");
    return std::nullopt;
  }
  if (!readJoin() || !readNodes() || !readWeights(kind))
    return std::nullopt;
  return std::move(trees);
}

/// Adds base_values to scores [N, C].
static Value addBase(Node &node, Value scores, ArrayRef<double> base) {
  if (base.empty() || !scores)
    return scores;
  int64_t size = Node::type(scores).getShape().back();
  if (base.size() != 1 && static_cast<int64_t>(base.size()) != size)
    return node.failValue("base_values must have one entry a target");
  SmallVector<float> floats(base.begin(), base.end());
  Value values = node.constant(ArrayRef<float>(floats));
  return node.add(scores, node.cast(values, Node::elementType(scores)));
}

static LogicalResult convertRegressor(Node &node) {
  auto trees = TreeReader(node).read("target", node.getInt("n_targets", 1));
  if (!trees)
    return failure();
  Value scores = evaluateTrees(node, *trees, node.in(0));
  scores = addBase(node, scores, readNumbers(node, "base_values", 0));
  scores =
      transformScores(node, scores, node.getString("post_transform", "NONE"));
  return node.result(node.cast(scores, node.getBuilder().getF32Type()));
}

/// Both columns of a classifier with two classes whose trees give one score, as
/// onnxruntime completes them.
static Value completeBinary(Node &node, Value score, bool isProbability,
                            StringRef transform) {
  Type f32 = node.getBuilder().getF32Type();
  Value other = isProbability && transform != "LOGISTIC"
                    ? node.sub(node.constant(1, f32), score)
                    : node.create<nn::NegOp>(score);
  if (transform == "PROBIT")
    other = transformScores(node, other, transform);
  Value scores = node.concat({other, score}, 1);
  return transform == "LOGISTIC" ? transformScores(node, scores, transform)
                                 : scores;
}

/// All leaves of two classes are for one of them, `target`.
static LogicalResult convertBinary(Node &node, TreeEnsemble &trees,
                                   int64_t target, ArrayRef<int64_t> labels,
                                   ArrayRef<double> base, StringRef transform) {
  bool isProbability = true;
  for (TreeWeight &weight : trees.weights) {
    isProbability &= weight.value >= 0;
    weight.target = 0;
  }
  if (base.size() > (target == 0 ? 1 : 0))
    return node.fail("base_values of two classes with one score are not "
                     "supported");
  trees.numTargets = 1;
  Value score = evaluateTrees(node, trees, node.in(0));
  score = addBase(node, score, base);
  score = node.cast(score, node.getBuilder().getF32Type());
  Value label = getBinaryLabel(node, score, isProbability ? 0.5 : 0.0, labels);
  if (target == 0)
    return node.results(
        {label, completeBinary(node, score, isProbability, transform)});
  Value none = node.sub(score, score);
  return node.results(
      {label, transformScores(node, node.concat({none, score}, 1), transform)});
}

static LogicalResult convertClassifier(Node &node) {
  auto labels = readLabels(node, "classlabels_int64s", "classlabels_strings");
  if (!labels)
    return failure();
  auto trees = TreeReader(node).read("class", labels->size());
  if (!trees)
    return failure();
  Numbers base = readNumbers(node, "base_values", 0);
  std::string transform = node.getString("post_transform", "NONE");
  std::optional<int64_t> target;
  if (!trees->weights.empty())
    target = trees->weights.front().target;
  for (const TreeWeight &weight : trees->weights)
    if (weight.target != target)
      target = std::nullopt;
  if (labels->size() == 2 && target)
    return convertBinary(node, *trees, *target, *labels, base, transform);
  Value scores = evaluateTrees(node, *trees, node.in(0));
  scores = addBase(node, scores, base);
  scores = node.cast(scores, node.getBuilder().getF32Type());
  return node.results({getBestLabel(node, scores, *labels),
                       transformScores(node, scores, transform)});
}

static const Row rows[] = {
    {"TreeEnsembleClassifier", 1, 1, 1, convertClassifier, "ai.onnx.ml",
     "labels that are strings: their numbers stand for them"},
    {"TreeEnsembleRegressor", 1, 1, 1, convertRegressor, "ai.onnx.ml"},
};

ArrayRef<Row> nncc::onnx::getTreeRows() { return rows; }
