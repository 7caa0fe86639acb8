//===- DispatchCost.h - Into how many parts a dispatch is worth -*- C++ -*-===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef NNCC_LIB_DIALECT_EXEC_DISPATCHCOST_H
#define NNCC_LIB_DIALECT_EXEC_DISPATCHCOST_H

#include "nncc/Dialect/Exec/Exec.h"

namespace nncc::exec {

/// The largest number of parts in which threads gain on a call of `kernel`, at
/// least 1: a constant, or computed from the program's symbols by ops that are
/// inserted at `b`.
mlir::OpFoldResult buildUsefulParts(mlir::OpBuilder &b, mlir::Location loc,
                                    mlir::func::FuncOp kernel,
                                    mlir::ValueRange symbols);

} // namespace nncc::exec

#endif
