//===- CHeader.h - The interface of an object in C -------------*- C++ -*-===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef NNCC_TARGETS_WASM_CHEADER_H
#define NNCC_TARGETS_WASM_CHEADER_H

#include "targets/wasm/Signature.h"

namespace nncc::wasm {

/// `name` as an identifier of C and C++.
std::string makeIdentifier(llvm::StringRef name);

/// A header for the symbols that makeEmbeddable defines (docs/embedding.md).
std::string printHeader(const Signature &signature, const ModuleInfo &info,
                        llvm::StringRef prefix);

} // namespace nncc::wasm

#endif
