//===- Passes.h - Passes on the linalg stage --------------------*- C++ -*-===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef NNCC_LINALG_PASSES_H
#define NNCC_LINALG_PASSES_H

#include "mlir/IR/BuiltinOps.h"
#include "mlir/Pass/Pass.h"

namespace nncc {

/// Runs a planned program without symbols and inputs (see exec-plan-memory) on
/// the build machine. `module` is consumed.
using NativeRunner = std::function<mlir::LogicalResult(
    mlir::ModuleOp module, char *arena, char *weights)>;

#define GEN_PASS_DECL
#define GEN_PASS_REGISTRATION
#include "nncc/Linalg/Passes.h.inc"

/// Without a runner the pass does nothing.
std::unique_ptr<mlir::Pass> createEvaluateConstants(NativeRunner runner);

} // namespace nncc

#endif
