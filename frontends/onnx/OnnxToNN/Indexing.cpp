//===- OnnxToNN/Indexing.cpp - reading and writing at indices ---*- C++ -*-===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "frontends/onnx/OnnxToNN/Node.h"
#include "frontends/onnx/OnnxToNN/Rows.h"
#include "nncc/Dialect/NN/NN.h"

#include "mlir/IR/BuiltinAttributes.h"

using namespace mlir;
using namespace nncc::onnx;
namespace nn = nncc::nn;

static std::optional<int64_t> readAxis(Node &node, int64_t otherwise) {
  return node.axis(node.getInt("axis", otherwise), Node::rank(node.in(0)));
}

/// Lets the module refuse sizes that have no such positions.
static void checkPositions(Node &node, Value indices, AffineExpr size) {
  auto positions = nn::symbolicElements(indices);
  if (!positions || nn::getConstantValue(size))
    return;
  for (AffineExpr position : *positions)
    node.assumeNonNegative(Node::isNegative(position) ? size + position
                                                      : size - 1 - position);
}

static LogicalResult convertGather(Node &node) {
  auto axis = readAxis(node, 0);
  if (!axis)
    return failure();
  checkPositions(node, node.in(1), Node::dims(node.in(0))[*axis]);
  return node.result(node.create<nn::GatherOp>(node.in(0), node.in(1), *axis));
}

static LogicalResult convertGatherElements(Node &node) {
  auto axis = readAxis(node, 0);
  if (!axis)
    return failure();
  return node.result(
      node.create<nn::GatherElementsOp>(node.in(0), node.in(1), *axis));
}

static LogicalResult convertGatherND(Node &node) {
  int64_t batchDims = node.getInt("batch_dims", 0);
  if (batchDims < 0)
    return node.fail("batch_dims is negative");
  return node.result(
      node.create<nn::GatherNDOp>(node.in(0), node.in(1), batchDims));
}

static std::optional<nn::ScatterReduction> readReduction(Node &node) {
  std::string name = node.getString("reduction", "none");
  auto reduction = nn::symbolizeScatterReduction(name);
  if (!reduction)
    (void)node.fail("reduction = '" + llvm::Twine(name) + "' is unknown");
  return reduction;
}

static LogicalResult convertScatterND(Node &node) {
  auto reduction = readReduction(node);
  if (!reduction)
    return failure();
  return node.result(node.create<nn::ScatterNDOp>(node.in(0), node.in(1),
                                                  node.in(2), *reduction));
}

static LogicalResult convertScatterElements(Node &node) {
  auto axis = readAxis(node, 0);
  auto reduction = readReduction(node);
  if (!axis || !reduction)
    return failure();
  return node.result(node.create<nn::ScatterElementsOp>(
      node.in(0), node.in(1), node.in(2), *axis, *reduction));
}

static LogicalResult convertOneHot(Node &node) {
  Value indices = node.in(0), values = node.in(2);
  // Floating-point depths are allowed, too.
  Value count =
      node.cast(node.in(1), IntegerType::get(node.in(1).getContext(), 64));
  std::optional<Dims> depth = node.sizes(count, "the depth");
  auto axis = node.axis(node.getInt("axis", -1), Node::rank(indices) + 1);
  if (!depth || !axis)
    return failure();
  if (depth->size() != 1)
    return node.fail("the depth must be one number");
  return node.result(
      node.create<nn::OneHotOp>(indices, values, node.map(*depth), *axis));
}

/// The first lengths[n] elements of each sequence in reverse.
static LogicalResult convertReverseSequence(Node &node) {
  Value x = node.in(0), lengths = node.in(1);
  auto time = node.axis(node.getInt("time_axis", 0), Node::rank(x));
  auto batch = node.axis(node.getInt("batch_axis", 1), Node::rank(x));
  if (!time || !batch)
    return failure();
  Dims dims = Node::dims(x), line(dims.size(), node.dim(1)), column = line;
  line[*time] = dims[*time];
  column[*batch] = dims[*batch];
  Type i64 = node.getBuilder().getI64Type();
  Value at = node.createTyped<nn::IotaOp>(nn::makeTensorType(line, i64), *time);
  Value length = node.cast(node.reshape(lengths, column), i64);
  Value mirrored = node.sub(node.sub(length, node.constant(1, i64)), at);
  Value isInside = node.create<nn::LessOp>(at, length);
  at = node.broadcast(node.select(isInside, mirrored, at), dims);
  return node.result(node.create<nn::GatherElementsOp>(x, at, *time));
}

/// A block of new rows in a cache, from the row on that each batch says.
static LogicalResult convertTensorScatter(Node &node) {
  Value cache = node.in(0), update = node.in(1), first = node.in(2);
  std::string mode = node.getString("mode", "linear");
  auto axis = node.axis(node.getInt("axis", -2), Node::rank(cache));
  int64_t rank = Node::rank(cache);
  if (!axis || !node.hasRank(1, rank) || !node.hasRank(2, 1))
    return failure();
  if (*axis == 0 || (mode != "linear" && mode != "circular"))
    return node.fail("the axis must not be 0, the mode linear or circular");
  Type i64 = node.getBuilder().getI64Type();
  Dims dims = Node::dims(cache), line(dims.size(), node.dim(1));
  line[*axis] = dims[*axis];
  Value row =
      node.createTyped<nn::IotaOp>(nn::makeTensorType(line, i64), *axis);
  line[*axis] = node.dim(1);
  line[0] = dims[0];
  if (first)
    row = node.sub(row, node.reshape(node.cast(first, i64), line));
  Value count = node.sizeValues(dims[*axis]);
  if (mode == "circular")
    row = node.create<nn::ModOp>(row, count, /*fmod=*/false);
  Value last = node.sub(node.sizeValues(Node::dims(update)[*axis]),
                        node.constant(1, i64));
  Value inside = node.create<nn::ClampOp>(row, node.constant(0, i64),
                                          node.reshape(last, {}));
  Value isNew = node.create<nn::EqualOp>(row, inside);
  Value fresh = node.create<nn::GatherElementsOp>(
      update, node.broadcast(inside, dims), *axis);
  return node.result(node.select(isNew, fresh, cache));
}

static const Row rows[] = {
    moving({"Gather", 1, 2, 2, convertGather}),
    moving({"GatherElements", 11, 2, 2, convertGatherElements}),
    moving({"GatherND", 11, 2, 2, convertGatherND}),
    moving({"GatherND", 1, 2, 2, convertGatherND, "com.microsoft"}),
    {"OneHot", 9, 3, 3, convertOneHot},
    {"ReverseSequence", 10, 2, 2, convertReverseSequence},
    {"Scatter", 9, 3, 3, convertScatterElements},
    {"ScatterElements", 11, 3, 3, convertScatterElements},
    {"ScatterND", 11, 3, 3, convertScatterND},
    {"TensorScatter", 24, 2, 3, convertTensorScatter},
};

ArrayRef<Row> nncc::onnx::getIndexingRows() { return rows; }
