//===- RecurrentLowering.cpp - loops over the steps -------------*- C++ -*-===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The products of all inputs with the weights do not depend on the state: one
// matrix product before the loop computes them, biases included. A step is left
// with the product of the state and the recurrence weights and with elementwise
// ops. The transposes of weights are ops on constants.
//
//===----------------------------------------------------------------------===//

#include "Activations.h"
#include "SpatialUtils.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "nncc/Dialect/NN/NN.h"
#include "nncc/Dialect/NN/Symbols.h"

using namespace mlir;
using namespace nncc;
using namespace nncc::nn;

//===----------------------------------------------------------------------===//
// The loop
//===----------------------------------------------------------------------===//

namespace {
/// What one step of one direction computes with.
struct Step {
  unsigned direction;
  Value projection;       ///< [N, gates, H], biases included
  SmallVector<Value> old; ///< the states, [N, H] each
  SmallVector<Value> prepared;
};

/// Emits a recurrent op. A kind of layer says how weights are prepared before
/// the loop and what a step does with its states.
class RecurrentBuilder {
public:
  template <typename Op>
  RecurrentBuilder(Op op, LoweringBuilder &b, unsigned gates,
                   unsigned activationsPerDirection);
  virtual ~RecurrentBuilder() = default;

  /// y and the last states.
  SmallVector<Value> build();

  Value input, weights, recurrence, bias, lengths;
  SmallVector<Value> initial; ///< one a state, null for zeros
  bool needsSequence = true;

protected:
  /// Values that all steps of a direction use.
  virtual SmallVector<Value> prepare(unsigned direction) = 0;
  /// The new states.
  virtual SmallVector<Value> step(const Step &step) = 0;
  /// Whether gate `gate`'s recurrence bias may be added before the loop.
  virtual bool joinsBiases(unsigned gate) { return true; }

  AffineExpr constant(int64_t value) {
    return getAffineConstantExpr(value, b.getContext());
  }
  AffineExpr dim(unsigned i) { return getAffineDimExpr(i, b.getContext()); }
  /// [N, H] of `gate` from `source` [N, gates, H]. Splitting the gates'
  /// dimension makes this an index; as an offset into [N, gates * H] it would
  /// be a slice for the first gate, since linalg takes (n, h) to walk all
  /// columns.
  Operand gate(Value source, unsigned gate) {
    return {source, {dim(0), constant(gate), dim(1)}};
  }
  Operand state(Value source) { return {source, {dim(0), dim(1)}}; }
  Value buildRecurrence(unsigned direction, unsigned firstGate,
                        unsigned gateCount);
  Value multiply(Value state, Value matrix, unsigned gateCount);
  Value elementwise(ArrayRef<Operand> operands, ScalarBody body) {
    return buildElementwise(b, loc, operands, {batch, constant(hidden)},
                            element, body);
  }
  const ActivationFunction &activation(unsigned direction, unsigned i) {
    return activations[direction * activationsPerDirection + i];
  }

  LoweringBuilder &b;
  Location loc;
  unsigned gates;

private:
  Value buildProjection(unsigned direction);
  Value buildBias(unsigned direction);
  Value buildMask();
  SmallVector<Value> runStep(Step &step, Value at, Value mask,
                             Value projections, Value &sequence);
  SmallVector<Value> runDirection(unsigned direction, Value mask,
                                  Value &sequence);
  Value initialState(unsigned state, unsigned direction);
  Value sliceRow(Value source, OpFoldResult row, ArrayRef<AffineExpr> dims);
  Value joinDirections(ArrayRef<Value> parts);

protected:
  AffineExpr steps, batch, features;
  int64_t hidden, directions;
  Type element;

private:
  unsigned activationsPerDirection;
  SmallVector<ActivationFunction> activations;
  Direction order;
};
} // namespace

