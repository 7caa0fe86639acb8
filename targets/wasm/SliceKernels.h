//===- SliceKernels.h - Long kernels in several calls -----------*- C++ -*-===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef NNCC_TARGETS_WASM_SLICEKERNELS_H
#define NNCC_TARGETS_WASM_SLICEKERNELS_H

#include "llvm/IR/Module.h"

namespace nncc::wasm {

/// On a kernel: into how many slices of its grid a call is divided.
inline constexpr llvm::StringLiteral slicesAttr = "nncc-slices";

/// Engines begin in code that they made quickly, and enter better code when a
/// function is called again, not in the middle of its loops. So kernels with
/// the attribute above become loops that call their former body, which is a
/// kernel as well, for one slice after the other. Kernels of which threads
/// compute slices stay as they are.
void sliceKernels(llvm::Module &program);

} // namespace nncc::wasm

#endif
