//===- SizeCalls.h - Sizes that the runtime may refuse ----------*- C++ -*-===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef NNCC_TARGETS_WASM_SIZECALLS_H
#define NNCC_TARGETS_WASM_SIZECALLS_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/IR/Module.h"

namespace nncc::wasm {

/// Gives the runtime's functions of sizes (runtime/core/Sizes.cpp) the names of
/// nodes in place of their numbers in `sites`, and lets the program return
/// where they refuse a size. Its results are zeros then.
void finishSizeCalls(llvm::Module &module, llvm::ArrayRef<std::string> sites);

/// Compares sizes without the runtime, which objects have not.
void inlineSizeChecks(llvm::Module &module);

} // namespace nncc::wasm

#endif
