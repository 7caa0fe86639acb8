//===- NestEmitter.h - Code of a loop nest at one point ---------*- C++ -*-===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef NNCC_TARGETS_WEBGPU_NESTEMITTER_H
#define NNCC_TARGETS_WEBGPU_NESTEMITTER_H

#include "mlir/IR/Builders.h"
#include "mlir/IR/IRMapping.h"
#include "nncc/Kernels/LoopNest.h"
#include "targets/webgpu/Schedule.h"

namespace nncc::webgpu {

/// Emits what every schedule needs: indices, elements, and bodies of stages.
class NestEmitter {
public:
  using Values = llvm::SmallVector<mlir::Value>;
  /// From accumulators to the next ones.
  using Step = llvm::function_ref<Values(mlir::ValueRange)>;

  NestEmitter(mlir::OpBuilder &b, mlir::func::FuncOp func,
              const kernels::LoopNest &nest, ThreadTile tile);

  /// Takes buffers and symbols from the operands of a call: the nest is that of
  /// what `func` calls.
  void enterCall(mlir::func::FuncOp callee, mlir::func::CallOp call);

  /// Returns the linear number of this workgroup and goes into code for those
  /// below `count`. More than fit a dimension of a dispatch are folded into
  /// two, which may leave some over.
  mlir::Value enterWorkgroup(mlir::AffineExpr count);
  mlir::Value getThread();

  mlir::Value constant(int64_t value);
  /// An expression over the symbols and, as far as known, the dimensions.
  mlir::Value expand(mlir::AffineExpr expr);
  mlir::Value add(mlir::Value a, mlir::Value b);
  mlir::Value mul(mlir::Value a, mlir::Value b);
  /// What is divided is not negative: divisions without a sign are cheap, and
  /// implementations of WGSL find the bounds of what comes out.
  mlir::Value div(mlir::Value a, mlir::Value by);
  mlir::Value rem(mlir::Value a, mlir::Value by);
  /// The quotient or remainder that `expr` says, also of negative numbers.
  mlir::Value divide(mlir::AffineExpr expr, mlir::Value left,
                     mlir::Value right);
  mlir::Value min(mlir::Value a, mlir::Value b);
  mlir::Value isLess(mlir::Value a, mlir::Value b);

  /// The product of the sizes of some dimensions.
  mlir::AffineExpr getSize(llvm::ArrayRef<unsigned> dims) const;
  /// How many tiles there are along the parallel dimensions.
  mlir::AffineExpr getNumTiles() const;
  /// Sets the dimensions of `order`, outermost first, from a linear number.
  void delinearize(mlir::Value linear, llvm::ArrayRef<unsigned> order);
  /// The same for the index of one access, which may not need them all.
  void delinearize(mlir::Value linear, llvm::ArrayRef<unsigned> order,
                   const kernels::Access &access);
  /// Sets the parallel dimensions from the linear number of a tile.
  void enterTile(mlir::Value linear);
  /// Visits the tile's points, the dimensions set to each.
  void forEachPoint(llvm::function_ref<void()> visit);

  /// The element of an access for the current dimensions; a vector where it
  /// differs along the vector dimension.
  mlir::Value load(const kernels::Access &access);
  /// The aligned vector that begins at the access's element.
  mlir::Value loadVector(const kernels::Access &access);
  void store(const kernels::Access &access, mlir::Value value);

  /// The main stage's accumulators at first, for one point.
  Values getInits();
  /// Evaluates the main stage's body for the current point. Null values after
  /// a diagnostic.
  Values evaluateMain(mlir::ValueRange accumulators);
  /// Emits loops over the dimensions around `step`.
  Values reduce(llvm::ArrayRef<unsigned> dims, mlir::ValueRange accumulators,
                Step step);
  /// Combines two partial results of a reduction (kernels::getCombiner).
  mlir::Value combine(mlir::Value a, mlir::Value b);
  /// Combines those in the lanes of a vector.
  mlir::Value combineLanes(mlir::Value vector);
  /// What is stored for the current point, epilogue applied.
  Values finish(mlir::ValueRange results);
  /// Stores what `finish` gave.
  void storeResults(mlir::ValueRange values);

  mlir::OpBuilder &b;
  mlir::Location loc;
  const kernels::LoopNest &nest;
  ThreadTile tile;
  /// The current index of each dimension, of its first lane for the vector
  /// dimension; null: not entered.
  Values ivs;
  /// Elements, of the current indices, that are known and need no load.
  llvm::DenseMap<const kernels::Access *, mlir::Value> held;
  /// From the nest's buffers to those that are used in their place.
  mlir::IRMapping buffers;
  bool failed = false;

private:
  void setSymbols(mlir::func::FuncOp func, mlir::ValueRange values);
  mlir::Value getBuffer(mlir::Value buffer) const {
    return buffers.lookupOrDefault(buffer);
  }
  Values evaluate(const kernels::Stage &stage, mlir::IRMapping &known);
  mlir::Value getConstant(mlir::TypedAttr attr);
  mlir::Value getIndex(const kernels::Access &access);
  /// Whether the element is in memory; null where it always is.
  mlir::Value isInside(const kernels::Access &access);
  /// What was loaded, or the padding.
  mlir::Value pad(const kernels::Access &access, mlir::Value stored);
  void forEachLane(llvm::function_ref<void(int64_t)> visit);
  /// Of a dimension, in steps of the tile.
  mlir::AffineExpr getUnits(unsigned dim) const;
  void mapOuter(mlir::Operation &op, mlir::IRMapping &known);
  mlir::Value expandSize(mlir::OpFoldResult size);
  mlir::Value loadInner(mlir::Operation *load, const mlir::IRMapping &values);

  Values symbols;
};

} // namespace nncc::webgpu

#endif
