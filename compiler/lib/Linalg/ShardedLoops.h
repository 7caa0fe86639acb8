//===- ShardedLoops.h - One op as several over parts of a loop --*- C++ -*-===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef NNCC_LIB_LINALG_SHARDEDLOOPS_H
#define NNCC_LIB_LINALG_SHARDEDLOOPS_H

#include "nncc/Linalg/TensorParts.h"

namespace nncc {

/// A parallel loop of an op, which can be done in parts that write into parts
/// of one result. One step along the dimension of a tensor that is divided is
/// `scale` steps of the loop: 8, where that has panels of eight.
class ShardedLoop {
public:
  /// The loop that walks dimension `dim` of an operand alone.
  static std::optional<ShardedLoop> find(mlir::OpOperand &use, unsigned dim);

  /// Whether all operands can be read and written in parts.
  bool canShard();

  /// Replaces the op by one for each range of `value`, which reads `parts` in
  /// its place; so are elementwise ops done that alone read the result.
  void shard(llvm::ArrayRef<Range> ranges, mlir::Value value,
             llvm::ArrayRef<mlir::Value> parts);

private:
  ShardedLoop(mlir::linalg::GenericOp op, unsigned loop, int64_t scale)
      : op(op), loop(loop), scale(scale) {}

  std::optional<unsigned> getPlace(mlir::OpOperand &operand);
  int64_t getSize();
  Range getLoopRange(Range range);
  mlir::Value makePart(Range range, mlir::Value value, mlir::Value part);

  mlir::linalg::GenericOp op;
  unsigned loop;
  int64_t scale;
};

} // namespace nncc

#endif
