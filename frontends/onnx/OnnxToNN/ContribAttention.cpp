//===- OnnxToNN/ContribAttention.cpp - attention of com.microsoft ---------===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "frontends/onnx/OnnxToNN/Attention.h"
#include "frontends/onnx/OnnxToNN/Quantization.h"
#include "frontends/onnx/OnnxToNN/Rows.h"
#include "nncc/Dialect/NN/NN.h"

using namespace mlir;
using namespace nncc;
using namespace nncc::onnx;

/// Parts of the last axis, of the given sizes.
static SmallVector<Value> splitLast(Node &node, Value value,
                                    ArrayRef<int64_t> sizes) {
  SmallVector<Value> parts;
  int64_t start = 0;
  for (int64_t size : sizes) {
    parts.push_back(value ? node.slice(value, Node::rank(value) - 1,
                                       node.dim(start), node.dim(size))
                          : Value());
    start += size;
  }
  return parts;
}

/// Whether keys count, [batch, 1, 1, total], where a batch has its first so
/// many, or those between two positions: [batch], or the ends, then the starts.
static Value keepKeys(Node &node, Value bounds, AffineExpr batch,
                      AffineExpr total) {
  AffineExpr one = node.dim(1);
  auto bound = [&](AffineExpr start) {
    return node.reshape(node.slice(bounds, 0, start, batch),
                        {batch, one, one, one});
  };
  Value at = countTo(node, total, Node::elementType(bounds));
  Value keep = node.create<nn::LessOp>(at, bound(node.dim(0)));
  if (Node::dims(bounds)[0] == batch)
    return keep;
  return both(node, keep, node.create<nn::GreaterEqualOp>(at, bound(batch)));
}

/// `filter` where the key is padding, else 0; [batch, 1, length or 1, total].
/// The mask is 0 for padding, or has a batch's bounds. One of 4 dimensions is
/// for all positions there can be, of which the last `length` up to the total
/// are the queries'.
static Value getPaddingBias(Node &node, Value mask, AffineExpr batch,
                            AffineExpr length, AffineExpr total, Type type) {
  double filter = node.getFloat("mask_filter_value", -10000);
  if (!mask)
    return Value();
  AffineExpr one = node.dim(1);
  Dims dims = Node::dims(mask);
  Value keep, zero = node.constant(0, Node::elementType(mask));
  if (dims.size() == 1 && (dims[0] == batch || dims[0] == batch * 2)) {
    keep = keepKeys(node, mask, batch, total);
  } else if (dims.size() >= 2 && dims.size() <= 4) {
    if (dims.size() < 4)
      mask = node.reshape(
          mask, {dims[0], one, dims.size() == 3 ? dims[1] : one, dims.back()});
    else
      mask =
          node.slice(node.slice(mask, 2, nn::simplify(total - length), length),
                     3, node.dim(0), total);
    keep = node.create<nn::GreaterOp>(mask, zero);
  } else {
    return node.failValue("a mask of this shape is not supported");
  }
  return node.select(keep, node.constant(0, type), node.constant(filter, type));
}

static Value addMaybe(Node &node, Value a, Value b) {
  return a && b ? node.add(a, b) : a ? a : b;
}

//===----------------------------------------------------------------------===//
// Attention
//===----------------------------------------------------------------------===//

/// Entry 0 (key) or 1 (value) of the cache [2, batch, heads, length, size].
static Value getPast(Node &node, Value past, int64_t which) {
  Dims dims = Node::dims(past);
  return node.reshape(node.slice(past, 0, node.dim(which), node.dim(1)),
                      ArrayRef<AffineExpr>(dims).drop_front());
}

static Value stack(Node &node, Value key, Value value) {
  SmallVector<Value> parts;
  for (Value part : {key, value}) {
    if (!part)
      return Value();
    Dims dims = Node::dims(part);
    dims.insert(dims.begin(), node.dim(1));
    parts.push_back(node.reshape(part, dims));
  }
  return node.concat(parts, 0);
}

/// The hidden sizes of query, key and value.
static std::optional<Ints> getHiddenSizes(Node &node, Value weights) {
  auto sizes = node.getInts("qkv_hidden_sizes");
  std::optional<int64_t> width;
  if (Node::rank(weights) == 2)
    width = nn::getConstantValue(Node::dims(weights)[1]);
  if (!width || (!sizes && *width % 3) ||
      (sizes && (sizes->size() != 3 ||
                 (*sizes)[0] + (*sizes)[1] + (*sizes)[2] != *width))) {
    (void)node.fail("the weights don't fit the hidden sizes");
    return std::nullopt;
  }
  return sizes ? sizes : Ints(3, *width / 3);
}

