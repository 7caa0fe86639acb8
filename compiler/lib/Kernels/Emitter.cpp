//===- Emitter.cpp - Loops and vector code of a kernel --------------------===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "nncc/Kernels/Emitter.h"

#include "TileEmitter.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

using namespace mlir;

namespace nncc::kernels {

namespace {

/// Emits the parallel loops around the tiles.
class LoopEmitter {
public:
  LoopEmitter(OpBuilder &b, func::FuncOp func, const LoopNest &nest,
              const Schedule &schedule)
      : b(b), loc(func.getLoc()), tile(b, func, nest, schedule), nest(nest),
        schedule(schedule), gridRange(getLastArguments(func)) {}

  void emit();

private:
  /// Steps of the grid's loops from some level on.
  struct Range {
    Value begin, end;
  };
  static Range getLastArguments(func::FuncOp func) {
    unsigned count = func.getNumArguments();
    return {func.getArgument(count - 2), func.getArgument(count - 1)};
  }
  /// The loops of the grid from `level` on, for the steps of `gridRange`.
  void emitGrid(unsigned level, const Point &point);
  /// The steps of one loop of the grid; what is inside is emitted whole.
  void emitGridSteps(unsigned level, const Point &point, Range range);
  /// How many steps the grid's loops from `level` on have, at least 1.
  Value countSteps(unsigned level);
  void emitLoop(unsigned level, const Point &point);
  /// Emits the tiles of `width` elements in [from, to).
  void emitStrip(unsigned level, const Point &point, OpFoldResult from,
                 OpFoldResult to, int64_t width);
  void emitPartial(unsigned level, const Point &point, OpFoldResult from,
                   OpFoldResult count);
  void emitTiles(unsigned level, const Point &point, OpFoldResult lower);
  void emitRemainders(unsigned level, const Point &point);
  SmallVector<int64_t> getWidths(unsigned dim) const;
  OpFoldResult getSize(unsigned dim);
  /// The size rounded down to a multiple.
  OpFoldResult floorTo(OpFoldResult size, int64_t multiple);
  Value toValue(OpFoldResult value) {
    return getValueOrCreateConstantIndexOp(b, loc, value);
  }

