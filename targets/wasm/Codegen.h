//===- Codegen.h - From LLVM IR to a wasm object ----------------*- C++ -*-===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef NNCC_TARGETS_WASM_CODEGEN_H
#define NNCC_TARGETS_WASM_CODEGEN_H

#include "llvm/IR/Module.h"
#include "llvm/Support/Error.h"
#include "llvm/Target/TargetMachine.h"

namespace nncc::wasm {

/// What the engine must have beyond what all have.
enum class Feature { Scalar, Simd128, RelaxedSimd };

/// As LLVM spells it.
llvm::StringRef getFeatureString(Feature feature);

/// A machine for wasm32 with the instruction order that the kernels came in.
llvm::Expected<std::unique_ptr<llvm::TargetMachine>>
createWasmMachine(Feature feature);

/// Optimises a module whose loops are already shaped: nothing is vectorised or
/// unrolled, and constant parts of addresses become immediate offsets.
void optimize(llvm::Module &module, llvm::TargetMachine &machine);

/// Replaces the arguments of private functions that all calls give alike.
void propagateArguments(llvm::Module &module);

/// Writes an object file.
llvm::Error emitObject(llvm::Module &module, llvm::TargetMachine &machine,
                       llvm::raw_pwrite_stream &os);

} // namespace nncc::wasm

#endif
