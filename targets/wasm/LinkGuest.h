//===- LinkGuest.h - A guest and a model in one file ------------*- C++ -*-===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef NNCC_TARGETS_WASM_LINKGUEST_H
#define NNCC_TARGETS_WASM_LINKGUEST_H

#include "targets/wasm/Component.h"

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"

#include <string>

namespace nncc::wasm {

/// The guest, a component that imports wasi:nn or a core module that imports
/// wasi_ephemeral_nn, with these imports served by the models, modules of nncc
/// or components of nncc around them. The rest of its imports and all its
/// exports stay. Several models need names.
llvm::Expected<std::string> linkGuest(llvm::StringRef guest,
                                      llvm::ArrayRef<NamedModel> models);

/// Its two cases; the models are modules of nncc.
llvm::Expected<std::string>
composeComponents(llvm::StringRef guest, llvm::ArrayRef<NamedModel> models);
llvm::Expected<std::string> mergeModules(llvm::StringRef guest,
                                         llvm::ArrayRef<NamedModel> models);

} // namespace nncc::wasm

#endif
