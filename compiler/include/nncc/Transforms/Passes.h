//===- Passes.h - passes on the nn stage ------------------------*- C++ -*-===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef NNCC_TRANSFORMS_PASSES_H
#define NNCC_TRANSFORMS_PASSES_H

#include "mlir/Pass/Pass.h"

namespace nncc::nn {

#define GEN_PASS_DECL
#define GEN_PASS_REGISTRATION
#include "nncc/Transforms/Passes.h.inc"

} // namespace nncc::nn

#endif // NNCC_TRANSFORMS_PASSES_H
