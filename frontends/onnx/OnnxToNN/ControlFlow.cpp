//===- ControlFlow.cpp - branches -------------------------------*- C++ -*-===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "frontends/onnx/OnnxToNN/Converter.h"
#include "frontends/onnx/OnnxToNN/Node.h"
#include "frontends/onnx/OnnxToNN/Rows.h"
#include "nncc/Dialect/NN/NN.h"

using namespace mlir;
using namespace nncc::onnx;
namespace nn = nncc::nn;

/// The outputs of a branch, legalized in place of the node; none on failure.
static std::optional<SmallVector<Value>> inlineBranch(Node &node,
                                                      StringRef name) {
  Region *branch = node.getBody(name);
  if (!branch) {
    (void)node.fail("a branch is missing");
    return std::nullopt;
  }
  SmallVector<Value> outputs = node.getConverter().inlineBody(*branch);
  if (outputs.size() != node.getNumOutputs()) {
    (void)node.fail("the branch has " + llvm::Twine(outputs.size()) +
                    " outputs, the node " + llvm::Twine(node.getNumOutputs()));
    return std::nullopt;
  }
  // An output may be missing because a node of the branch has failed.
  if (llvm::is_contained(outputs, Value()))
    return std::nullopt;
  for (auto [i, output] : llvm::enumerate(outputs))
    output = node.takeOutput(i, output);
  return outputs;
}

/// Whether computing both branches costs less than to branch.
static bool isCheap(Region &branch) {
  static constexpr size_t maxOps = 16;
  Block &block = branch.front();
  return block.getOperations().size() <= maxOps &&
         llvm::all_of(block, [](Operation &op) {
           return isa<nn::ElementwiseOpInterface, nn::SymbolicValueOpInterface,
                      nn::ConstantOp>(op);
         });
}

static void spliceBefore(OpBuilder &builder, Region &branch) {
  builder.getInsertionBlock()->getOperations().splice(
      builder.getInsertionPoint(), branch.front().getOperations());
}

/// The size and the number that a condition compares, if it does.
static std::optional<std::pair<AffineExpr, int64_t>>
getEqualSizes(Value condition) {
  Operation *op = condition.getDefiningOp();
  while (isa_and_nonnull<nn::CastOp, nn::ReshapeOp>(op))
    op = op->getOperand(0).getDefiningOp();
  auto equal = dyn_cast_or_null<nn::EqualOp>(op);
  if (!equal)
    return std::nullopt;
  auto a = nn::symbolicElements(equal.getLhs());
  auto b = nn::symbolicElements(equal.getRhs());
  if (!a || !b || a->size() != 1 || b->size() != 1)
    return std::nullopt;
  if (auto value = nn::getConstantValue(b->front()))
    return std::pair(a->front(), *value);
  if (auto value = nn::getConstantValue(a->front()))
    return std::pair(b->front(), *value);
  return std::nullopt;
}

/// The branches' ops go before the builder's insertion point: nodes have no
/// effects, so that both can be computed and one is selected.
static LogicalResult selectBranch(Node &node, Value condition,
                                  MutableArrayRef<Region> branches,
                                  ArrayRef<SmallVector<Value>> outputs) {
  OpBuilder &builder = node.getBuilder();
  for (Region &branch : branches)
    spliceBefore(builder, branch);
  SmallVector<Value> results;
  for (auto [first, second] : llvm::zip_equal(outputs[0], outputs[1]))
    results.push_back(node.select(condition, first, second));
  return node.results(results);
}

/// Legalizes a branch into `region`, without its terminator.
static LogicalResult convertBranch(Node &node, StringRef name, Region &region,
                                   SmallVectorImpl<Value> &outputs) {
  OpBuilder::InsertionGuard guard(node.getBuilder());
  node.getBuilder().setInsertionPointToEnd(&region.emplaceBlock());
  auto values = inlineBranch(node, name);
  if (!values)
    return failure();
  outputs = *values;
  return success();
}

/// What either bounds allow.
static Converter::Bounds unite(const Converter::Bounds &a,
                               const Converter::Bounds &b) {
  Converter::Bounds result;
  for (auto [x, y] : llvm::zip_equal(a, b)) {
    bool isOpen = x.high < 0 || y.high < 0;
    result.push_back({std::min(x.low, y.low),
                      isOpen ? -1 : std::max(x.high, y.high), x.node});
  }
  return result;
}

/// The types of results whose sizes the branch that runs tells: a symbol for
/// each pair of sizes that differ. None where other things differ.
static std::optional<SmallVector<Type>> uniteTypes(Node &node,
                                                   ArrayRef<Value> first,
                                                   ArrayRef<Value> second,
                                                   unsigned &numSizes) {
  unsigned next = node.getNumSymbols();
  llvm::SmallDenseMap<std::pair<AffineExpr, AffineExpr>, AffineExpr> known;
  SmallVector<Type> types;
  for (auto [a, b] : llvm::zip_equal(first, second)) {
    if (Node::rank(a) != Node::rank(b) ||
        Node::elementType(a) != Node::elementType(b)) {
      (void)node.fail("the condition depends on data and the branches give "
                      "different types, " +
                      node.describe(a) + " and " + node.describe(b) +
                      ", which is not supported (--dim fixes sizes)");
      return std::nullopt;
    }
    Dims dims = Node::dims(a);
    for (auto [dim, other] : llvm::zip_equal(dims, Node::dims(b))) {
      if (dim == other)
        continue;
      AffineExpr &size = known[{dim, other}];
      if (!size)
        size = getAffineSymbolExpr(next + known.size() - 1, dim.getContext());
      dim = size;
    }
    types.push_back(nn::makeTensorType(dims, Node::elementType(a)));
  }
  numSizes = known.size();
  node.getConverter().addBoundSymbols(node.getOpType(), numSizes);
  return types;
}

