//===- OnnxToNN/ControlFlow.cpp - branches decided when compiling *- C++
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

/// The branch that is taken stands in for the node.
static LogicalResult convertIf(Node &node) {
  auto condition = node.tryFloats(node.in(0));
  if (!condition || condition->size() != 1)
    return node.fail("the condition depends on data or on a symbolic size; "
                     "only conditions that are known when compiling are "
                     "supported (--dim fixes sizes)");
  Region *branch =
      node.getBody(condition->front() != 0 ? "then_branch" : "else_branch");
  if (!branch)
    return node.fail("a branch is missing");
  SmallVector<Value> outputs = node.getConverter().inlineBody(*branch);
  if (outputs.size() != node.getNumOutputs())
    return node.fail("the branch has " + llvm::Twine(outputs.size()) +
                     " outputs, the node " + llvm::Twine(node.getNumOutputs()));
  // An output may be missing because a node of the branch has failed.
  if (llvm::is_contained(outputs, Value()))
    return failure();
  return node.results(outputs);
}

static const Row rows[] = {
    {"If", 1, 1, 1, convertIf, "", "conditions that depend on data"},
};

ArrayRef<Row> nncc::onnx::getControlFlowRows() { return rows; }
