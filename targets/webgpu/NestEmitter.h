//===- NestEmitter.h - Code of a loop nest at one point ---------*- C++ -*-===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef NNCC_TARGETS_WEBGPU_NESTEMITTER_H
#define NNCC_TARGETS_WEBGPU_NESTEMITTER_H

#include "mlir/IR/Builders.h"
#include "mlir/IR/IRMapping.h"
#include "nncc/Kernels/LoopNest.h"

namespace nncc::webgpu {

/// Emits what every schedule needs: indices, elements, and bodies of stages.
class NestEmitter {
public:
  using Values = llvm::SmallVector<mlir::Value>;

  NestEmitter(mlir::OpBuilder &b, mlir::func::FuncOp func,
              const kernels::LoopNest &nest);

  /// The linear number of this workgroup. A grid that is larger than a
  /// dimension of a dispatch is folded into two.
  mlir::Value getWorkgroup();
  mlir::Value getThread();

  mlir::Value constant(int64_t value);
  /// An expression over the symbols and, as far as known, the dimensions.
  mlir::Value expand(mlir::AffineExpr expr);
  mlir::Value add(mlir::Value a, mlir::Value b);
  mlir::Value mul(mlir::Value a, mlir::Value b);
  mlir::Value div(mlir::Value a, int64_t by);

  /// Where the element of an access lies for the current dimensions.
  mlir::Value getIndex(const kernels::Access &access);
  mlir::Value load(const kernels::Access &access);
  void store(const kernels::Access &access, mlir::Value value);

  /// Sets the dimensions of `order`, outermost first, from a linear number.
  void delinearize(mlir::Value linear, llvm::ArrayRef<unsigned> order);

  /// Evaluates a stage's body. `known` holds values of block arguments; the
  /// others are loaded. Null values after a diagnostic.
  Values evaluate(const kernels::Stage &stage, mlir::IRMapping &known);

  /// The accumulators' first values.
  Values getInits();
  /// Emits the reduction loops over `dims`; returns the accumulators.
  Values reduce(llvm::ArrayRef<unsigned> dims, mlir::ValueRange accumulators);
  /// Two partial results of the main stage's reduction as one.
  mlir::Value combine(mlir::Value a, mlir::Value b);
  /// Evaluates the epilogue, if any, and stores the results. `results` are the
  /// main stage's.
  mlir::LogicalResult finish(mlir::ValueRange results);

  mlir::OpBuilder &b;
  mlir::Location loc;
  const kernels::LoopNest &nest;
  /// The current index of each dimension; null: not entered.
  Values ivs;
  /// From the nest's buffers to those that are used in their place.
  mlir::IRMapping buffers;
  bool failed = false;

private:
  void mapOuter(mlir::Operation &op, mlir::IRMapping &known);
  mlir::Value expandSize(mlir::OpFoldResult size);
  mlir::Value loadInner(mlir::Operation *load, const mlir::IRMapping &values);

  Values symbols;
};

} // namespace nncc::webgpu

#endif
