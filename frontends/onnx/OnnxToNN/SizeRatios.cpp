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

Ratios RatioFinder::ofMoved(nn::SymbolicValueOpInterface op, int depth) {
  auto sources = nn::getElementSources(op);
  if (!sources)
    return std::nullopt;
  SmallVector<Ratios> operands;
  for (Value operand : op->getOperands().take_front(op.getNumMovedOperands())) {
    Ratios ratios = find(operand, depth);
    if (!ratios ||
        int64_t(ratios->size()) != Node::type(operand).getNumElements())
      return std::nullopt;
    operands.push_back(std::move(ratios));
  }
  return llvm::map_to_vector(*sources, [&](nn::ElementSource source) {
    return (*operands[source.operand])[source.element];
  });
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
  auto movement = dyn_cast<nn::SymbolicValueOpInterface>(op);
  return movement ? ofMoved(movement, depth) : std::nullopt;
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
