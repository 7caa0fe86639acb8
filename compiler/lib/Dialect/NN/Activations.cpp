//===- Activations.cpp - nonlinearities of gates ---------------*- C++ -*-===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Activations.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;
using namespace nncc;
using namespace nncc::nn;

std::pair<double, double> ActivationFunction::getDefaults(Activation kind) {
  switch (kind) {
  case Activation::LeakyRelu:
    return {0.01, 0};
  case Activation::HardSigmoid:
    return {0.2, 0.5};
  case Activation::ScaledTanh:
    return {1, 1};
  default:
    return {1, 0};
  }
}

Value ActivationFunction::build(OpBuilder &b, Location loc, Value x) const {
  auto constant = [&](double value) -> Value {
    return b.create<arith::ConstantOp>(loc, b.getFloatAttr(x.getType(), value));
  };
  auto scale = [&](double factor, Value value) -> Value {
    return b.create<arith::MulFOp>(loc, constant(factor), value);
  };
  auto add = [&](Value lhs, Value rhs) -> Value {
    return b.create<arith::AddFOp>(loc, lhs, rhs);
  };
  auto less = [&](Value lhs, Value rhs) -> Value {
    return b.create<arith::CmpFOp>(loc, arith::CmpFPredicate::OLT, lhs, rhs);
  };
  auto select = [&](Value condition, Value yes, Value no) -> Value {
    return b.create<arith::SelectOp>(loc, condition, yes, no);
  };
  auto exp = [&](Value value) -> Value {
    return b.create<math::ExpOp>(loc, value);
  };
  Value zero = constant(0), one = constant(1);
  if (clip) {
    x = select(less(x, constant(-*clip)), constant(-*clip), x);
    x = select(less(constant(*clip), x), constant(*clip), x);
  }
  switch (kind) {
  case Activation::Affine:
    return add(scale(alpha, x), constant(beta));
  case Activation::Elu:
    return select(less(x, zero),
                  scale(alpha, b.create<arith::SubFOp>(loc, exp(x), one)), x);
  case Activation::HardSigmoid: {
    Value y = add(scale(alpha, x), constant(beta));
    y = select(less(y, zero), zero, y);
    return select(less(one, y), one, y);
  }
  case Activation::LeakyRelu:
    return select(less(x, zero), scale(alpha, x), x);
  case Activation::Relu:
    return select(less(x, zero), zero, x);
  case Activation::ScaledTanh:
    return scale(alpha, b.create<math::TanhOp>(loc, scale(beta, x)));
  case Activation::Sigmoid:
    return b.create<arith::DivFOp>(
        loc, one, add(one, exp(b.create<arith::NegFOp>(loc, x))));
  case Activation::Softplus:
    return b.create<math::LogOp>(loc, add(one, exp(x)));
  case Activation::Softsign:
    return b.create<arith::DivFOp>(loc, x,
                                   add(one, b.create<math::AbsFOp>(loc, x)));
  case Activation::Tanh:
    return b.create<math::TanhOp>(loc, x);
  case Activation::ThresholdedRelu:
    return select(less(constant(alpha), x), x, zero);
  }
  llvm_unreachable("all activations have returned");
}
