//===- Passes.h - Passes on the linalg stage --------------------*- C++ -*-===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef NNCC_LINALG_PASSES_H
#define NNCC_LINALG_PASSES_H

#include "mlir/Pass/Pass.h"

namespace nncc {

#define GEN_PASS_DECL
#define GEN_PASS_REGISTRATION
#include "nncc/Linalg/Passes.h.inc"

} // namespace nncc

#endif
