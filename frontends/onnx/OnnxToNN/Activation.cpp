//===- OnnxToNN/Activation.cpp - activation functions -----------*- C++ -*-===//
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

/// Writes formulas over one operand: numbers take the operand's element type.
class Formula {
public:
  explicit Formula(Node &node)
      : node(node), x(node.in(0)), type(Node::elementType(node.in(0))) {}

  Value number(double value) { return node.constant(value, type); }
  Value add(Value a, double b) { return node.add(a, number(b)); }
  Value mul(Value a, double b) { return node.mul(a, number(b)); }
  Value exp(Value a) { return node.create<nn::ExpOp>(a); }
  /// x < 0 ? a : b
  Value whereNegative(Value a, Value b) {
    return node.select(node.create<nn::LessOp>(x, number(0)), a, b);
  }
  Value clampToUnit(Value a) {
    return node.create<nn::ClampOp>(a, number(0), number(1));
  }

  Node &node;
  Value x;
  Type type;
};

} // namespace

static LogicalResult convertPRelu(Node &node) {
  Formula f(node);
  return node.result(f.whereNegative(node.mul(f.x, node.in(1)), f.x));
}

static LogicalResult convertLeakyRelu(Node &node) {
  Formula f(node);
  double alpha = node.getFloat("alpha", 0.01f);
  return node.result(f.whereNegative(f.mul(f.x, alpha), f.x));
}

static LogicalResult convertThresholdedRelu(Node &node) {
  Formula f(node);
  Value alpha = f.number(node.getFloat("alpha", 1));
  Value above = node.create<nn::GreaterOp>(f.x, alpha);
  return node.result(node.select(above, f.x, f.number(0)));
}

static LogicalResult convertElu(Node &node) {
  Formula f(node);
  Value negative = f.mul(f.add(f.exp(f.x), -1), node.getFloat("alpha", 1));
  return node.result(f.whereNegative(negative, f.x));
}

static LogicalResult convertSelu(Node &node) {
  Formula f(node);
  double alpha = node.getFloat("alpha", 1.67326319217681884765625f);
  double gamma = node.getFloat("gamma", 1.05070102214813232421875f);
  Value negative = f.mul(f.add(f.exp(f.x), -1), alpha);
  return node.result(f.mul(f.whereNegative(negative, f.x), gamma));
}

static LogicalResult convertCelu(Node &node) {
  Formula f(node);
  double alpha = node.getFloat("alpha", 1);
  if (alpha == 0)
    return node.fail("alpha must not be 0");
  Value scaled = node.div(f.x, f.number(alpha));
  Value negative = f.mul(f.add(f.exp(scaled), -1), alpha);
  return node.result(f.whereNegative(negative, f.x));
}

static LogicalResult convertHardSigmoid(Node &node) {
  Formula f(node);
  double alpha = node.getFloat("alpha", 0.2f);
  double beta = node.getFloat("beta", 0.5f);
  return node.result(f.clampToUnit(f.add(f.mul(f.x, alpha), beta)));
}

static LogicalResult convertHardSwish(Node &node) {
  Formula f(node);
  Value gate = f.clampToUnit(f.add(f.mul(f.x, 1.0 / 6), 0.5));
  return node.result(node.mul(f.x, gate));
}

static LogicalResult convertSwish(Node &node) {
  Formula f(node);
  bool isQuickGelu = node.getOpType() == "QuickGelu";
  Value scaled = f.mul(f.x, node.getFloat("alpha", isQuickGelu ? 1.702f : 1));
  return node.result(node.mul(f.x, node.create<nn::SigmoidOp>(scaled)));
}

/// The second operand, let through by the first.
static LogicalResult convertSwiGLU(Node &node) {
  Formula f(node);
  Value gate =
      node.create<nn::SigmoidOp>(f.mul(f.x, node.getFloat("alpha", 1)));
  return node.result(node.mul(node.mul(f.x, gate), node.in(1)));
}

static LogicalResult convertMish(Node &node) {
  Formula f(node);
  Value softplus = node.create<nn::SoftplusOp>(f.x);
  return node.result(node.mul(f.x, node.create<nn::TanhOp>(softplus)));
}

static LogicalResult convertSoftsign(Node &node) {
  Formula f(node);
  return node.result(node.div(f.x, f.add(node.create<nn::AbsOp>(f.x), 1)));
}

static LogicalResult convertShrink(Node &node) {
  Formula f(node);
  double lambda = node.getFloat("lambd", 0.5f);
  double bias = node.getFloat("bias", 0);
  Value below = node.create<nn::LessOp>(f.x, f.number(-lambda));
  Value above = node.create<nn::GreaterOp>(f.x, f.number(lambda));
  Value rest = node.select(above, f.add(f.x, -bias), f.number(0));
  return node.result(node.select(below, f.add(f.x, bias), rest));
}