template <typename Op>
RecurrentBuilder::RecurrentBuilder(Op op, LoweringBuilder &b, unsigned gates,
                                   unsigned activationsPerDirection)
    : b(b), loc(op.getLoc()), gates(gates),
      activationsPerDirection(activationsPerDirection),
      order(op.getDirection()) {
  SmallVector<AffineExpr> dims = getDims(op.getInput().getType());
  steps = dims[0], batch = dims[1], features = dims[2];
  hidden = op.getRecurrence().getType().getDimSize(2);
  directions = order == Direction::Bidirectional ? 2 : 1;
  element = getElementTypeOrSelf(op.getInput());
  for (auto [i, attr] : llvm::enumerate(op.getActivations())) {
    Activation kind = *symbolizeActivation(cast<StringAttr>(attr).getValue());
    auto [alpha, beta] = ActivationFunction::getDefaults(kind);
    if (auto alphas = op.getAlphas())
      alpha = (*alphas)[i];
    if (auto betas = op.getBetas())
      beta = (*betas)[i];
    std::optional<double> clip;
    if (auto bound = op.getClip())
      clip = bound->convertToFloat();
    activations.push_back({kind, alpha, beta, clip});
  }
}

/// The sum of a direction's biases, [gates * H]; of the recurrence's only those
/// that do not have to wait for the step.
Value RecurrentBuilder::buildBias(unsigned direction) {
  int64_t columns = gates * hidden;
  Value halves = buildReshape(
      b, loc, bias, {constant(directions), constant(2), constant(columns)},
      mergeDims(3, 1, 2));
  Operand operands[] = {{halves, {constant(direction), constant(0), dim(0)}},
                        {halves, {constant(direction), constant(1), dim(0)}}};
  unsigned joined = 0;
  while (joined != gates && joinsBiases(joined))
    ++joined;
  return buildElementwise(
      b, loc, operands, {constant(columns)}, element,
      [&](OpBuilder &body, Location loc, ValueRange args) -> Value {
        Value sum = body.create<arith::AddFOp>(loc, args[0], args[1]);
        if (joined == gates)
          return sum;
        Value column = body.create<linalg::IndexOp>(loc, 0);
        Value end = body.create<arith::ConstantIndexOp>(loc, joined * hidden);
        Value joins = body.create<arith::CmpIOp>(loc, arith::CmpIPredicate::ult,
                                                 column, end);
        return body.create<arith::SelectOp>(loc, joins, sum, args[0]);
      });
}

/// input * weights^T + bias for all steps: [T, N, gates, H].
Value RecurrentBuilder::buildProjection(unsigned direction) {
  AffineExpr columns = constant(gates * hidden), rows = steps * batch;
  Value matrix =
      buildCopy(b, loc, weights, {constant(direction), dim(1), dim(0)},
                {features, columns});
  Value flat =
      buildReshape(b, loc, input, {rows, features}, mergeDims(3, 0, 2));
  Value product = buildContraction(b, loc, flat, {dim(0), dim(2)}, matrix,
                                   {dim(2), dim(1)}, {rows, columns}, 1);
  if (bias) {
    Operand operands[] = {{product, {dim(0), dim(1)}},
                          {buildBias(direction), {dim(1)}}};
    product = buildElementwise(
        b, loc, operands, {rows, columns}, element,
        [](OpBuilder &body, Location loc, ValueRange args) -> Value {
          return body.create<arith::AddFOp>(loc, args[0], args[1]);
        });
  }
  SmallVector<ReassociationIndices> groups = {{0, 1}, {2, 3}};
  return buildReshape(b, loc, product,
                      {steps, batch, constant(gates), constant(hidden)},
                      groups);
}

/// The transposed recurrence weights of some gates: [H, gateCount * H].
Value RecurrentBuilder::buildRecurrence(unsigned direction, unsigned firstGate,
                                        unsigned gateCount) {
  Value part = recurrence;
  if (gateCount != gates)
    part = b.create<tensor::ExtractSliceOp>(
        loc, part,
        SmallVector<OpFoldResult>{b.getIndexAttr(0),
                                  b.getIndexAttr(firstGate * hidden),
                                  b.getIndexAttr(0)},
        SmallVector<OpFoldResult>{b.getIndexAttr(directions),
                                  b.getIndexAttr(gateCount * hidden),
                                  b.getIndexAttr(hidden)},
        SmallVector<OpFoldResult>(3, b.getIndexAttr(1)));
  return buildCopy(b, loc, part, {constant(direction), dim(1), dim(0)},
                   {constant(hidden), constant(gateCount * hidden)});
}

