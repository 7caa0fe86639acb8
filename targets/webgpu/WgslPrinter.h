//===- WgslPrinter.h - Kernels as text of WGSL ------------------*- C++ -*-===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef NNCC_TARGETS_WEBGPU_WGSLPRINTER_H
#define NNCC_TARGETS_WEBGPU_WGSLPRINTER_H

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "llvm/Support/raw_ostream.h"

namespace nncc::webgpu {

/// Prints a raised kernel as a WGSL module with one entry point, `name`. An op
/// that WGSL has no form for is an error at the op.
mlir::LogicalResult printWgsl(mlir::func::FuncOp kernel, llvm::StringRef name,
                              llvm::raw_ostream &os);

/// What of a kernel's name may stand in an identifier of WGSL.
std::string makeWgslName(llvm::StringRef name);

} // namespace nncc::webgpu

#endif
