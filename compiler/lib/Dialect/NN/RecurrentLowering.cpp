//===- RecurrentLowering.cpp - a step of each kind of layer ------*- C++
//-*-===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "RecurrentBuilder.h"
#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;
using namespace nncc;
using namespace nncc::nn;

static Value addF(OpBuilder &b, Location loc, Value lhs, Value rhs) {
  return b.create<arith::AddFOp>(loc, lhs, rhs);
}

static Value mulF(OpBuilder &b, Location loc, Value lhs, Value rhs) {
  return b.create<arith::MulFOp>(loc, lhs, rhs);
}

namespace {
/// h = f(projection + h * R)
struct RnnBuilder : RecurrentBuilder {
  using RecurrentBuilder::RecurrentBuilder;

  SmallVector<Value> prepare(unsigned direction) override {
    return {buildRecurrence(direction, 0, 1)};
  }

  SmallVector<Value> step(const RecurrentStep &now) override {
    Value product = multiply(now.old[0], now.prepared[0], 1);
    const ActivationFunction &f = activation(now.direction, 0);
    return {elementwise({gate(now.projection, 0), gate(product, 0)},
                        [&](OpBuilder &b, Location loc, ValueRange args) {
                          return f.build(b, loc,
                                         addF(b, loc, args[0], args[1]));
                        })};
  }
};

/// Gates z, r, h.
struct GruBuilder : RecurrentBuilder {
  GruBuilder(GruOp op, LoweringBuilder &b)
      : RecurrentBuilder(op, b, 3, 2), late(op.getLinearBeforeReset()) {}

  bool joinsBiases(unsigned gate) override { return !late || gate < 2; }

  SmallVector<Value> prepare(unsigned direction) override {
    if (late)
      return {buildRecurrence(direction, 0, 3)};
    return {buildRecurrence(direction, 0, 2), buildRecurrence(direction, 2, 1)};
  }

  SmallVector<Value> step(const RecurrentStep &now) override {
    return {late ? buildLate(now) : buildEarly(now)};
  }

  Value buildEarly(const RecurrentStep &now);
  Value buildLate(const RecurrentStep &now);

  bool late; ///< the reset gate comes after the product with R
};

/// Gates i, o, f, c; states h, c.
struct LstmBuilder : RecurrentBuilder {
  LstmBuilder(LstmOp op, LoweringBuilder &b)
      : RecurrentBuilder(op, b, 4, 3), couples(op.getInputForget()) {}

  SmallVector<Value> prepare(unsigned direction) override {
    return {buildRecurrence(direction, 0, 4)};
  }

  SmallVector<Value> step(const RecurrentStep &now) override;

  /// Appends the peephole weights of a gate, if there are any.
  void addPeephole(SmallVectorImpl<Operand> &operands, unsigned direction,
                   unsigned gate) {
    if (peepholes)
      operands.push_back(
          {peepholes, {constant(direction), constant(gate), dim(1)}});
  }

  Value peepholes; ///< [D, 3, H]
  bool couples;    ///< f = 1 - i
};
} // namespace

/// (1 - z) * candidate + z * old
static Value blend(OpBuilder &b, Location loc, Value z, Value candidate,
                   Value old) {
  Value one =
      b.create<arith::ConstantOp>(loc, b.getFloatAttr(z.getType(), 1.0));
  Value rest = b.create<arith::SubFOp>(loc, one, z);
  return addF(b, loc, mulF(b, loc, rest, candidate), mulF(b, loc, z, old));
}

Value GruBuilder::buildEarly(const RecurrentStep &now) {
  const ActivationFunction &f = activation(now.direction, 0);
  const ActivationFunction &g = activation(now.direction, 1);
  Value old = now.old[0];
  Value product = multiply(old, now.prepared[0], 2);
  Value reset =
      elementwise({gate(now.projection, 1), gate(product, 1), state(old)},
                  [&](OpBuilder &b, Location loc, ValueRange args) {
                    Value r = f.build(b, loc, addF(b, loc, args[0], args[1]));
                    return mulF(b, loc, r, args[2]);
                  });
  Value candidate = multiply(reset, now.prepared[1], 1);
  return elementwise({gate(now.projection, 0), gate(product, 0),
                      gate(now.projection, 2), gate(candidate, 0), state(old)},
                     [&](OpBuilder &b, Location loc, ValueRange args) {
                       Value z =
                           f.build(b, loc, addF(b, loc, args[0], args[1]));
                       Value h =
                           g.build(b, loc, addF(b, loc, args[2], args[3]));
                       return blend(b, loc, z, h, args[4]);
                     });
}

