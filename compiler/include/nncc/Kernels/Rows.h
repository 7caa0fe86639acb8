//===- Rows.h - Kernels that work row by row --------------------*- C++ -*-===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef NNCC_KERNELS_ROWS_H
#define NNCC_KERNELS_ROWS_H

#include "nncc/Kernels/LoopNest.h"

namespace nncc::kernels {

/// The dimensions of a nest as rows and what lies in them. The rows come first;
/// in a row lie the elements that are reduced, or else those of the result.
struct RowSplit {
  llvm::SmallVector<unsigned> rows, columns;
  /// The nest reduces each row to one result.
  bool reduces = false;
};

/// The rows of a reduction: its results. Nothing where the nest is none, or
/// where two partial results cannot be combined.
std::optional<RowSplit> getReducedRows(const LoopNest &nest);

/// Splits a nest into `count` rows. Nothing where it has no such form.
std::optional<RowSplit> splitRows(const LoopNest &nest, mlir::AffineExpr count);

/// Marks the rows as such and makes them one dimension, the first, and likewise
/// joins what can be joined within a row. False where rows are not equally far
/// apart, or only one.
bool collapseRows(LoopNest &nest, const RowSplit &split);

/// The product of the sizes of dimensions.
mlir::AffineExpr getCount(const LoopNest &nest, llvm::ArrayRef<unsigned> dims,
                          mlir::MLIRContext *context);

/// The distance between the parts of an access that belong to neighbouring
/// rows, if no two rows share an element; else null.
mlir::AffineExpr getRowStride(const LoopNest &nest, const RowSplit &split,
                              const Access &access);

} // namespace nncc::kernels

#endif
