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

namespace {

/// Each class against each other one; the classes vote.
class VectorClassifier {
public:
  explicit VectorClassifier(Node &node) : node(node), kernel(node) {}

  LogicalResult convert();

private:
  bool read();
  Value getPairWeights();
  Value getVotes(Value scores);
  Value getPairProbabilities(Value scores);
  Value couple(Value pairs);
  Value refine(Value chances, Value matrix);
  Value number(double value) {
    return node.constant(value, node.getBuilder().getF32Type());
  }
  Value table(const Floats &values, ArrayRef<int64_t> dims) {
    return node.reshape(node.constant(ArrayRef<float>(values)),
                        node.dims(dims));
  }

  Node &node;
  Kernel kernel;
  Ints labels, supports; ///< of each class
  Floats coefficients, vectors, rho, slopes, offsets;
  SmallVector<std::pair<int64_t, int64_t>> pairs;
};

} // namespace

bool VectorClassifier::read() {
  auto given = readLabels(node, "classlabels_ints", "classlabels_strings");
  auto floats = [&](StringRef name) {
    return node.getFloats(name).value_or(Floats());
  };
  coefficients = floats("coefficients");
  vectors = floats("support_vectors");
  rho = floats("rho");
  slopes = floats("prob_a");
  offsets = floats("prob_b");
  supports = node.getInts("vectors_per_class").value_or(Ints());
  if (!given || !kernel.read())
    return false;
  labels = *given;
  if (node.getString("post_transform", "NONE") != "NONE")
    return succeeded(node.fail("a post_transform is not supported"));
  if (supports.empty())
    return succeeded(node.fail("a linear form, without vectors_per_class, is "
                               "not supported"));
  int64_t classes = labels.size(), all = 0;
  for (int64_t i = 0; i < classes; ++i)
    for (int64_t j = i + 1; j < classes; ++j)
      pairs.push_back({i, j});
  for (int64_t count : supports)
    all += count < 0 ? 1 << 24 : count;
  bool fits =
      classes > 1 && supports.size() == labels.size() && all > 0 &&
      static_cast<int64_t>(coefficients.size()) == all * (classes - 1) &&
      vectors.size() % all == 0 && rho.size() == pairs.size() &&
      (slopes.empty() || slopes.size() == pairs.size()) &&
      slopes.size() == offsets.size();
  return fits || succeeded(node.fail("the attributes do not fit each other"));
}

/// What a support vector counts where two classes are compared: [vectors,
/// pairs].
Value VectorClassifier::getPairWeights() {
  int64_t all = coefficients.size() / (labels.size() - 1);
  int64_t columns = pairs.size();
  Floats weights(all * columns, 0);
  int64_t start = 0;
  for (auto [owner, count] : llvm::enumerate(supports)) {
    for (int64_t vector = start; vector < start + count; ++vector)
      for (auto [column, pair] : llvm::enumerate(pairs)) {
        int64_t own = owner;
        if (own != pair.first && own != pair.second)
          continue;
        int64_t row = own == pair.first ? pair.second - 1 : pair.first;
        weights[vector * columns + column] = coefficients[row * all + vector];
      }
    start += count;
  }
  return table(weights, {all, columns});
}

/// How many comparisons each class has won: [rows, classes].
Value VectorClassifier::getVotes(Value scores) {
  int64_t classes = labels.size(), columns = pairs.size();
  Floats wins(columns * classes, 0), losses = wins;
  for (auto [row, pair] : llvm::enumerate(pairs)) {
    wins[row * classes + pair.first] = 1;
    losses[row * classes + pair.second] = 1;
  }
  Value isFirst = node.cast(node.create<nn::GreaterOp>(scores, number(0)),
                            node.getBuilder().getF32Type());
  Value isSecond = node.sub(number(1), isFirst);
  return node.add(node.matmul(isFirst, table(wins, {columns, classes})),
                  node.matmul(isSecond, table(losses, {columns, classes})));
}

/// [rows, classes, classes]: the probability of a class where it is this or
/// another one.
Value VectorClassifier::getPairProbabilities(Value scores) {
  int64_t classes = labels.size();
  Value line =
      node.add(node.mul(scores, node.constant(ArrayRef<float>(slopes))),
               node.constant(ArrayRef<float>(offsets)));
  Value chance = node.create<nn::SigmoidOp>(node.create<nn::NegOp>(line));
  chance = node.create<nn::ClampOp>(chance, number(1e-7), number(1 - 1e-7));
  Ints columns(classes * classes, 0);
  Floats signs(classes * classes, 0), terms = signs;
  for (auto [column, pair] : llvm::enumerate(pairs)) {
    int64_t upper = pair.first * classes + pair.second;
    int64_t lower = pair.second * classes + pair.first;
    columns[upper] = columns[lower] = column;
    signs[upper] = terms[lower] = 1;
    signs[lower] = -1;
  }
  Value all = node.create<nn::GatherOp>(
      chance, node.constant(ArrayRef<int64_t>(columns)), 1);
  all = node.add(node.mul(all, node.constant(ArrayRef<float>(signs))),
                 node.constant(ArrayRef<float>(terms)));
  return all ? node.reshape(all, {Node::dims(scores)[0], node.dim(classes),
                                  node.dim(classes)})
             : all;
}

