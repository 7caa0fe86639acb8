//===- Component.cpp - A module as a component ----------------------------===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The component holds five core modules:
//
//   the model, as nncc --emit=wasm writes it;
//   the adapter, runtime/wasi-nn/Component.cpp, in the model's memory;
//   the shim, one function for each resource that calls its destructor through
//     a table: a resource names its destructor when it is defined, and only
//     then can the adapter, which has the destructors, be instantiated;
//   the filler, which puts the destructors into that table;
//   the name check (Glue.h), which knows how the model is called.
//
// An interface that defines types has to come out of a component of its own,
// which imports the types and functions and exports them under their names.
//
//===----------------------------------------------------------------------===//

#include "targets/wasm/Component.h"

#include "runtime/core/Embedded.h"
#include "targets/wasm/ComponentBuilder.h"
#include "targets/wasm/Glue.h"
#include "targets/wasm/ModelModule.h"
#include "targets/wasm/TypeScope.h"
#include "targets/wasm/WasiNN.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringMap.h"

using namespace llvm;
using namespace nncc;
using namespace nncc::wasm;

/// Names of imports follow rules that those of methods break.
static std::string getImportName(size_t function) {
  return "function" + std::to_string(function);
}

/// The component that gives an interface its types: it imports them and the
/// functions, and exports both.
static std::string makeInterfaceComponent(const Interface &interface) {
  ComponentBuilder builder;
  TypeScope imported(builder, interface.types);
  for (const NamedType &type : interface.types)
    if (type.kind == NamedType::Enum)
      imported.define(type.name,
                      builder.importType(type.name, imported.defineEnum(type)));
    else if (type.kind != NamedType::Alias)
      imported.define(type.name, builder.importResource(type.name));
  for (auto [i, function] : enumerate(interface.functions))
    builder.importFunction(getImportName(i), imported.defineFunction(function));

  TypeScope exported(builder, interface.types);
  for (const NamedType &type : interface.types) {
    uint32_t index = imported.get(type.name);
    if (type.kind == NamedType::Enum) {
      index = exported.defineEnum(type);
    } else if (type.kind == NamedType::Alias) {
      exported.encode(type.alias);
      index = builder.count(Sort::Type) - 1;
    }
    exported.define(type.name,
                    builder.exportItem({type.name, Sort::Type, index}));
  }
  for (auto [i, function] : enumerate(interface.functions))
    builder.exportFunction(function.name, i, exported.defineFunction(function));
  return builder.take();
}

namespace {

/// The component around an adapter.
class Packager {
public:
  explicit Packager(StringRef edition)
      : edition(edition), interfaces(getWasiNN(edition)) {}

  uint32_t addResources();
  void setAdapter(ServingInstances instances);
  void fillShim();
  void addInterfaces();

  ComponentBuilder builder;

private:
  void addInterface(const Interface &interface);
  uint32_t liftFunction(const Function &function, TypeScope &types);

  StringRef edition;
  std::vector<Interface> interfaces;
  uint32_t shim = 0, adapter = 0, memory = 0, reallocate = 0;
  std::vector<std::string> resources;
  /// By name, of all interfaces.
  StringMap<uint32_t> types;
  StringMap<uint32_t> instances;
};

} // namespace

/// (type (func (param i32)))
static const StringRef dropType("\x01\x05\x01\x60\x01\x7f\x00", 7);

static std::string encodeCoreSection(uint8_t id, StringRef payload) {
  return std::string(1, id) + encodeNumber(payload.size()) + payload.str();
}

static std::string encodeCoreHeader() {
  return std::string("\0asm\x01\0\0\0", 8) + dropType.str();
}

/// Exports a table and, as "0", "1", ..., functions that call its elements.
static std::string makeShim(unsigned count) {
  std::string number = encodeNumber(count), functions = number,
              exports = encodeNumber(count + 1) + encodeName("table") +
                        std::string("\x01\0", 2),
              code = number;
  for (unsigned i = 0; i < count; ++i) {
    functions += '\0';
    exports += encodeName(std::to_string(i)) + '\0' + encodeNumber(i);
    // local.get 0, i32.const i, call_indirect
    std::string body = std::string("\0\x20\0\x41", 4) + encodeSigned(i) +
                       std::string("\x11\0\0\x0b", 4);
    code += encodeNumber(body.size()) + body;
  }
  return encodeCoreHeader() + encodeCoreSection(3, functions) +
         encodeCoreSection(4, "\x01\x70\x01" + number + number) +
         encodeCoreSection(7, exports) + encodeCoreSection(10, code);
}

/// Imports the table and functions "0", "1", ..., and puts them into it.
static std::string makeFiller(unsigned count) {
  std::string number = encodeNumber(count);
  std::string imports = encodeNumber(count + 1) + encodeName("shim") +
                        encodeName("table") + "\x01\x70\x01" + number + number;
  std::string elements = std::string("\x01\0\x41\0\x0b", 5) + number;
  for (unsigned i = 0; i < count; ++i) {
    imports += encodeName("adapter") + encodeName(std::to_string(i)) +
               std::string(2, '\0');
    elements += encodeNumber(i);
  }
  return encodeCoreHeader() + encodeCoreSection(2, imports) +
         encodeCoreSection(9, elements);
}

