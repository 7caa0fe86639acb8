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

/// Combines the partial results of threads that share a row; a workgroup may
/// have several of them. All threads get the whole. With subgroups, where a
/// workgroup has one row, each of them combines in registers, whatever its
/// size, and what they have goes through the workgroup's memory; else all does,
/// eight at a time: a wait costs more than loads that do not depend on each
/// other.
class ThreadCombiner {
public:
  ThreadCombiner(NestEmitter &emitter, int64_t threads, int64_t rows,
                 bool useSubgroups);

  /// One value of a thread for each of its points, all of one type.
  NestEmitter::Values combine(mlir::ValueRange own);

private:
  NestEmitter::Values combineInTree(mlir::ValueRange own);
  NestEmitter::Values combinePlaces(size_t count, mlir::Value first,
                                    int64_t places, int64_t distance);
  NestEmitter::Values combineInSubgroups(mlir::ValueRange own);
  void allocate(int64_t places, mlir::ValueRange own);
  mlir::Value load(size_t number, mlir::Value place);
  void store(size_t number, mlir::Value place, mlir::Value value);
  /// Emits `body` where the number is below the bound.
  void emitBelow(mlir::Value number, int64_t bound,
                 llvm::function_ref<void()> body);

  NestEmitter &e;
  mlir::OpBuilder &b;
  int64_t threads, rows;
  bool useSubgroups;
  mlir::Value memory;
  int64_t numPlaces = 0;
  mlir::Type type;
};

} // namespace nncc::webgpu

#endif
