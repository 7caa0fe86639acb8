//===- Link.h - Objects to a module -----------------------------*- C++ -*-===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef NNCC_TARGETS_WASM_LINK_H
#define NNCC_TARGETS_WASM_LINK_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/Support/Error.h"
#include "llvm/Support/MemoryBuffer.h"

#include <memory>

namespace nncc::wasm {

struct LinkOptions {
  /// Use the runtime's SIMD objects.
  bool simd = true;
  /// Export nncc_weights.
  bool exportWeights = false;
  /// Export main, which runs the program on the CPU.
  bool runs = true;
  /// Export nncc_gpu_plan.
  bool plansGpu = false;
  /// Take functions from the host and give it the module's.
  bool packedFunctions = false;
  /// Import a shared memory as env.memory and export what workers need.
  bool threads = false;
  /// Export the table, whose slots from 1 on are those of kernels with
  /// variants.
  bool hasVariants = false;
};

/// Links generated objects with the runtime. The module imports nothing (but
/// its memory with `threads`, functions with `packedFunctions`) and exports its
/// interface and the weight symbol. The linker's state is global: one call at a
/// time.
llvm::Expected<std::unique_ptr<llvm::MemoryBuffer>>
link(llvm::ArrayRef<std::string> objects, const LinkOptions &options);

/// Links the variants of kernels to a module that imports env.memory, shared
/// with `threads`, and exports each variant under its slot and the functions of
/// the runtime's object `probe`. Objects that use the stack are left out: the
/// stack belongs to the first module.
llvm::Expected<std::unique_ptr<llvm::MemoryBuffer>>
linkVariants(llvm::ArrayRef<std::string> objects, llvm::StringRef probe,
             bool threads);

} // namespace nncc::wasm

#endif
