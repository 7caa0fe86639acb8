//===- Symbols.cpp - symbolic sizes -----------------------------*- C++ -*-===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "nncc/Dialect/NN/Symbols.h"
#include "Polynomial.h"
#include "mlir/IR/BuiltinAttributes.h"
#include "llvm/ADT/STLExtras.h"

using namespace mlir;
using namespace nncc;
using namespace nncc::nn;

AffineExpr nn::simplify(AffineExpr expr) {
  std::optional<Polynomial> polynomial = Polynomial::get(expr);
  return polynomial ? polynomial->getExpr(expr.getContext()) : expr;
}

std::optional<int64_t> nn::getConstantValue(AffineExpr expr) {
  if (auto constant = dyn_cast_or_null<AffineConstantExpr>(expr))
    return constant.getValue();
  return std::nullopt;
}

bool nn::isOne(AffineExpr expr) { return getConstantValue(expr) == 1; }

std::optional<int64_t> nn::getDifference(AffineExpr lhs, AffineExpr rhs) {
  return getConstantValue(simplify(lhs - rhs));
}

AffineExpr nn::getProduct(ArrayRef<AffineExpr> dims, MLIRContext *context) {
  AffineExpr product = getAffineConstantExpr(1, context);
  for (AffineExpr dim : dims)
    product = product * dim;
  return simplify(product);
}

std::optional<AffineExpr> nn::divideExactly(AffineExpr dividend,
                                            AffineExpr divisor) {
  std::optional<Polynomial> numerator = Polynomial::get(dividend);
  std::optional<Polynomial> denominator = Polynomial::get(divisor);
  if (!numerator || !denominator)
    return std::nullopt;
  std::optional<Polynomial> quotient = numerator->divideExactly(*denominator);
  if (!quotient)
    return std::nullopt;
  return quotient->getExpr(dividend.getContext());
}

std::optional<int64_t> nn::getLowerBound(AffineExpr expr, int64_t least) {
  std::optional<Polynomial> polynomial = Polynomial::get(expr);
  return polynomial ? polynomial->getLowerBound(least) : std::nullopt;
}

SmallVector<AffineExpr> nn::getDims(Type type) {
  auto tensor = cast<RankedTensorType>(type);
  if (auto encoding = dyn_cast_or_null<AffineMapAttr>(tensor.getEncoding()))
    return llvm::to_vector(encoding.getValue().getResults());
  SmallVector<AffineExpr> dims;
  for (int64_t size : tensor.getShape())
    dims.push_back(ShapedType::isDynamic(size)
                       ? AffineExpr()
                       : getAffineConstantExpr(size, type.getContext()));
  return dims;
}

AffineMap nn::makeSymbolMap(ArrayRef<AffineExpr> exprs, MLIRContext *context) {
  SmallVector<AffineExpr> results;
  unsigned symbols = 0;
  for (AffineExpr expr : exprs) {
    results.push_back(simplify(expr));
    results.back().walk([&](AffineExpr inner) {
      if (auto symbol = dyn_cast<AffineSymbolExpr>(inner))
        symbols = std::max(symbols, symbol.getPosition() + 1);
    });
  }
  return AffineMap::get(0, symbols, results, context);
}

RankedTensorType nn::makeTensorType(ArrayRef<AffineExpr> dims,
                                    Type elementType) {
  AffineMap map = makeSymbolMap(dims, elementType.getContext());
  SmallVector<int64_t> shape;
  for (AffineExpr dim : map.getResults())
    shape.push_back(getConstantValue(dim).value_or(ShapedType::kDynamic));
  Attribute encoding;
  if (ShapedType::isDynamicShape(shape))
    encoding = AffineMapAttr::get(map);
  return RankedTensorType::get(shape, elementType, encoding);
}

RankedTensorType nn::withElementType(Type type, Type elementType) {
  auto tensor = cast<RankedTensorType>(type);
  return RankedTensorType::get(tensor.getShape(), elementType,
                               tensor.getEncoding());
}

std::optional<SmallVector<AffineExpr>>
nn::broadcastDims(ArrayRef<AffineExpr> lhs, ArrayRef<AffineExpr> rhs) {
  if (lhs.size() < rhs.size())
    std::swap(lhs, rhs);
  SmallVector<AffineExpr> dims(lhs);
  for (auto [dim, other] : llvm::zip(
           MutableArrayRef<AffineExpr>(dims).take_back(rhs.size()), rhs)) {
    if (isOne(other))
      continue;
    std::optional<int64_t> size = getConstantValue(dim);
    std::optional<int64_t> otherSize = getConstantValue(other);
    if (size == 1 || (!size && otherSize))
      dim = other;
    else if (size && otherSize && *size != *otherSize)
      return std::nullopt;
  }
  return dims;
}

std::optional<SmallVector<AffineExpr>>
nn::resolveReshape(ArrayRef<AffineExpr> input, ArrayRef<AffineExpr> target,
                   MLIRContext *context) {
  SmallVector<AffineExpr> dims(target);
  AffineExpr *open = nullptr;
  AffineExpr known = getAffineConstantExpr(1, context);
  for (AffineExpr &dim : dims) {
    if (getConstantValue(dim) != -1)
      known = known * dim;
    else if (open)
      return std::nullopt;
    else
      open = &dim;
  }
  AffineExpr total = getProduct(input, context);
  if (!open) {
    std::optional<int64_t> difference = getDifference(total, known);
    if (difference && *difference != 0)
      return std::nullopt;
    return dims;
  }
  std::optional<AffineExpr> rest = divideExactly(total, known);
  if (rest)
    *open = *rest;
  else if (getConstantValue(total) && getConstantValue(simplify(known)))
    return std::nullopt;
  else
    *open = simplify(total.floorDiv(known));
  return dims;
}
