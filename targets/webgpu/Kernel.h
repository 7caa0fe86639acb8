//===- Kernel.h - A kernel of the host program as WGSL ----------*- C++ -*-===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef NNCC_TARGETS_WEBGPU_KERNEL_H
#define NNCC_TARGETS_WEBGPU_KERNEL_H

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/AffineExpr.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"
#include "llvm/ADT/SmallVector.h"

#include <string>

namespace nncc::webgpu {

/// On an argument of a kernel: "arena", "input" or "weight". Parts of the
/// arena are bound for reading and writing even where they are only read, as
/// one buffer may have only one role in a dispatch.
constexpr llvm::StringLiteral spaceAttrName = "webgpu.space";

/// On a generated kernel: the map `()[symbols] -> (workgroups)`.
constexpr llvm::StringLiteral workgroupsAttrName = "webgpu.workgroups";

/// On a generated kernel: threads of a workgroup.
constexpr llvm::StringLiteral workgroupSizeAttrName = "webgpu.workgroup_size";

/// On a barrier: what was written to buffers becomes visible, too.
constexpr llvm::StringLiteral storageBarrierAttrName = "webgpu.storage";

/// Buffers that every device binds for a kernel.
constexpr int64_t maxBuffers = 8;

struct CompiledKernel {
  /// Of the entry point: an identifier of WGSL.
  std::string name;
  /// A module with this one entry point. Memref argument i of the kernel is
  /// binding i of group 0; the symbols, where used, follow.
  std::string wgsl;
  /// One a memref argument.
  llvm::SmallVector<bool> written;
  /// Symbols that the uniform after the buffers holds, as u32; 0: no uniform.
  unsigned numSymbols = 0;
  /// How many workgroups a dispatch has, over the program's symbols.
  mlir::AffineExpr workgroups;
  /// What the device must have.
  llvm::SmallVector<std::string> features;
};

/// The kernel alone, as raised code for threads, in a module of its own; null
/// after a diagnostic.
mlir::OwningOpRef<mlir::ModuleOp> generateKernel(mlir::func::FuncOp kernel);

/// Compiles a kernel as LinalgToExec makes it: 1-D memrefs, each a buffer of
/// its own, values of symbols (with more numbers than the program's they are
/// values of the dispatch), and the CPU's grid [begin, end), which has no
/// meaning here. Elements lie in memory as getStorageType says. `kernel` stays
/// as it is. On failure there is a diagnostic at it, which names the node; a
/// kernel that needs more than every WebGPU device has is one.
mlir::FailureOr<CompiledKernel> compileKernel(mlir::func::FuncOp kernel);

} // namespace nncc::webgpu

#endif
