//===- ExternCalls.h - Calls of functions outside ---------------*- C++ -*-===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef NNCC_TARGETS_WASM_EXTERNCALLS_H
#define NNCC_TARGETS_WASM_EXTERNCALLS_H

#include "targets/wasm/Signature.h"

#include "llvm/ADT/STLFunctionalExtras.h"
#include "llvm/IR/IRBuilder.h"
#include "llvm/IR/Module.h"

namespace nncc::wasm {

/// Calls a function with `count` packed values at the address `values`.
using EmitPackedCall =
    llvm::function_ref<void(llvm::IRBuilder<> &b, const ExternCall &call,
                            llvm::Value *values, unsigned count)>;

/// Defines the functions `nncc_extern.N` of a program (exec::externPrefix):
/// they put inputs, outputs and the constants, each a name and a value, into
/// packed values, which `emitCall` gives to the function.
void defineExternCalls(llvm::Module &module, const Signature &signature,
                       EmitPackedCall emitCall);

/// The same with calls through the registry of runtime/core/Packed.h.
void defineExternCalls(llvm::Module &module, const Signature &signature);

} // namespace nncc::wasm

#endif
