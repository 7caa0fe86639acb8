//===- SizeRatios.cpp - quotients of sizes --------------------------------===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "frontends/onnx/OnnxToNN/SizeRatios.h"

#include "nncc/Dialect/NN/NN.h"

#include <cmath>

using namespace mlir;
using namespace nncc::onnx;
namespace nn = nncc::nn;

namespace {

struct Ratio {
  AffineExpr dividend, divisor;
};

using Ratios = std::optional<SmallVector<Ratio>>;

/// Follows small float tensors to the sizes that they are computed from.
class RatioFinder {
public:
  explicit RatioFinder(Node &node) : node(node) {}

  Ratios find(Value value, int depth = 0);

private:
  Ratios ofNumbers(ArrayRef<double> numbers);
  Ratios ofMoved(nn::SymbolicValueOpInterface op, int depth);
  Ratios ofProduct(Operation *op, int depth);

  Node &node;
};

} // namespace

/// Halves, quarters and eighths, and quotients of one.
Ratios RatioFinder::ofNumbers(ArrayRef<double> numbers) {
  SmallVector<Ratio> ratios;
  for (double number : numbers) {
    bool isFraction = number > 0 && number < 1;
    double divisor = isFraction ? std::round(1 / number) : 8;
    double dividend = number * divisor;
    if (std::abs(dividend - std::round(dividend)) > 1e-6 ||
        std::abs(dividend) > 65536)
      return std::nullopt;
    ratios.push_back({node.dim(static_cast<int64_t>(std::round(dividend))),
                      node.dim(static_cast<int64_t>(divisor))});
  }
  return ratios;
}

/// Of an op that only moves elements: they stand for themselves by their
/// numbers.
Ratios RatioFinder::ofMoved(nn::SymbolicValueOpInterface op, int depth) {
  SmallVector<Ratio> ratios, moved;
  SmallVector<nn::SymbolicElements> numbers;
  for (Value operand : op->getOperands()) {
    Ratios part = find(operand, depth);
    if (!part)
      return std::nullopt;
    nn::SymbolicElements &ids = numbers.emplace_back();
    ids.emplace();
    for (const Ratio &ratio : *part) {
      ids->push_back(node.dim(static_cast<int64_t>(ratios.size())));
      ratios.push_back(ratio);
    }
  }
  nn::SymbolicElements sources = op.inferElements(numbers);
  if (!sources)
    return std::nullopt;
  for (AffineExpr source : *sources)
    moved.push_back(ratios[*nn::getConstantValue(source)]);
  return moved;
}

Ratios RatioFinder::ofProduct(Operation *op, int depth) {
  Ratios a = find(op->getOperand(0), depth), b = find(op->getOperand(1), depth);
  if (!a || !b || a->empty() || b->empty())
    return std::nullopt;
  size_t size = std::max(a->size(), b->size());
  if ((a->size() != size && a->size() != 1) ||
      (b->size() != size && b->size() != 1))
    return std::nullopt;
  SmallVector<Ratio> ratios;
  for (size_t i = 0; i < size; ++i) {
    Ratio x = (*a)[a->size() == 1 ? 0 : i], y = (*b)[b->size() == 1 ? 0 : i];
    if (isa<nn::DivOp>(op))
      std::swap(y.dividend, y.divisor);
    ratios.push_back({x.dividend * y.dividend, x.divisor * y.divisor});
  }
  return ratios;
}

Ratios RatioFinder::find(Value value, int depth) {
  constexpr int maxDepth = 16;
  Operation *op = value.getDefiningOp();
  if (!op || depth++ > maxDepth)
    return std::nullopt;
  if (auto numbers = node.tryFloats(value))
    return ofNumbers(*numbers);
  if (nn::SymbolicElements elements = nn::symbolicElements(value))
    return llvm::map_to_vector(*elements, [&](AffineExpr element) {
      return Ratio{element, node.dim(1)};
    });
  if (isa<nn::MulOp, nn::DivOp>(op) && isa<FloatType>(Node::elementType(value)))
    return ofProduct(op, depth);
  if (isa<nn::CastOp>(op))
    return find(op->getOperand(0), depth);
  if (isa<nn::ReshapeOp, nn::ConcatOp, nn::SliceOp>(op))
    return ofMoved(cast<nn::SymbolicValueOpInterface>(op), depth);
  return std::nullopt;
}

std::optional<Dims>
nncc::onnx::scaleByRatios(Node &node, ArrayRef<AffineExpr> dims, Value scales) {
  Ratios ratios = RatioFinder(node).find(scales);
  if (!ratios || ratios->size() != dims.size())
    return std::nullopt;
  Dims sizes;
  for (auto [dim, ratio] : llvm::zip_equal(dims, *ratios)) {
    auto size = nn::divideExactly(nn::simplify(dim * ratio.dividend),
                                  nn::simplify(ratio.divisor));
    if (!size)
      return std::nullopt;
    sizes.push_back(nn::simplify(*size));
  }
  return sizes;
}
