//===- Roots.h - The buffers that a GPU binds -------------------*- C++ -*-===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef NNCC_TARGETS_WEBGPU_ROOTS_H
#define NNCC_TARGETS_WEBGPU_ROOTS_H

#include "nncc/Dialect/Exec/Exec.h"
#include "llvm/ADT/MapVector.h"

namespace nncc::webgpu {

/// A buffer of the host program: an exec.alloc, an exec.weight or an input.
struct Root {
  mlir::Value memory;    ///< memref<?xi8>
  mlir::Type element;    ///< Of all its views; null if it has none.
  mlir::AffineExpr size; ///< Elements, over the program's symbols.
  llvm::StringRef space; ///< As in webgpu.space.
  /// Of an element, as the CPU stores it.
  int64_t getElementBytes() const;
};

/// The number of elements of an input, as the signature says. Fails after a
/// diagnostic if it is not there.
mlir::FailureOr<mlir::AffineExpr> getInputSize(mlir::func::FuncOp program,
                                               mlir::BlockArgument input);

/// The buffers of a program.
class Roots {
public:
  explicit Roots(mlir::func::FuncOp program) : program(program) {}

  /// Finds them all but the host's. Fails after a diagnostic if two views of
  /// one differ in type.
  mlir::LogicalResult collect();

  /// The buffer that a value is a view of.
  const Root &lookup(mlir::Value view) const;

  /// Gives elements 32 bits: resizes buffers, moves what is returned and
  /// converts weights. Fails if a weight has a number that 32 bits don't hold.
  mlir::LogicalResult widen();

private:
  mlir::LogicalResult addView(mlir::memref::ViewOp view);
  mlir::LogicalResult add(mlir::Value memory, llvm::StringRef space);
  mlir::LogicalResult setSize(Root &root);

  mlir::func::FuncOp program;
  llvm::MapVector<mlir::Value, Root> roots;
};

} // namespace nncc::webgpu

#endif
