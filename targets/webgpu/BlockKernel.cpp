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
/// Threads with more sums than this, in vectors, have no registers for totals.
constexpr int64_t maxTotals = 8;

/// A workgroup computes a block of rows x columns. For each part of the sum it
/// copies that part's rows of A, vectors along the sum, and columns of B,
/// vectors across it, into its memory; each thread then reads what it needs for
/// its own rows and columns. The next part is on its way to registers
/// meanwhile. Where a long sum has slices, each is such a group of threads with
/// a memory of its own. A convolution is a product whose element of A is found
/// by the loop nest's index.
class BlockEmitter {
public:
  BlockEmitter(OpBuilder &b, func::FuncOp func, const LoopNest &nest,
               const Schedule &schedule);
  FailureOr<AffineExpr> emit();

private:
  Value allocate(int64_t vectors);
  void findBlock(Value group);
  /// Calls `copy` with the numbers of the vectors that this thread copies.
  void forEachCopy(int64_t vectors, function_ref<void(Value)> copy);
  void forEachOfA(function_ref<void(Value line, Value part)> copy);
  void forEachOfB(function_ref<void(Value column, Value step)> copy);
  Value loadA(Value k);
  Value loadOfA(Value line, Value k);
  Value loadB(Value column);
  Value loadOfB(Value column, Value k);
  Value loadLanes(Value first, AffineExpr size,
                  function_ref<Value(Value)> loadAt);
  /// What this thread copies of a part of the sum, and that into the memory.
  Values loadPart(Value part);
  void storePart(ArrayRef<Value> copied);
  Values multiply(ValueRange sums);
  Values sumUp(Value begin, Value end, ValueRange carried);
  Values sumUp();
  Values addSlices(ValueRange sums);
  void enterResult(Value row, Value column);
  void finishVector(Value row, Value column, Value sum);
  void finishLanes(Value column, Value sum);

  Value constant(int64_t value) { return e.constant(value); }
  /// Where the vector of a column and step lies. Panels of two vectors stand
  /// behind each other, as in the packed weights, with as large a gap, so that
  /// threads next to each other read different banks of the memory. The rows
  /// of A need none: such threads read one of them.
  Value getPlaceOfB(Value column, Value step);
  Value getPlaceOfA(Value line, Value part);
  /// The place in the memory of this slice, which has `size` vectors.
  Value inSlice(Value place, int64_t size);
  int64_t sizeOfA() const { return block.blockRows() * (block.depth / lanes); }
  int64_t sizeOfB() const {
    return block.blockColumns() / (2 * lanes) * panelPitch();
  }
  int64_t panelPitch() const { return 2 * block.depth + 2; }
  size_t numSums() const { return block.rows * block.vectors; }
  /// The number of parts of the sum, each of a step for all slices.
  Value countParts() { return e.expand(depth.ceilDiv(block.roundDepth())); }

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
      e.delinearize(at, product.k, accessA);
      return e.load(accessA);
    });
  if (!depth.isMultipleOf(block.roundDepth()))
    k = e.min(k, e.expand(depth - lanes));
  e.delinearize(k, product.k, accessA);
  return e.loadVector(accessA);
}

/// What is copied to `line` of A's block from step `k` on.
Value BlockEmitter::loadOfA(Value line, Value k) {
  Value row = e.add(firstRow, line);
  if (!numRows.isMultipleOf(block.blockRows()))
    row = e.min(row, e.expand(numRows - 1));
  if (!product.m.empty())
    e.delinearize(row, product.m, accessA);
  Value value = loadA(k);
  if (depth.isMultipleOf(block.roundDepth()))
    return value;
  // Steps beyond the end add nothing.
  Values isInside;
  for (int64_t lane = 0; lane < lanes; ++lane)
    isInside.push_back(e.isLess(e.add(k, constant(lane)), e.expand(depth)));
  Value mask = b.create<vector::FromElementsOp>(
      e.loc, VectorType::get(lanes, b.getI1Type()), isInside);
  Value zero = b.create<arith::ConstantOp>(e.loc, b.getZeroAttr(vector));
  return b.create<arith::SelectOp>(e.loc, mask, value, zero);
}

