//===- CarriedValues.h - Numbers of the host beyond a segment ---*- C++ -*-===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef NNCC_TARGETS_WEBGPU_CARRIEDVALUES_H
#define NNCC_TARGETS_WEBGPU_CARRIEDVALUES_H

#include "nncc/Dialect/Exec/Exec.h"

namespace nncc::webgpu {

/// Whether every segment of the program can compute the op by itself, from
/// the program's arguments. `program` is its parent.
bool isInAllSegments(mlir::Operation *op);

/// Puts values that one segment computes and a later one uses into the host's
/// memory in between. Afterwards a segment uses no value of another one that
/// is not in all segments.
void carryValues(mlir::func::FuncOp program);

} // namespace nncc::webgpu

#endif
