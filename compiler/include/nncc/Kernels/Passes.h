//===- Passes.h - Kernel generation -----------------------------*- C++ -*-===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef NNCC_KERNELS_PASSES_H
#define NNCC_KERNELS_PASSES_H

#include "mlir/Pass/Pass.h"

namespace nncc::kernels {

#define GEN_PASS_DECL
#define GEN_PASS_REGISTRATION
#include "nncc/Kernels/Passes.h.inc"

} // namespace nncc::kernels

#endif