void BlockEmitter::forEachOfA(function_ref<void(Value, Value)> copy) {
  int64_t pitch = block.depth / lanes;
  forEachCopy(block.blockRows() * pitch, [&](Value number) {
    copy(e.div(number, constant(pitch)), e.rem(number, constant(pitch)));
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
  int64_t pitch = block.depth / lanes;
  return inSlice(e.add(e.mul(line, constant(pitch)), part), sizeOfA());
}

Value BlockEmitter::getPlaceOfB(Value column, Value step) {
  Value panel = e.div(column, constant(2));
  Value inPanel = e.add(e.mul(step, constant(2)), e.rem(column, constant(2)));
  Value place = e.add(e.mul(panel, constant(panelPitch())), inPanel);
  return inSlice(place, sizeOfB());
}

/// Neighbouring threads copy what are neighbours in memory: the vectors of a
/// panel, the columns of a row, or else the steps of a column.
void BlockEmitter::forEachOfB(function_ref<void(Value, Value)> copy) {
  int64_t columns = block.blockColumns() / lanes;
  forEachCopy(block.depth * columns, [&](Value number) {
    if (accessB.panelWidth(product.n)) {
      Value pair = e.div(number, constant(2));
      Value panel = e.div(pair, constant(block.depth));
      copy(e.add(e.mul(panel, constant(2)), e.rem(number, constant(2))),
           e.rem(pair, constant(block.depth)));
    } else if (accessB.isUnit(product.n)) {
      copy(e.rem(number, constant(columns)), e.div(number, constant(columns)));
    } else {
      copy(e.div(number, constant(block.depth)),
           e.rem(number, constant(block.depth)));
    }
  });
}

/// What is copied to `column` of B's block in step `k`.
Value BlockEmitter::loadOfB(Value column, Value k) {
  if (!depth.isMultipleOf(block.roundDepth()))
    k = e.min(k, e.expand(depth - 1));
  e.delinearize(k, product.k, accessB);
  return loadB(e.add(firstColumn, e.mul(column, constant(lanes))));
}

Values BlockEmitter::loadPart(Value part) {
  if (slice)
    part = e.add(e.mul(part, constant(block.slices)), slice);
  Value first = e.mul(part, constant(block.depth));
  Values copied;
  forEachOfA([&](Value line, Value number) {
    Value k = e.add(first, e.mul(number, constant(lanes)));
    copied.push_back(loadOfA(line, k));
  });
  forEachOfB([&](Value column, Value step) {
    copied.push_back(loadOfB(column, e.add(first, step)));
  });
  for (unsigned dim : product.k)
    e.ivs[dim] = Value();
  return copied;
}

void BlockEmitter::storePart(ArrayRef<Value> copied) {
  auto store = [&](Value memory, Value place) {
    b.create<memref::StoreOp>(e.loc, copied.front(), memory, place);
    copied = copied.drop_front();
  };
  forEachOfA([&](Value line, Value number) {
    store(memoryA, getPlaceOfA(line, number));
  });
  forEachOfB([&](Value column, Value step) {
    store(memoryB, getPlaceOfB(column, step));
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
/// once. What is carried are the sums and what was loaded of the next part.
Values BlockEmitter::sumUp(Value begin, Value end, ValueRange carried) {
  auto loop = b.create<scf::ForOp>(e.loc, begin, end, constant(1), carried);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(loop.getBody());
  Values args(loop.getRegionIterArgs());
  storePart(ArrayRef(args).drop_front(numSums()));
  b.create<gpu::BarrierOp>(e.loc);
  // The last part is loaded once more, which no result waits for.
  Value next = e.add(loop.getInductionVar(), constant(1));
  Values copied = loadPart(e.min(next, e.add(countParts(), constant(-1))));
  Values results = multiply(ValueRange(args).take_front(numSums()));
  b.create<gpu::BarrierOp>(e.loc);
  results.append(copied);
  b.create<scf::YieldOp>(e.loc, results);
  return Values(loop.getResults());
}

/// A long sum is one of sums of at most `longestSum` terms, as on the CPU,
/// where there are registers for their totals: the rounding error grows with
/// the length of each.
Values BlockEmitter::sumUp() {
  Values carried(numSums(), toVector(b, e.loc, e.getInits().front()));
  carried.append(loadPart(constant(0)));
  Value end = countParts();
  auto length = dyn_cast<AffineConstantExpr>(depth);
  if ((length && length.getValue() <= longestSum) || numSums() > maxTotals) {
    carried = sumUp(constant(0), end, carried);
    carried.truncate(numSums());
    return carried;
  }
  Value step = constant(longestSum / block.depth);
  auto loop = b.create<scf::ForOp>(e.loc, constant(0), end, step, carried);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(loop.getBody());
  Value zero = b.create<arith::ConstantOp>(e.loc, b.getZeroAttr(vector));
  Value begin = loop.getInductionVar();
  Values inner(loop.getRegionIterArgs());
  std::fill_n(inner.begin(), numSums(), zero);
  Values sums = sumUp(begin, e.min(e.add(begin, step), end), inner);
  for (size_t i = 0; i < numSums(); ++i)
    sums[i] =
        b.create<arith::AddFOp>(e.loc, loop.getRegionIterArgs()[i], sums[i]);
  b.create<scf::YieldOp>(e.loc, sums);
  Values totals(loop.getResults());
  totals.truncate(numSums());
  return totals;
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

/// Goes into code for what lies in the result, where blocks reach beyond it.
void BlockEmitter::enterResult(Value row, Value column) {
  Value isInside;
  auto require = [&](Value index, AffineExpr size, int64_t step) {
    if (size.isMultipleOf(step))
      return;
    Value isBelow = e.isLess(index, e.expand(size));
    isInside =
        isInside ? b.create<arith::AndIOp>(e.loc, isInside, isBelow) : isBelow;
  };
  require(row, numRows, block.blockRows());
  require(column, numColumns, block.blockColumns());
  if (!isInside)
    return;
  auto branch = b.create<scf::IfOp>(e.loc, isInside, /*withElseRegion=*/false);
  b.setInsertionPointToStart(branch.thenBlock());
}

void BlockEmitter::finishVector(Value row, Value column, Value sum) {
  OpBuilder::InsertionGuard guard(b);
  enterResult(row, column);
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
