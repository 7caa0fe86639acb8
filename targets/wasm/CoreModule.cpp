//===- CoreModule.cpp - A core module's sections --------------------------===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "targets/wasm/CoreModule.h"

#include "targets/wasm/ModelModule.h"

#include "llvm/BinaryFormat/Wasm.h"
#include "llvm/Support/DataExtractor.h"

using namespace llvm;
using namespace nncc::wasm;

StringRef CoreModule::getSection(uint8_t id) const {
  for (auto [found, payload] : sections)
    if (found == id)
      return payload;
  return StringRef();
}

static std::pair<uint64_t, uint64_t> readCount(StringRef payload) {
  uint64_t offset = 0;
  uint64_t count = DataExtractor(payload, true, 4).getULEB128(&offset);
  return {count, offset};
}

uint32_t CoreModule::countOf(uint8_t section) const {
  StringRef payload = getSection(section);
  return payload.empty() ? 0 : readCount(payload).first;
}

StringRef CoreModule::getItems(uint8_t section) const {
  StringRef payload = getSection(section);
  return payload.empty() ? payload
                         : payload.drop_front(readCount(payload).second);
}

uint32_t CoreModule::countImports(ItemKind kind) const {
  return llvm::count_if(
      imports, [&](const CoreImport &import) { return import.kind == kind; });
}

std::optional<uint32_t> CoreModule::findExport(StringRef name,
                                               ItemKind kind) const {
  for (const CoreExport &item : exports)
    if (item.name == name && item.kind == kind)
      return item.index;
  return std::nullopt;
}

static StringRef readName(DataExtractor &data, DataExtractor::Cursor &cursor) {
  uint64_t size = data.getULEB128(cursor);
  return data.getBytes(cursor, size);
}

void nncc::wasm::skipValueType(DataExtractor &data,
                               DataExtractor::Cursor &cursor) {
  constexpr int64_t reference = -0x1d, nonNullReference = -0x1c;
  int64_t type = data.getSLEB128(cursor);
  if (type == reference || type == nonNullReference)
    data.getSLEB128(cursor);
}

/// Calls `readItem` for each item of a section; it returns whether it knows
/// the item's form.
Error CoreModule::readItems(
    uint8_t section,
    function_ref<bool(DataExtractor &, DataExtractor::Cursor &)> readItem) {
  StringRef payload = getSection(section);
  DataExtractor data(payload, true, 4);
  DataExtractor::Cursor cursor(0);
  uint64_t count = payload.empty() ? 0 : data.getULEB128(cursor);
  bool isKnown = true;
  for (uint64_t i = 0; cursor && isKnown && i < count; ++i)
    isKnown = readItem(data, cursor);
  if (Error error = cursor.takeError())
    return error;
  return isKnown ? Error::success()
                 : createStringError("types for garbage collection are not "
                                     "supported");
}

Error CoreModule::readTypes() {
  return readItems(
      llvm::wasm::WASM_SEC_TYPE,
      [&](DataExtractor &data, DataExtractor::Cursor &cursor) {
        uint64_t begin = cursor.tell();
        if (data.getU8(cursor) != llvm::wasm::WASM_TYPE_FUNC)
          return false;
        for (int list = 0; list < 2; ++list)
          for (uint64_t n = data.getULEB128(cursor); cursor && n > 0; --n)
            skipValueType(data, cursor);
        types.push_back(data.getData().slice(begin, cursor.tell()));
        return true;
      });
}

static void skipLimits(DataExtractor &data, DataExtractor::Cursor &cursor) {
  bool hasMaximum = data.getU8(cursor) & 1;
  data.getULEB128(cursor);
  if (hasMaximum)
    data.getULEB128(cursor);
}

static CoreImport readImport(DataExtractor &data,
                             DataExtractor::Cursor &cursor) {
  uint64_t begin = cursor.tell();
  CoreImport import;
  import.module = readName(data, cursor);
  import.name = readName(data, cursor);
  import.kind = static_cast<ItemKind>(data.getU8(cursor));
  switch (import.kind) {
  case ItemKind::Function:
    import.type = data.getULEB128(cursor);
    break;
  case ItemKind::Table:
    skipValueType(data, cursor);
    skipLimits(data, cursor);
    break;
  case ItemKind::Memory:
    skipLimits(data, cursor);
    break;
  default: // A type and a mutability; or an attribute and a type.
    skipValueType(data, cursor);
    data.getULEB128(cursor);
  }
  import.whole = data.getData().slice(begin, cursor.tell());
  return import;
}

Error CoreModule::readImports() {
  return readItems(llvm::wasm::WASM_SEC_IMPORT,
                   [&](DataExtractor &data, DataExtractor::Cursor &cursor) {
                     imports.push_back(readImport(data, cursor));
                     return true;
                   });
}

Error CoreModule::readFunctions() {
  return readItems(llvm::wasm::WASM_SEC_FUNCTION,
                   [&](DataExtractor &data, DataExtractor::Cursor &cursor) {
                     functionTypes.push_back(data.getULEB128(cursor));
                     return true;
                   });
}

Error CoreModule::readExports() {
  return readItems(llvm::wasm::WASM_SEC_EXPORT,
                   [&](DataExtractor &data, DataExtractor::Cursor &cursor) {
                     StringRef name = readName(data, cursor);
                     auto kind = static_cast<ItemKind>(data.getU8(cursor));
                     uint32_t index = data.getULEB128(cursor);
                     exports.push_back({name, kind, index});
                     return true;
                   });
}

Expected<CoreModule> CoreModule::read(StringRef bytes) {
  Expected<SmallVector<BinarySection>> sections = readSections(bytes);
  if (!sections)
    return sections.takeError();
  CoreModule module;
  for (const BinarySection &section : *sections)
    module.sections.push_back({section.id, section.payload});
  for (auto step : {&CoreModule::readTypes, &CoreModule::readImports,
                    &CoreModule::readFunctions, &CoreModule::readExports})
    if (Error error = (module.*step)())
      return std::move(error);
  return module;
}
