//===- TileReduction.cpp - The reduction loops of a register tile ---------===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "TileEmitter.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;

namespace nncc::kernels {

TileEmitter::Cells TileEmitter::getInitialCells(const Point &point) {
  Cells cells;
  unsigned results = nest.main.outputs.size();
  for (int64_t cell = 0; cell < point.rows * point.vectors; ++cell)
    for (unsigned result = 0; result < results; ++result) {
      Value init = b.create<arith::ConstantOp>(loc, nest.main.inits[result]);
      cells.push_back(schedule.vectorDim ? toVector(b, loc, init) : init);
    }
  return cells;
}

TileEmitter::Cells TileEmitter::emitMainBody(const Point &point,
                                             ValueRange cells) {
  Block *body = const_cast<linalg::GenericOp &>(nest.main.op).getBody();
  unsigned results = nest.main.outputs.size();
  Cells next;
  for (int64_t row = 0; row < point.rows; ++row)
    for (int64_t vector = 0; vector < point.vectors; ++vector) {
      IRMapping values;
      for (unsigned result = 0; result < results && !cells.empty(); ++result)
        values.map(body->getArgument(nest.main.inputs.size() + result),
                   cells[next.size() + result]);
      Cells yielded = evaluate(nest.main, 0, point, row, vector, values);
      for (Value value : yielded)
        next.push_back(schedule.vectorDim ? toVector(b, loc, value) : value);
    }
  return next;
}

/// Emits a loop that carries `cells`; `emitBody` returns the next ones.
static SmallVector<Value>
emitLoop(OpBuilder &b, Location loc, Value from, Value to, Value step,
         ValueRange cells,
         function_ref<SmallVector<Value>(Value, ValueRange)> emitBody) {
  auto loop = b.create<scf::ForOp>(loc, from, to, step, cells);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(loop.getBody());
  SmallVector<Value> next =
      emitBody(loop.getInductionVar(), loop.getRegionIterArgs());
  if (!cells.empty())
    b.create<scf::YieldOp>(loc, next);
  return loop.getResults();
}

TileEmitter::Cells TileEmitter::emitReduction(Point point, unsigned level,
                                              ValueRange cells) {
  if (level == schedule.reductionOrder.size())
    return emitMainBody(point, cells);
  unsigned dim = schedule.reductionOrder[level];
  if (schedule.horizontal && dim == *schedule.vectorDim)
    return emitHorizontalReduction(point, cells);

  auto size = dyn_cast<AffineConstantExpr>(nest.dims[dim].size);
  bool innermost = level + 1 == schedule.reductionOrder.size();
  if (innermost && size && size.getValue() <= schedule.tile.unrollReduction) {
    // One block, so that what neighbouring rows share is loaded once.
    Cells next(cells);
    for (int64_t i = 0; i < size.getValue(); ++i) {
      Point inner = point;
      enter(inner, dim, b.getIndexAttr(i));
      next = emitReduction(inner, level + 1, next);
    }
    return next;
  }
  auto emitRange = [&](Value from, Value to, ValueRange initial) {
    loaded.clear();
    Cells next = emitLoop(b, loc, from, to, getConstant(1), initial,
                          [&](Value iv, ValueRange carried) {
                            Point inner = point;
                            enter(inner, dim, iv);
                            return emitReduction(inner, level + 1, carried);
                          });
    loaded.clear();
    return next;
  };
  return emitBlocks(point, schedule.sumBlocks[level], getConstant(0),
                    getIndex(nest.dims[dim].size), cells, emitRange);
}

TileEmitter::Cells TileEmitter::emitBlocks(const Point &point,
                                           ArrayRef<int64_t> blocks, Value from,
                                           Value to, ValueRange cells,
                                           RangeEmitter emitRange) {
  if (blocks.empty())
    return emitRange(from, to, cells);
  Value step = getConstant(blocks.front());
  return emitLoop(
      b, loc, from, to, step, cells, [&](Value first, ValueRange totals) {
        Value last = b.create<arith::AddIOp>(loc, first, step);
        if (blocks.front() > 1)
          last = b.create<arith::MinUIOp>(loc, last, to);
        Cells next = emitBlocks(point, blocks.drop_front(), first, last,
                                getInitialCells(point), emitRange);
        for (auto [total, sum] : llvm::zip_equal(totals, next))
          sum = combine(total, sum);
        return next;
      });
}

TileEmitter::Cells TileEmitter::emitHorizontalReduction(Point point,
                                                        ValueRange cells) {
  unsigned dim = *schedule.vectorDim;
  Value size = getIndex(nest.dims[dim].size);
  int64_t width = lanes * point.vectors;
  auto floorTo = [&](int64_t multiple) -> Value {
    Value step = getConstant(multiple);
    Value count = b.create<arith::DivUIOp>(loc, size, step);
    return b.create<arith::MulIOp>(loc, count, step);
  };
  auto emitStrip = [&](Point at, Value iv, ValueRange carried) {
    loaded.clear();
    enter(at, dim, iv);
    return emitMainBody(at, carried);
  };
  auto emitRange = [&](Value from, Value to, ValueRange initial) {
    return emitLoop(b, loc, from, to, getConstant(width), initial,
                    [&](Value iv, ValueRange carried) {
                      return emitStrip(point, iv, carried);
                    });
  };
  Value fullTiles = floorTo(width);
  Cells next = emitBlocks(point, schedule.sumBlocks.back(), getConstant(0),
                          fullTiles, cells, emitRange);
  // What remains goes into the first vector of each row: whole vectors, then
  // one of which only some lanes count.
  Cells first;
  for (int64_t row = 0; row < point.rows; ++row)
    first.push_back(next[row * point.vectors]);
  Point narrow = point;
  narrow.vectors = 1;
  Value fullVectors = floorTo(lanes);
  first = emitLoop(b, loc, fullTiles, fullVectors, getConstant(lanes), first,
                   [&](Value iv, ValueRange carried) {
                     return emitStrip(narrow, iv, carried);
                   });
  Value left = b.create<arith::SubIOp>(loc, size, fullVectors);
  Value any = b.create<arith::CmpIOp>(loc, arith::CmpIPredicate::ne, left,
                                      getConstant(0));
  auto guarded = b.create<scf::IfOp>(loc, ValueRange(first).getTypes(), any,
                                     /*withElseRegion=*/true);
  {
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(guarded.thenBlock());
    narrow.partial = left;
    Cells masked = emitStrip(narrow, fullVectors, first);
    Value counts =
        b.create<arith::CmpIOp>(loc, arith::CmpIPredicate::slt,
                                getLaneIndices(b, loc), toVector(b, loc, left));
    for (auto [value, old] : llvm::zip_equal(masked, first))
      value = b.create<arith::SelectOp>(loc, counts, value, old);
    b.create<scf::YieldOp>(loc, masked);
    b.setInsertionPointToStart(guarded.elseBlock());
    b.create<scf::YieldOp>(loc, first);
  }
  loaded.clear();
  for (int64_t row = 0; row < point.rows; ++row)
    next[row * point.vectors] = guarded.getResult(row);
  return next;
}

Value TileEmitter::combine(Value x, Value y) {
  Value element;
  SmallVector<Operation *> combiner = getCombiner(nest.main.op, element);
  Block *body = const_cast<linalg::GenericOp &>(nest.main.op).getBody();
  IRMapping values;
  values.map(body->getArgument(nest.main.inputs.size()), x);
  values.map(element, y);
  for (Operation *op : combiner)
    values.map(op->getResult(0), cloneOnLanes(b, op, values));
  return values.lookup(combiner.back()->getResult(0));
}

TileEmitter::Cells TileEmitter::combineLanes(const Point &point,
                                             ValueRange cells) {
  Cells rows;
  for (int64_t row = 0; row < point.rows; ++row) {
    Value sum = cells[row * point.vectors];
    for (int64_t vector = 1; vector < point.vectors; ++vector)
      sum = combine(sum, cells[row * point.vectors + vector]);
    Value total;
    for (int64_t lane = 0; lane < lanes; ++lane) {
      Value element = b.create<vector::ExtractOp>(loc, sum, lane);
      total = total ? combine(total, element) : element;
    }
    rows.push_back(total);
  }
  return rows;
}

void TileEmitter::storeResults(const Point &point, ValueRange cells) {
  unsigned results = nest.main.outputs.size();
  unsigned firstOutput = nest.main.inputs.size();
  unsigned next = 0;
  for (int64_t row = 0; row < point.rows; ++row)
    for (int64_t vector = 0; vector < point.vectors; ++vector) {
      if (!nest.epilogue) {
        for (unsigned result = 0; result < results; ++result)
          store(firstOutput + result, point, row, vector, cells[next++]);
        continue;
      }
      const Stage &epilogue = *nest.epilogue;
      unsigned firstAccess = firstOutput + results;
      Block *body = const_cast<linalg::GenericOp &>(epilogue.op).getBody();
      IRMapping values;
      for (auto [i, access] : llvm::enumerate(epilogue.inputs))
        if (!access.buffer)
          values.map(body->getArgument(i), cells[next]);
      ++next;
      Cells yielded =
          evaluate(epilogue, firstAccess, point, row, vector, values);
      for (auto [i, value] : llvm::enumerate(yielded))
        store(firstAccess + epilogue.inputs.size() + i, point, row, vector,
              value);
    }
}

void TileEmitter::emitTile(const Point &entered) {
  loaded.clear();
  transposed.clear();
  Cells cells;
  Point point = entered, done = entered;
  if (schedule.horizontal)
    point.vectors = schedule.tile.vectors.front();
  // Reduction dimensions of size 1 are gone, what they start from is not.
  bool accumulates = nest.main.inits.front() != nullptr;
  if (accumulates) {
    cells = emitReduction(point, 0, getInitialCells(point));
    if (schedule.horizontal) {
      cells = combineLanes(point, cells);
    }
    loaded.clear();
  } else {
    cells = emitMainBody(point, {});
  }
  storeResults(done, cells);
}

} // namespace nncc::kernels
