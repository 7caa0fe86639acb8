//===- EntryPoints.h - What joins a program and the runtime -----*- C++ -*-===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef NNCC_TARGETS_WASM_ENTRYPOINTS_H
#define NNCC_TARGETS_WASM_ENTRYPOINTS_H

#include "targets/Target.h"
#include "targets/wasm/Signature.h"

#include "llvm/IR/Module.h"
#include "llvm/Support/Error.h"

namespace nncc::wasm {

/// The symbol whose place in memory the weights take.
inline constexpr llvm::StringLiteral weightSymbol = "nncc_weight_data";

/// In modules with threads: the function that copies the weights to their
/// place. Its body is written after the link.
inline constexpr llvm::StringLiteral copyWeightsName = "nncc_copy_weights";

/// Adds the functions nncc_call_run and nncc_call_arena_bytes of
/// runtime/core/Program.h, which call a program with a frame, and returns the
/// number of the frame's words. Fails if nncc_run does not fit the signature.
llvm::Expected<size_t> addFrameCalls(llvm::Module &module,
                                     const Signature &signature);

/// The same for the functions nncc_gpu_record and nncc_gpu_arena_bytes of a
/// program that writes lists of dispatches, and the words they are made of.
llvm::Error addGpuCalls(llvm::Module &module, const Signature &signature,
                        llvm::ArrayRef<int32_t> commands);

/// Adds to a program what else runtime/core/Program.h declares: the table of
/// its inputs and outputs, the text of its signature, the frame, and room for
/// the weights, which start at `weightOffset`.
void addEntryPoints(llvm::Module &module, const Signature &signature,
                    llvm::StringRef signatureText, const Weights &weights,
                    uint32_t weightOffset);

/// The first run widens the weights that are stored as halves.
void callWidenWeights(llvm::Module &module, const Weights &weights,
                      uint32_t weightOffset);

} // namespace nncc::wasm

#endif
