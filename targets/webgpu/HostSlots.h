//===- HostSlots.h - Numbers of the host in its memory -------- -*- C++ -*-===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef NNCC_TARGETS_WEBGPU_HOSTSLOTS_H
#define NNCC_TARGETS_WEBGPU_HOSTSLOTS_H

#include "mlir/Dialect/Func/IR/FuncOps.h"

namespace nncc::webgpu {

/// Eight bytes of the host's memory for a number of this type, from the first
/// segment of a run to its last; a view for the two below.
mlir::Value makeSlot(mlir::func::FuncOp program, mlir::Type type);
void storeSlot(mlir::OpBuilder &b, mlir::Value value, mlir::Value slot);
mlir::Value loadSlot(mlir::OpBuilder &b, mlir::Type type, mlir::Value slot);

} // namespace nncc::webgpu

#endif
