//===- ModuleWriter.h - The last changes to a module ------------*- C++ -*-===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef NNCC_TARGETS_WASM_MODULEWRITER_H
#define NNCC_TARGETS_WASM_MODULEWRITER_H

#include "targets/Target.h"

#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"
#include "llvm/Support/raw_ostream.h"

namespace nncc::wasm {

/// A custom section.
struct TextSection {
  llvm::StringRef name, text;
};

/// Copies a linked module and adds what never goes through LLVM: the weights,
/// as data segments at the address of the weight symbol (active, or in a module
/// with threads passive, since there each worker instantiates it), and texts as
/// custom sections; empty ones are left out. `weights` may be null.
llvm::Error writeModule(llvm::StringRef linked, const Weights *weights,
                        llvm::ArrayRef<TextSection> texts,
                        llvm::raw_ostream &os);

} // namespace nncc::wasm

#endif
