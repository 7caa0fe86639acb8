//===- LinkGuest.h - A guest and a model in one file ------------*- C++ -*-===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef NNCC_TARGETS_WASM_LINKGUEST_H
#define NNCC_TARGETS_WASM_LINKGUEST_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"

#include <string>

namespace nncc::wasm {

/// A model and the name that it answers to; every name, if that is empty.
struct NamedModel {
  std::string name;
  llvm::StringRef module;
};

/// The guest, a component that imports wasi:nn or a core module that imports
/// wasi_ephemeral_nn, with these imports served by the models, modules of nncc
/// or components of nncc around them. The rest of its imports and all its
/// exports stay. A component takes one model, and several need names.
llvm::Expected<std::string> linkGuest(llvm::StringRef guest,
                                      llvm::ArrayRef<NamedModel> models);

/// Its two cases; the models are modules of nncc.
llvm::Expected<std::string> composeComponents(llvm::StringRef guest,
                                              const NamedModel &model);
llvm::Expected<std::string> mergeModules(llvm::StringRef guest,
                                         llvm::ArrayRef<NamedModel> models);

} // namespace nncc::wasm

#endif
