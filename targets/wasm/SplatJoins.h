//===- SplatJoins.h - Numbers for all lanes, used once ---------*- C++ -*-===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef NNCC_TARGETS_WASM_SPLATJOINS_H
#define NNCC_TARGETS_WASM_SPLATJOINS_H

#include "llvm/IR/PassManager.h"

namespace nncc::wasm {

/// Cranelift loads a number into all lanes by one instruction only where the
/// vector is used once, and by three otherwise. In innermost loops such vectors
/// get a single use: they are joined with another value, which comes from an
/// arm that is never taken. The same condition is asked for in front of the
/// loop, so that V8 removes arm and join again.
///
/// The loads move to the front of the loop. What they are multiplied with is
/// then used as soon as it is loaded, to keep few registers alive.
struct SplatJoinsPass : llvm::PassInfoMixin<SplatJoinsPass> {
  llvm::PreservedAnalyses run(llvm::Function &function,
                              llvm::FunctionAnalysisManager &analyses);
};

} // namespace nncc::wasm

#endif
