//===- Elimination.cpp - determinants and inverses --------------*- C++ -*-===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "frontends/onnx/OnnxToNN/Node.h"
#include "frontends/onnx/OnnxToNN/Rows.h"
#include "nncc/Dialect/NN/NN.h"

using namespace mlir;
using namespace nncc::onnx;
namespace nn = nncc::nn;

namespace {

/// Gaussian elimination of matrices [batch, n, width], width >= n, with row
/// pivots.
class Elimination {
public:
  Elimination(Node &node, Value matrices)
      : node(node), dims(Node::dims(matrices)),
        type(Node::elementType(matrices)), i64(node.getBuilder().getI64Type()) {
  }

  /// One step: moves the pivot of column `step` into row `step`, and subtracts
  /// it from the rows below it, or, where `all`, from all others.
  void advance(Value step, Value matrices, bool all);

  Value rows;     ///< the matrices after the step
  Value pivot;    ///< [batch, 1, 1]
  Value pivotRow; ///< [batch, 1, width]
  Value isMoved;  ///< i1 [batch, 1, 1]: whether rows were exchanged

private:
  Value takeRow(Value matrices, Value isRow) {
    Value zero = node.constant(0, type);
    return node.create<nn::ReduceSumOp>(node.select(isRow, matrices, zero),
                                        Ints{1}, true);
  }

  Node &node;
  Dims dims;
  Type type, i64;
};

} // namespace

void Elimination::advance(Value step, Value matrices, bool all) {
  AffineExpr one = node.dim(1);
  Value at = node.createTyped<nn::IotaOp>(
      nn::makeTensorType({one, dims[1], one}, i64), 1);
  Value column = node.reshape(node.create<nn::GatherOp>(matrices, step, 2),
                              {dims[0], dims[1], one});
  Value isDone = node.create<nn::LessOp>(at, step);
  Value size = node.select(isDone, node.constant(-1, type),
                           node.create<nn::AbsOp>(column));
  Value best = node.create<nn::ArgMaxOp>(size, 1, true, false);
  Value isStep = node.create<nn::EqualOp>(at, step);
  Value isBest = node.create<nn::EqualOp>(at, best);
  isMoved = node.create<nn::NotOp>(node.create<nn::EqualOp>(best, step));
  pivotRow = takeRow(matrices, isBest);
  Value exchanged =
      node.select(isStep, pivotRow,
                  node.select(isBest, takeRow(matrices, isStep), matrices));
  pivot = node.create<nn::GatherOp>(pivotRow, node.reshape(step, {one}), 2);
  column = node.reshape(node.create<nn::GatherOp>(exchanged, step, 2),
                        {dims[0], dims[1], one});
  Value isOther = all ? node.create<nn::NotOp>(isStep)
                      : node.create<nn::GreaterOp>(at, step);
  Value isZero = node.create<nn::EqualOp>(pivot, node.constant(0, type));
  Value divisor = node.select(isZero, node.constant(1, type), pivot);
  Value factor =
      node.select(isOther, node.div(column, divisor), node.constant(0, type));
  rows = node.sub(exchanged, node.mul(factor, pivotRow));
}

/// [batch, n, n]; null after an error.
static Value asBatch(Node &node) {
  Value x = node.in(0);
  Dims dims = Node::dims(x);
  if (dims.size() < 2 || nn::getDifference(dims.back(), dims.end()[-2]) != 0)
    return node.failValue("the matrices must be square");
  return node.reshape(
      x, {nn::getProduct(ArrayRef(dims).drop_back(2), node.getContext()),
          dims.back(), dims.back()});
}

static LogicalResult convertDet(Node &node) {
  Value x = asBatch(node);
  if (!x)
    return failure();
  Dims dims = Node::dims(x), batch = {dims[0], node.dim(1), node.dim(1)};
  Type type = Node::elementType(x);
  Value one = node.broadcast(node.constant(1, type), batch);
  SmallVector<Value> last =
      node.loop(dims[1], {x, one}, [&](Value step, ValueRange states) {
        Elimination elimination(node, states[0]);
        elimination.advance(step, states[0], /*all=*/false);
        Value product = node.mul(states[1], elimination.pivot);
        return SmallVector<Value>{elimination.rows,
                                  node.select(elimination.isMoved,
                                              node.create<nn::NegOp>(product),
                                              product)};
      });
  if (last.empty())
    return failure();
  Dims outer = Node::dims(node.in(0));
  outer.pop_back_n(2);
  return node.result(node.reshape(last[1], outer));
}

static LogicalResult convertInverse(Node &node) {
  Value x = asBatch(node);
  if (!x)
    return failure();
  Dims dims = Node::dims(x);
  Type type = Node::elementType(x), i64 = node.getBuilder().getI64Type();
  auto position = [&](int64_t axis) {
    return node.createTyped<nn::IotaOp>(nn::makeTensorType(dims, i64), axis);
  };
  Value unit =
      node.cast(node.create<nn::EqualOp>(position(1), position(2)), type);
  SmallVector<Value> last = node.loop(
      dims[1], {node.concat({x, unit}, 2)}, [&](Value step, ValueRange states) {
        Elimination elimination(node, states[0]);
        elimination.advance(step, states[0], /*all=*/true);
        Value at = node.createTyped<nn::IotaOp>(
            nn::makeTensorType({node.dim(1), dims[1], node.dim(1)}, i64), 1);
        Value scaled = node.div(elimination.pivotRow, elimination.pivot);
        return SmallVector<Value>{node.select(
            node.create<nn::EqualOp>(at, step), scaled, elimination.rows)};
      });
  if (last.empty())
    return failure();
  Value result = node.slice(last[0], 2, dims[1], dims[1]);
  return node.result(node.reshape(result, Node::dims(node.in(0))));
}

static const Row rows[] = {
    {"Det", 11, 1, 1, convertDet},
    {"Inverse", 1, 1, 1, convertInverse, "com.microsoft"},
};

ArrayRef<Row> nncc::onnx::getEliminationRows() { return rows; }
