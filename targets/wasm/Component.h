//===- Component.h - A module as a component --------------------*- C++ -*-===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef NNCC_TARGETS_WASM_COMPONENT_H
#define NNCC_TARGETS_WASM_COMPONENT_H

#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"

#include <string>

namespace nncc::wasm {

/// A component that exports the interfaces of wasi:nn in this edition and
/// answers them with a module that nncc made, by the name `name` or, if that is
/// empty, by all names. Fails if the module has threads,
/// external weights, or no room for an adapter.
llvm::Expected<std::string> makeComponent(llvm::StringRef module,
                                          llvm::StringRef edition,
                                          llvm::StringRef name = "");

/// A module that runtime/wasi-nn makes, by its name.
llvm::StringRef getAdapter(llvm::StringRef name);

} // namespace nncc::wasm

#endif
