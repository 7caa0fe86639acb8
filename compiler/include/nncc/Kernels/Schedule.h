//===- Schedule.h - How a kernel's loops are tiled --------------*- C++ -*-===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef NNCC_KERNELS_SCHEDULE_H
#define NNCC_KERNELS_SCHEDULE_H

#include "nncc/Kernels/LoopNest.h"

namespace nncc::kernels {

/// The tile sizes of one class of kernels. Data, so that a tuner can search.
/// Every size divides the one before it, so that tiles of the next size start
/// where those of one end.
struct TileParameters {
  /// Rows (pixels) a tile; largest first, the last is 1.
  llvm::SmallVector<int64_t> rows = {1};
  /// Vectors of four lanes a tile; largest first, the last is 1.
  llvm::SmallVector<int64_t> vectors = {4, 1};
  /// The innermost reduction loop is unrolled up to this size.
  int64_t unrollReduction = 0;
};

/// Tile sizes by class; the defaults are the ones that are good in every
/// engine (docs/performance.md).
struct ScheduleTable {
  TileParameters elementwise{{1}, {4, 1}, 0};
  /// Elementwise with many operands.
  TileParameters wide{{1}, {1}, 0};
  TileParameters transpose{{4, 1}, {4, 1}, 0};
  TileParameters reduction{{1}, {4, 1}, 0};
  /// Lanes are results beside each other: whole cache lines of each row.
  TileParameters columnReduction{{1}, {8, 4, 1}, 0};
  TileParameters contraction{{4, 2, 1}, {2, 1}, 0};
  /// A contraction of at most four columns.
  TileParameters narrowContraction{{6, 2, 1}, {1}, 0};
  /// Where it leaves no columns: half as many loads of a number into all lanes,
  /// which are two instructions in some engines.
  TileParameters wideContraction{{2, 1}, {4, 2, 1}, 0};
  /// Of three rows. Three vectors each would spill in Node 22.
  TileParameters threeRowContraction{{3, 1}, {2, 1}, 0};
  /// Windows over planes: the rows share nothing but the weights.
  TileParameters planes{{4, 2, 1}, {2, 1}, 7};
  /// In steps of two, where each result keeps four vectors for several columns.
  TileParameters stridedPlanes{{2, 1}, {1}, 7};
  /// A contraction of one row: bound by the weights' bandwidth.
  TileParameters rowContraction{{1}, {6, 2, 1}, 0};
  TileParameters depthwise{{8, 4, 2, 1}, {1}, 7};
  TileParameters stridedDepthwise{{4, 2, 1}, {1}, 7};
  /// Both operands run along the reduction: dot products.
  TileParameters dot{{4, 2, 1}, {2, 1}, 0};
  /// The largest number of terms that one sum of floats runs over.
  int64_t sumBlock = 256;
};

struct Schedule {
  /// The dimension whose elements are a vector's lanes; none: scalar code.
  std::optional<unsigned> vectorDim;
  /// The vector dimension is a reduction: lanes are combined at the end.
  bool horizontal = false;
  std::optional<unsigned> rowDim;
  /// Parallel loops, outermost first, with the row and vector dimensions.
  llvm::SmallVector<unsigned> parallelOrder;
  /// Reduction loops, outermost first.
  llvm::SmallVector<unsigned> reductionOrder;
  TileParameters tile;
  /// How many of the outermost parallel loops the grid, whose steps threads
  /// share, runs over.
  unsigned numGridLoops = 0;
  /// For each reduction loop, the blocks of its elements that have sums of
  /// their own, largest first: every block's sum is added to that of the block
  /// around it, so that the rounding error of long sums grows with their
  /// logarithm (pairwise summation; Higham, "The accuracy of floating point
  /// summation", 1993). Empty: the loop adds to the sum that it is given.
  llvm::SmallVector<llvm::SmallVector<int64_t, 1>> sumBlocks;

  /// Elements of the loop at `level` that are one step of the grid.
  int64_t gridUnit(unsigned level) const;
  mlir::AffineExpr gridSteps(const LoopNest &nest, unsigned level) const;
};

/// Chooses the schedule of a kernel from its accesses.
Schedule chooseSchedule(const LoopNest &nest, const ScheduleTable &table);

/// Joins the rows of pixels of a contraction where a row by itself would leave
/// much to smaller tiles: rows of 7 are tiles of 4, 2 and 1.
void joinShortRows(LoopNest &nest, const ScheduleTable &table);

/// The ops of a reduction's body that combine the accumulator with one new
/// value; empty where the body has no such form.
llvm::SmallVector<mlir::Operation *> getCombiner(mlir::linalg::GenericOp op,
                                                 mlir::Value &element);

} // namespace nncc::kernels

#endif
