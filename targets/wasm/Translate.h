//===- Translate.h - From the LLVM dialect to LLVM IR -----------*- C++ -*-===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef NNCC_TARGETS_WASM_TRANSLATE_H
#define NNCC_TARGETS_WASM_TRANSLATE_H

#include "mlir/IR/BuiltinOps.h"
#include "llvm/IR/Module.h"
#include "llvm/Target/TargetMachine.h"

namespace nncc::wasm {

/// Translates a module in the LLVM dialect for a machine; null, with a
/// diagnostic, if that fails. Kernels are not inlined, so that a profile shows
/// them.
std::unique_ptr<llvm::Module> translateToLLVM(mlir::ModuleOp module,
                                              llvm::LLVMContext &context,
                                              llvm::TargetMachine &machine);

/// Whether a function of a translated module computes a kernel.
bool isKernel(const llvm::Function &function);

} // namespace nncc::wasm

#endif
