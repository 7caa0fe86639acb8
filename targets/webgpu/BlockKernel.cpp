//===- BlockKernel.cpp - Products of matrices by blocks ------------------===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "targets/webgpu/Emitters.h"
#include "targets/webgpu/NestEmitter.h"
#include "targets/webgpu/Scalars.h"

using namespace mlir;
using namespace nncc::kernels;

namespace nncc::webgpu {

namespace {

using Values = NestEmitter::Values;

/// Terms that are added up one by one.
constexpr int64_t longestSum = 256;

/// A workgroup computes a block of rows x columns. For each part of the sum it
/// copies that part's rows of A, vectors along the sum, and columns of B,
/// vectors across it, into its memory; each thread then reads what it needs for
/// its own rows and columns. Where a long sum has slices, each is such a group
/// of threads with a memory of its own. A convolution is a product whose
/// element of A is found by the loop nest's index.
class BlockEmitter {
public:
  BlockEmitter(OpBuilder &b, func::FuncOp func, const LoopNest &nest,
               const Schedule &schedule);
  FailureOr<AffineExpr> emit();

private:
  Value allocate(int64_t vectors);
  void findBlock(Value group);
  void copyA(Value first);
  void copyB(Value first);
  /// Calls `copy` with the numbers of the vectors that this thread copies.
  void forEachCopy(int64_t vectors, function_ref<void(Value)> copy);
  Value loadA(Value k);
  Value loadB(Value column);
  Value loadLanes(Value first, AffineExpr size,
                  function_ref<Value(Value)> loadAt);
  Values multiply(ValueRange sums);
  Values sumUp(Value begin, Value end, ValueRange sums);
  Values sumUp();
  Values addSlices(ValueRange sums);
  void finishVector(Value row, Value column, Value sum);
  void finishLanes(Value column, Value sum);

  Value constant(int64_t value) { return e.constant(value); }
  /// Where the vector of a column and step lies. Panels of two vectors stand
  /// behind each other, as in the packed weights, with one as a gap that
  /// spreads them over the memory's banks.
  Value getPlaceOfB(Value column, Value step);
  Value getPlaceOfA(Value line, Value part);
  /// The place in the memory of this slice, which has `size` vectors.
  Value inSlice(Value place, int64_t size);
  int64_t sizeOfA() const {
    return block.blockRows() * (block.depth / lanes + 1);
  }
  int64_t sizeOfB() const {
    return block.blockColumns() / (2 * lanes) * (2 * block.depth + 1);
  }