  OpBuilder &b;
  Location loc;
  TileEmitter tile;
  const LoopNest &nest;
  const Schedule &schedule;
  /// Of the loops of the grid that are not emitted yet.
  Range gridRange;
};

} // namespace

SmallVector<int64_t> LoopEmitter::getWidths(unsigned dim) const {
  if (dim == schedule.rowDim)
    return schedule.tile.rows;
  if (dim != schedule.vectorDim)
    return {1};
  SmallVector<int64_t> widths;
  for (int64_t vectors : schedule.tile.vectors)
    widths.push_back(lanes * vectors);
  return widths;
}

OpFoldResult LoopEmitter::getSize(unsigned dim) {
  if (auto size = dyn_cast<AffineConstantExpr>(nest.dims[dim].size))
    return b.getIndexAttr(size.getValue());
  return tile.getIndex(nest.dims[dim].size);
}

OpFoldResult LoopEmitter::floorTo(OpFoldResult size, int64_t multiple) {
  if (auto value = getConstantIntValue(size))
    return b.getIndexAttr(*value / multiple * multiple);
  if (multiple == 1)
    return size;
  Value step = tile.getConstant(multiple);
  Value count = b.create<arith::DivUIOp>(loc, cast<Value>(size), step);
  return b.create<arith::MulIOp>(loc, count, step).getResult();
}

void LoopEmitter::emitStrip(unsigned level, const Point &point,
                            OpFoldResult from, OpFoldResult to, int64_t width) {
  unsigned dim = schedule.parallelOrder[level];
  auto emitAt = [&](OpFoldResult iv) {
    Point inner = point;
    if (dim == schedule.rowDim)
      inner.rows = width;
    if (dim == schedule.vectorDim)
      inner.vectors = width / lanes;
    tile.enter(inner, dim, iv);
    emitLoop(level + 1, inner);
  };
  std::optional<int64_t> first = getConstantIntValue(from);
  std::optional<int64_t> last = getConstantIntValue(to);
  if (first && last && *first + width >= *last) {
    if (*first < *last)
      emitAt(from);
    return;
  }
  auto loop = b.create<scf::ForOp>(loc, toValue(from), toValue(to),
                                   tile.getConstant(width));
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(loop.getBody());
  emitAt(loop.getInductionVar());
}

void LoopEmitter::emitPartial(unsigned level, const Point &point,
                              OpFoldResult from, OpFoldResult count) {
  if (getConstantIntValue(count) == 0)
    return;
  OpBuilder::InsertionGuard guard(b);
  if (auto dynamic = dyn_cast<Value>(count)) {
    Value any = b.create<arith::CmpIOp>(loc, arith::CmpIPredicate::ne, dynamic,
                                        tile.getConstant(0));
    auto guarded = b.create<scf::IfOp>(loc, any, /*withElseRegion=*/false);
    b.setInsertionPointToStart(guarded.thenBlock());
  }
  Point inner = point;
  inner.vectors = 1;
  inner.partial = count;
  tile.enter(inner, schedule.parallelOrder[level], from);
  emitLoop(level + 1, inner);
}

void LoopEmitter::emitRemainders(unsigned level, const Point &point) {
  unsigned dim = schedule.parallelOrder[level];
  SmallVector<int64_t> widths = getWidths(dim);
  OpFoldResult size = getSize(dim);
  OpFoldResult from = floorTo(size, widths.front());
  for (int64_t width : ArrayRef(widths).drop_front()) {
    OpFoldResult to = floorTo(size, width);
    emitStrip(level, point, from, to, width);
    from = to;
  }
  if (dim != schedule.vectorDim)
    return;
  OpFoldResult count;
  if (auto value = getConstantIntValue(size))
    count = b.getIndexAttr(*value % lanes);
  else
    count =
        b.create<arith::SubIOp>(loc, toValue(size), toValue(from)).getResult();
  emitPartial(level, point, from, count);
}

void LoopEmitter::emitLoop(unsigned level, const Point &point) {
  if (level == schedule.parallelOrder.size()) {
    tile.emitTile(point);
    return;
  }
  unsigned dim = schedule.parallelOrder[level];
  // One step that all ranges share has nothing to choose.
  if (level < schedule.numGridLoops &&
      schedule.gridSteps(nest, level) != b.getAffineConstantExpr(1)) {
    emitGrid(level, point);
    return;
  }
  SmallVector<int64_t> widths = getWidths(dim);
  OpFoldResult size = getSize(dim);
  OpFoldResult full = floorTo(size, widths.front());
  emitStrip(level, point, b.getIndexAttr(0), full, widths.front());
  emitRemainders(level, point);
}

/// What is left behind the last whole tile belongs to the last step.
void LoopEmitter::emitGridSteps(unsigned level, const Point &point,
                                Range range) {
  unsigned dim = schedule.parallelOrder[level];
  SmallVector<int64_t> widths = getWidths(dim);
  OpFoldResult size = getSize(dim);
  OpFoldResult full = floorTo(size, widths.front());
  Value unit = tile.getConstant(widths.front());
  Value from = b.create<arith::MulIOp>(loc, range.begin, unit);
  Value to = b.create<arith::MulIOp>(loc, range.end, unit);
  Value fullEnd = b.create<arith::MinUIOp>(loc, to, toValue(full));
  emitStrip(level, point, from, fullEnd, widths.front());
  std::optional<int64_t> staticSize = getConstantIntValue(size);
  bool isVector = dim == schedule.vectorDim;
  if ((widths.size() == 1 && !isVector) ||
      (staticSize && *staticSize % widths.front() == 0))
    return;
  Value remains = b.create<arith::CmpIOp>(loc, arith::CmpIPredicate::ugt, to,
                                          toValue(full));
  auto guarded = b.create<scf::IfOp>(loc, remains, /*withElseRegion=*/false);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(guarded.thenBlock());
  emitRemainders(level, point);
}

Value LoopEmitter::countSteps(unsigned level) {
  AffineExpr steps = b.getAffineConstantExpr(1);
  for (; level < schedule.numGridLoops; ++level)
    steps = steps * schedule.gridSteps(nest, level);
  // To divide by, where there is nothing to do.
  return b.create<arith::MaxUIOp>(loc, tile.getIndex(steps),
                                  tile.getConstant(1));
}

/// A range may begin and end inside of an iteration of an outer loop.
void LoopEmitter::emitGrid(unsigned level, const Point &point) {
  Range range = gridRange;
  if (level + 1 == schedule.numGridLoops) {
    emitGridSteps(level, point, range);
    return;
  }
  Value one = tile.getConstant(1);
  Value steps = countSteps(level + 1);
  Value from = b.create<arith::DivUIOp>(loc, range.begin, steps);
  Value last = b.create<arith::AddIOp>(
      loc, range.end, b.create<arith::SubIOp>(loc, steps, one));
  Value to = b.create<arith::DivUIOp>(loc, last, steps);
  auto loop = b.create<scf::ForOp>(loc, from, to, one);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(loop.getBody());
  Value step = loop.getInductionVar();
  Value first = b.create<arith::MulIOp>(loc, step, steps);
  Value behind = b.create<arith::AddIOp>(loc, first, steps);
  gridRange.begin = b.create<arith::SubIOp>(
      loc, b.create<arith::MaxUIOp>(loc, range.begin, first), first);
  gridRange.end = b.create<arith::SubIOp>(
      loc, b.create<arith::MinUIOp>(loc, range.end, behind), first);
  emitGridSteps(level, point, {step, b.create<arith::AddIOp>(loc, step, one)});
  gridRange = range;
}

void LoopEmitter::emit() { emitLoop(0, tile.getStart()); }

void emitKernel(OpBuilder &builder, func::FuncOp func, const LoopNest &nest,
                const Schedule &schedule) {
  LoopEmitter(builder, func, nest, schedule).emit();
}

} // namespace nncc::kernels
