//===- TypeScope.h - Types of a component as it writes them -----*- C++ -*-===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef NNCC_TARGETS_WASM_TYPESCOPE_H
#define NNCC_TARGETS_WASM_TYPESCOPE_H

#include "targets/wasm/WasiNN.h"

#include "llvm/ADT/StringMap.h"

namespace nncc::wasm {

class ComponentBuilder;

/// The types of one component, by name; others are defined where they are
/// first used.
class TypeScope {
public:
  TypeScope(ComponentBuilder &builder, llvm::ArrayRef<NamedType> types)
      : builder(builder), types(types) {}

  void define(llvm::StringRef name, uint32_t index) { known[name] = index; }
  uint32_t get(llvm::StringRef name) const { return known.lookup(name); }

  uint32_t defineEnum(const NamedType &type);
  std::string encode(const ValueType &type);
  uint32_t defineFunction(const Function &function);

private:
  std::string encodeComposite(const ValueType &type);
  std::string encodeNamed(llvm::StringRef name);

  ComponentBuilder &builder;
  llvm::ArrayRef<NamedType> types;
  llvm::StringMap<uint32_t> known;
};

} // namespace nncc::wasm

#endif
