//===- Passes.h - Passes on the host program --------------------*- C++ -*-===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef NNCC_DIALECT_EXEC_PASSES_H
#define NNCC_DIALECT_EXEC_PASSES_H

#include "mlir/Pass/Pass.h"

namespace nncc::exec {

#define GEN_PASS_DECL
#define GEN_PASS_REGISTRATION
#include "nncc/Dialect/Exec/Passes.h.inc"

/// Module attributes that the memory plan leaves: the constant tensors, and the
/// byte offset of each in the block of weights.
constexpr llvm::StringLiteral weightsAttrName = "exec.weights";
constexpr llvm::StringLiteral weightOffsetsAttrName = "exec.weight_offsets";

/// How many of the first weights are stored as f16, and then as bf16.
constexpr llvm::StringLiteral halvesAttrName = "exec.halves";

/// Of a module whose buffers each lie within one page of the arena: its bytes.
constexpr llvm::StringLiteral arenaPageAttrName = "exec.arena_page";

} // namespace nncc::exec

#endif
