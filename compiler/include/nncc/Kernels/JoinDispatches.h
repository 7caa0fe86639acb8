//===- JoinDispatches.h - Several dispatches as one -------------*- C++ -*-===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef NNCC_KERNELS_JOINDISPATCHES_H
#define NNCC_KERNELS_JOINDISPATCHES_H

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "nncc/Dialect/Exec/Exec.h"
#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/SetVector.h"
#include "llvm/ADT/StringMap.h"

namespace nncc::kernels {

/// The buffer that an operand is a view of, from its beginning.
mlir::Value getRoot(mlir::Value operand);

/// The operands of several dispatches.
struct JoinedOperands {
  /// False where they see a buffer as of two types, or one that is too large.
  bool add(exec::DispatchOp dispatch);

  /// The most elements of a buffer that has a size; 0: any number.
  int64_t maxElements = 0;

  /// From a buffer to its first view.
  llvm::MapVector<mlir::Value, mlir::Value> buffers;
  /// Those of them that the kernel has by itself, as memory of so many elements
  /// that it allocates.
  llvm::MapVector<mlir::Value, int64_t> own;
  llvm::SetVector<mlir::Value> scalars;
};

/// Makes one dispatch of several, of a kernel that calls theirs one after the
/// other, or what those call. Equal ones share a kernel.
class DispatchJoiner {
public:
  explicit DispatchJoiner(mlir::ModuleOp module) : module(module) {}

  /// The new dispatch takes the place of the last one. Returns its kernel,
  /// named after the first one's with the suffix.
  mlir::func::FuncOp join(llvm::ArrayRef<exec::DispatchOp> dispatches,
                          const JoinedOperands &operands,
                          llvm::StringRef suffix);

private:
  mlir::ModuleOp module;
  llvm::StringMap<mlir::func::FuncOp> known;
};

} // namespace nncc::kernels

#endif
