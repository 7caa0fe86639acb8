//===- Rows.h - Kernels that work row by row --------------------*- C++ -*-===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef NNCC_TARGETS_WEBGPU_ROWS_H
#define NNCC_TARGETS_WEBGPU_ROWS_H

#include "nncc/Kernels/LoopNest.h"

namespace nncc::webgpu {

/// The dimensions of a nest as rows and what lies in them. The rows come first;
/// in a row lie the elements that are reduced, or else those of the result.
struct RowSplit {
  llvm::SmallVector<unsigned> rows, columns;
  /// The nest reduces each row to one result.
  bool reduces = false;
};

/// The rows of a reduction: its results. Nothing where the nest is none, or
/// where two partial results cannot be combined.
std::optional<RowSplit> getReducedRows(const kernels::LoopNest &nest);

/// Splits a nest into `count` rows. Nothing where it has no such form.
std::optional<RowSplit> splitRows(const kernels::LoopNest &nest,
                                  mlir::AffineExpr count);

/// The product of the sizes of dimensions.
mlir::AffineExpr getCount(const kernels::LoopNest &nest,
                          llvm::ArrayRef<unsigned> dims,
                          mlir::MLIRContext *context);

/// The distance between the parts of an access that belong to neighbouring
/// rows, if no two rows share an element; else null.
mlir::AffineExpr getRowStride(const kernels::LoopNest &nest,
                              const RowSplit &split,
                              const kernels::Access &access);

} // namespace nncc::webgpu

#endif
