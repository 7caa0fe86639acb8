//===- MergeModules.cpp - Core modules in one -----------------------------===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The guest, the model and the adapter runtime/wasi-nn/Ephemeral.cpp become one
// module with two memories. The model's is the first, since engines keep the
// place of the first at hand, unless the guest imports its own. Three functions
// that no source file can express copy between the memories for the adapter.
//
//===----------------------------------------------------------------------===//

#include "targets/wasm/Component.h"
#include "targets/wasm/ComponentBuilder.h"
#include "targets/wasm/CoreModule.h"
#include "targets/wasm/IndexRewriter.h"
#include "targets/wasm/LinkGuest.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/BinaryFormat/Wasm.h"

using namespace llvm;
using namespace llvm::wasm;
using namespace nncc::wasm;

static constexpr StringLiteral wasiNN = "wasi_ephemeral_nn";

namespace {

/// A function between the memories; all parameters and results are i32.
struct GlueFunction {
  StringRef name;
  unsigned numParams, numResults;
};

// read(to, from, bytes): from the guest; write(to, from, bytes): to the guest;
// pages(): of the guest's memory.
const GlueFunction glue[] = {{"read", 3, 0}, {"write", 3, 0}, {"pages", 0, 1}};

class Merger {
public:
  Merger(CoreModule guest, CoreModule model, CoreModule adapter)
      : guest(std::move(guest)), model(std::move(model)),
        adapter(std::move(adapter)) {}

  Expected<std::string> run();

private:
  Error checkGuest();
  void placeThings();
  Error placeGuestFunctions();
  Error placeAdapterFunctions();
  Expected<uint32_t> serve(const CoreImport &import);
  std::string mergeTypes() const;
  std::string mergeImports() const;
  std::string mergeFunctions() const;
  std::string mergeMemories() const;
  std::string concatenate(uint8_t id) const;
  Expected<std::string> rewrite(uint8_t id);
  std::string makeGlue() const;
  std::string mapStart() const;
  Error write(uint8_t id);

  CoreModule guest, model, adapter;
  IndexMap guestMap, modelMap, adapterMap;
  uint32_t guestMemory = 0, modelMemory = 0;
  uint32_t firstModel = 0, firstAdapter = 0, firstGlue = 0;
  std::string out{"\0asm\1\0\0\0", 8};
};

} // namespace

static bool isServed(const CoreImport &import) {
  return import.kind == ItemKind::Function && import.module == wasiNN;
}

Error Merger::checkGuest() {
  if (llvm::none_of(guest.imports, isServed))
    return createStringError("it imports nothing of wasi_ephemeral_nn");
  if (!guest.findExport("memory", ItemKind::Memory))
    return createStringError("it exports no 'memory'");
  return Error::success();
}

/// Behind the kept imports come the functions of the guest, of the model, of
/// the adapter and between the memories.
void Merger::placeThings() {
  uint32_t kept = llvm::count_if(guest.imports, [](const CoreImport &import) {
    return import.kind == ItemKind::Function && !isServed(import);
  });
  firstModel = kept + guest.functionTypes.size();
  firstAdapter = firstModel + model.functionTypes.size();
  firstGlue = firstAdapter + adapter.functionTypes.size();
  for (uint32_t i = 0; i < model.functionTypes.size(); ++i)
    modelMap.functions.push_back(firstModel + i);

  uint32_t importedMemories = guest.countImports(ItemKind::Memory);
  uint32_t numMemories = importedMemories + guest.countOf(WASM_SEC_MEMORY);
  modelMemory = importedMemories ? numMemories : 0;
  for (uint32_t i = 0; i < numMemories; ++i)
    guestMap.memories.push_back(importedMemories ? i : i + 1);
  guestMemory =
      guestMap.memories[*guest.findExport("memory", ItemKind::Memory)];
  modelMap.memories = adapterMap.memories = {modelMemory};

  auto follow = [&](uint32_t IndexMap::*first, uint8_t section,
                    uint32_t imported) {
    modelMap.*first = imported + guest.countOf(section);
    adapterMap.*first = modelMap.*first + model.countOf(section);
  };
  follow(&IndexMap::firstType, WASM_SEC_TYPE, 0);
  follow(&IndexMap::firstTable, WASM_SEC_TABLE,
         guest.countImports(ItemKind::Table));
  follow(&IndexMap::firstGlobal, WASM_SEC_GLOBAL,
         guest.countImports(ItemKind::Global));
  follow(&IndexMap::firstElement, WASM_SEC_ELEM, 0);
  follow(&IndexMap::firstData, WASM_SEC_DATA, 0);
}

