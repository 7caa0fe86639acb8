//===- ComponentBuilder.cpp - Writes components of the component model ----===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "targets/wasm/ComponentBuilder.h"

#include "llvm/Support/LEB128.h"
#include "llvm/Support/raw_ostream.h"

using namespace llvm;
using namespace nncc::wasm;

namespace {

enum SectionId : uint8_t {
  CoreModuleSection = 1,
  CoreInstanceSection = 2,
  ComponentSection = 4,
  InstanceSection = 5,
  AliasSection = 6,
  TypeSection = 7,
  CanonSection = 8,
  ImportSection = 10,
  ExportSection = 11,
};

} // namespace

std::string nncc::wasm::encodeNumber(uint64_t value) {
  std::string bytes;
  raw_string_ostream os(bytes);
  encodeULEB128(value, os);
  return bytes;
}

std::string nncc::wasm::encodeSigned(int64_t value) {
  std::string bytes;
  raw_string_ostream os(bytes);
  encodeSLEB128(value, os);
  return bytes;
}

std::string nncc::wasm::encodeName(StringRef name) {
  return encodeNumber(name.size()) + name.str();
}

std::string nncc::wasm::encodeExternName(StringRef name) {
  return std::string(1, '\0') + encodeName(name);
}

static std::string encodeSort(Sort sort) {
  auto value = static_cast<uint8_t>(sort);
  if (value < 0x10)
    return std::string(1, value);
  return {'\0', static_cast<char>(value - 0x10)};
}

/// In lists of core things the sort stands without its 0.
static std::string encodeCoreItems(ArrayRef<NamedItem> items) {
  std::string bytes = encodeNumber(items.size());
  for (const NamedItem &item : items) {
    bytes += encodeName(item.name);
    bytes += static_cast<char>(static_cast<uint8_t>(item.sort) - 0x10);
    bytes += encodeNumber(item.index);
  }
  return bytes;
}

static std::string encodeItem(const NamedItem &item) {
  return encodeSort(item.sort) + encodeNumber(item.index);
}

ComponentBuilder::ComponentBuilder() : bytes("\0asm\x0d\0\x01\0", 8) {}

uint32_t ComponentBuilder::addSection(uint8_t id, StringRef payload, Sort sort,
                                      uint32_t count) {
  bytes += static_cast<char>(id);
  bytes += encodeNumber(payload.size());
  bytes += payload;
  uint32_t &total = counts[static_cast<unsigned>(sort)];
  uint32_t first = total;
  total += count;
  return first;
}

uint32_t ComponentBuilder::addCoreModule(StringRef module) {
  return addSection(CoreModuleSection, module, Sort::CoreModule, 1);
}

uint32_t ComponentBuilder::addComponent(StringRef component) {
  return addSection(ComponentSection, component, Sort::Component, 1);
}

uint32_t ComponentBuilder::instantiateCore(uint32_t module,
                                           ArrayRef<NamedItem> args) {
  return addSection(CoreInstanceSection,
                    '\x01' + std::string(1, '\0') + encodeNumber(module) +
                        encodeCoreItems(args),
                    Sort::CoreInstance, 1);
}

uint32_t ComponentBuilder::groupCore(ArrayRef<NamedItem> items) {
  return addSection(CoreInstanceSection, "\x01\x01" + encodeCoreItems(items),
                    Sort::CoreInstance, 1);
}

uint32_t ComponentBuilder::instantiate(uint32_t component,
                                       ArrayRef<NamedItem> args) {
  std::string payload = '\x01' + std::string(1, '\0') +
                        encodeNumber(component) + encodeNumber(args.size());
  for (const NamedItem &arg : args)
    payload += encodeName(arg.name) + encodeItem(arg);
  return addSection(InstanceSection, payload, Sort::Instance, 1);
}

uint32_t ComponentBuilder::aliasCore(Sort sort, uint32_t coreInstance,
                                     StringRef name) {
  return addSection(AliasSection,
                    '\x01' + encodeSort(sort) + '\x01' +
                        encodeNumber(coreInstance) + encodeName(name),
                    sort, 1);
}

uint32_t ComponentBuilder::aliasExport(Sort sort, uint32_t instance,
                                       StringRef name) {
  return addSection(AliasSection,
                    '\x01' + encodeSort(sort) + std::string(1, '\0') +
                        encodeNumber(instance) + encodeName(name),
                    sort, 1);
}

uint32_t ComponentBuilder::addType(StringRef encoded) {
  return addSection(TypeSection, '\x01' + encoded.str(), Sort::Type, 1);
}

uint32_t ComponentBuilder::addResource(uint32_t destructor) {
  return addType("\x3f\x7f\x01" + encodeNumber(destructor));
}

uint32_t ComponentBuilder::addBuiltin(uint8_t opcode, uint32_t resource) {
  return addSection(CanonSection,
                    '\x01' + std::string(1, opcode) + encodeNumber(resource),
                    Sort::CoreFunction, 1);
}

static std::string encodeOptions(uint32_t memory, uint32_t reallocate) {
  return '\x03' + std::string(1, '\0') + // Texts are UTF-8,
         '\x03' + encodeNumber(memory) + '\x04' + encodeNumber(reallocate);
}

uint32_t ComponentBuilder::lift(uint32_t coreFunction, uint32_t memory,
                                uint32_t reallocate, uint32_t type) {
  std::string payload = '\x01' + std::string(2, '\0') +
                        encodeNumber(coreFunction) +
                        encodeOptions(memory, reallocate) + encodeNumber(type);
  return addSection(CanonSection, payload, Sort::Function, 1);
}

uint32_t ComponentBuilder::lower(uint32_t function, uint32_t memory,
                                 uint32_t reallocate) {
  std::string payload = "\x01\x01" + std::string(1, '\0') +
                        encodeNumber(function) +
                        encodeOptions(memory, reallocate);
  return addSection(CanonSection, payload, Sort::CoreFunction, 1);
}

uint32_t ComponentBuilder::importResource(StringRef name) {
  return addSection(ImportSection, '\x01' + encodeExternName(name) + "\x03\x01",
                    Sort::Type, 1);
}

uint32_t ComponentBuilder::importType(StringRef name, uint32_t equal) {
  return addSection(ImportSection,
                    '\x01' + encodeExternName(name) + '\x03' +
                        std::string(1, '\0') + encodeNumber(equal),
                    Sort::Type, 1);
}

uint32_t ComponentBuilder::importFunction(StringRef name, uint32_t type) {
  return addSection(ImportSection,
                    '\x01' + encodeExternName(name) + '\x01' +
                        encodeNumber(type),
                    Sort::Function, 1);
}

uint32_t ComponentBuilder::exportItem(const NamedItem &item) {
  return addSection(ExportSection,
                    '\x01' + encodeExternName(item.name) + encodeItem(item) +
                        std::string(1, '\0'),
                    item.sort, 1);
}

uint32_t ComponentBuilder::exportFunction(StringRef name, uint32_t function,
                                          uint32_t type) {
  return addSection(ExportSection,
                    '\x01' + encodeExternName(name) + '\x01' +
                        encodeNumber(function) + "\x01\x01" +
                        encodeNumber(type),
                    Sort::Function, 1);
}
