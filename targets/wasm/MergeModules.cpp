//===- MergeModules.cpp - Core modules in one -----------------------------===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The guest and, for each model, the model and the adapter
// runtime/wasi-nn/Ephemeral.cpp become one module, in which each model has a
// memory of its own beside the guest's. The models' come first, since engines
// keep the place of the first at hand, unless the guest imports its own. Glue
// (Glue.h) copies between the memories for the adapters and, where there are
// several models, finds the one that a call is for.
//
//===----------------------------------------------------------------------===//

#include "targets/wasm/Component.h"
#include "targets/wasm/ComponentBuilder.h"
#include "targets/wasm/CoreModule.h"
#include "targets/wasm/Glue.h"
#include "targets/wasm/IndexRewriter.h"
#include "targets/wasm/LinkGuest.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/BinaryFormat/Wasm.h"

using namespace llvm;
using namespace llvm::wasm;
using namespace nncc::wasm;

static constexpr StringLiteral wasiNN = "wasi_ephemeral_nn";
/// WAMR's older interface.
static constexpr StringLiteral legacyNN = "wasi_nn";

namespace {

/// A module and where its things are in the merged one.
struct Part {
  CoreModule module;
  IndexMap map;
  uint32_t firstFunction = 0; ///< Of those that it defines.
};

/// A model and its adapter.
struct ServedModel {
  std::string name;
  Part model, adapter;
  uint32_t memory = 0;
};

class Merger {
public:
  Merger(CoreModule guest, std::vector<ServedModel> models)
      : guest{std::move(guest), {}, 0}, models(std::move(models)) {
    parts.push_back(&this->guest);
    for (ServedModel &served : this->models) {
      parts.push_back(&served.model);
      parts.push_back(&served.adapter);
    }
  }

  Expected<std::string> run();

private:
  Error checkGuest();
  void placeMemories();
  void placeThings();
  Error placeGuestFunctions();
  Error placeAdapterFunctions(unsigned number);
  uint32_t addGlue(GlueFunction function);
  Expected<uint32_t> serve(const CoreImport &import);
  std::string mergeTypes() const;
  std::string mergeImports() const;
  std::string mergeFunctions() const;
  std::string mergeMemories() const;
  std::string concatenate(uint8_t id) const;
  Expected<std::string> rewrite(uint8_t id);
  std::string mapStart() const;
  Error write(uint8_t id);

  Part guest;
  std::vector<ServedModel> models;
  std::vector<Part *> parts; ///< In the order of the merged module.
  std::vector<GlueFunction> glue;
  StringMap<uint32_t> served; ///< Glue by the call that it dispatches.
  uint32_t guestMemory = 0, firstGlue = 0;
  bool modelsComeFirst = true;
  std::string out{"\0asm\1\0\0\0", 8};
};

} // namespace

static bool isServed(const CoreImport &import) {
  return import.kind == ItemKind::Function &&
         (import.module == wasiNN || import.module == legacyNN);
}

Error Merger::checkGuest() {
  if (llvm::none_of(guest.module.imports, isServed))
    return createStringError("it imports nothing of wasi_ephemeral_nn");
  if (!guest.module.findExport("memory", ItemKind::Memory))
    return createStringError("it exports no 'memory'");
  return Error::success();
}

void Merger::placeMemories() {
  uint32_t imported = guest.module.countImports(ItemKind::Memory);
  uint32_t own = imported + guest.module.countOf(WASM_SEC_MEMORY);
  modelsComeFirst = imported == 0;
  for (uint32_t i = 0; i < own; ++i)
    guest.map.memories.push_back(modelsComeFirst ? models.size() + i : i);
  guestMemory =
      guest.map.memories[*guest.module.findExport("memory", ItemKind::Memory)];
  for (auto [i, served] : enumerate(models)) {
    served.memory = modelsComeFirst ? i : own + i;
    served.model.map.memories = served.adapter.map.memories = {served.memory};
  }
}

