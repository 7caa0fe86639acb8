//===- Lanes.h - Scalar bodies on vector lanes ------------------*- C++ -*-===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The body of a linalg.generic is scalar. Here it is evaluated for four
// neighbouring elements of the vector dimension at once: what differs from lane
// to lane becomes a vector, what is the same stays a scalar.
//
//===----------------------------------------------------------------------===//

#ifndef NNCC_KERNELS_LANES_H
#define NNCC_KERNELS_LANES_H

#include "mlir/IR/Builders.h"
#include "mlir/IR/IRMapping.h"
#include "nncc/Kernels/LoopNest.h"

namespace nncc::kernels {

/// 128-bit vectors of 32-bit elements; other element types use as many.
constexpr int64_t lanes = 4;

/// Whether the stage's body can be evaluated on lanes that are neighbours
/// along `dim`: loads inside the body are uniform or contiguous, and lanes
/// beyond the end, whose values are arbitrary, can't trap.
bool canVectorize(const Stage &stage, unsigned dim);

/// `value` as a vector of four equal lanes, if it is no vector yet.
mlir::Value toVector(mlir::OpBuilder &b, mlir::Location loc, mlir::Value value);

/// Clones a scalar op onto operands of which some are vectors. Returns the
/// result: a vector if an operand is one.
mlir::Value cloneOnLanes(mlir::OpBuilder &b, mlir::Operation *op,
                         const mlir::IRMapping &mapping);

/// <0, 1, 2, 3> as vector<4xindex>.
mlir::Value getLaneIndices(mlir::OpBuilder &b, mlir::Location loc);

} // namespace nncc::kernels

#endif