/// The adapter's function for an import, which must be of the same type.
Expected<uint32_t> Merger::serve(const CoreImport &import) {
  std::optional<uint32_t> found =
      adapter.findExport(import.name, ItemKind::Function);
  if (!found)
    return createStringError("wasi_ephemeral_nn has no function '" +
                             import.name + "'");
  uint32_t type =
      adapter.functionTypes[*found - adapter.countImports(ItemKind::Function)];
  if (import.type >= guest.types.size() ||
      adapter.types[type] != guest.types[import.type])
    return createStringError("it imports '" + import.name +
                             "' with other parameters than it has");
  return adapterMap.functions[*found];
}

Error Merger::placeGuestFunctions() {
  uint32_t kept = 0;
  for (const CoreImport &import : guest.imports) {
    if (import.kind != ItemKind::Function)
      continue;
    if (!isServed(import)) {
      guestMap.functions.push_back(kept++);
      continue;
    }
    Expected<uint32_t> served = serve(import);
    if (!served)
      return served.takeError();
    guestMap.functions.push_back(*served);
  }
  for (uint32_t i = 0; i < guest.functionTypes.size(); ++i)
    guestMap.functions.push_back(kept + i);
  return Error::success();
}

/// The adapter imports from the model and what is between the memories.
Error Merger::placeAdapterFunctions() {
  for (const CoreImport &import : adapter.imports) {
    if (import.kind != ItemKind::Function)
      continue;
    if (import.module == "guest") {
      const GlueFunction *found =
          llvm::find_if(glue, [&](const GlueFunction &function) {
            return function.name == import.name;
          });
      adapterMap.functions.push_back(firstGlue + (found - std::begin(glue)));
      continue;
    }
    std::optional<uint32_t> found =
        model.findExport(import.name, ItemKind::Function);
    if (!found)
      return createStringError("the model exports no '" + import.name + "'");
    adapterMap.functions.push_back(modelMap.functions[*found]);
  }
  for (uint32_t i = 0; i < adapter.functionTypes.size(); ++i)
    adapterMap.functions.push_back(firstAdapter + i);
  return Error::success();
}

std::string Merger::mergeTypes() const {
  uint32_t count = guest.types.size() + model.types.size() +
                   adapter.types.size() + std::size(glue);
  std::string bytes = encodeNumber(count);
  for (const CoreModule *module : {&guest, &model, &adapter})
    for (StringRef type : module->types)
      bytes += type;
  for (const GlueFunction &function : glue)
    bytes += '\x60' + encodeNumber(function.numParams) +
             std::string(function.numParams, '\x7f') +
             encodeNumber(function.numResults) +
             std::string(function.numResults, '\x7f');
  return bytes;
}

std::string Merger::mergeImports() const {
  std::string items;
  uint32_t count = 0;
  for (const CoreImport &import : guest.imports)
    if (!isServed(import)) {
      items += import.whole;
      ++count;
    }
  return count ? encodeNumber(count) + items : "";
}

std::string Merger::mergeFunctions() const {
  std::string items;
  auto add = [&](const CoreModule &module, uint32_t firstType) {
    for (uint32_t type : module.functionTypes)
      items += encodeNumber(firstType + type);
  };
  add(guest, 0);
  add(model, modelMap.firstType);
  add(adapter, adapterMap.firstType);
  uint32_t firstType = adapterMap.firstType + adapter.types.size();
  for (uint32_t i = 0; i < std::size(glue); ++i)
    items += encodeNumber(firstType + i);
  return encodeNumber(guest.functionTypes.size() + model.functionTypes.size() +
                      adapter.functionTypes.size() + std::size(glue)) +
         items;
}

std::string Merger::mergeMemories() const {
  std::string own = model.getItems(WASM_SEC_MEMORY).str(),
              guests = guest.getItems(WASM_SEC_MEMORY).str();
  return encodeNumber(1 + guest.countOf(WASM_SEC_MEMORY)) +
         (modelMemory == 0 ? own + guests : guests + own);
}

/// A section whose items name nothing that moves.
std::string Merger::concatenate(uint8_t id) const {
  uint32_t count = 0;
  std::string items;
  for (const CoreModule *module : {&guest, &model, &adapter}) {
    count += module->countOf(id);
    items += module->getItems(id);
  }
  return count ? encodeNumber(count) + items : "";
}

