//===- Addresses.h - Which addresses only go up -----------------*- C++ -*-===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef NNCC_TARGETS_WASM_ADDRESSES_H
#define NNCC_TARGETS_WASM_ADDRESSES_H

#include "llvm/IR/PassManager.h"

namespace nncc::wasm {

/// Decides anew which address computations are in bounds; only of those does
/// instruction selection make the constant part an immediate offset. The
/// optimiser forgets most when it takes computations apart, and keeps it where
/// it must not: in `p - 4 * i + c` the part without the constant may lie below
/// 0, and an engine adds the offset without wrapping. So an address is in
/// bounds where nothing is subtracted on its way: sizes, loop counters and
/// whatever adds and multiplies them; or where it lies behind an address that
/// its block reads or writes.
struct MarkAddressesPass : llvm::PassInfoMixin<MarkAddressesPass> {
  llvm::PreservedAnalyses run(llvm::Function &function,
                              llvm::FunctionAnalysisManager &analyses);
};

} // namespace nncc::wasm

#endif