/// state * matrix: [N, gateCount, H].

Value RecurrentBuilder::multiply(Value state, Value matrix,
                                 unsigned gateCount) {
  Value product = buildContraction(b, loc, state, {dim(0), dim(2)}, matrix,
                                   {dim(2), dim(1)},
                                   {batch, constant(gateCount * hidden)}, 1);
  return buildReshape(b, loc, product,
                      {batch, constant(gateCount), constant(hidden)},
                      mergeDims(3, 1, 2));
}

/// [T, N] of i1: which steps belong to their sequences.
Value RecurrentBuilder::buildMask() {
  if (!lengths)
    return nullptr;
  return buildElementwise(
      b, loc, Operand{lengths, {dim(1)}}, {steps, batch}, b.getI1Type(),
      [&](OpBuilder &body, Location loc, ValueRange args) -> Value {
        Value step = body.create<linalg::IndexOp>(loc, 0);
        step = body.create<arith::IndexCastOp>(loc, args[0].getType(), step);
        return body.create<arith::CmpIOp>(loc, arith::CmpIPredicate::slt, step,
                                          args[0]);
      });
}

/// Row `row` of `source`, whose dimensions without the first are `dims`.
Value RecurrentBuilder::sliceRow(Value source, OpFoldResult row,
                                 ArrayRef<AffineExpr> dims) {
  SmallVector<AffineExpr> sizes = {constant(1)};
  sizes.append(dims.begin(), dims.end());
  SmallVector<OpFoldResult> offsets(sizes.size(), b.getIndexAttr(0));
  SmallVector<OpFoldResult> strides(sizes.size(), b.getIndexAttr(1));
  offsets[0] = row;
  return b.create<tensor::ExtractSliceOp>(
      loc, b.getPlainType(dims, getElementTypeOrSelf(source)), source, offsets,
      b.sizes(sizes), strides);
}

Value RecurrentBuilder::initialState(unsigned state, unsigned direction) {
  AffineExpr sizes[] = {batch, constant(hidden)};
  if (!initial[state])
    return b.fill(loc, sizes, b.getZeroAttr(element));
  if (directions == 1)
    return buildReshape(b, loc, initial[state], sizes, mergeDims(3, 0, 2));
  return sliceRow(initial[state], b.getIndexAttr(direction), sizes);
}

/// The step `at`, which is its position in the sequence. Writes the hidden
/// state, which is the first one, into `sequence`.
SmallVector<Value> RecurrentBuilder::runStep(Step &current, Value at,
                                             Value mask, Value projections,
                                             Value &sequence) {
  current.projection = sliceRow(projections, OpFoldResult(at),
                                {batch, constant(gates), constant(hidden)});
  SmallVector<Value> states = step(current);
  Value output = states[0];
  if (mask) {
    Operand inside = {sliceRow(mask, OpFoldResult(at), {batch}), {dim(0)}};
    auto pick = [](OpBuilder &body, Location loc, ValueRange args) -> Value {
      return body.create<arith::SelectOp>(loc, args[0], args[1], args[2]);
    };
    for (auto [now, old] : llvm::zip_equal(states, current.old))
      now = elementwise({inside, state(now), state(old)}, pick);
    output = elementwise(
        {inside, state(output)},
        [&](OpBuilder &body, Location loc, ValueRange args) -> Value {
          Value zero =
              body.create<arith::ConstantOp>(loc, body.getZeroAttr(element));
          return body.create<arith::SelectOp>(loc, args[0], args[1], zero);
        });
  }
  if (needsSequence) {
    SmallVector<OpFoldResult> offsets = {OpFoldResult(at),
                                         b.getIndexAttr(current.direction),
                                         b.getIndexAttr(0), b.getIndexAttr(0)};
    SmallVector<OpFoldResult> ones(4, b.getIndexAttr(1));
    sequence = b.create<tensor::InsertSliceOp>(
        loc, output, sequence, offsets,
        b.sizes({constant(1), constant(1), batch, constant(hidden)}), ones);
  }
  return states;
}