Value GruBuilder::buildLate(const RecurrentStep &now) {
  const ActivationFunction &f = activation(now.direction, 0);
  const ActivationFunction &g = activation(now.direction, 1);
  Value old = now.old[0];
  Value product = multiply(old, now.prepared[0], 3);
  SmallVector<Operand> operands;
  for (unsigned i = 0; i != 3; ++i)
    operands.append({gate(now.projection, i), gate(product, i)});
  operands.push_back(state(old));
  if (bias) {
    Value split = buildReshape(
        b, loc, bias,
        {constant(directions), constant(2 * gates), constant(hidden)},
        mergeDims(3, 1, 2));
    operands.push_back(
        {split, {constant(now.direction), constant(gates + 2), dim(1)}});
  }
  return elementwise(operands, [&](OpBuilder &b, Location loc,
                                   ValueRange args) {
    Value z = f.build(b, loc, addF(b, loc, args[0], args[1]));
    Value r = f.build(b, loc, addF(b, loc, args[2], args[3]));
    Value inner = bias ? addF(b, loc, args[5], args[7]) : args[5];
    Value h = g.build(b, loc, addF(b, loc, args[4], mulF(b, loc, r, inner)));
    return blend(b, loc, z, h, args[6]);
  });
}

SmallVector<Value> LstmBuilder::step(const RecurrentStep &now) {
  const ActivationFunction &f = activation(now.direction, 0);
  const ActivationFunction &g = activation(now.direction, 1);
  // The state itself is not clipped, as onnxruntime has it.
  ActivationFunction h = activation(now.direction, 2);
  h.clip = std::nullopt;
  Value old = now.old[1];
  Value product = multiply(now.old[0], now.prepared[0], 4);
  SmallVector<Operand> operands = {state(old)};
  for (unsigned i : {0, 2, 3})
    operands.append({gate(now.projection, i), gate(product, i)});
  addPeephole(operands, now.direction, 0);
  addPeephole(operands, now.direction, 2);
  Value cell =
      elementwise(operands, [&](OpBuilder &b, Location loc, ValueRange args) {
        auto sum = [&](unsigned first, unsigned peephole) {
          Value x = addF(b, loc, args[first], args[first + 1]);
          if (peepholes && peephole)
            x = addF(b, loc, x, mulF(b, loc, args[peephole], args[0]));
          return x;
        };
        Value i = f.build(b, loc, sum(1, 7));
        Value c = g.build(b, loc, sum(5, 0));
        if (couples) // f = 1 - i: a blend with i and old swapped
          return blend(b, loc, i, args[0], c);
        Value keep = f.build(b, loc, sum(3, 8));
        return addF(b, loc, mulF(b, loc, keep, args[0]), mulF(b, loc, i, c));
      });
  operands = {gate(now.projection, 1), gate(product, 1), state(cell)};
  addPeephole(operands, now.direction, 1);
  Value hidden =
      elementwise(operands, [&](OpBuilder &b, Location loc, ValueRange args) {
        Value x = addF(b, loc, args[0], args[1]);
        if (peepholes)
          x = addF(b, loc, x, mulF(b, loc, args[3], args[2]));
        Value o = f.build(b, loc, x);
        return mulF(b, loc, o, h.build(b, loc, args[2]));
      });
  return {hidden, cell};
}

/// The lowered operands by the op's operand groups; null for absent ones.
static SmallVector<Value> splitOperands(ArrayRef<int32_t> segments,
                                        ValueRange operands) {
  SmallVector<Value> values;
  unsigned next = 0;
  for (int32_t size : segments)
    values.push_back(size ? operands[next++] : Value());
  return values;
}

/// Gives `builder` the operands that all layers have, the last of them the
/// initial values of `states` states, and emits the op.
template <typename Op, typename Builder>
static SmallVector<Value> buildWith(Op op, Builder &builder,
                                    ArrayRef<Value> values, unsigned states) {
  builder.input = values[0];
  builder.weights = values[1];
  builder.recurrence = values[2];
  builder.bias = values[3];
  builder.lengths = values[4];
  builder.initial.assign(values.begin() + 5, values.begin() + 5 + states);
  builder.needsSequence = !op.getY().use_empty();
  return builder.build();
}

FailureOr<SmallVector<Value>> RnnOp::lowerToLinalg(LoweringBuilder &b,
                                                   ValueRange operands) {
  RnnBuilder builder(*this, b, 1, 1);
  SmallVector<Value> values =
      splitOperands(getProperties().operandSegmentSizes, operands);
  return buildWith(*this, builder, values, 1);
}

FailureOr<SmallVector<Value>> GruOp::lowerToLinalg(LoweringBuilder &b,
                                                   ValueRange operands) {
  GruBuilder builder(*this, b);
  SmallVector<Value> values =
      splitOperands(getProperties().operandSegmentSizes, operands);
  return buildWith(*this, builder, values, 1);
}

FailureOr<SmallVector<Value>> LstmOp::lowerToLinalg(LoweringBuilder &b,
                                                    ValueRange operands) {
  LstmBuilder builder(*this, b);
  SmallVector<Value> values =
      splitOperands(getProperties().operandSegmentSizes, operands);
  if (Value peepholes = values[7]) {
    SmallVector<AffineExpr> dims = getDims(getPeepholes().getType());
    AffineExpr gates = getAffineConstantExpr(3, b.getContext());
    builder.peepholes =
        buildReshape(b, getLoc(), peepholes,
                     {dims[0], gates, dims[1].floorDiv(3)}, mergeDims(3, 1, 2));
  }
  return buildWith(*this, builder, values, 2);
}
