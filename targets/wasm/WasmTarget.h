//===- WasmTarget.h - SIMD code that any wasm host runs ---------*- C++ -*-===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef NNCC_TARGETS_WASM_WASMTARGET_H
#define NNCC_TARGETS_WASM_WASMTARGET_H

#include "targets/Target.h"

namespace nncc::wasm {

const Target &getWasmTarget();

/// The part of a module that runs the network on a GPU. Its program then has
/// the functions nncc_gpu_record and nncc_gpu_arena_bytes.
struct GpuPart {
  /// Whether the program also has what runs it on the CPU.
  bool hasFallback = true;
  /// The section nncc.webgpu.
  std::string section;
  /// The words that lists of dispatches are made of.
  llvm::ArrayRef<int32_t> commands;
};

/// Target::emit for modules that may have GPU code (`gpu`, or null).
mlir::LogicalResult emitModule(mlir::ModuleOp program, const Weights &weights,
                               const TargetOptions &options, const GpuPart *gpu,
                               llvm::StringRef path);

} // namespace nncc::wasm

#endif
