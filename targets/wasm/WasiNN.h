//===- WasiNN.h - The interfaces of wasi:nn ---------------------*- C++ -*-===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef NNCC_TARGETS_WASM_WASINN_H
#define NNCC_TARGETS_WASM_WASINN_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"

#include <optional>
#include <string>
#include <vector>

namespace nncc::wasm {

/// A type of the component model, as far as wasi:nn uses them.
struct ValueType {
  enum Kind { U8, U32, String, List, Tuple, Result, Own, Borrow, Named } kind;
  std::string name;            ///< Of a resource or a named type.
  std::vector<ValueType> args; ///< Of a list, a tuple or a result.
};

/// A type that an interface exports.
struct NamedType {
  enum Kind { Resource, Enum, Alias, Use } kind;
  std::string name;
  std::vector<std::string> cases; ///< Of an enum.
  ValueType alias;
  std::string from; ///< Of a use: the interface that defines it.
};

struct Function {
  std::string name;
  std::vector<std::pair<std::string, ValueType>> params;
  ValueType result;
  /// The adapter's export that computes it; empty: the same name.
  std::string coreName;
};

struct Interface {
  std::string name;
  std::vector<NamedType> types;
  std::vector<Function> functions;
};

/// The editions that there are guests for, the default first, as
/// "2024-10-28".
llvm::ArrayRef<llvm::StringRef> getWasiNNEditions();

/// The interfaces of an edition, each behind those that it uses.
std::vector<Interface> getWasiNN(llvm::StringRef edition);

/// "wasi:nn/tensor@0.2.0-rc-2024-10-28".
std::string getInterfaceName(llvm::StringRef interface,
                             llvm::StringRef edition);

} // namespace nncc::wasm

#endif
