//===- VectorConstants.h - Constants of loops from memory -------*- C++ -*-===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef NNCC_TARGETS_WASM_VECTORCONSTANTS_H
#define NNCC_TARGETS_WASM_VECTORCONSTANTS_H

#include "llvm/IR/PassManager.h"

namespace nncc::wasm {

/// Marks a function whose module has no memory of its own.
inline constexpr llvm::StringLiteral noDataAttr = "nncc-no-data";

/// V8 since 13 makes a vector of a constant again in every iteration of a loop;
/// an exponential has twelve of them. So the constants of loops are loaded from
/// memory, in front of innermost loops and else once a block.
struct VectorConstantsPass : llvm::PassInfoMixin<VectorConstantsPass> {
  llvm::PreservedAnalyses run(llvm::Function &function,
                              llvm::FunctionAnalysisManager &analyses);
};

} // namespace nncc::wasm

#endif
