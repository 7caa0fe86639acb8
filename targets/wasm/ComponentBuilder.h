//===- ComponentBuilder.h - Writes components of the component model -*- C++
//-*-===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef NNCC_TARGETS_WASM_COMPONENTBUILDER_H
#define NNCC_TARGETS_WASM_COMPONENTBUILDER_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"

#include <string>

namespace nncc::wasm {

/// A kind of thing that has numbers of its own in a component. The values are
/// those of the binary format; of what lies in core modules behind a 0.
enum class Sort : uint8_t {
  Function = 1,
  Type = 3,
  Component = 4,
  Instance = 5,
  CoreFunction = 0x10,
  CoreMemory = 0x12,
  CoreTable = 0x11,
  CoreModule = 0x21,
  CoreInstance = 0x22,
};

/// A thing under a name: an export, or an argument of an instantiation.
struct NamedItem {
  std::string name;
  Sort sort;
  uint32_t index;
};

/// A component in the making. Each call appends a definition and returns its
/// number among those of its sort. The format is that of Binary.md in
/// WebAssembly/component-model, version 0x0d.
class ComponentBuilder {
public:
  ComponentBuilder();

  uint32_t addCoreModule(llvm::StringRef bytes);
  uint32_t addComponent(llvm::StringRef bytes);
  uint32_t instantiateCore(uint32_t module, llvm::ArrayRef<NamedItem> args);
  /// A core instance that is only a group of things under names.
  uint32_t groupCore(llvm::ArrayRef<NamedItem> items);
  uint32_t instantiate(uint32_t component, llvm::ArrayRef<NamedItem> args);
  uint32_t aliasCore(Sort sort, uint32_t coreInstance, llvm::StringRef name);
  uint32_t aliasExport(Sort sort, uint32_t instance, llvm::StringRef name);

  /// A type as the format writes it.
  uint32_t addType(llvm::StringRef encoded);
  /// A resource of i32 numbers; `destructor` is a core function.
  uint32_t addResource(uint32_t destructor);
  uint32_t newOf(uint32_t resource) { return addBuiltin(0x02, resource); }
  uint32_t dropOf(uint32_t resource) { return addBuiltin(0x03, resource); }
  uint32_t repOf(uint32_t resource) { return addBuiltin(0x04, resource); }
  uint32_t lift(uint32_t coreFunction, uint32_t memory, uint32_t reallocate,
                uint32_t type);
  /// A function of a component as a core function.
  uint32_t lower(uint32_t function, uint32_t memory, uint32_t reallocate);

  uint32_t importResource(llvm::StringRef name);
  uint32_t importType(llvm::StringRef name, uint32_t equal);
  uint32_t importFunction(llvm::StringRef name, uint32_t type);
  uint32_t exportItem(const NamedItem &item);
  /// Exports a function as one of another type that is equal.
  uint32_t exportFunction(llvm::StringRef name, uint32_t function,
                          uint32_t type);

  /// A section that was encoded elsewhere and defines nothing that is counted
  /// here but `count` things of `sort`.
  uint32_t addSection(uint8_t id, llvm::StringRef payload, Sort sort,
                      uint32_t count);

  uint32_t count(Sort sort) const {
    return counts[static_cast<unsigned>(sort)];
  }
  std::string take() { return std::move(bytes); }

private:
  uint32_t addBuiltin(uint8_t opcode, uint32_t resource);

  std::string bytes;
  uint32_t counts[0x23] = {};
};

/// Numbers and names as both binary formats of WebAssembly write them.
std::string encodeNumber(uint64_t value);
std::string encodeSigned(int64_t value);
std::string encodeName(llvm::StringRef name);
/// As the component format writes names of imports and exports.
std::string encodeExternName(llvm::StringRef name);

} // namespace nncc::wasm

#endif
