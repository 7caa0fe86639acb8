//===- TfIdf.cpp - counts of sequences of numbers ---------------*- C++ -*-===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "frontends/onnx/OnnxToNN/Node.h"
#include "frontends/onnx/OnnxToNN/Rows.h"
#include "nncc/Dialect/NN/NN.h"

#include <limits>

using namespace mlir;
using namespace nncc::onnx;
namespace nn = nncc::nn;

namespace {

/// The sequences of one length, and the columns in which they are counted.
struct Sequences {
  int64_t length;
  Ints numbers; ///< one sequence after another
  Ints columns;
};

/// Counts how often the sequences occur in lines [lines, length] of i64.
class SequenceCounter {
public:
  explicit SequenceCounter(Node &node) : node(node) {}

  bool read();
  Value count(Value lines);
  Value weigh(Value counts);

private:
  Value countAt(Value lines, const Sequences &sequences, int64_t distance);

  Node &node;
  SmallVector<Sequences> pool;
  int64_t shortest = 1, longest = 1, skips = 0, width = 0;
};

} // namespace

bool SequenceCounter::read() {
  auto numbers = node.getInts("pool_int64s");
  Ints starts = node.getInts("ngram_counts").value_or(Ints());
  Ints columns = node.getInts("ngram_indexes").value_or(Ints());
  shortest = node.getInt("min_gram_length", 1);
  longest = node.getInt("max_gram_length", 1);
  skips = node.getInt("max_skip_count", 0);
  if (!numbers || shortest < 1 || longest < shortest || skips < 0 ||
      longest > 64 || skips > 64)
    return succeeded(node.fail("needs a pool of numbers, lengths of 1 to 64 "
                               "and at most 64 skips"));
  size_t next = 0;
  for (auto [i, start] : llvm::enumerate(starts)) {
    int64_t length = static_cast<int64_t>(i) + 1;
    int64_t all = numbers->size();
    int64_t end = i + 1 < starts.size() ? starts[i + 1] : all;
    if (start < 0 || end < start || end > all || (end - start) % length)
      return succeeded(node.fail("ngram_counts does not fit the pool"));
    size_t count = (end - start) / length;
    if (next + count > columns.size())
      return succeeded(node.fail("ngram_indexes does not fit the pool"));
    auto first = columns.begin() + next;
    pool.push_back({length,
                    Ints(numbers->begin() + start, numbers->begin() + end),
                    Ints(first, first + count)});
    next += count;
  }
  for (int64_t column : columns)
    if (column < 0 || column > (1 << 24))
      return succeeded(node.fail("ngram_indexes is out of range"));
    else
      width = std::max(width, column + 1);
  return true;
}

/// Of sequences whose numbers are `distance` apart: [lines, sequences] of f32.
Value SequenceCounter::countAt(Value lines, const Sequences &sequences,
                               int64_t distance) {
  if (!lines)
    return lines;
  Type i64 = node.getBuilder().getI64Type();
  AffineExpr one = node.dim(1), length = Node::dims(lines)[1];
  int64_t count = sequences.columns.size();
  Value table =
      node.reshape(node.constant(ArrayRef<int64_t>(sequences.numbers)),
                   node.dims({count, sequences.length}));
  // What is not in the line is in no sequence.
  int64_t reach = (sequences.length - 1) * distance;
  Dims low = node.dims({0, 0}), high = node.dims({0, reach});
  Value padded = lines;
  if (reach > 0)
    padded = node.create<nn::PadOp>(
        lines, node.map(low), node.map(high), nn::PadMode::Constant,
        IntegerAttr::get(i64, std::numeric_limits<int64_t>::min()));
  Value isFound;
  for (int64_t i = 0; i < sequences.length; ++i) {
    Value at = node.slice(padded, 1, node.dim(i * distance), length);
    Value number = node.slice(table, 1, node.dim(i), one);
    Value isSame = node.create<nn::EqualOp>(
        node.reshape(at, {Node::dims(lines)[0], length, one}),
        node.reshape(number, node.dims({1, 1, count})));
    isFound = isFound ? node.create<nn::AndOp>(isFound, isSame) : isSame;
  }
  return node.create<nn::ReduceSumOp>(
      node.cast(isFound, node.getBuilder().getF32Type()), Ints{1},
      /*keepdims=*/false);
}

/// [lines, columns]; a column of no sequence is 0.
Value SequenceCounter::count(Value lines) {
  Type f32 = node.getBuilder().getF32Type();
  Value result = node.broadcast(node.constant(0, f32),
                                {Node::dims(lines)[0], node.dim(width)});
  for (const Sequences &sequences : pool) {
    if (sequences.length < shortest || sequences.length > longest ||
        sequences.columns.empty())
      continue;
    // A single number has no distances.
    int64_t distances = sequences.length == 1 ? 1 : skips + 1;
    Value sum;
    for (int64_t i = 1; i <= distances; ++i) {
      Value part = countAt(lines, sequences, i);
      sum = sum ? node.add(sum, part) : part;
    }
    if (!sum)
      return sum;
    Value at = node.broadcast(
        node.reshape(node.constant(ArrayRef<int64_t>(sequences.columns)),
                     {node.dim(1), Node::dims(sum)[1]}),
        Node::dims(sum));
    result = node.create<nn::ScatterElementsOp>(result, at, sum, 1,
                                                nn::ScatterReduction::Add);
  }
  return result;
}

Value SequenceCounter::weigh(Value counts) {
  std::string mode = node.getString("mode", "TF");
  auto weights = node.getFloats("weights");
  if (mode == "TF" || !counts)
    return counts;
  if (mode != "IDF" && mode != "TFIDF")
    return node.failValue("mode = '" + llvm::Twine(mode) + "' is unknown");
  Type f32 = Node::elementType(counts);
  if (mode == "IDF") {
    Value isFound = node.create<nn::GreaterOp>(counts, node.constant(0, f32));
    counts = node.cast(isFound, f32);
  }
  if (!weights)
    return counts;
  // One a sequence, in the pool's order.
  SmallVector<float> perColumn(width, 1);
  size_t next = 0;
  for (const Sequences &sequences : pool)
    for (int64_t column : sequences.columns)
      if (next < weights->size())
        perColumn[column] = (*weights)[next++];
  return node.mul(counts, node.constant(ArrayRef<float>(perColumn)));
}

static LogicalResult convertTfIdf(Node &node) {
  Value input = node.in(0);
  SequenceCounter counter(node);
  if (!counter.read() || !node.hasRank(0, 1, 2))
    return failure();
  Dims dims = Node::dims(input);
  bool isLine = dims.size() == 1;
  Value lines = node.cast(input, node.getBuilder().getI64Type());
  if (isLine)
    lines = node.reshape(lines, {node.dim(1), dims[0]});
  if (!lines)
    return failure();
  Value result = counter.weigh(counter.count(lines));
  if (result && isLine)
    result = node.reshape(result, {Node::dims(result)[1]});
  return node.result(result);
}

static const Row rows[] = {
    {"TfIdfVectorizer", 9, 1, 1, convertTfIdf, "", "strings"},
};

ArrayRef<Row> nncc::onnx::getTfIdfRows() { return rows; }