SmallVector<Value> RecurrentBuilder::runDirection(unsigned direction,
                                                  Value mask, Value &sequence) {
  Value projections = buildProjection(direction);
  SmallVector<Value> prepared = prepare(direction);
  SmallVector<Value> carried;
  for (unsigned i = 0; i != initial.size(); ++i)
    carried.push_back(initialState(i, direction));
  if (needsSequence)
    carried.push_back(sequence);
  auto build = [&](ValueRange now, Value at) {
    Step current{direction, Value(), SmallVector<Value>(now), prepared};
    Value rows;
    if (needsSequence) {
      rows = current.old.back();
      current.old.pop_back();
    }
    SmallVector<Value> next = runStep(current, at, mask, projections, rows);
    if (needsSequence)
      next.push_back(rows);
    return next;
  };
  bool reversed = order == Direction::Reverse || direction == 1;
  Value zero = b.create<arith::ConstantIndexOp>(loc, 0);
  if (getConstantValue(steps) == 1) {
    carried = build(carried, zero);
  } else {
    Value one = b.create<arith::ConstantIndexOp>(loc, 1);
    Value count = b.dim(steps);
    auto loop = b.create<scf::ForOp>(loc, zero, count, one, carried);
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(loop.getBody());
    Value at = loop.getInductionVar();
    if (reversed) {
      Value last = b.create<arith::SubIOp>(loc, count, one);
      at = b.create<arith::SubIOp>(loc, last, at);
    }
    b.create<scf::YieldOp>(loc, build(loop.getRegionIterArgs(), at));
    carried.assign(loop.result_begin(), loop.result_end());
  }
  if (needsSequence) {
    sequence = carried.back();
    carried.pop_back();
  }
  return carried;
}

/// [D, N, H] from [N, H] of each direction.
Value RecurrentBuilder::joinDirections(ArrayRef<Value> parts) {
  SmallVector<AffineExpr> dims = {constant(directions), batch,
                                  constant(hidden)};
  if (directions == 1)
    return buildReshape(b, loc, parts[0], dims, mergeDims(3, 0, 2));
  Value result = b.empty(loc, dims, element);
  for (auto [i, part] : llvm::enumerate(parts)) {
    SmallVector<OpFoldResult> offsets(3, b.getIndexAttr(0));
    SmallVector<OpFoldResult> ones(3, b.getIndexAttr(1));
    offsets[0] = b.getIndexAttr(i);
    result = b.create<tensor::InsertSliceOp>(
        loc, part, result, offsets,
        b.sizes({constant(1), batch, constant(hidden)}), ones);
  }
  return result;
}

SmallVector<Value> RecurrentBuilder::build() {
  SmallVector<AffineExpr> dims = {steps, constant(directions), batch,
                                  constant(hidden)};
  Value sequence = b.empty(loc, dims, element);
  Value mask = buildMask();
  SmallVector<SmallVector<Value>> last(initial.size());
  for (unsigned direction = 0; direction != directions; ++direction)
    for (auto [i, state] :
         llvm::enumerate(runDirection(direction, mask, sequence)))
      last[i].push_back(state);
  SmallVector<Value> results = {sequence};
  for (const SmallVector<Value> &states : last)
    results.push_back(joinDirections(states));
  return results;
}

//===----------------------------------------------------------------------===//
// Layers
//===----------------------------------------------------------------------===//

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

  SmallVector<Value> step(const Step &now) override {
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

  SmallVector<Value> step(const Step &now) override {
    return {late ? buildLate(now) : buildEarly(now)};
  }

  Value buildEarly(const Step &now);
  Value buildLate(const Step &now);

  bool late; ///< the reset gate comes after the product with R
};

/// Gates i, o, f, c; states h, c.
struct LstmBuilder : RecurrentBuilder {
  LstmBuilder(LstmOp op, LoweringBuilder &b)
      : RecurrentBuilder(op, b, 4, 3), couples(op.getInputForget()) {}

  SmallVector<Value> prepare(unsigned direction) override {
    return {buildRecurrence(direction, 0, 4)};
  }

  SmallVector<Value> step(const Step &now) override;

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

Value GruBuilder::buildEarly(const Step &now) {
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

Value GruBuilder::buildLate(const Step &now) {
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

SmallVector<Value> LstmBuilder::step(const Step &now) {
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