/// The masks that Attention and MultiHeadAttention have in common. `padding`
/// and `bias` may be null.
static void applyMasks(Node &node, Attention &attention, Value padding,
                       Value bias) {
  bool causal = node.getInt("unidirectional", 0) != 0;
  attention.scale = node.getFloat("scale", 0);
  if (failed(checkHeads(node, attention)))
    return;
  Dims dims = Node::dims(attention.query);
  AffineExpr total = Node::dims(attention.key)[2];
  Type type = Node::elementType(attention.query);
  attention.bias = addMaybe(
      node, getPaddingBias(node, padding, dims[0], dims[2], total, type), bias);
  if (causal)
    attention.keep = keepWindow(node, dims[2], total,
                                sizeValue(node, total - dims[2]), -1, 0);
}

/// The operands of Attention and of QAttention that are alike; null where there
/// is none.
struct ProjectedAttention {
  Value product; ///< query, key and value side by side
  Ints sizes;    ///< their hidden sizes
  Value padding, past, bias;
};

static LogicalResult attendProjected(Node &node,
                                     const ProjectedAttention &operands) {
  int64_t heads = node.getInt("num_heads", 0);
  if (node.getInt("do_rotary", 0) ||
      node.getInt("past_present_share_buffer", 0))
    return node.fail("do_rotary and past_present_share_buffer are not "
                     "supported");
  SmallVector<Value> parts = splitLast(node, operands.product, operands.sizes);
  Attention attention;
  attention.query = splitHeads(node, parts[0], heads);
  attention.key = splitHeads(node, parts[1], heads);
  attention.value = splitHeads(node, parts[2], heads);
  if (Value past = operands.past) {
    if (Node::rank(past) != 5)
      return node.fail("past must have 5 dimensions");
    attention.key = node.concat({getPast(node, past, 0), attention.key}, 2);
    attention.value = node.concat({getPast(node, past, 1), attention.value}, 2);
  }
  applyMasks(node, attention, operands.padding, operands.bias);
  Value output = mergeHeads(node, attend(node, attention).output);
  if (!node.isUsed(1))
    return node.result(output);
  return node.results({output, stack(node, attention.key, attention.value)});
}

static LogicalResult convertAttention(Node &node) {
  auto sizes = getHiddenSizes(node, node.in(1));
  if (!sizes)
    return failure();
  Value product =
      addMaybe(node, node.matmul(node.in(0), node.in(1)), node.in(2));
  return attendProjected(node,
                         {product, *sizes, node.in(3), node.in(4), node.in(5)});
}

/// Attention with a quantised input and quantised weights, whose columns may
/// have scales of their own.
static LogicalResult convertQuantizedAttention(Node &node) {
  auto sizes = getHiddenSizes(node, node.in(1));
  if (!sizes)
    return failure();
  Value x = node.in(0), w = node.in(1);
  Value input = dequantize(node, x, spread(node, node.in(3), x, 0),
                           spread(node, node.in(6), x, 0));
  Value weights = dequantize(node, w, spread(node, node.in(4), w, 1),
                             spread(node, node.in(7), w, 1));
  Value product = node.add(node.matmul(input, weights), node.in(2));
  return attendProjected(node,
                         {product, *sizes, node.in(5), node.in(8), Value()});
}

//===----------------------------------------------------------------------===//
// MultiHeadAttention
//===----------------------------------------------------------------------===//

/// Adds its part of the bias to each operand. Keys and values that are heads
/// already have it.
static LogicalResult addBias(Node &node, Value bias, Value (&operands)[3]) {
  auto hidden = nn::getConstantValue(Node::dims(operands[0])[2]);
  std::optional<int64_t> width;
  if (Node::rank(bias) == 1)
    width = nn::getConstantValue(Node::dims(bias)[0]);
  if (!hidden || !width || *width < 2 * *hidden)
    return node.fail("the bias does not fit the hidden size");
  auto parts = splitLast(node, bias, {*hidden, *hidden, *width - 2 * *hidden});
  for (auto [operand, part] : llvm::zip_equal(operands, parts))
    if (operand && Node::rank(operand) == 3)
      operand = node.add(operand, part);
  return success();
}

/// Splits [batch, length, heads, count, size] into [batch, length, heads *
/// size] each.
static SmallVector<Value> splitPacked(Node &node, Value packed, int64_t count) {
  SmallVector<Value> parts;
  Dims dims = Node::dims(packed);
  for (int64_t i = 0; i < count; ++i)
    parts.push_back(
        node.reshape(node.slice(packed, 3, node.dim(i), node.dim(1)),
                     {dims[0], dims[1], dims[2] * dims[4]}));
  return parts;
}

