//===- CoreModule.h - A core module's sections ------------------*- C++ -*-===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef NNCC_TARGETS_WASM_COREMODULE_H
#define NNCC_TARGETS_WASM_COREMODULE_H

#include "llvm/ADT/STLFunctionalExtras.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/DataExtractor.h"
#include "llvm/Support/Error.h"

#include <optional>
#include <vector>

namespace nncc::wasm {

/// As imports and exports number the kinds of things.
enum class ItemKind : uint8_t { Function, Table, Memory, Global, Tag };

struct CoreImport {
  llvm::StringRef module, name;
  ItemKind kind;
  llvm::StringRef whole; ///< As the file has it.
  uint32_t type = 0;     ///< Of a function.
};

struct CoreExport {
  llvm::StringRef name;
  ItemKind kind;
  uint32_t index;
};

/// A value type, which may be a reference with a type of its own.
void skipValueType(llvm::DataExtractor &data,
                   llvm::DataExtractor::Cursor &cursor);

/// What links modules needs to know of one; texts lie in the module's bytes.
struct CoreModule {
  static llvm::Expected<CoreModule> read(llvm::StringRef bytes);

  /// A section, or an empty text.
  llvm::StringRef getSection(uint8_t id) const;
  /// How many things a section begins with.
  uint32_t countOf(uint8_t section) const;
  /// A section without that number.
  llvm::StringRef getItems(uint8_t section) const;
  uint32_t countImports(ItemKind kind) const;
  std::optional<uint32_t> findExport(llvm::StringRef name, ItemKind kind) const;

  std::vector<std::pair<uint8_t, llvm::StringRef>> sections;
  std::vector<llvm::StringRef> types;
  std::vector<CoreImport> imports;
  std::vector<CoreExport> exports;
  std::vector<uint32_t> functionTypes; ///< Of the functions that it defines.

private:
  llvm::Error readItems(uint8_t section,
                        llvm::function_ref<bool(llvm::DataExtractor &,
                                                llvm::DataExtractor::Cursor &)>
                            readItem);
  llvm::Error readTypes();
  llvm::Error readImports();
  llvm::Error readFunctions();
  llvm::Error readExports();
};

} // namespace nncc::wasm

#endif
