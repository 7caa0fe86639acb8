//===- Segments.h - A program that is run in parts --------------*- C++ -*-===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef NNCC_TARGETS_WEBGPU_SEGMENTS_H
#define NNCC_TARGETS_WEBGPU_SEGMENTS_H

#include "mlir/Dialect/Func/IR/FuncOps.h"

namespace nncc::webgpu {

/// Makes each stretch up to an exec.readback, which goes, a part that runs only
/// in its turn: where `nncc_gpu_segment()` is its number. Open loops become
/// parts that say which one is next (`nncc_gpu_go_to`); the runtime then calls
/// the program again, as it does after an exec.bind, so that the next part gets
/// the new symbols. carryValues has been there.
void splitSegments(mlir::func::FuncOp program);

} // namespace nncc::webgpu

#endif
