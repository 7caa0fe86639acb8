//===- ItemWork.h - Little work for each of many items ----------*- C++ -*-===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef NNCC_TARGETS_WEBGPU_ITEMWORK_H
#define NNCC_TARGETS_WEBGPU_ITEMWORK_H

#include "nncc/Dialect/Exec/Exec.h"
#include "nncc/Kernels/LoopNest.h"

namespace nncc::webgpu {

/// Dispatches of so little work that one workgroup does all of it; of open
/// sizes, that of one item, as of a batch whose size is open. No item reads
/// what is computed for another one, so that none waits for another.
class ItemWork {
public:
  /// False, with nothing changed, where the dispatch does not fit in.
  bool add(exec::DispatchOp dispatch);

  /// The elements of a buffer that belong to one item, if the buffer holds
  /// nothing else.
  std::optional<int64_t> getItemElements(mlir::Value buffer) const;

private:
  struct Use {
    mlir::Value buffer;
    /// From an item's part of the buffer to the next one's; null where it has
    /// no part of its own.
    mlir::AffineExpr stride;
    /// Of the first item's part.
    mlir::AffineExpr offset;
    bool writes;
  };

  bool addPart(mlir::func::FuncOp part, mlir::ValueRange operands);
  bool addUses(const kernels::LoopNest &nest, mlir::func::FuncOp part,
               mlir::ValueRange operands);
  bool areIndependent() const;

  /// Of the dispatch: whether a loop repeats it, and the program's symbols.
  bool isStep = false;
  unsigned numSymbols = 0;
  /// How many there are; null before the first dispatch.
  mlir::AffineExpr items;
  llvm::SmallVector<Use> uses;
};

} // namespace nncc::webgpu

#endif