static LogicalResult gelu(Node &node, Value x, bool approximate) {
  Type type = Node::elementType(x);
  auto number = [&](double value) { return node.constant(value, type); };
  Value inner;
  if (approximate) {
    Value square = node.mul(x, x);
    Value factor = node.add(node.mul(square, number(0.044715)), number(1));
    Value argument = node.mul(node.mul(x, number(0.7978845608028654)), factor);
    inner = node.create<nn::TanhOp>(argument);
  } else {
    inner = node.create<nn::ErfOp>(node.mul(x, number(0.7071067811865476)));
  }
  Value half = node.mul(x, number(0.5));
  return node.result(node.mul(half, node.add(inner, number(1))));
}

static LogicalResult convertGelu(Node &node) {
  std::string approximate = node.getString("approximate", "none");
  if (approximate != "none" && approximate != "tanh")
    return node.fail("approximate must be none or tanh");
  return gelu(node, node.in(0), approximate == "tanh");
}

static LogicalResult convertBiasGelu(Node &node) {
  Value sum = node.in(1) ? node.add(node.in(0), node.in(1)) : node.in(0);
  return sum ? gelu(node, sum, node.getOpType() == "FastGelu") : failure();
}

static LogicalResult convertGemmFastGelu(Node &node) {
  Value sum = node.matmul(node.in(0), node.in(1));
  if (node.in(2))
    sum = node.add(sum, node.in(2));
  return sum ? gelu(node, sum, /*approximate=*/true) : failure();
}

template <typename OpT> static LogicalResult softmax(Node &node) {
  Value x = node.in(0);
  auto axis = node.axis(node.getInt("axis", -1), Node::rank(x));
  if (!axis)
    return failure();
  return node.result(node.create<OpT>(x, *axis));
}

/// Before opset 13 all dimensions from the axis on are one.
template <typename OpT> static LogicalResult flatSoftmax(Node &node) {
  Value x = node.in(0);
  int64_t rank = Node::rank(x), given = node.getInt("axis", 1);
  if (rank == 1 && given == 1)
    given = 0;
  auto axis = node.axis(given, rank);
  if (!axis)
    return failure();
  Dims dims = Node::dims(x);
  ArrayRef<AffineExpr> behind = ArrayRef(dims).drop_front(*axis + 1);
  if (llvm::all_of(behind, [](AffineExpr dim) { return nn::isOne(dim); }))
    return node.result(node.create<OpT>(x, *axis));
  Dims flat(dims.begin(), dims.begin() + *axis);
  flat.push_back(
      nn::getProduct(ArrayRef(dims).drop_front(*axis), node.getContext()));
  Value value = node.create<OpT>(node.reshape(x, flat), *axis);
  return node.result(node.reshape(value, dims));
}

static constexpr const char *microsoft = "com.microsoft";
static const Row rows[] = {
    {"BiasGelu", 1, 2, 2, convertBiasGelu, microsoft},
    {"Celu", 12, 1, 1, convertCelu},
    {"Elu", 1, 1, 1, convertElu},
    {"FastGelu", 1, 1, 2, convertBiasGelu, microsoft},
    {"Gelu", 20, 1, 1, convertGelu},
    {"Gelu", 1, 1, 1, convertGelu, microsoft},
    {"GemmFastGelu", 1, 2, 3, convertGemmFastGelu, microsoft},
    {"HardSigmoid", 1, 1, 1, convertHardSigmoid},
    {"HardSwish", 14, 1, 1, convertHardSwish},
    {"LeakyRelu", 1, 1, 1, convertLeakyRelu},
    {"LogSoftmax", 1, 1, 1, flatSoftmax<nn::LogSoftmaxOp>},
    {"LogSoftmax", 13, 1, 1, softmax<nn::LogSoftmaxOp>},
    {"Mish", 18, 1, 1, convertMish},
    {"PRelu", 7, 2, 2, convertPRelu},
    {"QuickGelu", 1, 1, 1, convertSwish, microsoft},
    {"Selu", 1, 1, 1, convertSelu},
    {"Shrink", 9, 1, 1, convertShrink},
    {"Softmax", 1, 1, 1, flatSoftmax<nn::SoftmaxOp>},
    {"Softmax", 13, 1, 1, softmax<nn::SoftmaxOp>},
    {"Softsign", 1, 1, 1, convertSoftsign},
    {"SwiGLU", 28, 2, 2, convertSwiGLU},
    {"Swish", 24, 1, 1, convertSwish},
    {"ThresholdedRelu", 10, 1, 1, convertThresholdedRelu},
};

ArrayRef<Row> nncc::onnx::getActivationRows() { return rows; }
