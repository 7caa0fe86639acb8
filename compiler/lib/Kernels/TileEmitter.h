//===- TileEmitter.h - The code of one register tile ------------*- C++ -*-===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef NNCC_LIB_KERNELS_TILEEMITTER_H
#define NNCC_LIB_KERNELS_TILEEMITTER_H

#include "nncc/Kernels/Lanes.h"
#include "nncc/Kernels/Schedule.h"

namespace nncc::kernels {

/// Where an access stands inside the loops: element index `base + constant`.
struct Position {
  mlir::Value base; ///< null: 0
  int64_t constant = 0;
  /// What each row of the tile adds, where the rows are not equally far apart.
  llvm::SmallVector<mlir::Value> rows;
};

/// The state at a point of the loop nest. Copied when a loop is entered.
struct Point {
  llvm::SmallVector<mlir::Value> ivs;    ///< one a dimension; null: not entered
  llvm::SmallVector<Position> positions; ///< one an access, see TileEmitter
  int64_t rows = 1;
  int64_t vectors = 1;
  /// Lanes that count in the (only) vector of a partial tile; null: all.
  mlir::OpFoldResult partial;
};

/// Emits what happens at a point: loads, the bodies on lanes, stores.
class TileEmitter {
public:
  TileEmitter(mlir::OpBuilder &b, mlir::func::FuncOp func, const LoopNest &nest,
              const Schedule &schedule);

  Point getStart();
  /// Enters dimension `dim` at `iv` (Value or constant).
  void enter(Point &point, unsigned dim, mlir::OpFoldResult iv);

  /// Emits a whole tile: reduction loops, epilogue, stores.
  void emitTile(const Point &entered);

  /// An expression over the symbols as an index value.
  mlir::Value getIndex(mlir::AffineExpr symbolic);
  mlir::Value getConstant(int64_t value);

  mlir::OpBuilder &b;
  mlir::Location loc;

private:
  using Cells = llvm::SmallVector<mlir::Value>; // [row][vector]

  Cells getInitialCells(const Point &point);
  /// Emits the reduction loops from `level` inwards; returns the accumulators.
  Cells emitReduction(Point point, unsigned level, mlir::ValueRange cells);
  /// Emits a part of a loop that starts from `cells`.
  using RangeEmitter =
      llvm::function_ref<Cells(mlir::Value, mlir::Value, mlir::ValueRange)>;
  /// Sums of sums over `blocks` of [from, to), see Schedule::sumBlocks.
  Cells emitBlocks(const Point &point, llvm::ArrayRef<int64_t> blocks,
                   mlir::Value from, mlir::Value to, mlir::ValueRange cells,
                   RangeEmitter emitRange);
  Cells emitHorizontalReduction(Point point, mlir::ValueRange cells);
  /// Joins the vectors and then the lanes of each row's accumulators.
  Cells combineLanes(const Point &point, mlir::ValueRange cells);
  mlir::Value combine(mlir::Value a, mlir::Value b);
  /// Evaluates the main body for every cell.
  Cells emitMainBody(const Point &point, mlir::ValueRange cells);
  void storeResults(const Point &point, mlir::ValueRange cells);

  /// Evaluates a stage's body at a cell. `arguments` holds what is known of the
  /// block arguments; the rest is loaded. Returns the yielded values.
  Cells evaluate(const Stage &stage, unsigned firstAccess, const Point &point,
                 int64_t row, int64_t vector, mlir::IRMapping &values);
  mlir::Value emitIndex(const Point &point, unsigned dim, int64_t row,
                        int64_t vector);
  mlir::Value emitInnerLoad(mlir::Operation *load, const Point &point,
                            int64_t vector, const mlir::IRMapping &values);
  mlir::Value load(unsigned access, const Point &point, int64_t row,
                   int64_t vector);
  void store(unsigned access, const Point &point, int64_t row, int64_t vector,
             mlir::Value value);
  /// Whether a tile reads the access as 4 by 4 elements that lie across it.
  bool isTransposed(const Access &access, const Point &point) const;
  mlir::Value loadTransposed(unsigned access, const Point &point, int64_t row,
                             int64_t vector);
  mlir::Value loadEveryOther(const Access &access, mlir::Value first);
  mlir::Value loadScalar(const Access &access, mlir::Value index);
  void storeScalar(const Access &access, mlir::Value value, mlir::Value index);

  /// The element index of lane `lane` of a cell.
  mlir::Value getElement(unsigned access, const Point &point, int64_t row,
                         int64_t vector, mlir::OpFoldResult lane);
  /// The distance of a cell's first lane from the tile's, where it is constant.
  int64_t getVectorOffset(const Access &access, int64_t vector);
  mlir::Value addConstant(mlir::Value base, int64_t constant);
  mlir::Value expand(mlir::AffineExpr expr, llvm::ArrayRef<mlir::Value> ivs);
  bool isLane(const Access &access) const;
  void setRowOffsets(Point &point, unsigned id);

  const LoopNest &nest;
  const Schedule &schedule;
  llvm::SmallVector<const Access *> all; ///< main in, out, epilogue in, out
  llvm::SmallVector<mlir::Value> symbols;
  /// Loads and broadcasts of the current block, so that cells share them.
  llvm::DenseMap<std::tuple<mlir::Value, mlir::Value, int64_t>, mlir::Value>
      loaded;
  /// The rows of the transposed inputs of the current tile, by access, first
  /// row and vector.
  llvm::DenseMap<std::tuple<unsigned, int64_t, int64_t>,
                 llvm::SmallVector<mlir::Value>>
      transposed;
};

} // namespace nncc::kernels

#endif
