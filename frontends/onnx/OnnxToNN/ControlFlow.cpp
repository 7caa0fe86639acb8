//===- ControlFlow.cpp - branches -------------------------------*- C++ -*-===//
//-*-===//
//-*-===//
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
  return outputs;
}

/// Nodes have no effects: both branches are computed, and one is selected.
static LogicalResult selectBranch(Node &node) {
  auto first = inlineBranch(node, "then_branch");
  auto second = first ? inlineBranch(node, "else_branch") : std::nullopt;
  if (!second)
    return failure();
  Value condition = node.reshape(node.in(0), {});
  SmallVector<Value> results;
  for (auto [a, b] : llvm::zip_equal(*first, *second)) {
    if (a.getType() != b.getType())
      return node.fail("the condition depends on data and the branches give "
                       "different types, " +
                       node.describe(a) + " and " + node.describe(b) +
                       ", which is not supported (--dim fixes sizes)");
    results.push_back(node.select(condition, a, b));
  }
  return node.results(results);
}

/// A branch that is known to be taken stands in for the node.
static LogicalResult convertIf(Node &node) {
  auto condition = node.tryFloats(node.in(0));
  if (!condition || condition->size() != 1)
    return selectBranch(node);
  auto outputs = inlineBranch(node, condition->front() != 0 ? "then_branch"
                                                            : "else_branch");
  return outputs ? node.results(*outputs) : failure();
}

static const Row rows[] = {
    {"If", 1, 1, 1, convertIf, "",
     "branches of different types, unless the condition is constant"},
};

ArrayRef<Row> nncc::onnx::getControlFlowRows() { return rows; }
