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

/// On an argument of a kernel: its floats lie in memory as f16.
constexpr llvm::StringLiteral halfAttrName = "webgpu.half";

/// On a generated kernel: the map `()[symbols] -> (workgroups)`.
constexpr llvm::StringLiteral workgroupsAttrName = "webgpu.workgroups";

/// On a generated kernel: threads of a workgroup.
constexpr llvm::StringLiteral workgroupSizeAttrName = "webgpu.workgroup_size";

/// On a kernel that calls others, also in loops: one workgroup does all
/// (MergeSmall, LoopSmall).
constexpr llvm::StringLiteral wholeAttrName = "webgpu.whole";

/// On a barrier: what was written to buffers becomes visible, too.
constexpr llvm::StringLiteral storageBarrierAttrName = "webgpu.storage";

/// Buffers that every device binds for a kernel.
constexpr int64_t maxBuffers = 8;

/// The largest of them, in bytes.
constexpr int64_t maxBindingBytes = 128 << 20;

/// The largest buffer that every device has, in bytes.
constexpr int64_t maxBufferBytes = 256 << 20;

/// On a barrier: the tree that it begins could be a subgroup's.
constexpr llvm::StringLiteral treeAttrName = "webgpu.tree";

/// Bytes of the buffer that an argument of a kernel is; 0 where that is open.
int64_t getBindingBytes(mlir::func::FuncOp kernel,
                        mlir::BlockArgument argument);

/// One form of a kernel.
struct KernelVariant {
  /// What the device, or its WGSL, must have.
  llvm::SmallVector<llvm::StringRef> features;
  /// A module with this one entry point. Memref argument i of the kernel is
  /// binding i of group 0; the symbols, where used, follow.
  std::string wgsl;
};

struct CompiledKernel {
  /// Of the entry point: an identifier of WGSL.
  std::string name;
  /// The best first. The last needs no feature.
  llvm::SmallVector<KernelVariant, 0> variants;
  /// Symbols that the uniform after the buffers holds, as u32; 0: no uniform.
  unsigned numSymbols = 0;
  /// How many workgroups a dispatch has, over the program's symbols.
  mlir::AffineExpr workgroups;
};

/// The kernel alone, as raised code for threads, in a module of its own; null
/// after a diagnostic.
mlir::OwningOpRef<mlir::ModuleOp> generateKernel(mlir::func::FuncOp kernel);

/// Compiles a kernel as LinalgToExec makes it: 1-D memrefs, each a buffer of
/// its own (floats in f16 with `webgpu.half`), values of symbols (with more
/// numbers than the program's they are values of the dispatch), and the CPU's
/// grid [begin, end), which has no meaning here. Elements lie in memory as
/// getStorageType says. `kernel` stays as it is. On failure there is a
/// diagnostic at it, which names the node; a kernel that needs more than every
/// WebGPU device has is one.
mlir::FailureOr<CompiledKernel> compileKernel(mlir::func::FuncOp kernel);

} // namespace nncc::webgpu

#endif
