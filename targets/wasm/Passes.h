//===- Passes.h - From vector loops to the LLVM dialect ---------*- C++ -*-===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef NNCC_TARGETS_WASM_PASSES_H
#define NNCC_TARGETS_WASM_PASSES_H

#include "mlir/IR/BuiltinOps.h"
#include "mlir/Pass/Pass.h"

namespace nncc::wasm {

#define GEN_PASS_DECL
#define GEN_PASS_REGISTRATION
#include "targets/wasm/Passes.h.inc"

/// How code is lowered; the defaults are those of a plain wasm32 module.
struct LoweringOptions {
  /// 32 for wasm, 64 for the build machine.
  unsigned indexBitwidth = 32;
  /// Contract multiplications and additions to the relaxed SIMD instruction.
  bool relaxedMadd = false;
  /// The target has the instructions of simd128.
  bool simd = false;
};

/// Takes a module of functions over 1-D memrefs (scf, cf, arith, math, vector,
/// memref, affine.apply) to the LLVM dialect.
void buildLowerToLLVMPipeline(mlir::OpPassManager &pm,
                              const LoweringOptions &options);

} // namespace nncc::wasm

#endif
