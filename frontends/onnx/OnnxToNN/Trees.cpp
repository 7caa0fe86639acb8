//===- OnnxToNN/Trees.cpp - ensembles of decision trees ---------*- C++ -*-===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// All nodes lie in arrays, leaves lead to themselves, and a loop moves each
// pair of example and tree down by one node a step. Then the leaves' weights
// are gathered and joined.
//
//===----------------------------------------------------------------------===//

#include "frontends/onnx/OnnxToNN/Trees.h"

#include "frontends/onnx/OnnxToNN/Scores.h"
#include "nncc/Dialect/NN/NN.h"

using namespace mlir;
using namespace nncc::onnx;
namespace nn = nncc::nn;

unsigned TreeEnsemble::addNode() {
  unsigned number = nodes.size();
  nodes.emplace_back();
  TreeNode &leaf = nodes.back();
  leaf.whenTrue = leaf.whenFalse = leaf.whenMissing = number;
  return number;
}

bool TreeEnsemble::setTest(unsigned number, StringRef mode,
                           bool missingIsTrue) {
  TreeNode &node = nodes[number];
  bool swaps =
      mode == "BRANCH_GTE" || mode == "BRANCH_GT" || mode == "BRANCH_NEQ";
  bool isStrict = mode == "BRANCH_LT" || mode == "BRANCH_GTE";
  node.testsEqual = mode == "BRANCH_EQ" || mode == "BRANCH_NEQ";
  if (!swaps && !isStrict && !node.testsEqual && mode != "BRANCH_LEQ")
    return false;
  // A comparison with a missing value is false.
  bool trueForMissing = missingIsTrue || mode == "BRANCH_NEQ";
  node.whenMissing = trueForMissing ? node.whenTrue : node.whenFalse;
  if (swaps)
    std::swap(node.whenTrue, node.whenFalse);
  // x < t is x <= the number before t.
  if (isStrict) {
    APFloat threshold(node.threshold);
    if (!isDouble) {
      bool losesInfo = false;
      threshold.convert(APFloat::IEEEsingle(), APFloat::rmNearestTiesToEven,
                        &losesInfo);
    }
    threshold.next(/*nextDown=*/true);
    node.threshold = threshold.convertToDouble();
  }
  return true;
}

std::optional<int64_t> TreeEnsemble::getDepth() const {
  std::vector<unsigned> parents(nodes.size()), depth(nodes.size());
  for (auto [number, node] : llvm::enumerate(nodes))
    if (!node.isLeaf(number)) {
      ++parents[node.whenTrue];
      ++parents[node.whenFalse];
    }
  SmallVector<unsigned> ready;
  for (unsigned number = 0; number < nodes.size(); ++number)
    if (parents[number] == 0)
      ready.push_back(number);
  size_t seen = 0;
  unsigned deepest = 0;
  while (!ready.empty()) {
    unsigned number = ready.pop_back_val();
    ++seen;
    deepest = std::max(deepest, depth[number]);
    const TreeNode &node = nodes[number];
    if (node.isLeaf(number))
      continue;
    for (unsigned child : {node.whenTrue, node.whenFalse}) {
      depth[child] = std::max(depth[child], depth[number] + 1);
      if (--parents[child] == 0)
        ready.push_back(child);
    }
  }
  if (seen != nodes.size())
    return std::nullopt;
  return deepest;
}

namespace {

/// Emits an ensemble on rows of features.
class TreeBuilder {
public:
  TreeBuilder(Node &node, const TreeEnsemble &trees, Value rows)
      : node(node), trees(trees), rows(rows) {}

  Value build(int64_t depth);

private:
  /// The nodes as arrays. `ways` has each node's feature and where it leads
  /// when its test holds, when not, and when the feature is missing: one array,
  /// as kernels for GPUs can read few.
  struct Tables {
    static constexpr int64_t width = 4;
    Value ways, thresholds;
    Value testsEqual; ///< null if no node does
    bool hasMissing = false;
  };

