//===- CompileUnits.h - Units to object code --------------------*- C++ -*-===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef NNCC_TARGETS_WASM_COMPILEUNITS_H
#define NNCC_TARGETS_WASM_COMPILEUNITS_H

#include "targets/wasm/CodeCache.h"
#include "targets/wasm/Units.h"

#include "mlir/IR/Location.h"

namespace nncc::wasm {

/// Compiles units on the threads of the location's context, and takes what the
/// cache has. The objects, in the order of the units, do not depend on the
/// number of threads. On failure there is a diagnostic at `loc`.
mlir::FailureOr<std::vector<std::string>>
compileUnits(mlir::Location loc, llvm::ArrayRef<Unit> units, CodeCache &cache);

} // namespace nncc::wasm

#endif
