//===- ComposeComponents.cpp - A component with its imports served --------===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A component around the guest: what the guest imports besides wasi:nn is
// imported again, so that the sections before the guest are those with which
// the guest itself begins; the model comes in front of them, as instance 0.
//
//===----------------------------------------------------------------------===//

#include "targets/wasm/Component.h"
#include "targets/wasm/ComponentBuilder.h"
#include "targets/wasm/LinkGuest.h"
#include "targets/wasm/ModelModule.h"
#include "targets/wasm/WasiNN.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/DataExtractor.h"

using namespace llvm;
using namespace nncc::wasm;

namespace {

enum SectionId : uint8_t {
  CustomSection = 0,
  AliasSection = 6,
  TypeSection = 7,
  ImportSection = 10,
  ExportSection = 11,
};

/// An import or an export.
struct ExternItem {
  StringRef name;
  Sort sort;
  StringRef whole; ///< As the file has it.
};

class Composer {
public:
  Composer(StringRef guest, ArrayRef<NamedModel> models)
      : guest(guest), models(models) {}

  Expected<std::string> run();

private:
  Error readGuest();
  Error findEdition();
  Error copyBeginning();
  Error copyAliases(StringRef payload);
  Error copyImport(const ExternItem &import);
  void exportAll(uint32_t instance);

  StringRef guest, edition;
  ArrayRef<NamedModel> models;
  SmallVector<BinarySection> beginning; ///< Up to the last import.
  std::vector<ExternItem> imports, exports;
  std::vector<NamedItem> args;
  ComponentBuilder builder;
};

} // namespace

static constexpr StringLiteral prefix = "wasi:nn/";
static constexpr StringLiteral editionMark = "@0.2.0-rc-";

static uint32_t countItems(StringRef payload) {
  uint64_t offset = 0;
  return DataExtractor(payload, true, 4).getULEB128(&offset);
}

static Sort readSort(DataExtractor &data, DataExtractor::Cursor &cursor) {
  uint8_t sort = data.getU8(cursor);
  return static_cast<Sort>(sort ? sort : 0x10 + data.getU8(cursor));
}

static StringRef readExternName(DataExtractor &data,
                                DataExtractor::Cursor &cursor) {
  data.getU8(cursor);
  uint64_t size = data.getULEB128(cursor);
  return data.getBytes(cursor, size);
}

/// The type of an import; only core modules' have two bytes in front.
static Sort readImportType(DataExtractor &data, DataExtractor::Cursor &cursor) {
  Sort sort = readSort(data, cursor);
  constexpr uint8_t equal = 0;
  if (sort != Sort::Type || data.getU8(cursor) == equal)
    data.getULEB128(cursor);
  return sort;
}

static void readExportTarget(DataExtractor &data,
                             DataExtractor::Cursor &cursor) {
  data.getULEB128(cursor);
  if (data.getU8(cursor)) // A type is stated.
    readImportType(data, cursor);
}

static Error readItems(StringRef payload, bool areImports,
                       std::vector<ExternItem> &items) {
  DataExtractor data(payload, true, 4);
  DataExtractor::Cursor cursor(0);
  for (uint64_t count = data.getULEB128(cursor); cursor && count > 0; --count) {
    uint64_t begin = cursor.tell();
    ExternItem item;
    item.name = readExternName(data, cursor);
    if (areImports) {
      item.sort = readImportType(data, cursor);
    } else {
      item.sort = readSort(data, cursor);
      readExportTarget(data, cursor);
    }
    item.whole = payload.slice(begin, cursor.tell());
    items.push_back(item);
  }
  return cursor.takeError();
}

Error Composer::readGuest() {
  Expected<SmallVector<BinarySection>> sections = readSections(guest);
  if (!sections)
    return sections.takeError();
  size_t end = 0;
  for (auto [i, section] : enumerate(*sections)) {
    if (section.id == ImportSection)
      end = i + 1;
    if (section.id == ExportSection)
      if (Error error = readItems(section.payload, false, exports))
        return error;
  }
  beginning.assign(sections->begin(), sections->begin() + end);
  for (const BinarySection &section : beginning)
    if (section.id == ImportSection)
      if (Error error = readItems(section.payload, true, imports))
        return error;
  return Error::success();
}