  Value makeNumbers(ArrayRef<int32_t> numbers);
  Value makeFloats(ArrayRef<double> numbers, ArrayRef<int64_t> shape);
  Value gather(Value table, Value where) {
    return node.create<nn::GatherOp>(table, where, 0);
  }
  Value walk(Value at, int64_t depth);
  Tables makeTables();
  Value step(Value at, const Tables &tables);
  Value joinOneTargetTrees(Value leaves, ArrayRef<int64_t> targets);
  Value joinTable(Value leaves);
  Value join(Value weights, ArrayRef<int64_t> axes, bool keeps);
  std::optional<Ints> getTargetOfTrees();

  Node &node;
  const TreeEnsemble &trees;
  Value rows; ///< [N, F]
};

} // namespace

Value TreeBuilder::makeNumbers(ArrayRef<int32_t> numbers) {
  auto type = RankedTensorType::get({static_cast<int64_t>(numbers.size())},
                                    node.getBuilder().getI32Type());
  return node.constant(DenseElementsAttr::get(type, numbers));
}

Value TreeBuilder::makeFloats(ArrayRef<double> numbers,
                              ArrayRef<int64_t> shape) {
  Type element = Node::elementType(rows);
  auto type = RankedTensorType::get(shape, element);
  if (element.isF64())
    return node.constant(DenseElementsAttr::get(type, numbers));
  SmallVector<float> floats(numbers.begin(), numbers.end());
  return node.constant(DenseElementsAttr::get(type, ArrayRef(floats)));
}

/// The nodes after those `at`, i32[N, trees].
Value TreeBuilder::step(Value at, const Tables &tables) {
  Type i32 = node.getBuilder().getI32Type();
  Value first = node.mul(at, node.constant(Tables::width, i32));
  Value feature = gather(tables.ways, first);
  Value value = node.create<nn::GatherElementsOp>(rows, feature, 1);
  Value threshold = gather(tables.thresholds, at);
  Value holds = node.create<nn::LessEqualOp>(value, threshold);
  if (tables.testsEqual)
    holds = node.select(gather(tables.testsEqual, at),
                        node.create<nn::EqualOp>(value, threshold), holds);
  Value way = node.select(holds, node.constant(1, i32), node.constant(2, i32));
  if (tables.hasMissing)
    way = node.select(node.create<nn::IsNaNOp>(value), node.constant(3, i32),
                      way);
  return gather(tables.ways, node.add(first, way));
}

TreeBuilder::Tables TreeBuilder::makeTables() {
  Tables tables;
  SmallVector<int32_t> ways, equal;
  SmallVector<double> thresholds;
  bool testsEqual = false;
  for (const TreeNode &entry : trees.nodes) {
    for (int64_t number :
         {entry.feature, int64_t(entry.whenTrue), int64_t(entry.whenFalse),
          int64_t(entry.whenMissing)})
      ways.push_back(static_cast<int32_t>(number));
    thresholds.push_back(entry.threshold);
    equal.push_back(entry.testsEqual);
    testsEqual |= entry.testsEqual;
    tables.hasMissing |= entry.whenMissing != entry.whenFalse;
  }
  tables.ways = makeNumbers(ways);
  tables.thresholds =
      makeFloats(thresholds, static_cast<int64_t>(thresholds.size()));
  if (testsEqual)
    tables.testsEqual =
        node.cast(makeNumbers(equal), node.getBuilder().getI1Type());
  return tables;
}

Value TreeBuilder::walk(Value at, int64_t depth) {
  Tables tables = makeTables();
  auto down = [&](Value, ValueRange states) {
    return SmallVector<Value>{step(states[0], tables)};
  };
  SmallVector<Value> last = node.loop(node.dim(depth), at, down);
  return last.empty() ? Value() : last.front();
}

/// The one target that each tree's leaves have, if so.
std::optional<Ints> TreeBuilder::getTargetOfTrees() {
  Ints targets(trees.roots.size(), -1);
  std::vector<int64_t> treeOf(trees.nodes.size(), -1);
  for (auto [tree, root] : llvm::enumerate(trees.roots)) {
    SmallVector<unsigned> todo = {static_cast<unsigned>(root)};
    while (!todo.empty()) {
      unsigned number = todo.pop_back_val();
      if (treeOf[number] >= 0)
        continue;
      treeOf[number] = tree;
      const TreeNode &entry = trees.nodes[number];
      todo.push_back(entry.whenTrue);
      todo.push_back(entry.whenFalse);
    }
  }
  for (const TreeWeight &weight : trees.weights) {
    int64_t tree = treeOf[weight.node];
    if (tree < 0)
      continue;
    if (targets[tree] >= 0 && targets[tree] != weight.target)
      return std::nullopt;
    targets[tree] = weight.target;
  }
  return targets;
}

