//===- Spirv.h - Kernels as binaries of SPIR-V ------------------*- C++ -*-===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef NNCC_TARGETS_WEBGPU_SPIRV_H
#define NNCC_TARGETS_WEBGPU_SPIRV_H

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "llvm/ADT/SmallVector.h"

namespace nncc::webgpu {

/// Compiles a kernel, as compileKernel takes it, to a module of SPIR-V for
/// Vulkan 1.1 with one entry point, validated and optimised. Its bindings are
/// those of the WGSL: the buffers in set 0, then the symbols as a uniform. On
/// failure there is a diagnostic at the kernel.
mlir::FailureOr<llvm::SmallVector<uint32_t>>
compileToSpirv(mlir::func::FuncOp kernel);

} // namespace nncc::webgpu

#endif
