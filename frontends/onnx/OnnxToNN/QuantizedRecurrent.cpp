//===- OnnxToNN/QuantizedRecurrent.cpp - LSTM with integers -----*- C++ -*-===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "frontends/onnx/OnnxToNN/Quantization.h"
#include "frontends/onnx/OnnxToNN/Rows.h"
#include "nncc/Dialect/NN/NN.h"

using namespace mlir;
using namespace nncc::onnx;
namespace nn = nncc::nn;

namespace {

/// One direction of the layer. T: steps, N: batch, H: hidden size.
struct Direction {
  QuantizedValue weights;    ///< [I, 4 * H]
  QuantizedValue recurrence; ///< [H, 4 * H]
  Value bias;                ///< [4 * H], null without one
  Value initialH, initialC;  ///< [N, H]
  bool isReversed;
};

} // namespace

/// `value`[index] of one entry a direction; null stays null.
static Value pick(Node &node, Value value, int64_t index) {
  if (!value)
    return Value();
  Dims dims = Node::dims(value);
  dims.erase(dims.begin());
  return node.reshape(node.slice(value, 0, node.dim(index), node.dim(1)), dims);
}

static QuantizedValue pickWeights(Node &node, unsigned weights, unsigned scale,
                                  int64_t index) {
  return {pick(node, node.in(weights), index),
          pick(node, node.in(scale), index),
          pick(node, node.in(scale + 1), index)};
}

/// value * weights, where `value` is quantised by its own range.
static Value multiply(Node &node, Value value, const QuantizedValue &weights) {
  QuantizedValue left = quantizeDynamically(node, value);
  return node.matmul(
      dequantize(node, left.value, left.scale, left.zeroPoint),
      dequantize(node, weights.value, weights.scale, weights.zeroPoint));
}

static Value clip(Node &node, Value value, double bound) {
  if (bound <= 0)
    return value;
  Type type = Node::elementType(value);
  return node.create<nn::ClampOp>(value, node.constant(-bound, type),
                                  node.constant(bound, type));
}

/// A step: the next h and c, both [N, H], from the input's part of the gates
/// [N, 4 * H], which are in the order i, o, f, c.
static SmallVector<Value> step(Node &node, const Direction &layer, Value gates,
                               Value h, Value c, double bound) {
  AffineExpr hidden = Node::dims(h)[1];
  gates = node.add(gates, multiply(node, h, layer.recurrence));
  auto gate = [&](int64_t which) {
    Value part = gates ? node.slice(gates, 1, hidden * which, hidden) : gates;
    return part ? clip(node, part, bound) : part;
  };
  Value input = node.create<nn::SigmoidOp>(gate(0));
  Value output = node.create<nn::SigmoidOp>(gate(1));
  Value forget = node.create<nn::SigmoidOp>(gate(2));
  Value candidate = node.create<nn::TanhOp>(gate(3));
  c = node.add(node.mul(forget, c), node.mul(input, candidate));
  h = node.mul(output, node.create<nn::TanhOp>(c));
  return {h, c, h};
}

/// The last h and c [N, H], and all h [T, N, H]; empty after an error.
static SmallVector<Value> run(Node &node, const Direction &layer,
                              double bound) {
  Value x = node.in(0);
  Value gates = multiply(node, x, layer.weights);
  if (layer.bias)
    gates = node.add(gates, layer.bias);
  if (layer.isReversed)
    gates = node.reverse(gates, 0);
  if (!gates)
    return {};
  SmallVector<Value> results =
      node.loop(Node::dims(x)[0], {layer.initialH, layer.initialC},
                [&](Value index, ValueRange states) {
                  Value now = node.create<nn::GatherOp>(gates, index, 0);
                  return step(node, layer, now, states[0], states[1], bound);
                });
  if (results.size() == 3 && layer.isReversed)
    results[2] = node.reverse(results[2], 0);
  return results;
}

/// [4 * H] of [8 * H]: what is added to the products with the input and with h.
static Value addHalves(Node &node, Value bias) {
  if (!bias)
    return bias;
  AffineExpr half = nn::simplify(Node::dims(bias)[0].floorDiv(2));
  return node.add(node.slice(bias, 0, node.dim(0), half),
                  node.slice(bias, 0, half, half));
}

/// What of LSTM is not there.
static LogicalResult checkAttributes(Node &node) {
  for (const std::string &name : node.getStrings("activations"))
    if (StringRef(name).lower() != "sigmoid" &&
        StringRef(name).lower() != "tanh")
      return node.fail("the activation '" + name + "' is not supported");
  if (node.getInt("input_forget", 0) != 0)
    return node.fail("input_forget is not supported");
  if (node.in(4) || node.in(7))
    return node.fail("sequence_lens and peepholes are not supported");
  if (!node.in(8) || !node.in(10))
    return node.fail("the scales of W and R are missing");
  for (unsigned i = 0; i < 3; ++i)
    if (Node::rank(node.in(i)) != 3)
      return node.fail("X, W and R must be of rank 3");
  (void)node.getInt("hidden_size", 0);
  return success();
}

/// An LSTM whose products are of integers: weights [D, I, 4 * H] of 8 bits, and
/// what they are multiplied with quantised by its range, X as a whole and h at
/// each step.
static LogicalResult convertDynamicQuantizeLSTM(Node &node) {
  std::string direction = node.getString("direction", "forward");
  double bound = node.getFloat("clip", 0);
  if (failed(checkAttributes(node)))
    return failure();
  Value x = node.in(0);
  Dims dims = Node::dims(x), state{dims[1], Node::dims(node.in(2))[1]};
  int64_t directions = direction == "bidirectional" ? 2 : 1;
  Value zero = node.broadcast(node.constant(0, Node::elementType(x)), state);
  SmallVector<Value> ys, hs, cs;
  for (int64_t i = 0; i < directions; ++i) {
    Value h = pick(node, node.in(5), i), c = pick(node, node.in(6), i);
    Direction layer{pickWeights(node, 1, 8, i),
                    pickWeights(node, 2, 10, i),
                    addHalves(node, pick(node, node.in(3), i)),
                    h ? h : zero,
                    c ? c : zero,
                    direction == "reverse" || i == 1};
    SmallVector<Value> results = run(node, layer, bound);
    if (results.size() != 3)
      return failure();
    Dims one{node.dim(1), state[0], state[1]};
    hs.push_back(node.reshape(results[0], one));
    cs.push_back(node.reshape(results[1], one));
    one.insert(one.begin(), dims[0]);
    ys.push_back(node.reshape(results[2], one));
  }
  return node.results(
      {node.concat(ys, 1), node.concat(hs, 0), node.concat(cs, 0)});
}

static const Row rows[] = {
    {"DynamicQuantizeLSTM", 1, 3, 12, convertDynamicQuantizeLSTM,
     "com.microsoft",
     "sequence_lens, peepholes, input_forget, other activations"},
};

ArrayRef<Row> nncc::onnx::getQuantizedRecurrentRows() { return rows; }
