//===- Placement.h - What runs on the GPU and what does not -----*- C++ -*-===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef NNCC_TARGETS_WEBGPU_PLACEMENT_H
#define NNCC_TARGETS_WEBGPU_PLACEMENT_H

#include "nncc/Dialect/Exec/Exec.h"
#include "llvm/ADT/BitVector.h"
#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/SetVector.h"
#include "llvm/ADT/StringMap.h"

namespace nncc::webgpu {

/// One use of a buffer: an exec.alloc, an exec.weight or an input.
struct BufferUse {
  mlir::OpOperand *operand; ///< A view of it.
  mlir::Value root;
  mlir::Type element; ///< As this use sees it.
  bool onHost;
  bool writes;
};

/// Decides where the steps of a host program run, before buffers are bound. A
/// dispatch runs on the GPU unless its kernel cannot; what reads and writes
/// single elements and what calls the host's functions is the host's. A loop or
/// branch in which both sides use a buffer that one of them writes runs on the
/// host as a whole, unless it is open: then its steps are placed one by one.
class Placement {
public:
  explicit Placement(mlir::func::FuncOp program);

  bool isOnHost(exec::DispatchOp dispatch) const {
    return reasons.contains(dispatch);
  }

  /// Why a dispatch runs on the host; empty if it does not.
  llvm::StringRef getReason(exec::DispatchOp dispatch) const {
    return reasons.lookup(dispatch);
  }

  /// The loops and branches that run on the host as a whole and have so much
  /// work for a GPU that it pays to open them.
  llvm::ArrayRef<mlir::Operation *> getOpsToOpen() const { return toOpen; }

  /// The buffers that both sides use within an op and one of them writes there.
  llvm::SetVector<mlir::Value> getShared(mlir::Operation *op) const;

  /// The uses of buffers in an op of the program and within it.
  llvm::SmallVector<BufferUse> getUses(mlir::Operation *op) const;

private:
  void place(mlir::Block &block);
  void placeDispatches(mlir::Operation &step);
  void keepTogether(mlir::Operation &step);
  bool isWorthOpening(mlir::Operation &step) const;
  const llvm::BitVector &getWritten(llvm::StringRef kernel) const;

  mlir::ModuleOp module;
  /// Of the dispatches on the host.
  llvm::DenseMap<mlir::Operation *, llvm::StringRef> reasons;
  llvm::SmallVector<mlir::Operation *> toOpen;
  /// Which arguments a kernel writes.
  mutable llvm::StringMap<llvm::BitVector> written;
};

/// The buffer that a value is a view of.
mlir::Value getRootBuffer(mlir::Value view);

/// Why a GPU cannot run the kernel: it has no such numbers or constants, or
/// binds fewer buffers. Empty if it can.
llvm::StringRef getObstacle(exec::DispatchOp dispatch,
                            mlir::func::FuncOp kernel);

} // namespace nncc::webgpu

#endif
