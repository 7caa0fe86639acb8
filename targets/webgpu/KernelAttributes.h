//===- KernelAttributes.h - What compiling leaves at a kernel ---*- C++ -*-===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef NNCC_TARGETS_WEBGPU_KERNELATTRIBUTES_H
#define NNCC_TARGETS_WEBGPU_KERNELATTRIBUTES_H

#include "llvm/ADT/StringRef.h"

namespace nncc::webgpu {

/// An array of dictionaries, the best first: `features` (names of what a
/// device must have), `name` (of the entry point) and `code`.
constexpr llvm::StringLiteral variantsAttrName = "webgpu.variants";

/// How many symbols the kernel's uniform holds; 0: it has none.
constexpr llvm::StringLiteral numSymbolsAttrName = "webgpu.num_symbols";

/// Of the module: the constant words of the list of dispatches.
constexpr llvm::StringLiteral commandsAttrName = "webgpu.commands";

/// Of the module: begin and end of each shard of the weights, in bytes.
constexpr llvm::StringLiteral shardsAttrName = "webgpu.shards";

/// The function that writes the list of dispatches, and the one that tells
/// the size of the GPU's arena.
constexpr llvm::StringLiteral recordName = "nncc_gpu_record";
constexpr llvm::StringLiteral gpuArenaBytesName = "nncc_gpu_arena_bytes";

} // namespace nncc::webgpu

#endif
