//===- NNToLinalg.h - Tensor ops to linalg ----------------------*- C++ -*-===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef NNCC_CONVERSION_NNTOLINALG_NNTOLINALG_H
#define NNCC_CONVERSION_NNTOLINALG_NNTOLINALG_H

#include "mlir/Pass/Pass.h"

namespace nncc::nn {

#define GEN_PASS_DECL
#define GEN_PASS_REGISTRATION
#include "nncc/Conversion/NNToLinalg/Passes.h.inc"

} // namespace nncc::nn

#endif