/// Behind the kept imports come the functions of the guest, of each model and
/// its adapter, and the glue.
void Merger::placeThings() {
  placeMemories();
  const CoreModule &own = guest.module;
  uint32_t function = llvm::count_if(own.imports, [](const CoreImport &import) {
    return import.kind == ItemKind::Function && !isServed(import);
  });
  IndexMap next;
  next.firstTable = own.countImports(ItemKind::Table);
  next.firstGlobal = own.countImports(ItemKind::Global);
  for (Part *part : parts) {
    part->firstFunction = function;
    function += part->module.functionTypes.size();
    auto place = [&](uint32_t IndexMap::*first, uint8_t section) {
      // The guest's own numbers count its imports already.
      part->map.*first = part == &guest ? 0 : next.*first;
      next.*first += part->module.countOf(section);
    };
    place(&IndexMap::firstType, WASM_SEC_TYPE);
    place(&IndexMap::firstTable, WASM_SEC_TABLE);
    place(&IndexMap::firstGlobal, WASM_SEC_GLOBAL);
    place(&IndexMap::firstElement, WASM_SEC_ELEM);
    place(&IndexMap::firstData, WASM_SEC_DATA);
  }
  firstGlue = function;
  for (ServedModel &served : models)
    for (uint32_t i = 0; i < served.model.module.functionTypes.size(); ++i)
      served.model.map.functions.push_back(served.model.firstFunction + i);
}

uint32_t Merger::addGlue(GlueFunction function) {
  glue.push_back(std::move(function));
  return firstGlue + glue.size() - 1;
}

/// The export of an adapter for an import: what legacyNN has in another form
/// stands under both names.
static std::optional<uint32_t> findServer(const CoreModule &adapter,
                                          const CoreImport &import) {
  if (import.module == legacyNN)
    if (auto found = adapter.findExport((legacyNN + "." + import.name).str(),
                                        ItemKind::Function))
      return found;
  return adapter.findExport(import.name, ItemKind::Function);
}

/// What the adapters have for an import, which must be of the same type.
Expected<uint32_t> Merger::serve(const CoreImport &import) {
  const CoreModule &adapter = models.front().adapter.module;
  std::optional<uint32_t> found = findServer(adapter, import);
  if (!found)
    return createStringError(import.module + " has no function '" +
                             import.name + "'");
  uint32_t type =
      adapter.functionTypes[*found - adapter.countImports(ItemKind::Function)];
  if (import.type >= guest.module.types.size() ||
      adapter.types[type] != guest.module.types[import.type])
    return createStringError("it imports '" + import.name +
                             "' with other parameters than it has");
  SmallVector<uint32_t> functions;
  for (const ServedModel &each : models)
    functions.push_back(each.adapter.map.functions[*found]);
  if (functions.size() == 1)
    return functions.front();
  std::string call = (import.module + "." + import.name).str();
  auto [entry, isNew] = served.try_emplace(call, 0);
  if (isNew) {
    unsigned numParams = adapter.types[type][1];
    entry->second = addGlue(makeDispatch(import.name, numParams, functions));
  }
  return entry->second;
}

Error Merger::placeGuestFunctions() {
  uint32_t kept = 0;
  for (const CoreImport &import : guest.module.imports) {
    if (import.kind != ItemKind::Function)
      continue;
    if (!isServed(import)) {
      guest.map.functions.push_back(kept++);
      continue;
    }
    Expected<uint32_t> function = serve(import);
    if (!function)
      return function.takeError();
    guest.map.functions.push_back(*function);
  }
  for (uint32_t i = 0; i < guest.module.functionTypes.size(); ++i)
    guest.map.functions.push_back(kept + i);
  return Error::success();
}

/// An adapter imports from its model and what is between it and the guest.
Error Merger::placeAdapterFunctions(unsigned number) {
  ServedModel &served = models[number];
  Part &adapter = served.adapter;
  for (const CoreImport &import : adapter.module.imports) {
    if (import.kind != ItemKind::Function)
      continue;
    if (import.module == "guest") {
      uint32_t memory = served.memory;
      adapter.map.functions.push_back(
          addGlue(import.name == "read"    ? makeCopy(memory, guestMemory)
                  : import.name == "write" ? makeCopy(guestMemory, memory)
                  : import.name == "pages" ? makeMemorySize(guestMemory)
                  : import.name == "is_named"
                      ? makeNameCheck(served.name, guestMemory)
                      : makeConstant(number << handleBits))); // "first_handle"
      continue;
    }
    std::optional<uint32_t> found =
        served.model.module.findExport(import.name, ItemKind::Function);
    if (!found)
      return createStringError("the model exports no '" + import.name + "'");
    adapter.map.functions.push_back(served.model.map.functions[*found]);
  }
  for (uint32_t i = 0; i < adapter.module.functionTypes.size(); ++i)
    adapter.map.functions.push_back(adapter.firstFunction + i);
  return Error::success();
}

std::string Merger::mergeTypes() const {
  uint32_t count = glue.size();
  std::string types;
  for (const Part *part : parts) {
    count += part->module.types.size();
    for (StringRef type : part->module.types)
      types += type;
  }
  for (const GlueFunction &function : glue)
    types += '\x60' + encodeNumber(function.numParams) +
             std::string(function.numParams, '\x7f') +
             encodeNumber(function.numResults) +
             std::string(function.numResults, '\x7f');
  return encodeNumber(count) + types;
}

