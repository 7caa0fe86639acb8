//===- OnnxToNN/Unique.cpp - each element once ------------------*- C++ -*-===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The runtime sorts the slices along an axis; then equal ones are neighbours.
//
//===----------------------------------------------------------------------===//

#include "frontends/onnx/OnnxToNN/Node.h"
#include "frontends/onnx/OnnxToNN/Rows.h"
#include "frontends/onnx/OnnxToNN/Selection.h"
#include "nncc/Dialect/NN/NN.h"

using namespace mlir;
using namespace nncc::onnx;
namespace nn = nncc::nn;

namespace {

/// Rows [n, width] in ascending order; equal ones are one kind.
class SortedRows {
public:
  SortedRows(Node &node, Value rows);

  /// Where the first of each kind is, in ascending order of the kinds: i64 [k].
  Value getFirsts();
  /// i64 [n]: the number of each row's kind.
  Value getKinds() { return restore(kinds); }
  /// i64 [k]: how many rows are of each of as many kinds.
  Value count(AffineExpr number);
  /// i1 [n]: whether no row before it is the same.
  Value isFirst();

private:
  /// What the sorted rows have, in the order before.
  Value restore(Value values) {
    return scatter(node, n, order, values, nn::ScatterReduction::None);
  }
  Value iota() {
    return node.createTyped<nn::IotaOp>(nn::makeTensorType(n, i64), 0);
  }

public:
  /// `values` at positions of a vector of zeros, i64 [size].
  static Value scatter(Node &node, AffineExpr size, Value at, Value values,
                       nn::ScatterReduction reduction);

private:
  Node &node;
  AffineExpr n;
  Type i64;
  Value order;  ///< i64 [n]: the numbers of the sorted rows
  Value starts; ///< i1 [n]: whether a kind starts with this sorted row
  Value kinds;  ///< i64 [n]: of the sorted rows
};

} // namespace

/// Numbers as the runtime sorts them.
static Value widen(Node &node, Value rows) {
  OpBuilder &b = node.getBuilder();
  bool isFloat = isa<FloatType>(Node::elementType(rows));
  return node.cast(rows, isFloat ? Type(b.getF64Type()) : b.getI64Type());
}

SortedRows::SortedRows(Node &node, Value rows)
    : node(node), n(Node::dims(rows)[0]), i64(node.getBuilder().getI64Type()) {
  bool isFloat = isa<FloatType>(Node::elementType(rows));
  order = node.callLibrary(isFloat ? "sort_rows" : "sort_integer_rows",
                           widen(node, rows), {nn::makeTensorType(n, i64)})[0];
  Value sorted = node.create<nn::GatherOp>(rows, order, 0);
  Value zero = node.constant(0, i64), one = node.constant(1, i64);
  Value before = node.create<nn::MaxOp>(node.sub(iota(), one), zero);
  Value previous = node.create<nn::GatherOp>(sorted, before, 0);
  Value differs = node.create<nn::ReduceMaxOp>(
      node.create<nn::NotOp>(node.create<nn::EqualOp>(sorted, previous)),
      Ints{1}, /*keepdims=*/false);
  starts =
      node.create<nn::OrOp>(differs, node.create<nn::EqualOp>(iota(), zero));
  kinds = node.sub(node.create<nn::CumSumOp>(node.cast(starts, i64), 0,
                                             /*exclusive=*/false,
                                             /*reverse=*/false),
                   one);
}

Value SortedRows::scatter(Node &node, AffineExpr size, Value at, Value values,
                          nn::ScatterReduction reduction) {
  if (!at || !values)
    return Value();
  Value zeros =
      node.broadcast(node.constant(0, node.getBuilder().getI64Type()), size);
  Value tuples = node.reshape(at, {Node::dims(at)[0], node.dim(1)});
  return node.create<nn::ScatterNDOp>(zeros, tuples, values, reduction);
}

Value SortedRows::getFirsts() {
  Value positions = getTruePositions(node, starts);
  return node.create<nn::GatherOp>(order, positions, 0);
}

Value SortedRows::count(AffineExpr number) {
  Value ones = node.broadcast(node.constant(1, i64), n);
  return scatter(node, number, kinds, ones, nn::ScatterReduction::Add);
}

Value SortedRows::isFirst() {
  return node.create<nn::GreaterOp>(restore(node.cast(starts, i64)),
                                    node.constant(0, i64));
}

/// The slices along an axis as rows [n, m].
static Value getSlices(Node &node, Value input, int64_t axis) {
  Ints permutation = {axis};
  for (int64_t i = 0; i < Node::rank(input); ++i)
    if (i != axis)
      permutation.push_back(i);
  Dims dims = Node::dims(input);
  AffineExpr count = dims[axis];
  dims.erase(dims.begin() + axis);
  return node.reshape(node.transpose(input, permutation),
                      {count, nn::getProduct(dims, node.getContext())});
}

/// The first version gives no indices of the kinds, which are in the order in
/// which they come.
template <bool isFirstVersion> static LogicalResult convertUnique(Node &node) {
  bool isSorted = !isFirstVersion && node.getInt("sorted", 1) != 0;
  auto [input, axis] = getLine(node);
  if (!input)
    return failure();
  OpBuilder &b = node.getBuilder();
  Value rows = getSlices(node, input, axis);
  // Comparisons take numbers.
  if (rows && Node::elementType(rows) == b.getI1Type())
    rows = node.cast(rows, b.getI32Type());
  if (!rows)
    return failure();
  SortedRows sortedRows(node, rows);
  Value places = sortedRows.getKinds();
  Value indices = isSorted ? sortedRows.getFirsts()
                           : getTruePositions(node, sortedRows.isFirst());
  if (!indices)
    return failure();
  AffineExpr number = Node::dims(indices)[0];
  Value counts = sortedRows.count(number);
  if (!isSorted) {
    // The kinds are counted as they come.
    Value kinds = node.create<nn::GatherOp>(places, indices, 0);
    Value numbers = node.createTyped<nn::IotaOp>(
        nn::makeTensorType(number, b.getI64Type()), 0);
    Value renamed = SortedRows::scatter(node, number, kinds, numbers,
                                        nn::ScatterReduction::None);
    places = node.create<nn::GatherOp>(renamed, places, 0);
    counts = node.create<nn::GatherOp>(counts, kinds, 0);
  }
  Value kept = node.create<nn::GatherOp>(input, indices, axis);
  if (isFirstVersion)
    return node.results({kept, places, counts});
  return node.results({kept, indices, places, counts});
}

static const Row rows[] = {
    {"Unique", 1, 1, 1, convertUnique<true>, "com.microsoft"},
    {"Unique", 11, 1, 1, convertUnique<false>},
};

ArrayRef<Row> nncc::onnx::getUniqueRows() { return rows; }