/// Operands that are packed into one another, apart.
static bool unpack(Node &node, Value (&operands)[3]) {
  auto isPacked = [&](Value value, int64_t count) {
    return value && Node::rank(value) == 5 &&
           nn::getConstantValue(Node::dims(value)[3]) == count;
  };
  if (isPacked(operands[0], 3) && !operands[1] && !operands[2]) {
    auto parts = splitPacked(node, operands[0], 3);
    llvm::copy(parts, operands);
  } else if (isPacked(operands[1], 2) && !operands[2]) {
    auto parts = splitPacked(node, operands[1], 2);
    llvm::copy(parts, operands + 1);
  }
  return operands[0] && operands[1] && operands[2] &&
         Node::rank(operands[0]) == 3;
}

static LogicalResult convertMultiHeadAttention(Node &node) {
  int64_t heads = node.getInt("num_heads", 0);
  Value operands[] = {node.in(0), node.in(1), node.in(2)};
  if (!unpack(node, operands))
    return node.fail("the query must be [batch, length, hidden], or packed "
                     "with the key and the value");
  if (node.in(3) && failed(addBias(node, node.in(3), operands)))
    return failure();
  for (Value &operand : operands)
    if (operand && Node::rank(operand) == 3)
      operand = splitHeads(node, operand, heads);
  Attention attention;
  attention.query = operands[0];
  attention.key = operands[1];
  attention.value = operands[2];
  if (node.in(6) && node.in(7)) {
    attention.key = node.concat({node.in(6), attention.key}, 2);
    attention.value = node.concat({node.in(7), attention.value}, 2);
  }
  applyMasks(node, attention, node.in(4), node.in(5));
  AttentionValues values = attend(node, attention);
  return node.results({mergeHeads(node, values.output), attention.key,
                       attention.value, values.masked});
}

//===----------------------------------------------------------------------===//
// GroupQueryAttention
//===----------------------------------------------------------------------===//

namespace {

/// A block of new positions behind those of a cache. A batch may have fewer
/// than the cache has room for; behind the new ones are zeros.
class CacheUpdate {
public:
  CacheUpdate(Node &node, Value past, Value seqlens, AffineExpr length);

  /// Position of the block's first query: i64 [batch, 1].
  Value getOffset() { return offset; }
  /// The cache with the new rows [batch, heads, length, size] in it.
  Value insert(Value past, Value fresh);

private:
  Value growTo(Value past, AffineExpr total);

  Node &node;
  AffineExpr length, total;
  Value offset;
  bool isEmpty;
};

} // namespace

CacheUpdate::CacheUpdate(Node &node, Value past, Value seqlens,
                         AffineExpr length)
    : node(node), length(length) {
  Type i64 = node.getBuilder().getI64Type();
  AffineExpr room = past ? Node::dims(past)[2] : node.dim(0);
  isEmpty = nn::getConstantValue(room) == 0;
  total = room + length;
  if (auto known = node.in(6) ? nn::symbolicElements(node.in(6)) : std::nullopt;
      known && known->size() == 1)
    total = known->front();
  // seqlens holds the last position of each batch.
  Value last = node.cast(seqlens, i64);
  offset = node.sub(last, sizeValue(node, length - 1));
  offset = node.create<nn::MaxOp>(offset, node.constant(0, i64));
  if (offset)
    offset = node.reshape(offset, {Node::dims(seqlens)[0], node.dim(1)});
}

/// Rows of zeros behind those of the cache.
Value CacheUpdate::growTo(Value past, AffineExpr total) {
  Dims border = Node::dims(past);
  border[2] = total - border[2];
  if (nn::getConstantValue(border[2]) == 0)
    return past;
  Value none = node.constant(0, Node::elementType(past));
  return node.concat({past, node.broadcast(none, border)}, 2);
}

Value CacheUpdate::insert(Value past, Value fresh) {
  if (isEmpty || !past || !fresh)
    return fresh;
  Type i64 = node.getBuilder().getI64Type();
  Dims dims = Node::dims(fresh);
  AffineExpr one = node.dim(1);
  // Of every position of the cache: the number of the new row, or negative.
  Value row = node.sub(countTo(node, total, i64), offset);
  Value zero = node.constant(0, i64), last = sizeValue(node, length - 1);
  Value inside =
      node.create<nn::MinOp>(node.create<nn::MaxOp>(row, zero), last);
  Value rows = node.create<nn::GatherNDOp>(
      node.transpose(fresh, {0, 2, 1, 3}),
      node.reshape(inside, {dims[0], total, one}), 1);
  auto perRow = [&](Value value) {
    return node.reshape(value, {dims[0], one, total, one});
  };
  Value isOld = perRow(node.create<nn::LessOp>(row, zero));
  Value isNew = perRow(node.create<nn::LessEqualOp>(row, last));
  Value none = node.constant(0, Node::elementType(fresh));
  rows = node.select(isNew, node.transpose(rows, {0, 2, 1, 3}), none);
  return node.select(isOld, growTo(past, total), rows);
}

