//===- OnnxToNN/SupportVectors.cpp - SVMRegressor ---------------*- C++ -*-===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "frontends/onnx/OnnxToNN/Node.h"
#include "frontends/onnx/OnnxToNN/Rows.h"
#include "frontends/onnx/OnnxToNN/Scores.h"
#include "nncc/Dialect/NN/NN.h"

using namespace mlir;
using namespace nncc::onnx;
namespace nn = nncc::nn;

using Floats = SmallVector<float>;

namespace {

/// How alike rows [N, F] and support vectors [S, F] are, [N, S].
struct Kernel {
  explicit Kernel(Node &node) : node(node) {}

  Node &node;
  std::string type;
  float gamma = 0, offset = 0, degree = 0;

  bool read();
  Value apply(Value rows, Value vectors);

private:
  Value number(float value) {
    return node.constant(value, node.getBuilder().getF32Type());
  }
  Value getSquaredDistances(Value rows, Value vectors);
};

} // namespace

bool Kernel::read() {
  type = node.getString("kernel_type", "LINEAR");
  Floats parameters = node.getFloats("kernel_params").value_or(Floats());
  if (!parameters.empty() && parameters.size() != 3)
    return succeeded(node.fail("kernel_params must have 3 entries"));
  if (!parameters.empty()) {
    gamma = parameters[0];
    offset = parameters[1];
    degree = parameters[2];
  }
  return true;
}

Value Kernel::getSquaredDistances(Value rows, Value vectors) {
  if (!rows || !vectors)
    return Value();
  Dims a = Node::dims(rows), b = Node::dims(vectors);
  Value difference = node.sub(node.reshape(rows, {a[0], node.dim(1), a[1]}),
                              node.reshape(vectors, {node.dim(1), b[0], b[1]}));
  return node.create<nn::ReduceSumOp>(node.mul(difference, difference), Ints{2},
                                      false);
}

Value Kernel::apply(Value rows, Value vectors) {
  if (type == "RBF")
    return node.create<nn::ExpOp>(
        node.mul(getSquaredDistances(rows, vectors), number(-gamma)));
  Value product = node.matmul(rows, node.transpose(vectors, {1, 0}));
  if (type == "LINEAR")
    return product;
  Value scaled = node.add(node.mul(product, number(gamma)), number(offset));
  if (type == "POLY")
    return node.create<nn::PowOp>(scaled, number(degree));
  if (type == "SIGMOID")
    return node.create<nn::TanhOp>(scaled);
  return node.failValue("kernel_type = '" + llvm::Twine(type) + "' is unknown");
}

/// The sum of the kernel's values times the coefficients; without support
/// vectors, of the features themselves.
static LogicalResult convertRegressor(Node &node) {
  Value rows = getRows(node, node.in(0));
  Floats coefficients = node.getFloats("coefficients").value_or(Floats());
  Floats vectors = node.getFloats("support_vectors").value_or(Floats());
  Floats rho = node.getFloats("rho").value_or(Floats());
  int64_t supports = node.getInt("n_supports", 0);
  bool isOneClass = node.getInt("one_class", 0) != 0;
  Kernel kernel(node);
  if (!rows || !kernel.read())
    return failure();
  if (node.getString("post_transform", "NONE") != "NONE")
    return node.fail("a post_transform is not supported");
  auto features = nn::getConstantValue(Node::dims(rows)[1]);
  int64_t count = supports > 0 ? supports : features.value_or(0);
  if (!features || rho.empty() ||
      static_cast<int64_t>(coefficients.size()) != count ||
      (supports > 0 &&
       static_cast<int64_t>(vectors.size()) != supports * *features))
    return node.fail("coefficients, support_vectors and rho do not fit the "
                     "features");
  Value x = node.cast(rows, node.getBuilder().getF32Type());
  if (supports > 0)
    x = kernel.apply(x, node.reshape(node.constant(ArrayRef<float>(vectors)),
                                     node.dims({supports, *features})));
  Value weights = node.reshape(node.constant(ArrayRef<float>(coefficients)),
                               node.dims({count, 1}));
  Value bias = node.constant(ArrayRef<float>(rho).take_front(1));
  Value score = node.add(node.matmul(x, weights), bias);
  if (isOneClass) {
    Type f32 = node.getBuilder().getF32Type();
    Value inside = node.create<nn::GreaterOp>(score, node.constant(0, f32));
    score = node.select(inside, node.constant(1, f32), node.constant(-1, f32));
  }
  return node.result(score);
}

static const Row rows[] = {
    {"SVMRegressor", 1, 1, 1, convertRegressor, "ai.onnx.ml",
     "a post_transform"},
};

ArrayRef<Row> nncc::onnx::getSupportVectorRows() { return rows; }
