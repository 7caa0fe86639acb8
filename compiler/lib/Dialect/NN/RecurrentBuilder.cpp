//===- RecurrentBuilder.cpp - loops over the steps --------------*- C++ -*-===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "RecurrentBuilder.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace nncc;
using namespace nncc::nn;

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
SmallVector<Value> RecurrentBuilder::runStep(RecurrentStep &current, Value at,
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
    RecurrentStep current{direction, Value(), SmallVector<Value>(now),
                          prepared};
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
