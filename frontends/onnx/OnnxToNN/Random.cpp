//===- OnnxToNN/Random.cpp - random numbers ---------------------*- C++ -*-===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Each number is a hash of its position and the node's seed, so that all can be
// computed at once: a run gives the same numbers as the one before. The hash is
// the finalizer of MurmurHash3 (Austin Appleby, public domain), twice.
//
//===----------------------------------------------------------------------===//

#include "frontends/onnx/OnnxToNN/Node.h"
#include "frontends/onnx/OnnxToNN/Rows.h"
#include "frontends/onnx/Types.h"
#include "nncc/Dialect/NN/NN.h"

#include "llvm/Support/xxhash.h"

using namespace mlir;
using namespace nncc::onnx;
namespace nn = nncc::nn;

namespace {

class Generator {
public:
  Generator(Node &node, ArrayRef<AffineExpr> dims);

  /// f32 in [0, 1); each stream is a sequence of its own.
  Value uniform(uint32_t stream);
  /// f32 of mean 0 and deviation 1.
  Value normal();

private:
  Value number(uint32_t value) { return node.constant(double(value), u32); }
  Value shift(Value x, uint32_t bits) {
    return node.create<nn::ShiftRightOp>(x, number(bits));
  }
  Value mix(Value x);

  Node &node;
  Dims dims;
  Type u32, f32;
  uint32_t seed;
};

} // namespace

Generator::Generator(Node &node, ArrayRef<AffineExpr> dims)
    : node(node), dims(dims),
      u32(IntegerType::get(node.getContext(), 32, IntegerType::Unsigned)),
      f32(node.getBuilder().getF32Type()) {
  std::string text = std::to_string(node.getFloat("seed", 0));
  // Nodes without a seed differ by their names.
  if (!node.hasAttr("seed"))
    llvm::raw_string_ostream(text) << node.getLoc();
  seed = static_cast<uint32_t>(llvm::xxh3_64bits(text));
}

Value Generator::mix(Value x) {
  x = node.create<nn::XorOp>(x, shift(x, 16));
  x = node.mul(x, number(0x85ebca6b));
  x = node.create<nn::XorOp>(x, shift(x, 13));
  x = node.mul(x, number(0xc2b2ae35));
  return node.create<nn::XorOp>(x, shift(x, 16));
}

Value Generator::uniform(uint32_t stream) {
  AffineExpr total = nn::getProduct(dims, node.getContext());
  Value at = node.createTyped<nn::IotaOp>(nn::makeTensorType(total, u32), 0);
  Value bits = mix(node.add(mix(node.add(at, number(seed))), number(stream)));
  // As many bits as a float has.
  Value unit = node.mul(node.cast(shift(bits, 8), f32),
                        node.constant(1.0 / (1 << 24), f32));
  return node.reshape(unit, dims);
}

/// By Box and Muller.
Value Generator::normal() {
  auto constant = [&](double value) { return node.constant(value, f32); };
  Value positive = node.sub(constant(1), uniform(1));
  Value radius = node.create<nn::SqrtOp>(
      node.mul(node.create<nn::LogOp>(positive), constant(-2)));
  Value angle = node.mul(uniform(2), constant(6.283185307179586));
  return node.mul(radius, node.create<nn::CosOp>(angle));
}

/// The element type that the attribute dtype says.
static Type readType(Node &node, Type otherwise) {
  if (!node.hasAttr("dtype"))
    return otherwise;
  Type type = getElementType(static_cast<int32_t>(node.getInt("dtype", 1)),
                             node.getContext());
  if (!type)
    (void)node.fail("the attribute 'dtype' names a type that is not supported");
  node.setType(0, type);
  return type;
}

/// The input's sizes, or those of the attribute shape.
static std::optional<Dims> readDims(Node &node) {
  if (node.in(0))
    return Node::dims(node.in(0));
  auto shape = node.getInts("shape");
  if (shape)
    return node.dims(*shape);
  (void)node.fail("the attribute 'shape' is missing");
  return std::nullopt;
}

/// first + unit * second, where attributes say the two.
static LogicalResult scale(Node &node, Value unit, double first,
                           double second) {
  Type f32 = node.getBuilder().getF32Type();
  Type type = readType(node, node.in(0) ? Node::elementType(node.in(0)) : f32);
  if (!type)
    return failure();
  if (!isa<FloatType>(type))
    return node.fail("random numbers are floats; dtype says otherwise");
  Value scaled = node.add(node.mul(unit, node.constant(second, f32)),
                          node.constant(first, f32));
  return node.result(node.cast(scaled, type));
}

static LogicalResult convertUniform(Node &node) {
  auto dims = readDims(node);
  double low = node.getFloat("low", 0), high = node.getFloat("high", 1);
  return dims ? scale(node, Generator(node, *dims).uniform(0), low, high - low)
              : failure();
}

static LogicalResult convertNormal(Node &node) {
  auto dims = readDims(node);
  double mean = node.getFloat("mean", 0), deviation = node.getFloat("scale", 1);
  return dims ? scale(node, Generator(node, *dims).normal(), mean, deviation)
              : failure();
}

static LogicalResult convertBernoulli(Node &node) {
  Value input = node.in(0);
  Type type = readType(node, Node::elementType(input));
  if (!type)
    return failure();
  Value drawn = Generator(node, Node::dims(input)).uniform(0);
  Value chance = node.cast(input, node.getBuilder().getF32Type());
  return node.result(node.cast(node.create<nn::LessOp>(drawn, chance), type));
}

/// Draws classes of the odds exp(input), [batch, classes]: the greatest sum of
/// logarithm and Gumbel noise.
static LogicalResult convertMultinomial(Node &node) {
  Value input = node.in(0);
  Type f32 = node.getBuilder().getF32Type();
  Type type = readType(node, node.getBuilder().getI32Type());
  if (Node::rank(input) != 2 || !type)
    return node.fail("the input must be of rank 2");
  Dims dims = Node::dims(input);
  AffineExpr samples = node.dim(node.getInt("sample_size", 1));
  Value unit = Generator(node, {dims[0], samples, dims[1]}).uniform(0);
  Value inside = node.add(unit, node.constant(1.0 / (1 << 25), f32));
  Value noise = node.create<nn::NegOp>(node.create<nn::LogOp>(
      node.create<nn::NegOp>(node.create<nn::LogOp>(inside))));
  Value odds =
      node.reshape(node.cast(input, f32), {dims[0], node.dim(1), dims[1]});
  Value best =
      node.create<nn::ArgMaxOp>(node.add(noise, odds), 2, false, false);
  return node.result(node.cast(best, type));
}

static const Row rows[] = {
    {"Bernoulli", 15, 1, 1, convertBernoulli},
    {"Multinomial", 7, 1, 1, convertMultinomial},
    {"RandomNormal", 1, 0, 0, convertNormal},
    {"RandomNormalLike", 1, 1, 1, convertNormal},
    {"RandomUniform", 1, 0, 0, convertUniform},
    {"RandomUniformLike", 1, 1, 1, convertUniform},
};

ArrayRef<Row> nncc::onnx::getRandomRows() { return rows; }
