//===- OnnxToNN/Activation.cpp - activation functions -----------*- C++ -*-===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "frontends/onnx/OnnxToNN/Activation.h"
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
  explicit Formula(Node &node) : Formula(node, node.in(0)) {}
  Formula(Node &node, Value x) : node(node), x(x), type(Node::elementType(x)) {}

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

static Value clip(Formula f, double low, double high) {
  return f.node.create<nn::ClampOp>(f.x, f.number(low), f.number(high));
}

static Value elu(Formula f, double alpha, double) {
  return f.whereNegative(f.mul(f.add(f.exp(f.x), -1), alpha), f.x);
}

static Value hardSigmoid(Formula f, double alpha, double beta) {
  return f.clampToUnit(f.add(f.mul(f.x, alpha), beta));
}

static Value leakyRelu(Formula f, double alpha, double) {
  return f.whereNegative(f.mul(f.x, alpha), f.x);
}

static Value selu(Formula f, double alpha, double gamma) {
  return f.mul(elu(f, alpha, 0), gamma);
}

static Value softsign(Formula f, double, double) {
  return f.node.div(f.x, f.add(f.node.create<nn::AbsOp>(f.x), 1));
}

static Value thresholdedRelu(Formula f, double alpha, double) {
  Value above = f.node.create<nn::GreaterOp>(f.x, f.number(alpha));
  return f.node.select(above, f.x, f.number(0));
}

template <typename OpT> static Value plain(Formula f, double, double) {
  return f.node.create<OpT>(f.x);
}

namespace {

/// A function of ONNX with the attributes that it takes.
struct Activation {
  struct Parameter {
    const char *name;
    float value;
  };
  const char *op;
  Value (*apply)(Formula, double, double);
  Parameter first = {nullptr, 0};
  Parameter second = {nullptr, 0};
};

} // namespace

static constexpr float largest = std::numeric_limits<float>::max();
static constexpr Activation activations[] = {
    {"Clip", clip, {"min", -largest}, {"max", largest}},
    {"Elu", elu, {"alpha", 1}},
    {"HardSigmoid", hardSigmoid, {"alpha", 0.2f}, {"beta", 0.5f}},
    {"LeakyRelu", leakyRelu, {"alpha", 0.01f}},
    {"Relu", plain<nn::ReluOp>},
    {"Selu",
     selu,
     {"alpha", 1.67326319217681884765625f},
     {"gamma", 1.05070102214813232421875f}},
    {"Sigmoid", plain<nn::SigmoidOp>},
    {"Softplus", plain<nn::SoftplusOp>},
    {"Softsign", softsign},
    {"Tanh", plain<nn::TanhOp>},
    {"ThresholdedRelu", thresholdedRelu, {"alpha", 1}},
};

static const Activation *findActivation(StringRef op) {
  const auto *it = llvm::find_if(
      activations, [&](const Activation &entry) { return op == entry.op; });
  return it == std::end(activations) ? nullptr : it;
}

Value nncc::onnx::activate(Node &node, Value x, StringRef name,
                           ArrayRef<float> parameters) {
  if (!x || name.empty())
    return x;
  const Activation *activation = findActivation(name);
  if (!activation)
    return node.failValue("the activation '" + name + "' is unknown");
  auto parameter = [&](size_t index, const Activation::Parameter &otherwise) {
    return index < parameters.size() ? parameters[index] : otherwise.value;
  };
  return activation->apply(Formula(node, x), parameter(0, activation->first),
                           parameter(1, activation->second));
}

/// A node that is one of these functions.
static LogicalResult convertActivation(Node &node) {
  const Activation *activation = findActivation(node.getOpType());
  auto parameter = [&](const Activation::Parameter &given) {
    return given.name ? node.getFloat(given.name, given.value) : 0;
  };
  double first = parameter(activation->first);
  double second = parameter(activation->second);
  return node.result(activation->apply(Formula(node), first, second));
}

static LogicalResult convertPRelu(Node &node) {
  Formula f(node);
  return node.result(f.whereNegative(node.mul(f.x, node.in(1)), f.x));
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

/// A function of all elements along an axis.
using AlongAxis = Value (*)(Node &node, Value x, int64_t axis);

template <typename OpT>
static Value alongAxis(Node &node, Value x, int64_t axis) {
  return node.create<OpT>(x, axis);
}

/// 1 at the first maximum, else 0.
static Value hardmax(Node &node, Value x, int64_t axis) {
  Type type = Node::elementType(x);
  Value best = node.create<nn::ArgMaxOp>(x, axis, false, false);
  Value values =
      node.concat({node.reshape(node.constant(0, type), node.dim(1)),
                   node.reshape(node.constant(1, type), node.dim(1))},
                  0);
  return node.create<nn::OneHotOp>(best, values, node.map(Node::dims(x)[axis]),
                                   axis);
}

template <AlongAxis apply> static LogicalResult softmax(Node &node) {
  Value x = node.in(0);
  auto axis = node.axis(node.getInt("axis", -1), Node::rank(x));
  if (!axis)
    return failure();
  return node.result(apply(node, x, *axis));
}

/// Before opset 13 all dimensions from the axis on are one.
template <AlongAxis apply> static LogicalResult flatSoftmax(Node &node) {
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
    return node.result(apply(node, x, *axis));
  Dims flat(dims.begin(), dims.begin() + *axis);
  flat.push_back(
      nn::getProduct(ArrayRef(dims).drop_front(*axis), node.getContext()));
  Value value = apply(node, node.reshape(x, flat), *axis);
  return node.result(node.reshape(value, dims));
}

static constexpr const char *microsoft = "com.microsoft";
static const Row rows[] = {
    {"BiasGelu", 1, 2, 2, convertBiasGelu, microsoft},
    {"Celu", 12, 1, 1, convertCelu},
    {"Elu", 1, 1, 1, convertActivation},
    {"FastGelu", 1, 1, 2, convertBiasGelu, microsoft},
    {"Gelu", 20, 1, 1, convertGelu},
    {"Gelu", 1, 1, 1, convertGelu, microsoft},
    {"GemmFastGelu", 1, 2, 3, convertGemmFastGelu, microsoft},
    {"HardSigmoid", 1, 1, 1, convertActivation},
    {"HardSwish", 14, 1, 1, convertHardSwish},
    {"Hardmax", 1, 1, 1, flatSoftmax<hardmax>},
    {"Hardmax", 13, 1, 1, softmax<hardmax>},
    {"LeakyRelu", 1, 1, 1, convertActivation},
    {"LogSoftmax", 1, 1, 1, flatSoftmax<alongAxis<nn::LogSoftmaxOp>>},
    {"LogSoftmax", 13, 1, 1, softmax<alongAxis<nn::LogSoftmaxOp>>},
    {"Mish", 18, 1, 1, convertMish},
    {"PRelu", 7, 2, 2, convertPRelu},
    {"QuickGelu", 1, 1, 1, convertSwish, microsoft},
    {"Selu", 1, 1, 1, convertActivation},
    {"Shrink", 9, 1, 1, convertShrink},
    {"Softmax", 1, 1, 1, flatSoftmax<alongAxis<nn::SoftmaxOp>>},
    {"Softmax", 13, 1, 1, softmax<alongAxis<nn::SoftmaxOp>>},
    {"Softsign", 1, 1, 1, convertActivation},
    {"SwiGLU", 28, 2, 2, convertSwiGLU},
    {"Swish", 24, 1, 1, convertSwish},
    {"ThresholdedRelu", 10, 1, 1, convertActivation},
};

ArrayRef<Row> nncc::onnx::getActivationRows() { return rows; }