std::string Merger::mergeImports() const {
  std::string items;
  uint32_t count = 0;
  for (const CoreImport &import : guest.module.imports)
    if (!isServed(import)) {
      items += import.whole;
      ++count;
    }
  return count ? encodeNumber(count) + items : "";
}

std::string Merger::mergeFunctions() const {
  std::string items;
  uint32_t count = glue.size(), firstGlueType = 0;
  for (const Part *part : parts) {
    count += part->module.functionTypes.size();
    for (uint32_t type : part->module.functionTypes)
      items += encodeNumber(part->map.firstType + type);
    firstGlueType += part->module.types.size();
  }
  for (uint32_t i = 0; i < glue.size(); ++i)
    items += encodeNumber(firstGlueType + i);
  return encodeNumber(count) + items;
}

std::string Merger::mergeMemories() const {
  std::string own;
  for (const ServedModel &served : models)
    own += served.model.module.getItems(WASM_SEC_MEMORY);
  std::string guests = guest.module.getItems(WASM_SEC_MEMORY).str();
  return encodeNumber(models.size() + guest.module.countOf(WASM_SEC_MEMORY)) +
         (modelsComeFirst ? own + guests : guests + own);
}

/// A section whose items name nothing that moves.
std::string Merger::concatenate(uint8_t id) const {
  uint32_t count = 0;
  std::string items;
  for (const Part *part : parts) {
    count += part->module.countOf(id);
    items += part->module.getItems(id);
  }
  return count ? encodeNumber(count) + items : "";
}

/// A section of code, segments or globals, all numbers mapped.
Expected<std::string> Merger::rewrite(uint8_t id) {
  auto step = id == WASM_SEC_CODE     ? &IndexRewriter::rewriteCode
              : id == WASM_SEC_ELEM   ? &IndexRewriter::rewriteElements
              : id == WASM_SEC_GLOBAL ? &IndexRewriter::rewriteGlobals
                                      : &IndexRewriter::rewriteData;
  uint32_t count = 0;
  std::string items;
  for (const Part *part : parts) {
    StringRef payload = part->module.getSection(id);
    if (payload.empty())
      continue;
    Expected<std::string> rewritten =
        (IndexRewriter(payload, part->map).*step)();
    if (!rewritten)
      return rewritten.takeError();
    count += part->module.countOf(id);
    items += *rewritten;
  }
  if (id == WASM_SEC_CODE) {
    count += glue.size();
    for (const GlueFunction &function : glue)
      items += function.code;
  }
  return count ? encodeNumber(count) + items : "";
}

std::string Merger::mapStart() const {
  // The section is a number.
  uint32_t start = guest.module.countOf(WASM_SEC_START);
  return guest.module.getSection(WASM_SEC_START).empty() ||
                 start >= guest.map.functions.size()
             ? ""
             : encodeNumber(guest.map.functions[start]);
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
    payload =
        IndexRewriter(guest.module.getSection(id), guest.map).rewriteExports();
    if (payload)
      payload = encodeNumber(guest.module.exports.size()) + *payload;
    break;
  case WASM_SEC_START:
    payload = mapStart();
    break;
  case WASM_SEC_DATACOUNT:
    payload = encodeNumber(parts.back()->map.firstData +
                           parts.back()->module.countOf(WASM_SEC_DATA));
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
  for (unsigned i = 0; i < models.size(); ++i)
    if (Error error = placeAdapterFunctions(i))
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

static Expected<ServedModel> readModel(const NamedModel &model) {
  Expected<CoreModule> module = CoreModule::read(model.module);
  if (!module)
    return module.takeError();
  Expected<CoreModule> adapter = CoreModule::read(getAdapter("Ephemeral"));
  if (!adapter)
    return adapter.takeError();
  return ServedModel{
      model.name, {std::move(*module), {}, 0}, {std::move(*adapter), {}, 0}};
}

Expected<std::string> nncc::wasm::mergeModules(StringRef guest,
                                               ArrayRef<NamedModel> models) {
  Expected<CoreModule> readGuest = CoreModule::read(guest);
  if (!readGuest)
    return readGuest.takeError();
  std::vector<ServedModel> served;
  for (const NamedModel &model : models) {
    Expected<ServedModel> read = readModel(model);
    if (!read)
      return read.takeError();
    served.push_back(std::move(*read));
  }
  return Merger(std::move(*readGuest), std::move(served)).run();
}
