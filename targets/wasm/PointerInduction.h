//===- PointerInduction.h - Pointers that walk with a loop -----*- C++ -*-===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef NNCC_TARGETS_WASM_POINTERINDUCTION_H
#define NNCC_TARGETS_WASM_POINTERINDUCTION_H

#include "llvm/IR/PassManager.h"

namespace nncc::wasm {

/// In innermost loops, turns addresses that grow by the same amount in every
/// iteration into pointers that are carried and added to. Addresses a constant
/// apart share a pointer, so that the constants stay immediates of the loads;
/// LLVM's loop strength reduction puts them into registers. The few of numbers
/// that go into all lanes have pointers of their own.
struct PointerInductionPass : llvm::PassInfoMixin<PointerInductionPass> {
  llvm::PreservedAnalyses run(llvm::Function &function,
                              llvm::FunctionAnalysisManager &analyses);
};

} // namespace nncc::wasm

#endif
