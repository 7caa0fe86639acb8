//===- Polynomial.cpp - the normal form of sizes ----------------*- C++ -*-===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Polynomial.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace nncc;
using namespace nncc::nn;

/// More terms than any model's shapes have; products of sums grow fast.
static constexpr size_t maxTerms = 64;

/// Sizes that overflow are refused where they are used; here they wrap.
static int64_t multiply(int64_t lhs, int64_t rhs) {
  return static_cast<int64_t>(static_cast<uint64_t>(lhs) *
                              static_cast<uint64_t>(rhs));
}

static int64_t sum(int64_t lhs, int64_t rhs) {
  return static_cast<int64_t>(static_cast<uint64_t>(lhs) +
                              static_cast<uint64_t>(rhs));
}

/// A total order that does not depend on addresses.
int Polynomial::compare(AffineExpr lhs, AffineExpr rhs) {
  if (lhs == rhs)
    return 0;
  if (lhs.getKind() != rhs.getKind()) {
    bool isSymbol = lhs.getKind() == AffineExprKind::SymbolId;
    if (isSymbol || rhs.getKind() == AffineExprKind::SymbolId)
      return isSymbol ? -1 : 1;
    return lhs.getKind() < rhs.getKind() ? -1 : 1;
  }
  if (auto symbol = dyn_cast<AffineSymbolExpr>(lhs))
    return symbol.getPosition() < cast<AffineSymbolExpr>(rhs).getPosition() ? -1
                                                                            : 1;
  if (auto dim = dyn_cast<AffineDimExpr>(lhs))
    return dim.getPosition() < cast<AffineDimExpr>(rhs).getPosition() ? -1 : 1;
  if (auto constant = dyn_cast<AffineConstantExpr>(lhs))
    return constant.getValue() < cast<AffineConstantExpr>(rhs).getValue() ? -1
                                                                          : 1;
  auto left = cast<AffineBinaryOpExpr>(lhs);
  auto right = cast<AffineBinaryOpExpr>(rhs);
  if (int order = compare(left.getLHS(), right.getLHS()))
    return order;
  return compare(left.getRHS(), right.getRHS());
}

/// Graded: more factors first, then by the factors. This is a monomial order,
/// as exact division needs.
bool Polynomial::Order::operator()(const Monomial &lhs,
                                   const Monomial &rhs) const {
  if (lhs.size() != rhs.size())
    return lhs.size() > rhs.size();
  for (auto [left, right] : llvm::zip_equal(lhs, rhs))
    if (int order = compare(left, right))
      return order < 0;
  return false;
}

void Polynomial::add(const Monomial &monomial, int64_t coefficient) {
  int64_t &value = terms[monomial];
  value = sum(value, coefficient);
  if (value == 0)
    terms.erase(monomial);
}

void Polynomial::addProduct(const Polynomial &other, const Monomial &monomial,
                            int64_t coefficient) {
  for (const auto &[factors, value] : other.terms) {
    Monomial product(factors);
    product.append(monomial.begin(), monomial.end());
    llvm::sort(product, [](AffineExpr lhs, AffineExpr rhs) {
      return compare(lhs, rhs) < 0;
    });
    add(product, multiply(value, coefficient));
  }
}

Polynomial Polynomial::extractMultiples(int64_t divisor) {
  Polynomial multiples;
  for (auto it = terms.begin(); it != terms.end();) {
    // Of the constant, the multiple that leaves a remainder in [0, divisor).
    int64_t quotient = it->first.empty()
                           ? llvm::divideFloorSigned(it->second, divisor)
                           : it->second / divisor;
    int64_t rest = it->second - quotient * divisor;
    if (quotient != 0 && (rest == 0 || it->first.empty())) {
      multiples.terms[it->first] = quotient;
      it->second = rest;
    }
    it = it->second == 0 ? terms.erase(it) : std::next(it);
  }
  return multiples;
}

