//===- LoopNest.h - A kernel as loops and linear accesses -------*- C++ -*-===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The form that kernels are scheduled in: a list of loop dimensions and, for
// each operand, the linear index of its element as a sum over the dimensions.
// Sizes and coefficients are affine expressions over the program's symbols.
//
//===----------------------------------------------------------------------===//

#ifndef NNCC_KERNELS_LOOPNEST_H
#define NNCC_KERNELS_LOOPNEST_H

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/IR/AffineExpr.h"

namespace nncc::kernels {

struct LoopDim {
  mlir::AffineExpr size;
  bool isReduction = false;
  /// The body reads this dimension's index, so it keeps its identity.
  bool isIndexed = false;
  /// One iteration is a step of the grid: the loop is the outermost one.
  bool isRow = false;
};

/// A part of an index that is not linear in a dimension: `coef * expr`, where
/// `expr` is a floordiv or mod of dimensions by constants.
struct NonLinearTerm {
  mlir::AffineExpr expr;
  mlir::AffineExpr coef;
};

/// Along one dimension of an operand, `index` is in memory if it is at least 0
/// and below `size`.
struct Guard {
  mlir::AffineExpr index, size;
};

/// An operand and where its element for an iteration lies.
struct Access {
  /// 1-D memref; null for the accumulator that a stage hands to the next.
  mlir::Value buffer;
  mlir::Type elementType;
  /// One coefficient a loop dimension.
  llvm::SmallVector<mlir::AffineExpr> coefs;
  llvm::SmallVector<NonLinearTerm> terms;
  mlir::AffineExpr offset;
  /// Of a padded operand: where one of them does not hold, the element is
  /// `padding`.
  llvm::SmallVector<Guard> guards;
  mlir::TypedAttr padding;

  bool isZero(unsigned dim) const;
  bool isUnit(unsigned dim) const;
  /// Whether it walks every other element along `dim`, of 32 bits: two vectors
  /// hold the elements of four lanes.
  bool isEveryOther(unsigned dim) const;
  /// Whether a non-linear term or a guard reads the dimension.
  bool hasTermOn(unsigned dim) const;
  /// For an operand packed in panels of P along `dim`, that is indexed by
  /// `c * (dim floordiv P) + dim mod P`: returns P. Otherwise 0.
  int64_t panelWidth(unsigned dim) const;
};

/// One linalg.generic of a kernel.
struct Stage {
  mlir::linalg::GenericOp op;
  llvm::SmallVector<Access> inputs;
  llvm::SmallVector<Access> outputs;
  /// What each output starts from, for a reduction.
  llvm::SmallVector<mlir::TypedAttr> inits;
};

/// A kernel: a main stage and, optionally, an elementwise epilogue over its
/// parallel dimensions.
struct LoopNest {
  llvm::SmallVector<LoopDim> dims;
  Stage main;
  std::optional<Stage> epilogue;
  /// The epilogue's input that is the main stage's result.
  unsigned epilogueInput = 0;

  bool hasReduction() const;
  /// All accesses that move memory.
  llvm::SmallVector<const Access *> accesses() const;
};

/// Reads the loop nest of kernel `func` (see LinalgToExec): views of the
/// arguments, at most one reduction, and an epilogue. Emits an error at what
/// does not fit.
mlir::FailureOr<LoopNest> buildLoopNest(mlir::func::FuncOp func);

/// Drops dimensions of size 1 and joins neighbours that every access walks as
/// one. The more is joined, the longer the vector loops.
void collapseDims(LoopNest &nest);

/// Joins the parallel dimension `outer` with `inner`, whose size is static,
/// into the latter. Where an access does not walk them as one, its index gets
/// non-linear terms. Neither dimension may be indexed by the body.
void joinDims(LoopNest &nest, unsigned outer, unsigned inner);

/// The value of an index that is computed from constants and the symbol
/// arguments of `func`, as an expression; null where it is anything else.
mlir::AffineExpr getSymbolicExpr(mlir::Value index);

} // namespace nncc::kernels

#endif
