//===- OnnxToNN/Einsum.cpp - Einstein sums ----------------------*- C++ -*-===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "frontends/onnx/OnnxToNN/Node.h"
#include "frontends/onnx/OnnxToNN/Rows.h"
#include "nncc/Dialect/NN/NN.h"

#include "llvm/ADT/StringExtras.h"

using namespace mlir;
using namespace nncc::onnx;
namespace nn = nncc::nn;

namespace {

/// A tensor whose dimensions have letters.
struct Term {
  Value value;
  std::string labels;
};

/// An equation with its letters; the dimensions of "..." have digits.
struct Equation {
  SmallVector<std::string> operands;
  std::string result;
};

} // namespace

static bool contains(StringRef labels, char label) {
  return labels.contains(label);
}

/// Replaces "..." by the digits of the dimensions that it stands for.
static bool expandEllipsis(std::string &labels, int64_t count) {
  size_t at = labels.find("...");
  if (at == std::string::npos)
    return labels.find('.') == std::string::npos;
  std::string digits;
  for (int64_t i = count; i > 0; --i)
    digits.push_back(static_cast<char>('0' + i - 1));
  labels.replace(at, 3, digits);
  return labels.find('.') == std::string::npos;
}

/// Without an arrow the result has the letters that occur once, sorted.
static std::string deduceResult(ArrayRef<std::string> operands) {
  std::string all, result;
  for (const std::string &labels : operands)
    all += labels;
  llvm::sort(all);
  for (char label : all)
    if (llvm::isDigit(label) ? !contains(result, label)
                             : llvm::count(all, label) == 1)
      result.push_back(label);
  llvm::sort(result, [](char a, char b) {
    // The dimensions of "..." come first, the outermost in front.
    if (llvm::isDigit(a) && llvm::isDigit(b))
      return a > b;
    return a < b;
  });
  return result;
}

static std::optional<Equation> readEquation(Node &node) {
  std::string text;
  for (char c : node.getString("equation", ""))
    if (c != ' ')
      text.push_back(c);
  auto [left, right] = StringRef(text).split("->");
  SmallVector<StringRef> parts;
  left.split(parts, ',');
  Equation equation;
  if (parts.size() != node.ins().size())
    return std::nullopt;
  int64_t ellipsis = 0;
  for (auto [part, input] : llvm::zip_equal(parts, node.ins())) {
    if (!input)
      return std::nullopt;
    int64_t letters = llvm::count_if(part, llvm::isAlpha);
    int64_t rest = Node::rank(input) - letters;
    bool hasDots = part.contains("...");
    if (rest < 0 || rest > 9 || (!hasDots && rest != 0))
      return std::nullopt;
    equation.operands.push_back(part.str());
    if (!expandEllipsis(equation.operands.back(), rest))
      return std::nullopt;
    ellipsis = std::max(ellipsis, rest);
  }
  equation.result = right.str();
  if (!text.empty() && text.find("->") == std::string::npos)
    equation.result = deduceResult(equation.operands);
  else if (!expandEllipsis(equation.result, ellipsis))
    return std::nullopt;
  return equation;
}

/// Sums over the labels that nobody else needs.
static void reduceLonely(Node &node, Term &term, StringRef needed) {
  Ints axes;
  std::string kept;
  for (auto [i, label] : llvm::enumerate(term.labels)) {
    if (contains(needed, label))
      kept.push_back(label);
    else
      axes.push_back(i);
  }
  if (axes.empty())
    return;
  term.value = node.create<nn::ReduceSumOp>(term.value, axes, false);
  term.labels = kept;
}

/// 0, 1, ... along one of `rank` axes.
static Value countAlong(Node &node, int64_t axis, size_t rank,
                        AffineExpr size) {
  Dims line(rank, node.dim(1));
  line[axis] = size;
  return node.createTyped<nn::IotaOp>(
      nn::makeTensorType(line, node.getBuilder().getI32Type()), axis);
}