/// The answer is the core instance with what makes and drops them.
uint32_t Packager::addResources() {
  for (const Interface &interface : interfaces)
    for (const NamedType &type : interface.types)
      if (type.kind == NamedType::Resource)
        resources.push_back(type.name);
  shim = builder.instantiateCore(
      builder.addCoreModule(makeShim(resources.size())), {});
  for (auto [i, name] : enumerate(resources))
    types[name] = builder.addResource(
        builder.aliasCore(Sort::CoreFunction, shim, std::to_string(i)));
  std::vector<NamedItem> builtins;
  for (const std::string &name : resources) {
    uint32_t type = types[name];
    builtins.push_back(
        {name + ".new", Sort::CoreFunction, builder.newOf(type)});
    builtins.push_back(
        {name + ".rep", Sort::CoreFunction, builder.repOf(type)});
    builtins.push_back(
        {name + ".drop", Sort::CoreFunction, builder.dropOf(type)});
  }
  return builder.groupCore(builtins);
}

void Packager::setAdapter(ServingInstances instances) {
  adapter = instances.adapter;
  memory = builder.aliasCore(Sort::CoreMemory, instances.memory, "memory");
  reallocate = builder.aliasCore(Sort::CoreFunction, adapter, "cabi_realloc");
}

void Packager::fillShim() {
  std::vector<NamedItem> destructors;
  for (auto [i, name] : enumerate(resources))
    destructors.push_back(
        {std::to_string(i), Sort::CoreFunction,
         builder.aliasCore(Sort::CoreFunction, adapter, name + ".dtor")});
  uint32_t filler = builder.addCoreModule(makeFiller(resources.size()));
  builder.instantiateCore(filler, {{"shim", Sort::CoreInstance, shim},
                                   {"adapter", Sort::CoreInstance,
                                    builder.groupCore(destructors)}});
}

uint32_t Packager::liftFunction(const Function &function, TypeScope &scope) {
  uint32_t type = scope.defineFunction(function);
  uint32_t core = builder.aliasCore(
      Sort::CoreFunction, adapter,
      function.coreName.empty() ? function.name : function.coreName);
  return builder.lift(core, memory, reallocate, type);
}

void Packager::addInterface(const Interface &interface) {
  TypeScope scope(builder, interface.types);
  std::vector<NamedItem> args;
  for (const NamedType &type : interface.types) {
    if (type.kind == NamedType::Alias)
      continue;
    if (type.kind == NamedType::Enum)
      types[type.name] = scope.defineEnum(type);
    scope.define(type.name, types[type.name]);
    uint32_t given = types[type.name];
    if (type.kind == NamedType::Use)
      given = builder.aliasExport(Sort::Type, instances[type.from], type.name);
    args.push_back({type.name, Sort::Type, given});
  }
  for (auto [i, function] : enumerate(interface.functions))
    args.push_back(
        {getImportName(i), Sort::Function, liftFunction(function, scope)});
  uint32_t instance = builder.instantiate(
      builder.addComponent(makeInterfaceComponent(interface)), args);
  instances[interface.name] = builder.exportItem(
      {getInterfaceName(interface.name, edition), Sort::Instance, instance});
}

void Packager::addInterfaces() {
  for (const Interface &interface : interfaces)
    addInterface(interface);
}

std::string nncc::wasm::packInterfaces(
    StringRef edition,
    function_ref<ServingInstances(ComponentBuilder &, uint32_t resources)>
        addAdapter) {
  Packager packager(edition);
  uint32_t resources = packager.addResources();
  packager.setAdapter(addAdapter(packager.builder, resources));
  packager.fillShim();
  packager.addInterfaces();
  return packager.builder.take();
}

StringRef nncc::wasm::getAdapter(StringRef name) {
  for (const EmbeddedObject &part :
       ArrayRef(embeddedAdapters, numEmbeddedAdapters))
    if (part.name == name)
      return StringRef(reinterpret_cast<const char *>(part.data), part.size);
  llvm_unreachable("nncc was built without this adapter");
}

Expected<std::string>
nncc::wasm::makeComponent(StringRef module, StringRef edition, StringRef name) {
  if (Error error = checkModel(module))
    return std::move(error);
  return packInterfaces(edition, [&](ComponentBuilder &builder,
                                     uint32_t resources) {
    uint32_t code = builder.addCoreModule(getAdapter("Component"));
    uint32_t model = builder.instantiateCore(builder.addCoreModule(module), {});
    uint32_t check = builder.instantiateCore(
        builder.addCoreModule(makeNameCheckModule(name)),
        {{"model", Sort::CoreInstance, model}});
    uint32_t adapter = builder.instantiateCore(
        code, {{"env", Sort::CoreInstance, model},
               {"model", Sort::CoreInstance, model},
               {"guest", Sort::CoreInstance, check},
               {"resource", Sort::CoreInstance, resources}});
    return ServingInstances{adapter, model};
  });
}
