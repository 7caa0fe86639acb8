//===- SizeChecks.h - Sizes that the runtime may refuse ---------*- C++ -*-===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef NNCC_DIALECT_EXEC_SIZECHECKS_H
#define NNCC_DIALECT_EXEC_SIZECHECKS_H

#include "nncc/Dialect/Exec/Exec.h"

namespace nncc::exec {

/// Emits calls of the runtime that check sizes which data tell
/// (runtime/core/Sizes.cpp). Each has the number of its node in the module's
/// attribute `nncc.sites`, which may name others already.
class SizeChecks {
public:
  explicit SizeChecks(mlir::ModuleOp module);

  /// A number that stands for the node of this location.
  mlir::Value addSite(mlir::OpBuilder &b, mlir::Location loc);

  /// Declares a function of the runtime.
  mlir::func::FuncOp declare(llvm::StringRef name, mlir::TypeRange inputs,
                             mlir::TypeRange results);

  /// The values of an exec.bind's symbols. `elements` is their product, or -1
  /// where the runtime refuses one.
  llvm::SmallVector<mlir::Value> accept(mlir::OpBuilder &b, BindOp op,
                                        mlir::Value &elements);

  /// Turns the op into a call.
  void check(CheckOp op);

  /// Names the nodes of all calls.
  void finish();

private:
  mlir::ModuleOp module;
  llvm::SmallVector<mlir::Attribute> sites;
};

} // namespace nncc::exec

#endif