/// Where a letter occurs twice, the elements at equal positions: all others
/// become 0, and the second dimension is summed up.
static void takeDiagonals(Node &node, Term &term) {
  for (size_t i = 0; i < term.labels.size(); ++i) {
    size_t twin = term.labels.find(term.labels[i], i + 1);
    if (twin == std::string::npos || !term.value)
      continue;
    Dims dims = Node::dims(term.value);
    node.checkEqual(dims[i], dims[twin]);
    Value isDiagonal = node.create<nn::EqualOp>(
        countAlong(node, i, dims.size(), dims[i]),
        countAlong(node, twin, dims.size(), dims[twin]));
    Value zero = node.constant(0, Node::elementType(term.value));
    term.value = node.create<nn::ReduceSumOp>(
        node.select(isDiagonal, term.value, zero),
        Ints{static_cast<int64_t>(twin)}, /*keepdims=*/false);
    term.labels.erase(twin, 1);
    --i;
  }
}

static Value permute(Node &node, const Term &term, StringRef order) {
  Ints permutation;
  for (char label : order)
    permutation.push_back(term.labels.find(label));
  return node.transpose(term.value, permutation);
}

/// The sizes of some labels of a term.
static Dims sizesOf(const Term &term, StringRef labels) {
  Dims dims = Node::dims(term.value), result;
  for (char label : labels)
    result.push_back(dims[term.labels.find(label)]);
  return result;
}

/// The product of two terms as one matrix product.
static Term multiply(Node &node, Term a, Term b, StringRef needed) {
  reduceLonely(node, a, (needed + b.labels).str());
  reduceLonely(node, b, (needed + a.labels).str());
  if (!a.value || !b.value)
    return {};
  std::string batch, rows, inner, columns;
  for (char label : a.labels) {
    if (!contains(b.labels, label))
      rows.push_back(label);
    else
      (contains(needed, label) ? batch : inner).push_back(label);
  }
  for (char label : b.labels)
    if (!contains(a.labels, label))
      columns.push_back(label);

  MLIRContext *context = node.getContext();
  Dims batchDims = sizesOf(a, batch), rowDims = sizesOf(a, rows);
  Dims columnDims = sizesOf(b, columns);
  AffineExpr innerSize = nn::getProduct(sizesOf(a, inner), context);
  Dims left = batchDims, right = batchDims, result = batchDims;
  left.append({nn::getProduct(rowDims, context), innerSize});
  right.append({innerSize, nn::getProduct(columnDims, context)});
  result.append(rowDims);
  result.append(columnDims);
  Value x = node.reshape(permute(node, a, batch + rows + inner), left);
  Value y = node.reshape(permute(node, b, batch + inner + columns), right);
  Value product = node.matmul(x, y);
  return {node.reshape(product, result), batch + rows + columns};
}

static LogicalResult convertEinsum(Node &node) {
  std::optional<Equation> equation = readEquation(node);
  if (!equation)
    return node.fail("the equation doesn't fit the operands");
  SmallVector<Term> terms;
  for (auto [i, labels] : llvm::enumerate(equation->operands)) {
    terms.push_back({node.in(i), labels});
    takeDiagonals(node, terms.back());
  }
  Term term = terms.front();
  for (size_t i = 1; i < terms.size(); ++i) {
    std::string needed = equation->result;
    for (size_t j = i + 1; j < terms.size(); ++j)
      needed += terms[j].labels;
    term = multiply(node, term, terms[i], needed);
    if (!term.value)
      return failure();
  }
  reduceLonely(node, term, equation->result);
  StringRef result = equation->result;
  bool fits = result.size() == term.labels.size() &&
              llvm::all_of(result, [&](char label) {
                return contains(term.labels, label) && result.count(label) == 1;
              });
  if (!fits)
    return node.fail("the equation's result has letters that no operand has");
  if (!term.value)
    return failure();
  return node.result(permute(node, term, result));
}

static const Row rows[] = {
    {"Einsum", 12, 1, anyNumber, convertEinsum},
};

ArrayRef<Row> nncc::onnx::getEinsumRows() { return rows; }
