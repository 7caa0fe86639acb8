//===- ThreadCombiner.h - One result of a workgroup's -----------*- C++ -*-===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef NNCC_TARGETS_WEBGPU_THREADCOMBINER_H
#define NNCC_TARGETS_WEBGPU_THREADCOMBINER_H

#include "targets/webgpu/NestEmitter.h"

namespace nncc::webgpu {

/// Combines the partial results of a workgroup's threads, which all get the
/// whole. With subgroups each of them combines in registers, whatever its size,
/// and what they have goes through the workgroup's memory; else all does, half
/// of the threads at a time.
class ThreadCombiner {
public:
  ThreadCombiner(NestEmitter &emitter, int64_t workgroupSize,
                 bool useSubgroups);

  /// One value of a thread for each of its points, all of one type.
  NestEmitter::Values combine(mlir::ValueRange own);

private:
  NestEmitter::Values combineInTree(mlir::ValueRange own);
  NestEmitter::Values combineInSubgroups(mlir::ValueRange own);
  void allocate(int64_t places, mlir::ValueRange own);
  mlir::Value load(size_t number, mlir::Value place);
  void store(size_t number, mlir::Value place, mlir::Value value);
  /// Emits `body` where the number is below the bound.
  void emitBelow(mlir::Value number, int64_t bound,
                 llvm::function_ref<void()> body);

  NestEmitter &e;
  mlir::OpBuilder &b;
  int64_t workgroupSize;
  bool useSubgroups;
  mlir::Value memory;
  int64_t numPlaces = 0;
  mlir::Type type;
};

} // namespace nncc::webgpu

#endif
