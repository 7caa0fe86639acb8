//===- OnnxToNN/Reduction.cpp - reductions ----------------------*- C++ -*-===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "frontends/onnx/OnnxToNN/AxesByData.h"
#include "frontends/onnx/OnnxToNN/Rows.h"
#include "nncc/Dialect/NN/NN.h"

using namespace mlir;
using namespace nncc::onnx;
namespace nn = nncc::nn;

namespace {

struct ReduceParameters {
  Ints axes;
  bool keepDims = true;
  /// No axes and noop_with_empty_axes: elements are mapped, none are joined.
  bool isNoop = false;
  Value data; ///< axes that only the run knows, in place of the others
};

} // namespace

/// Axes come as an attribute, since 13 (ReduceSum) and 18 as an operand.
static std::optional<ReduceParameters> readParameters(Node &node) {
  ReduceParameters parameters;
  int64_t rank = Node::rank(node.in(0));
  parameters.keepDims = node.getInt("keepdims", 1) != 0;
  bool noop = node.getInt("noop_with_empty_axes", 0) != 0;
  std::optional<Ints> axes = node.getInts("axes");
  if (node.in(1) && Node::type(node.in(1)).getShape() == ArrayRef<int64_t>{0}) {
    axes = Ints();
  } else if (isData(node, node.in(1))) {
    parameters.data = node.in(1);
    return parameters;
  } else if (node.in(1)) {
    axes = node.ints(node.in(1), "the axes");
    if (!axes)
      return std::nullopt;
  }
  if (!axes || axes->empty()) {
    parameters.isNoop = noop;
    for (int64_t i = 0; !noop && i < rank; ++i)
      parameters.axes.push_back(i);
    return parameters;
  }
  axes = node.axes(*axes, rank);
  if (!axes)
    return std::nullopt;
  parameters.axes = *axes;
  llvm::sort(parameters.axes);
  return parameters;
}

template <typename OpT>
static Value reduce(Node &node, Value value,
                    const ReduceParameters &parameters) {
  if (Value axes = parameters.data)
    return reduceAlong(node, value, axes, parameters.keepDims,
                       [&](Value whole, int64_t axis) {
                         return node.create<OpT>(whole, Ints{axis},
                                                 /*keepdims=*/true);
                       });
  if (parameters.isNoop || parameters.axes.empty())
    return value;
  return node.create<OpT>(value, parameters.axes, parameters.keepDims);
}

static Value itself(Node &, Value value) { return value; }
template <typename OpT> static Value apply(Node &node, Value value) {
  return node.create<OpT>(value);
}
static Value square(Node &node, Value value) { return node.mul(value, value); }

/// after(reduce(before(x)))
template <typename OpT, Value (*before)(Node &, Value) = itself,
          Value (*after)(Node &, Value) = itself>
static LogicalResult convertReduce(Node &node) {
  std::optional<ReduceParameters> parameters = readParameters(node);
  if (!parameters)
    return failure();
  Value value = before(node, node.in(0));
  return node.result(after(node, reduce<OpT>(node, value, *parameters)));
}

/// log(sum(exp(x - max))) + max, which does not overflow.
static Value logSumExp(Node &node, Value x, const ReduceParameters &keep) {
  Value max = reduce<nn::ReduceMaxOp>(node, x, keep);
  Value exp = node.create<nn::ExpOp>(node.sub(x, max));
  Value sum = reduce<nn::ReduceSumOp>(node, exp, keep);
  return node.add(node.create<nn::LogOp>(sum), max);
}

static LogicalResult convertLogSumExp(Node &node) {
  std::optional<ReduceParameters> parameters = readParameters(node);
  if (!parameters)
    return failure();
  ReduceParameters keep = *parameters;
  keep.keepDims = true;
  if (parameters->data)
    return node.result(reduceAlong(node, node.in(0), parameters->data,
                                   parameters->keepDims,
                                   [&](Value x, int64_t axis) {
                                     ReduceParameters one;
                                     one.axes = {axis};
                                     return logSumExp(node, x, one);
                                   }));
  Value result = logSumExp(node, node.in(0), keep);
  if (!result || parameters->keepDims || parameters->isNoop)
    return node.result(result);
  Dims dims;
  for (auto [i, dim] : llvm::enumerate(Node::dims(result)))
    if (!llvm::is_contained(parameters->axes, static_cast<int64_t>(i)))
      dims.push_back(dim);
  return node.result(node.reshape(result, dims));
}

template <typename OpT> static LogicalResult convertArgReduce(Node &node) {
  auto axis = node.axis(node.getInt("axis", 0), Node::rank(node.in(0)));
  if (!axis)
    return failure();
  bool keepDims = node.getInt("keepdims", 1) != 0;
  bool last = node.getInt("select_last_index", 0) != 0;
  // Of nothing there is no best.
  node.assumeNonNegative(Node::dims(node.in(0))[*axis] - 1);
  return node.result(node.create<OpT>(node.in(0), *axis, keepDims, last));
}

static LogicalResult convertCumSum(Node &node) {
  bool exclusive = node.getInt("exclusive", 0) != 0;
  bool reverse = node.getInt("reverse", 0) != 0;
  return node.result(computeAlong(node, node.in(1), [&](int64_t axis) {
    return node.create<nn::CumSumOp>(node.in(0), axis, exclusive, reverse);
  }));
}

static const Row rows[] = {
    {"ArgMax", 1, 1, 1, convertArgReduce<nn::ArgMaxOp>},
    {"ArgMin", 1, 1, 1, convertArgReduce<nn::ArgMinOp>},
    {"CumSum", 11, 2, 2, convertCumSum},
    {"ReduceL1", 1, 1, 2, convertReduce<nn::ReduceSumOp, apply<nn::AbsOp>>},
    {"ReduceL2", 1, 1, 2,
     convertReduce<nn::ReduceSumOp, square, apply<nn::SqrtOp>>},
    {"ReduceLogSum", 1, 1, 2,
     convertReduce<nn::ReduceSumOp, itself, apply<nn::LogOp>>},
    {"ReduceLogSumExp", 1, 1, 2, convertLogSumExp},
    {"ReduceMax", 1, 1, 2, convertReduce<nn::ReduceMaxOp>},
    {"ReduceMean", 1, 1, 2, convertReduce<nn::ReduceMeanOp>},
    {"ReduceMin", 1, 1, 2, convertReduce<nn::ReduceMinOp>},
    {"ReduceProd", 1, 1, 2, convertReduce<nn::ReduceProdOp>},
    {"ReduceSum", 1, 1, 2, convertReduce<nn::ReduceSumOp>},
    {"ReduceSumSquare", 1, 1, 2, convertReduce<nn::ReduceSumOp, square>},
};

ArrayRef<Row> nncc::onnx::getReductionRows() { return rows; }