/// Query, key and value as heads; they may be packed into the query.
static LogicalResult readHeads(Node &node, Attention &attention) {
  int64_t heads = node.getInt("num_heads", 0);
  int64_t shared = node.getInt("kv_num_heads", heads);
  Value query = node.in(0), key = node.in(1), value = node.in(2);
  if (heads < 1 || shared < 1 || heads % shared)
    return node.fail("num_heads must be a multiple of kv_num_heads");
  if (!key) {
    std::optional<int64_t> width;
    if (Node::rank(query) == 3)
      width = nn::getConstantValue(Node::dims(query)[2]);
    if (!width || *width % (heads + 2 * shared))
      return node.fail("the hidden size does not fit the number of heads");
    int64_t size = *width / (heads + 2 * shared);
    auto parts =
        splitLast(node, query, {heads * size, shared * size, shared * size});
    query = parts[0], key = parts[1], value = parts[2];
  }
  attention.query = splitHeads(node, query, heads);
  attention.key = splitHeads(node, key, shared);
  attention.value = splitHeads(node, value, shared);
  return success(attention.query && attention.key && attention.value);
}

static LogicalResult convertGroupQueryAttention(Node &node) {
  bool isSmooth = node.getInt("smooth_softmax", 0) != 0;
  // What they ask for are more inputs and outputs, which are refused.
  (void)node.getInt("qk_output", 0);
  (void)node.getString("k_quant_type", "");
  (void)node.getString("v_quant_type", "");
  (void)node.getInt("kv_cache_bit_width", 0);
  if (!node.in(5) || Node::rank(node.in(5)) == 0)
    return node.fail("seqlens_k must be given, one number a batch");
  for (Value past : {node.in(3), node.in(4)})
    if (past && Node::rank(past) != 4)
      return node.fail("the caches must have 4 dimensions");
  Attention attention;
  if (failed(readHeads(node, attention)))
    return failure();
  Dims dims = Node::dims(attention.query);
  CacheUpdate cache(node, node.in(3), node.in(5), dims[2]);
  bool interleaved = node.getInt("rotary_interleaved", 0) != 0;
  if (node.getInt("do_rotary", 0)) {
    Type i64 = node.getBuilder().getI64Type();
    Value positions = node.in(9);
    if (!positions)
      positions = node.add(countTo(node, dims[2], i64), cache.getOffset());
    Value cos = node.create<nn::GatherOp>(node.in(7), positions, 0);
    Value sin = node.create<nn::GatherOp>(node.in(8), positions, 0);
    attention.query = rotate(node, attention.query, cos, sin, interleaved);
    attention.key = rotate(node, attention.key, cos, sin, interleaved);
  }
  attention.key = cache.insert(node.in(3), attention.key);
  attention.value = cache.insert(node.in(4), attention.value);
  if (failed(checkHeads(node, attention)) || !cache.getOffset())
    return failure();
  attention.scale = node.getFloat("scale", 0);
  attention.softcap = node.getFloat("softcap", 0);
  attention.bias = node.in(10);
  attention.sink = node.in(11);
  if (!node.hasRank(11, 1))
    return failure();
  if (isSmooth && !attention.sink)
    attention.sink = node.broadcast(
        node.constant(0, Node::elementType(attention.query)), {dims[1]});
  AffineExpr one = node.dim(1);
  Value offset = node.reshape(cache.getOffset(), {dims[0], one, one, one});
  int64_t window = node.getInt("local_window_size", -1);
  attention.keep = keepWindow(node, dims[2], Node::dims(attention.key)[2],
                              offset, window - 1, 0);
  Value output = mergeHeads(node, attend(node, attention).output);
  return node.results({output, attention.key, attention.value});
}

static constexpr const char *microsoft = "com.microsoft";
static const Row rows[] = {
    {"Attention", 1, 2, 6, convertAttention, microsoft,
     "shared buffers, rotation"},
    {"GroupQueryAttention", 1, 1, 12, convertGroupQueryAttention, microsoft},
    {"MultiHeadAttention", 1, 1, 8, convertMultiHeadAttention, microsoft},
    {"QAttention", 1, 5, 9, convertQuantizedAttention, microsoft,
     "shared buffers, rotation"},
};

ArrayRef<Row> nncc::onnx::getContribAttentionRows() { return rows; }
