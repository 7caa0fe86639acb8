//===- Section.h - What a module says of its GPU code -----------*- C++ -*-===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef NNCC_TARGETS_WEBGPU_SECTION_H
#define NNCC_TARGETS_WEBGPU_SECTION_H

#include "mlir/IR/BuiltinOps.h"

#include <string>

namespace nncc::webgpu {

/// The section nncc.webgpu (docs/module-format.md) of a program whose kernels
/// are compiled. The weights start `weightOffset` bytes behind nncc_weights().
std::string printSection(mlir::ModuleOp program, uint64_t weightOffset);

} // namespace nncc::webgpu

#endif
