//===- Passes.h - Kernels for GPUs ------------------------------*- C++ -*-===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef NNCC_TARGETS_WEBGPU_PASSES_H
#define NNCC_TARGETS_WEBGPU_PASSES_H

#include "mlir/IR/BuiltinOps.h"
#include "mlir/Pass/Pass.h"

namespace nncc::webgpu {

#define GEN_PASS_DECL
#define GEN_PASS_REGISTRATION
#include "targets/webgpu/Passes.h.inc"

} // namespace nncc::webgpu

#endif
