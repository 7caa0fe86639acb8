//===- MergedKernel.h - Kernels of one row a workgroup -------------*- C++
//-*-===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef NNCC_TARGETS_WEBGPU_MERGEDKERNEL_H
#define NNCC_TARGETS_WEBGPU_MERGEDKERNEL_H

#include "nncc/Kernels/Rows.h"
#include "targets/webgpu/NestEmitter.h"

namespace nncc::webgpu {

/// A nest of a kernel that works row by row.
struct RowPart {
  kernels::LoopNest nest;
  kernels::RowSplit split;
  /// From the buffers of the nest to those of the kernel.
  mlir::IRMapping buffers;
};

/// Emits the parts one after the other for the row that is this workgroup's.
/// Its threads share the row's elements; between parts they wait for each
/// other, so that a part may read what those before have written to its row.
mlir::LogicalResult emitMergedKernel(mlir::OpBuilder &b,
                                     mlir::func::FuncOp func,
                                     llvm::ArrayRef<RowPart> parts,
                                     int64_t workgroupSize, bool useSubgroups);

} // namespace nncc::webgpu

#endif
