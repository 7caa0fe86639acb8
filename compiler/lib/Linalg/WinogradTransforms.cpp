//===- WinogradTransforms.cpp - Matrices of minimal filtering -------------===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "WinogradTransforms.h"

#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;

namespace nncc {

// clang-format off
constexpr double input2[] = {1,  0, -1,  0,
                             0,  1,  1,  0,
                             0, -1,  1,  0,
                             0,  1,  0, -1};
constexpr double filter2[] = {1,     0,   0,
                              0.5, 0.5, 0.5,
                              0.5, -0.5, 0.5,
                              0,     0,   1};
constexpr double output2[] = {1, 1,  1,  0,
                              0, 1, -1, -1};

constexpr double input4[] = {4,  0, -5,  0, 1, 0,
                             0, -4, -4,  1, 1, 0,
                             0,  4, -4, -1, 1, 0,
                             0, -2, -1,  2, 1, 0,
                             0,  2, -1, -2, 1, 0,
                             0,  4,  0, -5, 0, 1};
constexpr double filter4[] = {1. / 4,         0,      0,
                              -1. / 6,  -1. / 6, -1. / 6,
                              -1. / 6,   1. / 6, -1. / 6,
                              1. / 24,  1. / 12,  1. / 6,
                              1. / 24, -1. / 12,  1. / 6,
                              0,              0,      1};
constexpr double output4[] = {1, 1,  1, 1,  1, 0,
                              0, 1, -1, 2, -2, 0,
                              0, 1,  1, 4,  4, 0,
                              0, 1, -1, 8, -8, 1};
// clang-format on

const WinogradAlgorithm &getWinogradAlgorithm(int64_t outputs) {
  static const WinogradAlgorithm two{
      2, {4, 4, input2}, {4, 3, filter2}, {2, 4, output2}};
  static const WinogradAlgorithm four{
      4, {6, 6, input4}, {6, 3, filter4}, {4, 6, output4}};
  return outputs == 2 ? two : four;
}

/// The sum of `values` with the row's factors: what is added comes first.
static Value emitSum(OpBuilder &b, Location loc, const TransformMatrix &matrix,
                     int64_t row, function_ref<Value(int64_t)> getValue) {
  Value sum;
  for (bool negative : {false, true})
    for (int64_t i = 0; i < matrix.columns; ++i) {
      double factor = matrix.at(row, i);
      if (factor == 0 || (factor < 0) != negative)
        continue;
      Value term = getValue(i);
      if (std::abs(factor) != 1) {
        auto value = b.getFloatAttr(term.getType(), std::abs(factor));
        Value scale = b.create<arith::ConstantOp>(loc, value);
        term = b.create<arith::MulFOp>(loc, term, scale);
      }
      if (!sum)
        sum = negative ? b.create<arith::NegFOp>(loc, term).getResult() : term;
      else if (negative)
        sum = b.create<arith::SubFOp>(loc, sum, term);
      else
        sum = b.create<arith::AddFOp>(loc, sum, term);
    }
  return sum;
}

SmallVector<Value> emitTransform(OpBuilder &b, Location loc,
                                 const TransformMatrix &matrix,
                                 ValueRange values) {
  SmallVector<Value> half, whole;
  for (int64_t row = 0; row < matrix.rows; ++row)
    for (int64_t column = 0; column < matrix.columns; ++column)
      half.push_back(emitSum(b, loc, matrix, row, [&](int64_t i) {
        return values[i * matrix.columns + column];
      }));
  for (int64_t row = 0; row < matrix.rows; ++row)
    for (int64_t column = 0; column < matrix.rows; ++column)
      whole.push_back(emitSum(b, loc, matrix, column, [&](int64_t i) {
        return half[row * matrix.columns + i];
      }));
  return whole;
}

SmallVector<double> getFilterFactors(const WinogradAlgorithm &algorithm) {
  const TransformMatrix &g = algorithm.filter;
  SmallVector<double> factors;
  for (int64_t y = 0; y < g.rows; ++y)
    for (int64_t x = 0; x < g.rows; ++x)
      for (int64_t i = 0; i < g.columns; ++i)
        for (int64_t j = 0; j < g.columns; ++j)
          factors.push_back(g.at(y, i) * g.at(x, j));
  return factors;
}

} // namespace nncc
