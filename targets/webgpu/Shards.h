//===- Shards.h - Weights in buffers of a GPU's size ------------*- C++ -*-===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef NNCC_TARGETS_WEBGPU_SHARDS_H
#define NNCC_TARGETS_WEBGPU_SHARDS_H

#include "mlir/IR/BuiltinOps.h"

namespace nncc::webgpu {

/// A range of the block of weights, in bytes, that becomes one buffer.
struct Shard {
  uint64_t begin, end;
};

/// Divides the weights of a planned program into ranges of at most `limit`
/// bytes, none across a tensor. A tensor that is larger has one of its own.
/// The ranges stay with the program.
llvm::SmallVector<Shard> divideWeights(mlir::ModuleOp program, uint64_t limit);

/// The ranges that divideWeights made.
llvm::SmallVector<Shard> getShards(mlir::ModuleOp program);

} // namespace nncc::webgpu

#endif