  OpBuilder &b;
  const Product &product;
  const BlockTile &block;
  NestEmitter e;
  const Access &accessA, &accessB;
  AffineExpr numRows, numColumns, depth;
  VectorType vector;
  /// Numbers of the thread in its slice.
  Value thread, threadX, threadY;
  /// Null where there is one.
  Value slice;
  Value firstRow, firstColumn, memoryA, memoryB;
};

} // namespace

BlockEmitter::BlockEmitter(OpBuilder &b, func::FuncOp func,
                           const LoopNest &nest, const Schedule &schedule)
    : b(b), product(schedule.product), block(schedule.block),
      e(b, func, nest, ThreadTile()), accessA(nest.main.inputs[product.a]),
      accessB(nest.main.inputs[product.b]), numRows(e.getSize(product.m)),
      numColumns(nest.dims[product.n].size), depth(e.getSize(product.k)),
      vector(VectorType::get(lanes, b.getF32Type())) {}

Value BlockEmitter::allocate(int64_t vectors) {
  auto space =
      gpu::AddressSpaceAttr::get(b.getContext(), gpu::AddressSpace::Workgroup);
  return b.create<memref::AllocaOp>(
      e.loc,
      MemRefType::get({vectors}, vector, MemRefLayoutAttrInterface(), space));
}

/// Blocks of columns are innermost: neighbouring workgroups share their rows.
void BlockEmitter::findBlock(Value group) {
  Value columns = e.expand(numColumns.ceilDiv(block.blockColumns()));
  Value rows = e.expand(numRows.ceilDiv(block.blockRows()));
  firstColumn = e.mul(e.rem(group, columns), constant(block.blockColumns()));
  group = e.div(group, columns);
  firstRow = e.mul(e.rem(group, rows), constant(block.blockRows()));
  if (!product.batch.empty())
    e.delinearize(e.div(group, rows), product.batch);
  thread = e.getThread();
  if (block.slices > 1) {
    slice = e.div(thread, constant(block.sliceThreads()));
    thread = e.rem(thread, constant(block.sliceThreads()));
  }
  threadX = e.rem(thread, constant(block.threadsX));
  threadY = e.div(thread, constant(block.threadsX));
}

//===----------------------------------------------------------------------===//
// Copies into the workgroup's memory
//===----------------------------------------------------------------------===//

void BlockEmitter::forEachCopy(int64_t vectors,
                               function_ref<void(Value)> copy) {
  int64_t threads = block.sliceThreads();
  assert(vectors % threads == 0 && "whole rounds of copies");
  for (int64_t first = 0; first < vectors; first += threads)
    copy(e.add(thread, constant(first)));
}

/// A vector of elements from `first` on; those beyond the end are the last.
Value BlockEmitter::loadLanes(Value first, AffineExpr size,
                              function_ref<Value(Value)> loadAt) {
  Values elements;
  for (int64_t lane = 0; lane < lanes; ++lane)
    elements.push_back(
        loadAt(e.min(e.add(first, constant(lane)), e.expand(size - 1))));
  return b.create<vector::FromElementsOp>(e.loc, vector, elements);
}

/// Four elements of the current row from step `k` on.
Value BlockEmitter::loadA(Value k) {
  unsigned inner = product.k.back();
  if (!isWide(e.nest, accessA, inner))
    return loadLanes(k, depth, [&](Value at) {
      e.delinearize(at, product.k);
      return e.load(accessA);
    });
  if (!depth.isMultipleOf(block.roundDepth()))
    k = e.min(k, e.expand(depth - lanes));
  e.delinearize(k, product.k);
  return e.loadVector(accessA);
}

void BlockEmitter::copyA(Value first) {
  int64_t pitch = block.depth / lanes;
  forEachCopy(block.blockRows() * pitch, [&](Value number) {
    Value line = e.div(number, constant(pitch));
    Value part = e.rem(number, constant(pitch));
    Value row = e.add(firstRow, line);
    if (!numRows.isMultipleOf(block.blockRows()))
      row = e.min(row, e.expand(numRows - 1));
    if (!product.m.empty())
      e.delinearize(row, product.m);
    Value k = e.add(first, e.mul(part, constant(lanes)));
    Value value = loadA(k);
    if (!depth.isMultipleOf(block.roundDepth())) {
      // Steps beyond the end add nothing.
      Values isInside;
      for (int64_t lane = 0; lane < lanes; ++lane)
        isInside.push_back(e.isLess(e.add(k, constant(lane)), e.expand(depth)));
      Value mask = b.create<vector::FromElementsOp>(
          e.loc, VectorType::get(lanes, b.getI1Type()), isInside);
      Value zero = b.create<arith::ConstantOp>(e.loc, b.getZeroAttr(vector));
      value = b.create<arith::SelectOp>(e.loc, mask, value, zero);
    }
    b.create<memref::StoreOp>(e.loc, value, memoryA, getPlaceOfA(line, part));
  });
}

/// Four elements of the current step from `column` on.
Value BlockEmitter::loadB(Value column) {
  unsigned dim = product.n;
  int64_t width = accessB.panelWidth(dim);
  bool isPadded = width && isAligned(accessB, dim);
  if (!isPadded && !isWide(e.nest, accessB, dim))
    return loadLanes(column, numColumns, [&](Value at) {
      e.ivs[dim] = at;
      return e.load(accessB);
    });
  AffineExpr end = isPadded ? numColumns.ceilDiv(width) * width : numColumns;
  if (!numColumns.isMultipleOf(block.blockColumns()))
    column = e.min(column, e.expand(end - lanes));
  e.ivs[dim] = column;
  return e.loadVector(accessB);
}

Value BlockEmitter::inSlice(Value place, int64_t size) {
  return slice ? e.add(e.mul(slice, constant(size)), place) : place;
}

Value BlockEmitter::getPlaceOfA(Value line, Value part) {
  int64_t pitch = block.depth / lanes + 1;
  return inSlice(e.add(e.mul(line, constant(pitch)), part), sizeOfA());
}

Value BlockEmitter::getPlaceOfB(Value column, Value step) {
  Value panel = e.div(column, constant(2));
  Value inPanel = e.add(e.mul(step, constant(2)), e.rem(column, constant(2)));
  Value place = e.add(e.mul(panel, constant(2 * block.depth + 1)), inPanel);
  return inSlice(place, sizeOfB());
}

/// Neighbouring threads copy what are neighbours in memory: the vectors of a
/// panel, the columns of a row, or else the steps of a column.
void BlockEmitter::copyB(Value first) {
  int64_t columns = block.blockColumns() / lanes;
  forEachCopy(block.depth * columns, [&](Value number) {
    Value column, step;
    if (accessB.panelWidth(product.n)) {
      Value pair = e.div(number, constant(2));
      step = e.rem(pair, constant(block.depth));
      column = e.add(e.mul(e.div(pair, constant(block.depth)), constant(2)),
                     e.rem(number, constant(2)));
    } else if (accessB.isUnit(product.n)) {
      step = e.div(number, constant(columns));
      column = e.rem(number, constant(columns));
    } else {
      step = e.rem(number, constant(block.depth));
      column = e.div(number, constant(block.depth));
    }
    Value k = e.add(first, step);
    if (!depth.isMultipleOf(block.roundDepth()))
      k = e.min(k, e.expand(depth - 1));
    e.delinearize(k, product.k);
    Value value = loadB(e.add(firstColumn, e.mul(column, constant(lanes))));
    b.create<memref::StoreOp>(e.loc, value, memoryB, getPlaceOfB(column, step));
  });
}

//===----------------------------------------------------------------------===//
// Sums and results
//===----------------------------------------------------------------------===//

/// Adds four steps of the copied part to the sums, one of them a row and vector
/// of columns. The body of a loop over the part.
Values BlockEmitter::multiply(ValueRange sums) {
  int64_t pitch = block.depth / lanes;
  auto loop = b.create<scf::ForOp>(e.loc, constant(0), constant(pitch),
                                   constant(1), sums);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(loop.getBody());
  Value part = loop.getInductionVar();
  Values rows, next(loop.getRegionIterArgs());
  for (int64_t row = 0; row < block.rows; ++row) {
    Value line = e.add(e.mul(threadY, constant(block.rows)), constant(row));
    rows.push_back(
        b.create<memref::LoadOp>(e.loc, memoryA, getPlaceOfA(line, part)));
  }
  for (int64_t lane = 0; lane < lanes; ++lane) {
    Value step = e.add(e.mul(part, constant(lanes)), constant(lane));
    Values columns;
    for (int64_t i = 0; i < block.vectors; ++i)
      columns.push_back(b.create<memref::LoadOp>(
          e.loc, memoryB,
          getPlaceOfB(e.add(threadX, constant(i * block.threadsX)), step)));
    for (int64_t row = 0; row < block.rows; ++row) {
      Value factor = b.create<vector::BroadcastOp>(
          e.loc, vector, b.create<vector::ExtractOp>(e.loc, rows[row], lane));
      for (int64_t i = 0; i < block.vectors; ++i) {
        Value &sum = next[row * block.vectors + i];
        sum = b.create<vector::FMAOp>(e.loc, factor, columns[i], sum);
      }
    }
  }
  b.create<scf::YieldOp>(e.loc, next);
  return Values(loop.getResults());
}

/// Adds the parts from `begin` to `end` to the sums, one for each slice at
/// once.
Values BlockEmitter::sumUp(Value begin, Value end, ValueRange sums) {
  auto loop = b.create<scf::ForOp>(e.loc, begin, end, constant(1), sums);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(loop.getBody());
  Value part = loop.getInductionVar();
  if (slice)
    part = e.add(e.mul(part, constant(block.slices)), slice);
  Value first = e.mul(part, constant(block.depth));
  copyA(first);
  copyB(first);
  for (unsigned dim : product.k)
    e.ivs[dim] = Value();
  b.create<gpu::BarrierOp>(e.loc);
  Values next = multiply(loop.getRegionIterArgs());
  b.create<gpu::BarrierOp>(e.loc);
  b.create<scf::YieldOp>(e.loc, next);
  return Values(loop.getResults());
}

/// A long sum is one of sums of at most `longestSum` terms, as on the CPU: the
/// rounding error grows with the length of each. Totals wait outside of the
/// inner loop, so that it costs little where registers are short.
Values BlockEmitter::sumUp() {
  Value init = toVector(b, e.loc, e.getInits().front());
  Values totals(block.rows * block.vectors, init);
  Value end = e.expand(depth.ceilDiv(block.roundDepth()));
  auto length = dyn_cast<AffineConstantExpr>(depth);
  if (length && length.getValue() <= longestSum)
    return sumUp(constant(0), end, totals);
  Value step = constant(longestSum / block.depth);
  auto loop = b.create<scf::ForOp>(e.loc, constant(0), end, step, totals);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(loop.getBody());
  Value zero = b.create<arith::ConstantOp>(e.loc, b.getZeroAttr(vector));
  Value begin = loop.getInductionVar();
  Values sums =
      sumUp(begin, e.min(e.add(begin, step), end), Values(totals.size(), zero));
  for (auto [sum, total] : llvm::zip(sums, loop.getRegionIterArgs()))
    sum = b.create<arith::AddFOp>(e.loc, total, sum);
  b.create<scf::YieldOp>(e.loc, sums);
  return Values(loop.getResults());
}

/// The sums of all slices, through the workgroup's memory.
Values BlockEmitter::addSlices(ValueRange sums) {
  int64_t threads = block.sliceThreads(), size = threads * block.slices;
  Value partials = allocate(size * sums.size());
  auto getPlace = [&](size_t number, Value ofSlice) {
    Value first = e.mul(ofSlice, constant(threads));
    return e.add(e.add(first, thread), constant(number * size));
  };
  for (auto [i, sum] : llvm::enumerate(sums))
    b.create<memref::StoreOp>(e.loc, sum, partials, getPlace(i, slice));
  b.create<gpu::BarrierOp>(e.loc);
  Values totals;
  for (size_t i = 0; i < sums.size(); ++i) {
    Value total;
    for (int64_t other = 0; other < block.slices; ++other) {
      Value sum = b.create<memref::LoadOp>(e.loc, partials,
                                           getPlace(i, constant(other)));
      total = total ? b.create<arith::AddFOp>(e.loc, total, sum) : sum;
    }
    totals.push_back(total);
  }
  return totals;
}

/// Stores each column of a vector by itself, up to the last.
void BlockEmitter::finishLanes(Value column, Value sum) {
  for (int64_t lane = 0; lane < lanes; ++lane) {
    Value at = e.add(column, constant(lane));
    auto branch = b.create<scf::IfOp>(e.loc, e.isLess(at, e.expand(numColumns)),
                                      /*withElseRegion=*/false);
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(branch.thenBlock());
    e.ivs[product.n] = at;
    Value element = b.create<vector::ExtractOp>(e.loc, sum, lane);
    Values values = e.finish(element);
    if (!e.failed)
      e.storeResults(values);
  }
}

void BlockEmitter::finishVector(Value row, Value column, Value sum) {
  auto isInside =
      b.create<arith::AndIOp>(e.loc, e.isLess(row, e.expand(numRows)),
                              e.isLess(column, e.expand(numColumns)));
  auto branch = b.create<scf::IfOp>(e.loc, isInside, /*withElseRegion=*/false);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(branch.thenBlock());
  if (!product.m.empty())
    e.delinearize(row, product.m);
  const Stage &last = e.nest.epilogue ? *e.nest.epilogue : e.nest.main;
  if (!numColumns.isMultipleOf(lanes) || !isPlain(last))
    return finishLanes(column, sum);
  e.ivs[product.n] = column;
  e.tile.vectorDim = product.n;
  Values values = e.finish(sum);
  if (!e.failed)
    e.storeResults(values);
  e.tile.vectorDim = std::nullopt;
}

FailureOr<AffineExpr> BlockEmitter::emit() {
  AffineExpr groups = e.getSize(product.batch) *
                      numRows.ceilDiv(block.blockRows()) *
                      numColumns.ceilDiv(block.blockColumns());
  OpBuilder::InsertionGuard guard(b);
  memoryA = allocate(sizeOfA() * block.slices);
  memoryB = allocate(sizeOfB() * block.slices);
  findBlock(e.enterWorkgroup(groups));
  Values sums = sumUp();
  if (slice) {
    sums = addSlices(sums);
    auto branch = b.create<scf::IfOp>(e.loc, e.isLess(slice, constant(1)),
                                      /*withElseRegion=*/false);
    b.setInsertionPointToStart(branch.thenBlock());
  }
  for (int64_t row = 0; row < block.rows && !e.failed; ++row)
    for (int64_t i = 0; i < block.vectors; ++i) {
      Value line = e.add(e.mul(threadY, constant(block.rows)), constant(row));
      Value vector = e.add(threadX, constant(i * block.threadsX));
      Value column = e.add(firstColumn, e.mul(vector, constant(lanes)));
      finishVector(e.add(firstRow, line), column,
                   sums[row * block.vectors + i]);
    }
  if (e.failed)
    return failure();
  return groups;
}

FailureOr<AffineExpr> emitBlockKernel(OpBuilder &b, func::FuncOp func,
                                      const LoopNest &nest,
                                      const Schedule &schedule) {
  return BlockEmitter(b, func, nest, schedule).emit();
}

} // namespace nncc::webgpu
