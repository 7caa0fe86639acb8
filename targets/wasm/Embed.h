//===- Embed.h - A program as part of another ------------------*- C++ -*-===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef NNCC_TARGETS_WASM_EMBED_H
#define NNCC_TARGETS_WASM_EMBED_H

#include "targets/Target.h"
#include "targets/wasm/Signature.h"

#include "llvm/IR/Module.h"
#include "llvm/Support/Error.h"

namespace nncc::wasm {

/// Makes a program ready to be an object that needs nothing and defines only
/// three symbols: PREFIX_call_run and PREFIX_call_arena_bytes, which take a
/// frame as in runtime/core/Program.h, and PREFIX_weights. What kernels call of
/// the runtime becomes part of it, under no name.
llvm::Error makeEmbeddable(llvm::Module &module, const Signature &signature,
                           const Weights &weights, bool simd,
                           llvm::StringRef prefix);

} // namespace nncc::wasm

#endif
