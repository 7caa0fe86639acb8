//===- HostPads.h - Padded operands of kernels on the CPU -------*- C++ -*-===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef NNCC_TARGETS_WEBGPU_HOSTPADS_H
#define NNCC_TARGETS_WEBGPU_HOSTPADS_H

#include "mlir/Dialect/Func/IR/FuncOps.h"

namespace nncc::webgpu {

/// Lets the bodies of a kernel test by themselves whether an element lies in
/// the border of a padded view, which kernels for the CPU have not. They become
/// scalar code.
void expandPads(mlir::func::FuncOp kernel);

} // namespace nncc::webgpu

#endif