/// Bodies of the functions in `glue`.
std::string Merger::makeGlue() const {
  auto makeCopy = [](uint32_t to, uint32_t from) {
    // local.get 0, 1, 2; memory.copy
    std::string body("\0\x20\0\x20\1\x20\2\xfc\x0a", 9);
    return body + encodeNumber(to) + encodeNumber(from) + '\x0b';
  };
  std::string pages =
      std::string("\0\x3f", 2) + encodeNumber(guestMemory) + '\x0b';
  std::string all;
  for (const std::string &body : {makeCopy(modelMemory, guestMemory),
                                  makeCopy(guestMemory, modelMemory), pages})
    all += encodeNumber(body.size()) + body;
  return all;
}

/// A section of code, segments or globals, all numbers mapped.
Expected<std::string> Merger::rewrite(uint8_t id) {
  auto step = id == WASM_SEC_CODE     ? &IndexRewriter::rewriteCode
              : id == WASM_SEC_ELEM   ? &IndexRewriter::rewriteElements
              : id == WASM_SEC_GLOBAL ? &IndexRewriter::rewriteGlobals
                                      : &IndexRewriter::rewriteData;
  uint32_t count = 0;
  std::string items;
  std::pair<const CoreModule *, const IndexMap *> parts[] = {
      {&guest, &guestMap}, {&model, &modelMap}, {&adapter, &adapterMap}};
  for (auto [module, map] : parts) {
    StringRef payload = module->getSection(id);
    if (payload.empty())
      continue;
    Expected<std::string> rewritten = (IndexRewriter(payload, *map).*step)();
    if (!rewritten)
      return rewritten.takeError();
    count += module->countOf(id);
    items += *rewritten;
  }
  if (id == WASM_SEC_CODE) {
    count += std::size(glue);
    items += makeGlue();
  }
  return count ? encodeNumber(count) + items : "";
}

std::string Merger::mapStart() const {
  uint32_t start = guest.countOf(WASM_SEC_START); // The section is a number.
  return guest.getSection(WASM_SEC_START).empty() ||
                 start >= guestMap.functions.size()
             ? ""
             : encodeNumber(guestMap.functions[start]);
}

Error Merger::write(uint8_t id) {
  Expected<std::string> payload = std::string();
  switch (id) {
  case WASM_SEC_TYPE:
    payload = mergeTypes();
    break;
  case WASM_SEC_IMPORT:
    payload = mergeImports();
    break;
  case WASM_SEC_FUNCTION:
    payload = mergeFunctions();
    break;
  case WASM_SEC_MEMORY:
    payload = mergeMemories();
    break;
  case WASM_SEC_TABLE:
  case WASM_SEC_TAG:
    payload = concatenate(id);
    break;
  case WASM_SEC_EXPORT:
    payload = IndexRewriter(guest.getSection(id), guestMap).rewriteExports();
    if (payload)
      payload = encodeNumber(guest.exports.size()) + *payload;
    break;
  case WASM_SEC_START:
    payload = mapStart();
    break;
  case WASM_SEC_DATACOUNT:
    payload =
        encodeNumber(adapterMap.firstData + adapter.countOf(WASM_SEC_DATA));
    break;
  default:
    payload = rewrite(id);
  }
  if (!payload)
    return payload.takeError();
  if (!payload->empty())
    out += static_cast<char>(id) + encodeNumber(payload->size()) + *payload;
  return Error::success();
}

Expected<std::string> Merger::run() {
  if (Error error = checkGuest())
    return std::move(error);
  placeThings();
  if (Error error = placeAdapterFunctions())
    return std::move(error);
  if (Error error = placeGuestFunctions())
    return std::move(error);
  for (uint8_t id :
       {WASM_SEC_TYPE, WASM_SEC_IMPORT, WASM_SEC_FUNCTION, WASM_SEC_TABLE,
        WASM_SEC_MEMORY, WASM_SEC_TAG, WASM_SEC_GLOBAL, WASM_SEC_EXPORT,
        WASM_SEC_START, WASM_SEC_ELEM, WASM_SEC_DATACOUNT, WASM_SEC_CODE,
        WASM_SEC_DATA})
    if (Error error = write(id))
      return std::move(error);
  return std::move(out);
}

Expected<std::string> nncc::wasm::mergeModules(StringRef guest,
                                               StringRef module) {
  Expected<CoreModule> readGuest = CoreModule::read(guest);
  if (!readGuest)
    return readGuest.takeError();
  Expected<CoreModule> readModel = CoreModule::read(module);
  if (!readModel)
    return readModel.takeError();
  Expected<CoreModule> readAdapter = CoreModule::read(getAdapter("Ephemeral"));
  if (!readAdapter)
    return readAdapter.takeError();
  return Merger(std::move(*readGuest), std::move(*readModel),
                std::move(*readAdapter))
      .run();
}
