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

#include <optional>

namespace nncc::wasm {

/// The pointers of kernels that have a variant, an object of its own.
inline constexpr llvm::StringLiteral kernelTableSymbol = "nncc_kernel_table";

/// On a function: the numbers of the first operand of each of its dot products
/// are 0 to 255.
inline constexpr llvm::StringLiteral byteDotsAttr = "nncc-byte-dots";

enum class Variant {
  /// Relaxed multiply-adds: results differ in the last bits.
  Sums,
  /// Relaxed dots, which are exact on some engines and wrong on others.
  Dots
};

/// The form that may be faster: relaxed multiply-adds for a kernel that sums up
/// products of 4 floats. It must not need anything of the module but its
/// arguments.
std::optional<Variant> chooseVariant(llvm::Function &kernel);

/// Makes the program call kernels through the pointers of an external
/// kernelTableSymbol, in this order.
void callThroughTable(llvm::Module &program,
                      llvm::ArrayRef<llvm::Function *> kernels);

/// Turns a copy of a kernel into its variant, exported under the number of the
/// table's slot that it takes.
void makeVariant(llvm::Function &copy, Variant variant, unsigned slot);

/// Whether a kernel sums up products of bytes and of weights of 8 bits.
bool gainsFromByteDots(llvm::Function &kernel);

/// Makes it multiply four bytes at once.
void useByteDots(llvm::Function &copy);

} // namespace nncc::wasm

#endif
