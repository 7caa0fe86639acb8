//===- Polynomial.h - the normal form of sizes ------------------*- C++ -*-===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef NNCC_LIB_DIALECT_NN_POLYNOMIAL_H
#define NNCC_LIB_DIALECT_NN_POLYNOMIAL_H

#include "mlir/IR/AffineExpr.h"
#include <map>
#include <optional>

namespace nncc::nn {

/// A sum of integer multiples of products of atoms. Atoms are symbols, floordiv
/// and mod expressions whose operands are in normal form.
class Polynomial {
public:
  /// None where there are too many terms.
  static std::optional<Polynomial> get(mlir::AffineExpr expr);
  mlir::AffineExpr getExpr(mlir::MLIRContext *context) const;

  std::optional<Polynomial> divideExactly(const Polynomial &divisor) const;
  /// With every symbol at least `least`, which is 0 or 1.
  std::optional<int64_t> getLowerBound(int64_t least) const;

private:
  /// The factors, sorted.
  using Monomial = llvm::SmallVector<mlir::AffineExpr, 2>;
  struct Order {
    bool operator()(const Monomial &lhs, const Monomial &rhs) const;
  };

  static int compare(mlir::AffineExpr lhs, mlir::AffineExpr rhs);
  static std::optional<Polynomial> getQuotient(mlir::AffineBinaryOpExpr expr);
  void add(const Monomial &monomial, int64_t coefficient);
  /// this += other * monomial * coefficient
  void addProduct(const Polynomial &other, const Monomial &monomial,
                  int64_t coefficient);
  /// Moves the terms that `divisor` divides into the result, divided.
  Polynomial extractMultiples(int64_t divisor);

  /// By descending order, so that the leading term is the first and the
  /// constant the last.
  std::map<Monomial, int64_t, Order> terms;
};

} // namespace nncc::nn

#endif // NNCC_LIB_DIALECT_NN_POLYNOMIAL_H
