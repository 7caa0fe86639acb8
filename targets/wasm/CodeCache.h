//===- CodeCache.h - Object code that was compiled before -------*- C++ -*-===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef NNCC_TARGETS_WASM_CODECACHE_H
#define NNCC_TARGETS_WASM_CODECACHE_H

#include "mlir/IR/Location.h"
#include "llvm/ADT/STLFunctionalExtras.h"
#include "llvm/Support/Error.h"

#include <atomic>
#include <string>

namespace nncc::wasm {

/// Object code by what it was compiled from, in a folder that runs of the
/// compiler share, at once too. Nothing about the folder makes a run fail: what
/// cannot be read or written is a warning. Threads may use it together.
class CodeCache {
public:
  using Code = llvm::Expected<std::string>;

  /// Nothing is kept if `folder` is empty.
  explicit CodeCache(llvm::StringRef folder) : folder(folder) {}

  /// The code that was compiled from `parts` by this very compiler, or else
  /// what `compile` returns now. Warnings are at `loc`.
  Code get(mlir::Location loc, llvm::ArrayRef<llvm::StringRef> parts,
           llvm::function_ref<Code()> compile);

  /// Deletes what has not been used for a week, and beyond 1 GiB the oldest.
  void prune() const;

private:
  void warn(mlir::Location loc, llvm::Error error);

  const std::string folder;
  /// Set after the first warning: one is enough.
  std::atomic<bool> isBroken = false;
};

} // namespace nncc::wasm

#endif
