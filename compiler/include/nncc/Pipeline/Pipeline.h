//===- Pipeline.h - The stages of the compiler ------------------*- C++ -*-===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef NNCC_PIPELINE_PIPELINE_H
#define NNCC_PIPELINE_PIPELINE_H

#include "mlir/IR/DialectRegistry.h"
#include "mlir/Pass/PassManager.h"
#include "nncc/Linalg/Passes.h"

namespace nncc {

#define GEN_PASS_DECL
#define GEN_PASS_REGISTRATION
#include "nncc/Pipeline/Passes.h.inc"

struct PipelineOptions {
  /// Runs constant parts of the network on the build machine; null: they stay
  /// in the program.
  NativeRunner runNative;
  /// The largest tile of Winograd's convolutions: 0 (none), 2 or 4.
  int64_t winogradTile = 2;
  /// Whether one product is better than several of the same operand.
  bool joinProducts = false;
  /// The most tensors that a fused op may read: 0 (any number).
  unsigned maxKernelInputs = 0;
  /// The most tests with which a scatter's elements may look for their updates.
  int64_t maxScatterTests = 0;
  /// The most elements of a constant: 0 (any number).
  int64_t maxConstantElements = 0;
  /// Whether weights that 16 bits hold are stored so.
  bool storesHalves = false;
};

/// A stage: takes the module to the form that its name says.
struct Stage {
  llvm::StringLiteral name;
  llvm::StringLiteral summary;
  void (*build)(mlir::OpPassManager &pm, const PipelineOptions &options);
};

/// The stages between the frontend's `nn` and the target, in order.
llvm::ArrayRef<Stage> getStages();

/// All dialects of these stages.
void registerDialects(mlir::DialectRegistry &registry);

} // namespace nncc

#endif
