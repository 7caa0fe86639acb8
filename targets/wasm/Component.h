//===- Component.h - A module as a component --------------------*- C++ -*-===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef NNCC_TARGETS_WASM_COMPONENT_H
#define NNCC_TARGETS_WASM_COMPONENT_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/STLFunctionalExtras.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"

#include <string>

namespace nncc::wasm {

/// A model and the name that it answers to; every name, if that is empty.
struct NamedModel {
  std::string name;
  llvm::StringRef module;
};

/// A component that exports the interfaces of wasi:nn in this edition and
/// answers them with a module that nncc made, by the name `name` or, if that is
/// empty, by all names. Fails if the module has threads,
/// external weights, or no room for an adapter.
llvm::Expected<std::string> makeComponent(llvm::StringRef module,
                                          llvm::StringRef edition,
                                          llvm::StringRef name = "");

/// The same for several models, each in a component of its own, with a name.
llvm::Expected<std::string>
makeComponentOfSeveral(llvm::ArrayRef<NamedModel> models,
                       llvm::StringRef edition);

class ComponentBuilder;

/// Core instances: the one that exports the functions of the interfaces, and
/// the one that exports their memory.
struct ServingInstances {
  uint32_t adapter, memory;
};

/// A component that exports the interfaces. `addAdapter` is given the core
/// instance with the functions of their resources.
std::string packInterfaces(
    llvm::StringRef edition,
    llvm::function_ref<ServingInstances(ComponentBuilder &, uint32_t resources)>
        addAdapter);

/// A module that runtime/wasi-nn makes, by its name.
llvm::StringRef getAdapter(llvm::StringRef name);

} // namespace nncc::wasm

#endif
