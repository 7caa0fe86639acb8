//===- Variants.h - Kernels that come in two forms --------------*- C++ -*-===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef NNCC_TARGETS_WASM_VARIANTS_H
#define NNCC_TARGETS_WASM_VARIANTS_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/IR/Module.h"

namespace nncc::wasm {

/// The pointers of kernels that have a variant, an object of its own.
inline constexpr llvm::StringLiteral kernelTableSymbol = "nncc_kernel_table";

/// Whether relaxed multiply-adds may make a kernel faster: it sums up products
/// of 4 floats. It must not need anything of the module but its arguments.
bool gainsFromRelaxedSimd(llvm::Function &kernel);

/// Makes the program call kernels through the pointers of an external
/// kernelTableSymbol, in this order.
void callThroughTable(llvm::Module &program,
                      llvm::ArrayRef<llvm::Function *> kernels);

/// Turns a copy of a kernel into its variant, exported under the number of the
/// table's slot that it takes.
void makeRelaxed(llvm::Function &copy, unsigned slot);

} // namespace nncc::wasm

#endif
