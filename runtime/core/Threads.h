//===- Threads.h - Kernels over several threads -----------------*- C++ -*-===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef NNCC_RUNTIME_CORE_THREADS_H
#define NNCC_RUNTIME_CORE_THREADS_H

#include <stdint.h>

namespace nncc {

/// Computes the steps [begin, end) of a kernel's grid; `arguments` is the block
/// with the kernel's other arguments.
using Slice = void (*)(const void *arguments, uint32_t begin, uint32_t end);

/// Ends the call of `main` with a trap that nncc_error explains.
[[noreturn]] void abandonRun(const char *why);

} // namespace nncc

extern "C" {
/// Copies the weights to their place, once: data segments cannot do it where
/// several instances share a memory. Each run calls it first.
void nncc_load_weights();

/// Computes all steps of a grid, in at most `parts` parts, on all threads that
/// there are. targets/wasm/ParallelCalls.cpp writes the calls.
void nncc_parallel(nncc::Slice slice, const void *arguments, uint32_t steps,
                   uint32_t parts);
}

#endif
