//===- ModelModule.cpp - What a module that nncc made says ----------------===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "targets/wasm/ModelModule.h"

#include "runtime/core/Reserved.h"

#include "llvm/BinaryFormat/Wasm.h"
#include "llvm/Support/DataExtractor.h"
#include "llvm/Support/JSON.h"

using namespace llvm;
using namespace nncc;
using namespace nncc::wasm;

static constexpr size_t headerBytes = 8;

bool nncc::wasm::isCoreModule(StringRef bytes) {
  return bytes.starts_with(StringRef("\0asm\1\0\0\0", headerBytes));
}

bool nncc::wasm::isComponent(StringRef bytes) {
  return bytes.starts_with(StringRef("\0asm\x0d\0\1\0", headerBytes));
}

Expected<SmallVector<BinarySection>> nncc::wasm::readSections(StringRef bytes) {
  SmallVector<BinarySection> sections;
  DataExtractor data(bytes, /*IsLittleEndian=*/true, /*AddressSize=*/4);
  DataExtractor::Cursor cursor(headerBytes);
  while (cursor && !data.eof(cursor)) {
    uint64_t begin = cursor.tell();
    uint8_t id = data.getU8(cursor);
    StringRef payload = data.getBytes(cursor, data.getULEB128(cursor));
    sections.push_back({id, payload, bytes.slice(begin, cursor.tell())});
  }
  if (Error error = cursor.takeError())
    return std::move(error);
  return sections;
}

static Expected<StringRef> findCustomSection(StringRef bytes, StringRef name) {
  Expected<SmallVector<BinarySection>> sections = readSections(bytes);
  if (!sections)
    return sections.takeError();
  for (const BinarySection &section : *sections) {
    if (section.id != llvm::wasm::WASM_SEC_CUSTOM)
      continue;
    DataExtractor data(section.payload, true, 4);
    DataExtractor::Cursor cursor(0);
    StringRef found = data.getBytes(cursor, data.getULEB128(cursor));
    uint64_t end = cursor.tell();
    if (Error error = cursor.takeError())
      return std::move(error);
    if (found == name)
      return section.payload.drop_front(end);
  }
  return StringRef();
}

static bool leavesRoom(const json::Object &signature) {
  const json::Array *range = signature.getArray("reserved");
  return range && range->size() == 2 &&
         (*range)[0].getAsInteger() == int64_t(reservedBegin) &&
         (*range)[1].getAsInteger() == int64_t(reservedEnd);
}

Error nncc::wasm::checkModel(StringRef module) {
  Expected<StringRef> text = findCustomSection(module, "nncc.signature");
  if (!text)
    return text.takeError();
  Expected<json::Value> signature = json::parse(text->empty() ? "{}" : *text);
  if (!signature)
    return signature.takeError();
  const json::Object *object = signature->getAsObject();
  if (!object || object->empty())
    return createStringError("it is no module that nncc made");
  if (const json::Array *features = object->getArray("features"))
    for (const json::Value &feature : *features)
      if (feature.getAsString() == "threads")
        return createStringError(
            "it has threads; compile the model without --threads");
  if (object->getObject("weights"))
    return createStringError("its weights are in another file; compile the "
                             "model without --weights=external");
  if (!leavesRoom(*object))
    return createStringError("it leaves no room for an adapter: another "
                             "version of nncc made it; compile it again");
  return Error::success();
}

Expected<StringRef> nncc::wasm::findModel(StringRef bytes) {
  if (isCoreModule(bytes)) {
    if (Error error = checkModel(bytes))
      return std::move(error);
    return bytes;
  }
  if (!isComponent(bytes))
    return createStringError("it is neither a module nor a component");
  Expected<SmallVector<BinarySection>> sections = readSections(bytes);
  if (!sections)
    return sections.takeError();
  constexpr uint8_t coreModule = 1;
  for (const BinarySection &section : *sections)
    if (section.id == coreModule && isCoreModule(section.payload)) {
      if (Error error = checkModel(section.payload))
        consumeError(std::move(error));
      else
        return section.payload;
    }
  return createStringError("it is a component, but none that nncc made");
}