/// One round over all classes, for those rows that are not settled.
Value VectorClassifier::refine(Value chances, Value matrix) {
  AffineExpr rows = Node::dims(chances)[0];
  int64_t classes = labels.size();
  auto column = [&](Value value, int64_t which) {
    return node.slice(value, 1, node.dim(which), node.dim(1));
  };
  Value wide = node.reshape(chances, {rows, node.dim(1), node.dim(classes)});
  Value products = node.create<nn::ReduceSumOp>(node.mul(matrix, wide), Ints{2},
                                                /*keepdims=*/false);
  Value total = node.create<nn::ReduceSumOp>(node.mul(chances, products),
                                             Ints{1}, /*keepdims=*/true);
  Value error = node.create<nn::ReduceMaxOp>(
      node.create<nn::AbsOp>(node.sub(products, total)), Ints{1}, true);
  Value isSettled = node.create<nn::LessOp>(
      error, number(0.005 / static_cast<double>(classes)));
  Value next = chances;
  Type i64 = node.getBuilder().getI64Type();
  Value at = node.createTyped<nn::IotaOp>(
      nn::makeTensorType({node.dim(1), node.dim(classes)}, i64), 1);
  for (int64_t i = 0; i < classes; ++i) {
    Value line = node.reshape(node.slice(matrix, 1, node.dim(i), node.dim(1)),
                              {rows, node.dim(classes)});
    Value diagonal = column(line, i), own = column(products, i);
    Value change = node.div(node.sub(total, own), diagonal);
    Value scale = node.add(change, number(1));
    Value isOwn = node.create<nn::EqualOp>(
        at, node.constant(static_cast<double>(i), i64));
    next =
        node.div(node.add(next, node.select(isOwn, change, number(0))), scale);
    Value growth =
        node.add(node.mul(change, diagonal), node.mul(own, number(2)));
    total = node.div(node.div(node.add(total, node.mul(change, growth)), scale),
                     scale);
    products = node.div(node.add(products, node.mul(change, line)), scale);
  }
  return node.select(isSettled, chances, next);
}

/// The probabilities of the classes that fit those of the pairs best, found as
/// Wu, Lin and Weng do (2004).
Value VectorClassifier::couple(Value pairs) {
  if (!pairs)
    return pairs;
  Dims dims = Node::dims(pairs);
  double classes = static_cast<double>(labels.size());
  Type i64 = node.getBuilder().getI64Type();
  auto position = [&](int64_t axis) {
    return node.createTyped<nn::IotaOp>(
        nn::makeTensorType({node.dim(1), dims[1], dims[2]}, i64), axis);
  };
  Value isDiagonal = node.create<nn::EqualOp>(position(1), position(2));
  Value squares = node.create<nn::ReduceSumOp>(node.mul(pairs, pairs), Ints{1},
                                               /*keepdims=*/true);
  Value products = node.mul(pairs, node.transpose(pairs, {0, 2, 1}));
  Value matrix =
      node.select(isDiagonal, squares, node.create<nn::NegOp>(products));
  Value even = node.broadcast(number(1 / classes), {dims[0], dims[1]});
  constexpr int64_t mostRounds = 100;
  SmallVector<Value> last =
      node.loop(node.dim(mostRounds), {even}, [&](Value, ValueRange states) {
        return SmallVector<Value>{refine(states[0], matrix)};
      });
  return last.empty() ? Value() : last[0];
}

LogicalResult VectorClassifier::convert() {
  Value rows = getRows(node, node.in(0));
  if (!rows || !read())
    return failure();
  int64_t all = coefficients.size() / (labels.size() - 1);
  int64_t features = vectors.size() / all;
  if (nn::getConstantValue(Node::dims(rows)[1]) != features)
    return node.fail("the support vectors do not fit the features");
  Value x = node.cast(rows, node.getBuilder().getF32Type());
  Value similar = kernel.apply(x, table(vectors, {all, features}));
  Value scores = node.add(node.matmul(similar, getPairWeights()),
                          node.constant(ArrayRef<float>(rho)));
  Value label = getBestLabel(node, getVotes(scores), labels);
  if (!slopes.empty())
    return node.results({label, couple(getPairProbabilities(scores))});
  if (labels.size() == 2)
    scores = node.concat({node.create<nn::NegOp>(scores), scores}, 1);
  return node.results({label, scores});
}

static LogicalResult convertClassifier(Node &node) {
  return VectorClassifier(node).convert();
}

static const Row rows[] = {
    {"SVMClassifier", 1, 1, 1, convertClassifier, "ai.onnx.ml",
     "a post_transform; linear forms; labels that are strings: their numbers "
     "stand for them"},
    {"SVMRegressor", 1, 1, 1, convertRegressor, "ai.onnx.ml",
     "a post_transform"},
};

ArrayRef<Row> nncc::onnx::getSupportVectorRows() { return rows; }