/// The branches become one op, whose sizes are those of the branch that runs.
static LogicalResult createIf(Node &node, MutableArrayRef<Region> branches,
                              ArrayRef<SmallVector<Value>> outputs) {
  OpBuilder &builder = node.getBuilder();
  unsigned firstSize = node.getNumSymbols(), numSizes = 0;
  auto types = uniteTypes(node, outputs[0], outputs[1], numSizes);
  if (!types)
    return failure();
  Value condition = node.reshape(node.in(0), {});
  if (numSizes == 0 && llvm::all_of(branches, isCheap))
    return selectBranch(node, condition, branches, outputs);
  for (auto [branch, values] : llvm::zip_equal(branches, outputs)) {
    OpBuilder::InsertionGuard guard(builder);
    builder.setInsertionPointToEnd(&branch.front());
    builder.create<nn::YieldOp>(node.getLoc(), values);
  }
  IntegerAttr first, count;
  if (numSizes > 0) {
    first = builder.getI64IntegerAttr(firstSize);
    count = builder.getI64IntegerAttr(numSizes);
  }
  auto op =
      builder.create<nn::IfOp>(node.getLoc(), *types, condition, first, count);
  op.getThenBranch().takeBody(branches[0]);
  op.getElseBranch().takeBody(branches[1]);
  return node.results(SmallVector<Value>(op.getResults()));
}

/// A number is a number of whatever rank: the branches' get the larger one.
static void adaptRanks(Node &node, MutableArrayRef<Region> branches,
                       MutableArrayRef<SmallVector<Value>> outputs) {
  auto isNumber = [](Value value) {
    auto type = Node::type(value);
    return type.hasStaticShape() && type.getNumElements() == 1;
  };
  for (unsigned i = 0; i < outputs[0].size(); ++i) {
    Value first = outputs[0][i], second = outputs[1][i];
    if (!isNumber(first) || !isNumber(second) ||
        Node::rank(first) == Node::rank(second))
      continue;
    bool isFirst = Node::rank(first) < Node::rank(second);
    OpBuilder::InsertionGuard guard(node.getBuilder());
    node.getBuilder().setInsertionPointToEnd(&branches[!isFirst].front());
    Value &adapted = outputs[!isFirst][i];
    adapted = node.reshape(adapted, Node::dims(isFirst ? second : first));
  }
}

static LogicalResult convertBranches(Node &node) {
  OpBuilder &builder = node.getBuilder();
  Region branches[2];
  SmallVector<Value> outputs[2];
  // Sizes have to suit one of the branches.
  Converter &converter = node.getConverter();
  Converter::Bounds before = converter.getBounds();
  if (failed(convertBranch(node, "then_branch", branches[0], outputs[0])))
    return failure();
  Converter::Bounds first = converter.getBounds();
  converter.setBounds(before);
  if (failed(convertBranch(node, "else_branch", branches[1], outputs[1])))
    return failure();
  converter.setBounds(unite(first, converter.getBounds()));
  for (Value value : llvm::concat<Value>(outputs[0], outputs[1]))
    if (!Node::isTensor(value))
      return node.fail("the condition depends on data and the branches give "
                       "sequences, which is not supported");
  adaptRanks(node, branches, outputs);
  bool differ = !llvm::equal(outputs[0], outputs[1], [](Value a, Value b) {
    return Node::rank(a) == Node::rank(b);
  });
  auto equal = getEqualSizes(node.in(0));
  if (differ && equal) {
    // Exporters write so that a dimension is squeezed if it is 1: it is meant
    // to be.
    converter.setBounds(first);
    node.checkEqual(equal->first, node.dim(equal->second));
    spliceBefore(builder, branches[0]);
    return node.results(outputs[0]);
  }
  return createIf(node, branches, outputs);
}

/// A branch that is known to be taken stands in for the node.
static LogicalResult convertIf(Node &node) {
  auto condition = node.tryFloats(node.in(0));
  if (!condition || condition->size() != 1)
    return convertBranches(node);
  auto outputs = inlineBranch(node, condition->front() != 0 ? "then_branch"
                                                            : "else_branch");
  return outputs ? node.results(*outputs) : failure();
}

static const Row rows[] = {
    {"If", 1, 1, 1, convertIf, "",
     "branches of different ranks, unless the condition is constant"},
};

ArrayRef<Row> nncc::onnx::getControlFlowRows() { return rows; }
