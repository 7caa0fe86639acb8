//===- DelicateTensors.h - What 16 bits would spoil -------------*- C++ -*-===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef NNCC_TARGETS_WEBGPU_DELICATETENSORS_H
#define NNCC_TARGETS_WEBGPU_DELICATETENSORS_H

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "nncc/Dialect/Exec/Exec.h"
#include "llvm/ADT/DenseSet.h"

namespace nncc::webgpu {

/// The tensors of a bound program that need the precision or the range of f32:
/// - statistics: results of reductions that are no products (means, variances,
///   sums, maxima), and what is computed from these alone: an error in a mean
///   is in all that it is subtracted from;
/// - what only one dispatch uses: the rows of a softmax or normalisation on
///   their way;
/// - states: what a loop writes in one step and reads in the next, and what
///   that is computed from;
/// - angles: what sin, cos and tan read, and what that is computed from;
/// - exponents: what a softmax reads with its maximum, and what that is
/// computed
///   from: an error there is a relative one of the result;
/// - what may be beyond the range of f16: results of numbers that are, as masks
///   are, up to the softmax that reads them;
/// - what is rounded to integers that kernels compute with, and all that is
///   computed from, sums and weights among it: a small error is then a step.
class DelicateTensors {
public:
  explicit DelicateTensors(mlir::func::FuncOp program);

  /// `memory` is an exec.alloc or exec.weight.
  bool contains(mlir::Value memory) const { return tensors.contains(memory); }

private:
  bool readsStatistics(mlir::func::FuncOp part, mlir::ValueRange operands);
  void addStatistics(exec::DispatchOp dispatch);
  void addUnbounded(exec::DispatchOp dispatch);
  void addRounded(llvm::ArrayRef<exec::DispatchOp> dispatches);
  void addTemporaries(mlir::func::FuncOp program);
  void addStates(llvm::ArrayRef<exec::DispatchOp> dispatches);
  void addOrigins(llvm::ArrayRef<exec::DispatchOp> dispatches);
  bool isOrigin(exec::DispatchOp dispatch);

  mlir::ModuleOp module;
  llvm::DenseSet<mlir::Value> tensors, statistics, unbounded;
  /// Those among them whose origins are delicate, too: angles, exponents and
  /// states.
  llvm::DenseSet<mlir::Value> sensitive;
};

} // namespace nncc::webgpu

#endif
