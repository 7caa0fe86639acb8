//===- LinalgToExec.h - Kernels and the host program ------------*- C++ -*-===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef NNCC_CONVERSION_LINALGTOEXEC_LINALGTOEXEC_H
#define NNCC_CONVERSION_LINALGTOEXEC_LINALGTOEXEC_H

#include "mlir/Pass/Pass.h"

namespace nncc::exec {

#define GEN_PASS_DECL
#define GEN_PASS_REGISTRATION
#include "nncc/Conversion/LinalgToExec/Passes.h.inc"

} // namespace nncc::exec

#endif