/// floordiv, ceildiv and mod.
std::optional<Polynomial> Polynomial::getQuotient(AffineBinaryOpExpr expr) {
  std::optional<Polynomial> numerator = get(expr.getLHS());
  std::optional<Polynomial> divisor = get(expr.getRHS());
  if (!numerator || !divisor)
    return std::nullopt;
  MLIRContext *context = expr.getContext();
  AffineExpr denominator = divisor->getExpr(context);
  bool isMod = expr.getKind() == AffineExprKind::Mod;
  auto constant = dyn_cast<AffineConstantExpr>(denominator);
  Polynomial result;
  if (std::optional<Polynomial> quotient = numerator->divideExactly(*divisor)) {
    if (!isMod)
      result = *quotient;
    return result;
  }
  if (expr.getKind() == AffineExprKind::CeilDiv) {
    numerator->addProduct(*divisor, {}, 1);
    numerator->add({}, -1);
  }
  if (constant && constant.getValue() > 0) {
    Polynomial multiples = numerator->extractMultiples(constant.getValue());
    if (!isMod)
      result = std::move(multiples);
  }
  AffineExpr rest = numerator->getExpr(context);
  AffineExpr atom = isMod ? rest % denominator : rest.floorDiv(denominator);
  if (auto folded = dyn_cast<AffineConstantExpr>(atom))
    result.add({}, folded.getValue());
  else
    result.add({atom}, 1);
  return result;
}

std::optional<Polynomial> Polynomial::get(AffineExpr expr) {
  Polynomial result;
  switch (expr.getKind()) {
  case AffineExprKind::Constant:
    if (int64_t value = cast<AffineConstantExpr>(expr).getValue())
      result.terms[{}] = value;
    return result;
  case AffineExprKind::SymbolId:
  case AffineExprKind::DimId:
    result.terms[{expr}] = 1;
    return result;
  case AffineExprKind::Add:
  case AffineExprKind::Mul: {
    auto binary = cast<AffineBinaryOpExpr>(expr);
    std::optional<Polynomial> lhs = get(binary.getLHS());
    std::optional<Polynomial> rhs = get(binary.getRHS());
    if (!lhs || !rhs)
      return std::nullopt;
    if (expr.getKind() == AffineExprKind::Add) {
      lhs->addProduct(*rhs, {}, 1);
      return lhs;
    }
    if (lhs->terms.size() * rhs->terms.size() > maxTerms)
      return std::nullopt;
    for (const auto &[monomial, coefficient] : rhs->terms)
      result.addProduct(*lhs, monomial, coefficient);
    return result;
  }
  default:
    return getQuotient(cast<AffineBinaryOpExpr>(expr));
  }
}

AffineExpr Polynomial::getExpr(MLIRContext *context) const {
  AffineExpr result = getAffineConstantExpr(0, context);
  for (const auto &[monomial, coefficient] : terms) {
    AffineExpr product = getAffineConstantExpr(1, context);
    for (AffineExpr factor : monomial)
      product = product * factor;
    result = result + product * coefficient;
  }
  return result;
}

std::optional<Polynomial>
Polynomial::divideExactly(const Polynomial &divisor) const {
  if (divisor.terms.empty())
    return std::nullopt;
  const auto &[leading, coefficient] = *divisor.terms.begin();
  Polynomial rest = *this, quotient;
  // Each step removes the leading term; of an exact quotient there are no more
  // than this.
  for (size_t step = 0; !rest.terms.empty(); ++step) {
    auto [monomial, value] = *rest.terms.begin();
    if (step > maxTerms || value % coefficient != 0)
      return std::nullopt;
    Monomial factors(monomial);
    for (AffineExpr factor : leading) {
      auto *it = llvm::find(factors, factor);
      if (it == factors.end())
        return std::nullopt;
      factors.erase(it);
    }
    int64_t factor = value / coefficient;
    quotient.add(factors, factor);
    rest.addProduct(divisor, factors, multiply(factor, -1));
  }
  return quotient;
}

std::optional<int64_t> Polynomial::getLowerBound(int64_t least) const {
  int64_t bound = 0;
  for (const auto &[monomial, coefficient] : terms) {
    if (monomial.empty()) {
      bound = sum(bound, coefficient);
      continue;
    }
    if (coefficient < 0)
      return std::nullopt;
    int64_t product = 1;
    for (AffineExpr factor : monomial) {
      if (isa<AffineSymbolExpr>(factor)) {
        product = multiply(product, least);
        continue;
      }
      // A remainder is not negative; a quotient is not if its numerator is not.
      if (factor.getKind() != AffineExprKind::Mod) {
        auto binary = dyn_cast<AffineBinaryOpExpr>(factor);
        auto divisor =
            binary ? dyn_cast<AffineConstantExpr>(binary.getRHS()) : nullptr;
        std::optional<Polynomial> inner =
            divisor ? get(binary.getLHS()) : std::nullopt;
        std::optional<int64_t> lower =
            inner ? inner->getLowerBound(least) : std::nullopt;
        if (!lower || *lower < 0 || divisor.getValue() <= 0)
          return std::nullopt;
        product = multiply(product, *lower / divisor.getValue());
      } else {
        product = 0;
      }
    }
    bound = sum(bound, multiply(coefficient, product));
  }
  return bound;
}
