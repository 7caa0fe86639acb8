//===- ModelModule.h - What a module that nncc made says --------*- C++ -*-===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef NNCC_TARGETS_WASM_MODELMODULE_H
#define NNCC_TARGETS_WASM_MODELMODULE_H

#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"

namespace nncc::wasm {

/// A section of a module or component, with its place in the file.
struct BinarySection {
  uint8_t id;
  llvm::StringRef payload;
  llvm::StringRef whole; ///< With id and length.
};

/// Whether bytes begin as a core module or as a component do.
bool isCoreModule(llvm::StringRef bytes);
bool isComponent(llvm::StringRef bytes);

/// The sections behind the header of a module or component.
llvm::Expected<llvm::SmallVector<BinarySection>>
readSections(llvm::StringRef bytes);

/// Fails unless this is a module of nncc that adapters can be linked to: with
/// its weights, without threads, and with room in its memory.
llvm::Error checkModel(llvm::StringRef module);

/// The model in a component of nncc, or the module itself. Fails on anything
/// else.
llvm::Expected<llvm::StringRef> findModel(llvm::StringRef bytes);

} // namespace nncc::wasm

#endif
