//===- ParallelCalls.h - Calls of kernels on all threads --------*- C++ -*-===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef NNCC_TARGETS_WASM_PARALLELCALLS_H
#define NNCC_TARGETS_WASM_PARALLELCALLS_H

#include "llvm/IR/Module.h"
#include "llvm/Support/Error.h"

namespace nncc::wasm {

/// Joins a program with its entry points and runtime/core/Threads.h. Defines
/// the functions that exec-call-kernels declared for calls of kernels on all
/// threads: they put their arguments into a block and give it to nncc_parallel.
/// Fails if one names no kernel.
llvm::Error addThreads(llvm::Module &module);

} // namespace nncc::wasm

#endif