Value TreeBuilder::join(Value weights, ArrayRef<int64_t> axes, bool keeps) {
  switch (trees.joins) {
  case TreeEnsemble::Join::Min:
    return node.create<nn::ReduceMinOp>(weights, axes, keeps);
  case TreeEnsemble::Join::Max:
    return node.create<nn::ReduceMaxOp>(weights, axes, keeps);
  case TreeEnsemble::Join::Sum:
  case TreeEnsemble::Join::Average:
    break;
  }
  return node.create<nn::ReduceSumOp>(weights, axes, keeps);
}

/// [N, targets] where a leaf is a number for the target of its tree.
Value TreeBuilder::joinOneTargetTrees(Value leaves, ArrayRef<int64_t> targets) {
  SmallVector<double> table(trees.nodes.size());
  for (const TreeWeight &weight : trees.weights)
    table[weight.node] += weight.value;
  int64_t nodes = table.size(), numTrees = targets.size();
  Value weights = gather(makeFloats(table, nodes), leaves);
  if (trees.numTargets == 1)
    return join(weights, Ints{1}, true);
  SmallVector<double> isTarget(numTrees * trees.numTargets);
  for (auto [tree, target] : llvm::enumerate(targets))
    if (target >= 0)
      isTarget[tree * trees.numTargets + target] = 1;
  return node.matmul(weights,
                     makeFloats(isTarget, {numTrees, trees.numTargets}));
}

/// [N, targets] where a leaf is a number for each target.
Value TreeBuilder::joinTable(Value leaves) {
  int64_t nodes = trees.nodes.size(), targets = trees.numTargets;
  SmallVector<double> table(nodes * targets);
  for (const TreeWeight &weight : trees.weights)
    table[weight.node * targets + weight.target] += weight.value;
  Value weights = gather(makeFloats(table, {nodes, targets}), leaves);
  return join(weights, Ints{1}, false);
}

Value TreeBuilder::build(int64_t depth) {
  auto type = RankedTensorType::get({static_cast<int64_t>(trees.roots.size())},
                                    node.getBuilder().getI32Type());
  SmallVector<int32_t> roots(trees.roots.begin(), trees.roots.end());
  Value at = node.constant(DenseElementsAttr::get(type, ArrayRef(roots)));
  at = node.broadcast(at, {Node::dims(rows)[0], node.dim(roots.size())});
  if (!at)
    return at;
  if (depth > 0)
    at = walk(at, depth);
  std::optional<Ints> targets = getTargetOfTrees();
  bool sums = trees.joins == TreeEnsemble::Join::Sum ||
              trees.joins == TreeEnsemble::Join::Average;
  Value scores = targets && (sums || trees.numTargets == 1)
                     ? joinOneTargetTrees(at, *targets)
                     : joinTable(at);
  if (scores && trees.joins == TreeEnsemble::Join::Average)
    scores = node.div(
        scores, node.constant(trees.roots.size(), Node::elementType(scores)));
  return scores;
}

Value nncc::onnx::evaluateTrees(Node &node, const TreeEnsemble &trees,
                                Value input) {
  Value rows = getRows(node, input);
  if (!rows)
    return rows;
  OpBuilder &builder = node.getBuilder();
  rows = node.cast(rows, trees.isDouble ? builder.getF64Type()
                                        : Type(builder.getF32Type()));
  std::optional<int64_t> depth = trees.getDepth();
  if (!depth)
    return node.failValue("the nodes of a tree lead in a circle");
  std::optional<int64_t> features = nn::getConstantValue(Node::dims(rows)[1]);
  for (const TreeNode &entry : trees.nodes)
    if (entry.feature < 0 || (features && entry.feature >= *features))
      return node.failValue("a node reads the feature " +
                            llvm::Twine(entry.feature) + " of " +
                            node.describe(rows));
  return TreeBuilder(node, trees, rows).build(*depth);
}
