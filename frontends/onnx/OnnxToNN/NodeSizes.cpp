//===- OnnxToNN/NodeSizes.cpp - arithmetic on symbolic sizes ----*- C++ -*-===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "frontends/onnx/OnnxToNN/Converter.h"
#include "frontends/onnx/OnnxToNN/Node.h"
#include "nncc/Dialect/NN/NN.h"

#include "llvm/ADT/DenseSet.h"

using namespace mlir;
using namespace nncc::onnx;
namespace nn = nncc::nn;

namespace {

/// sum(coefficients[i] * symbol i) + constant.
struct LinearForm {
  explicit LinearForm(unsigned numSymbols) : coefficients(numSymbols, 0) {}

  /// Adds `scale * expr`; false if the expression is not linear.
  bool add(AffineExpr expr, int64_t scale) {
    if (auto number = dyn_cast<AffineConstantExpr>(expr)) {
      constant += scale * number.getValue();
      return true;
    }
    if (auto symbol = dyn_cast<AffineSymbolExpr>(expr)) {
      if (symbol.getPosition() >= coefficients.size())
        return false;
      coefficients[symbol.getPosition()] += scale;
      return true;
    }
    auto binary = dyn_cast<AffineBinaryOpExpr>(expr);
    if (!binary)
      return false;
    if (expr.getKind() == AffineExprKind::Add)
      return add(binary.getLHS(), scale) && add(binary.getRHS(), scale);
    auto factor = dyn_cast<AffineConstantExpr>(binary.getRHS());
    return expr.getKind() == AffineExprKind::Mul && factor &&
           add(binary.getLHS(), scale * factor.getValue());
  }

  Ints coefficients;
  int64_t constant = 0;
};

} // namespace

unsigned Node::getNumSymbols() { return converter.getSymbols().size(); }

bool Node::dropsOpenDim() { return converter.dropsOpenDim(); }

AffineMap Node::map(ArrayRef<AffineExpr> exprs) {
  return nn::makeSymbolMap(exprs, getContext());
}

bool Node::isNegative(AffineExpr expr) {
  return nn::getLowerBound(nn::simplify(-expr)).value_or(0) > 0;
}

AffineExpr Node::minimum(AffineExpr a, AffineExpr b) {
  AffineExpr difference = nn::simplify(b - a);
  if (nn::getLowerBound(difference).value_or(-1) >= 0)
    return a;
  if (nn::getLowerBound(nn::simplify(a - b)).value_or(-1) >= 0)
    return b;
  if (isBound(a) || isBound(b))
    return bindSize(create<nn::MinOp>(sizeValues(a), sizeValues(b)),
                    "a position");
  assumeLinear(difference);
  return a;
}

std::optional<Dims> Node::broadcastDims(ArrayRef<AffineExpr> a,
                                        ArrayRef<AffineExpr> b) {
  std::optional<Dims> result = nn::broadcastDims(a, b);
  if (!result)
    (void)fail("the shapes do not broadcast");
  return result;
}

/// The least value in [0, limit] of the only symbol of `size` from which on the
/// size is at least `bound`.
static int64_t findLeast(AffineExpr size, unsigned symbol, int64_t bound,
                         int64_t limit) {
  MLIRContext *context = size.getContext();
  auto reaches = [&](int64_t value) {
    AffineExpr at = size.replace(getAffineSymbolExpr(symbol, context),
                                 getAffineConstantExpr(value, context));
    return nn::getConstantValue(nn::simplify(at)).value_or(bound) >= bound;
  };
  int64_t low = 0, high = limit;
  while (low < high) {
    int64_t middle = low + (high - low) / 2;
    if (reaches(middle))
      high = middle;
    else
      low = middle + 1;
  }
  return low;
}

/// Whether a size is no less where a symbol is more.
static bool isGrowing(AffineExpr size) {
  auto binary = dyn_cast<AffineBinaryOpExpr>(size);
  if (!binary)
    return true;
  AffineExpr lhs = binary.getLHS(), rhs = binary.getRHS();
  if (!isGrowing(lhs) || !isGrowing(rhs))
    return false;
  switch (size.getKind()) {
  case AffineExprKind::Add:
    return true;
  case AffineExprKind::Mul:
    return nn::getLowerBound(lhs).value_or(-1) >= 0 &&
           nn::getLowerBound(rhs).value_or(-1) >= 0;
  case AffineExprKind::FloorDiv:
  case AffineExprKind::CeilDiv:
    return nn::getConstantValue(rhs).value_or(0) > 0;
  default:
    return false;
  }
}

static llvm::SmallDenseSet<unsigned> getSymbols(AffineExpr expr) {
  llvm::SmallDenseSet<unsigned> used;
  expr.walk([&](AffineExpr part) {
    if (auto symbol = dyn_cast<AffineSymbolExpr>(part))
      used.insert(symbol.getPosition());
  });
  return used;
}

/// No size is larger.
static constexpr int64_t limit = int64_t(1) << 31;

void Node::assumeAtLeast(unsigned symbol, int64_t least) {
  Ints coefficients(getNumSymbols(), 0);
  coefficients[symbol] = 1;
  converter.assumeNonNegative(coefficients, -least, op.getNodeName());
}

bool Node::assumeLinear(AffineExpr expr) {
  LinearForm form(getNumSymbols());
  if (!form.add(expr, 1))
    return false;
  converter.assumeNonNegative(form.coefficients, form.constant,
                              op.getNodeName());
  return true;
}

bool Node::isNonNegative(AffineExpr expr) {
  if (nn::getLowerBound(expr).value_or(-1) >= 0)
    return true;
  if (isBound(expr) || nn::getLowerBound(expr, 1).value_or(-1) < 0)
    return false;
  for (unsigned symbol : getSymbols(expr))
    assumeAtLeast(symbol, 1);
  return true;
}

void Node::assumeNonNegative(AffineExpr expr) {
  if (nn::getLowerBound(expr).value_or(-1) >= 0 || isBound(expr))
    return;
  auto used = getSymbols(expr);
  if (used.size() > 1)
    (void)isNonNegative(expr);
  else if (used.size() == 1 && !assumeLinear(expr) && isGrowing(expr))
    assumeAtLeast(*used.begin(), findLeast(expr, *used.begin(), 0, limit));
}

void Node::checkSigns(Operation *op) {
  for (Value result : op->getResults())
    if (isTensor(result))
      for (AffineExpr size : dims(result))
        assumeNonNegative(size);
}

bool Node::narrowTo(AffineExpr size, AffineExpr value) {
  std::optional<int64_t> number = nn::getConstantValue(value);
  auto used = getSymbols(size);
  // Bounds of single symbols can't say more.
  if (!number || used.size() != 1 || isBound(size) || !isGrowing(size))
    return false;
  unsigned symbol = *used.begin();
  assumeAtLeast(symbol, findLeast(size, symbol, *number, limit));
  int64_t above = findLeast(size, symbol, *number + 1, limit);
  if (above < limit)
    (void)assumeLinear(above - 1 - getAffineSymbolExpr(symbol, getContext()));
  return true;
}