/// All imports of wasi:nn must be of one edition, which becomes the model's.
Error Composer::findEdition() {
  for (const ExternItem &import : imports) {
    if (!import.name.starts_with(prefix))
      continue;
    StringRef found = import.name.split(editionMark).second;
    if (!is_contained(getWasiNNEditions(), found) ||
        (!edition.empty() && edition != found))
      return createStringError("it imports '" + import.name +
                               "'; known is wasi:nn@0.2.0-rc-, once for all, "
                               "of " +
                               join(getWasiNNEditions(), " or "));
    edition = found;
  }
  if (edition.empty())
    return createStringError("it imports nothing of wasi:nn");
  return Error::success();
}

/// Instances have another number by one: the model's is the first.
Error Composer::copyAliases(StringRef payload) {
  DataExtractor data(payload, true, 4);
  DataExtractor::Cursor cursor(0);
  for (uint64_t count = data.getULEB128(cursor); cursor && count > 0; --count) {
    uint64_t begin = cursor.tell();
    Sort sort = readSort(data, cursor);
    constexpr uint8_t instanceExport = 0, coreExport = 1;
    uint8_t target = data.getU8(cursor);
    uint32_t first = data.getULEB128(cursor);
    if (target == instanceExport) {
      uint64_t size = data.getULEB128(cursor);
      builder.aliasExport(sort, first + 1, data.getBytes(cursor, size));
      continue;
    }
    if (target == coreExport) {
      consumeError(cursor.takeError());
      return createStringError("it has core instances before its last import");
    }
    data.getULEB128(cursor);
    StringRef whole = payload.slice(begin, cursor.tell());
    builder.addSection(AliasSection, '\x01' + whole.str(), sort, 1);
  }
  return cursor.takeError();
}

Error Composer::copyImport(const ExternItem &import) {
  uint32_t index =
      import.name.starts_with(prefix)
          ? builder.aliasExport(Sort::Instance, 0, import.name)
          : builder.addSection(ImportSection, '\x01' + import.whole.str(),
                               import.sort, 1);
  args.push_back({import.name.str(), import.sort, index});
  return Error::success();
}

Error Composer::copyBeginning() {
  const ExternItem *import = imports.data();
  for (const BinarySection &section : beginning) {
    std::vector<ExternItem> own;
    switch (section.id) {
    case CustomSection:
      break;
    case TypeSection:
      builder.addSection(TypeSection, section.payload, Sort::Type,
                         countItems(section.payload));
      break;
    case AliasSection:
      if (Error error = copyAliases(section.payload))
        return error;
      break;
    case ImportSection:
      if (Error error = readItems(section.payload, true, own))
        return error;
      for (size_t i = 0; i < own.size(); ++i)
        if (Error error = copyImport(*import++))
          return error;
      break;
    default:
      return createStringError("it defines more than types before its last "
                               "import");
    }
  }
  return Error::success();
}

void Composer::exportAll(uint32_t instance) {
  for (const ExternItem &item : exports)
    builder.exportItem({item.name.str(), item.sort,
                        builder.aliasExport(item.sort, instance, item.name)});
}

Expected<std::string> Composer::run() {
  if (Error error = readGuest())
    return std::move(error);
  if (Error error = findEdition())
    return std::move(error);
  const NamedModel &first = models.front();
  Expected<std::string> served =
      models.size() > 1 ? makeComponentOfSeveral(models, edition)
                        : makeComponent(first.module, edition, first.name);
  if (!served)
    return served.takeError();
  builder.instantiate(builder.addComponent(*served), {});
  if (Error error = copyBeginning())
    return std::move(error);
  exportAll(builder.instantiate(builder.addComponent(guest), args));
  return builder.take();
}

Expected<std::string>
nncc::wasm::composeComponents(StringRef guest, ArrayRef<NamedModel> models) {
  return Composer(guest, models).run();
}
