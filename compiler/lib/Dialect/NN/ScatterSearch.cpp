//===- ScatterSearch.cpp - Scatters that look for updates -------*- C++ -*-===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ScatterSearch.h"

#include "Generic.h"
#include "Positions.h"
#include "Scalars.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace nncc;
using namespace nncc::nn;

Combine nn::getCombine(ScatterReduction reduction) {
  switch (reduction) {
  case ScatterReduction::None:
    return nullptr;
  case ScatterReduction::Add:
    return scalar::add;
  case ScatterReduction::Mul:
    return scalar::mul;
  case ScatterReduction::Max:
    return scalar::max;
  case ScatterReduction::Min:
    return scalar::min;
  }
  return nullptr;
}

/// What changes no element that it joins.
static TypedAttr getNeutral(ScatterReduction reduction, Type element) {
  switch (reduction) {
  case ScatterReduction::Mul:
    return scalar::getOne(element);
  case ScatterReduction::Max:
    return scalar::getLeast(element);
  case ScatterReduction::Min:
    return scalar::getGreatest(element);
  default:
    return scalar::getZero(element);
  }
}

bool ScatterSearch::isAllowed(const LoweringBuilder &b) const {
  bool joins = reduction != ScatterReduction::None;
  SmallVector<AffineExpr> sizes(dims);
  sizes.resize(joins ? dims.size() : numIndexed);
  sizes.push_back(count);
  int64_t tests = 1;
  for (AffineExpr size : sizes) {
    std::optional<int64_t> known = getConstantValue(size);
    if (!known || *known <= 0 || *known > b.getMaxScatterTests() / tests)
      return false;
    tests *= *known;
  }
  return true;
}

Value ScatterSearch::reduce(
    LoweringBuilder &b, Location loc, unsigned rank, Value indices,
    Value updates, TypedAttr neutral,
    llvm::function_ref<Value(OpBuilder &, Value, ValueRange)> body) const {
  SmallVector<AffineExpr> line = getLoops(b.getContext(), rank);
  line[axis] = b.getAffineDimExpr(rank);
  ArrayRef<AffineExpr> kept = ArrayRef(dims).take_front(rank);
  SmallVector<nn::Access> accesses = {{indices, line}};
  accesses[0].index.resize(numIndexed);
  if (updates)
    accesses.push_back({updates, line});
  Value size = b.dim(dims[axis]);
  return buildGeneric(b, loc, accesses, b.fill(loc, kept, neutral), rank,
                      /*reductions=*/1,
                      [&](OpBuilder &inner, Location loc, ValueRange args) {
                        Value here = inner.create<linalg::IndexOp>(loc, axis);
                        Value isMeant = inner.create<arith::CmpIOp>(
                            loc, arith::CmpIPredicate::eq,
                            getPosition(inner, loc, args[0], size), here);
                        return body(inner, isMeant, args.drop_front());
                      });
}

Value ScatterSearch::buildLast(LoweringBuilder &b, Location loc, Value data,
                               Value indices, Value updates) const {
  unsigned rank = dims.size();
  Type word = b.getI32Type();
  Value last =
      reduce(b, loc, numIndexed, indices, {}, b.getI32IntegerAttr(-1),
             [&](OpBuilder &inner, Value isMeant, ValueRange args) -> Value {
               Value step = inner.create<linalg::IndexOp>(loc, numIndexed);
               Value number = inner.create<arith::IndexCastOp>(loc, word, step);
               Value none = inner.create<arith::ConstantIntOp>(loc, -1, 32);
               Value found =
                   inner.create<arith::SelectOp>(loc, isMeant, number, none);
               return inner.create<arith::MaxSIOp>(loc, args.back(), found);
             });
  SmallVector<AffineExpr> loops = getLoops(b.getContext(), rank);
  SmallVector<AffineExpr> indexed = getLoops(b.getContext(), numIndexed);
  return buildParallel(
      b, loc, dims, element, {{data, loops}, {last, indexed}},
      [&](OpBuilder &inner, Location loc, ValueRange args) -> Value {
        Value zero = inner.create<arith::ConstantIntOp>(loc, 0, 32);
        Value found = inner.create<arith::CmpIOp>(
            loc, arith::CmpIPredicate::sge, args[1], zero);
        Value number = inner.create<arith::MaxSIOp>(loc, args[1], zero);
        SmallVector<Value> place;
        for (unsigned i = 0; i < rank; ++i)
          place.push_back(inner.create<linalg::IndexOp>(loc, i));
        place[axis] =
            inner.create<arith::IndexCastOp>(loc, inner.getIndexType(), number);
        Value update = inner.create<tensor::ExtractOp>(loc, updates, place);
        return inner.create<arith::SelectOp>(loc, found, update, args[0]);
      });
}

Value ScatterSearch::build(LoweringBuilder &b, Location loc, Value data,
                           Value indices, Value updates) const {
  Combine combine = getCombine(reduction);
  if (!combine)
    return buildLast(b, loc, data, indices, updates);
  TypedAttr neutral = getNeutral(reduction, element);
  Value joined =
      reduce(b, loc, dims.size(), indices, updates, neutral,
             [&](OpBuilder &inner, Value isMeant, ValueRange args) -> Value {
               Value none = inner.create<arith::ConstantOp>(loc, neutral);
               Value update =
                   inner.create<arith::SelectOp>(loc, isMeant, args[0], none);
               return combine(inner, loc, element, {args.back(), update});
             });
  SmallVector<AffineExpr> loops = getLoops(b.getContext(), dims.size());
  return buildParallel(b, loc, dims, element, {{data, loops}, {joined, loops}},
                       [&](OpBuilder &inner, Location loc, ValueRange args) {
                         return combine(inner, loc, element, args);
                       });
}
