//===- OnnxToNN/AttentionOps.cpp - attention and rotary embedding ---------===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "frontends/onnx/OnnxToNN/Attention.h"
#include "frontends/onnx/OnnxToNN/Converter.h"
#include "frontends/onnx/OnnxToNN/Halves.h"
#include "frontends/onnx/OnnxToNN/Rows.h"
#include "nncc/Dialect/NN/NN.h"

using namespace mlir;
using namespace nncc;
using namespace nncc::onnx;

/// What lies in the cache, followed by what is new.
static Value appendTo(Node &node, Value past, Value value) {
  return past && value ? node.concat({past, value}, 2) : value;
}

//===----------------------------------------------------------------------===//
// ai.onnx
//===----------------------------------------------------------------------===//

/// An operand as heads: [batch, heads, length, size].
static Value asHeads(Node &node, Value value, StringRef headsAttr) {
  int64_t heads = node.getInt(headsAttr, 0);
  return Node::rank(value) == 3 ? splitHeads(node, value, heads) : value;
}

/// A mask may be shorter than the keys: what it lacks is masked.
static Value padMask(Node &node, Value mask, AffineExpr total) {
  Dims dims = Node::dims(mask);
  if (dims.back() == total)
    return mask;
  Type type = Node::elementType(mask);
  Dims missing = dims;
  missing.back() = total - dims.back();
  Value border = node.constant(
      type.isInteger(1) ? 0 : -std::numeric_limits<float>::infinity(), type);
  return node.concat({mask, node.broadcast(border, missing)}, dims.size() - 1);
}

static void applyMask(Node &node, Attention &attention, Value mask,
                      AffineExpr total) {
  if (!mask)
    return;
  if (Node::rank(mask) == 0)
    return (void)node.fail("the mask must have dimensions");
  mask = padMask(node, mask, total);
  if (mask && Node::elementType(mask).isInteger(1))
    attention.keep = both(node, attention.keep, mask);
  else
    attention.bias = mask;
}

/// What the last output shows of the scores.
static Value getScores(Node &node, const Attention &attention,
                       const AttentionValues &values, int64_t mode) {
  if (!node.isUsed(3))
    return Value();
  if (mode < 0 || mode > 3)
    return node.failValue("qk_matmul_output_mode must be 0 to 3");
  Value stages[] = {values.scores, values.capped, values.masked,
                    values.probabilities};
  if (mode != 2 || !attention.keep || !values.masked)
    return stages[mode];
  Value none = node.constant(-std::numeric_limits<double>::infinity(),
                             Node::elementType(values.masked));
  return node.select(attention.keep, values.masked, none);
}

static LogicalResult convertAttention(Node &node) {
  Attention attention;
  bool joined = Node::rank(node.in(0)) == 3;
  attention.query = asHeads(node, node.in(0), "q_num_heads");
  Value key = asHeads(node, node.in(1), "kv_num_heads");
  Value value = asHeads(node, node.in(2), "kv_num_heads");
  attention.key = appendTo(node, node.in(4), key);
  attention.value = appendTo(node, node.in(5), value);
  attention.scale = node.getFloat("scale", 0);
  attention.softcap = node.getFloat("softcap", 0);
  (void)node.getInt("softmax_precision", 1); // never less than f32
  if (failed(checkHeads(node, attention)))
    return failure();
  AffineExpr length = Node::dims(attention.query)[2];
  AffineExpr total = Node::dims(attention.key)[2];
  AffineExpr past = node.in(4) ? Node::dims(node.in(4))[2] : node.dim(0);
  Value offset = sizeValue(node, past);
  if (Value valid = node.in(6)) {
    Type i64 = node.getBuilder().getI64Type();
    AffineExpr one = node.dim(1);
    valid = node.reshape(node.cast(valid, i64),
                         {Node::dims(attention.query)[0], one, one, one});
    attention.keep = node.create<nn::LessOp>(countTo(node, total, i64), valid);
    offset = node.sub(valid, sizeValue(node, length));
  }
  attention.keep = both(node, attention.keep,
                        keepWindow(node, length, total, offset,
                                   node.getInt("left_window_size", -1),
                                   node.getInt("right_window_size", -1)));
  if (node.getInt("is_causal", 0))
    attention.keep = both(node, attention.keep,
                          keepWindow(node, length, total, offset, -1, 0));
  applyMask(node, attention, node.in(3), total);
  AttentionValues values = attend(node, attention);
  Value output = joined ? mergeHeads(node, values.output) : values.output;
  int64_t mode = node.getInt("qk_matmul_output_mode", 0);
  return node.results({output, attention.key, attention.value,
                       getScores(node, attention, values, mode)});
}

/// Angles of the positions: [batch or 1, length, pairs].
static Value getAngles(Node &node, Value cache, Value positions) {
  return positions ? node.create<nn::GatherOp>(cache, positions, 0) : cache;
}

/// Rotates [batch, length, hidden] or [batch, heads, length, size].
static LogicalResult rotateOperand(Node &node, Value cos, Value sin,
                                   bool interleaved) {
  Value input = node.in(0);
  int64_t heads = node.getInt("num_heads", 0);
  (void)node.getInt("rotary_embedding_dim", 0); // the caches say it
  bool joined = Node::rank(input) == 3;
  if (joined && heads == 0)
    return node.fail("num_heads must be given for an input of 3 dimensions");
  Value value = joined ? splitHeads(node, input, heads) : input;
  Value result = rotate(node, value, cos, sin, interleaved);
  return node.result(joined ? mergeHeads(node, result) : result);
}

static LogicalResult convertRotaryEmbedding(Node &node) {
  bool interleaved = node.getInt("interleaved", 0) != 0;
  return rotateOperand(node, getAngles(node, node.in(1), node.in(3)),
                       getAngles(node, node.in(2), node.in(3)), interleaved);
}

//===----------------------------------------------------------------------===//
// FlexAttention
//===----------------------------------------------------------------------===//

/// What a subgraph makes of scores or probabilities, of which it takes f32, or
/// f64 where the operands are; empty where there is none.
static std::function<Value(Value)> readModifier(Node &node, StringRef name) {
  Region *body = node.getBody(name);
  if (!body || body->getNumArguments() != 1)
    return {};
  return [&node, body](Value value) {
    if (!value)
      return Value();
    Type type = Node::elementType(value);
    Type f32 = node.getBuilder().getF32Type();
    Value wide = node.cast(value, type.isF64() ? type : f32);
    SmallVector<Value> results = node.getConverter().inlineBody(*body, wide);
    return results.size() == 1 ? node.cast(unwrapHalves(results[0]), type)
                               : Value();
  };
}

static LogicalResult convertFlexAttention(Node &node) {
  Attention attention;
  attention.query = node.in(0);
  attention.key = node.in(1);
  attention.value = node.in(2);
  attention.scale = node.getFloat("scale", 0);
  (void)node.getInt("softmax_precision", 1); // never less than f32
  attention.changeScores = readModifier(node, "score_mod");
  attention.changeProbabilities = readModifier(node, "prob_mod");
  return node.result(attend(node, attention).output);
}

static const Row rows[] = {
    {"Attention", 23, 3, 7, convertAttention},
    {"FlexAttention", 1, 3, 3, convertFlexAttention, "ai.onnx.preview"},
    {"RotaryEmbedding", 23, 3, 4, convertRotaryEmbedding},
};

ArrayRef<Row> nncc::onnx::getAttentionRows() { return rows; }
