//===- SeveralModels.cpp - Components around several models ---------------===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Each model becomes a component as it would be alone. Beside them is one with
// the adapter runtime/wasi-nn/Several.cpp, the module whose memory it has
// (Heap.cpp), and the selection (Glue.h), which finds the function of a model
// by its number. It imports types and functions one by one: a component may not
// call those that it contains, so that all are brothers in one without code.
//
//===----------------------------------------------------------------------===//

#include "targets/wasm/Component.h"
#include "targets/wasm/ComponentBuilder.h"
#include "targets/wasm/Glue.h"
#include "targets/wasm/TypeScope.h"
#include "targets/wasm/WasiNN.h"

#include "llvm/ADT/STLExtras.h"

using namespace llvm;
using namespace nncc::wasm;

namespace {

/// The component with the adapter.
class Selector {
public:
  Selector(ComponentBuilder &builder, StringRef edition)
      : builder(builder), edition(edition) {}

  ServingInstances run(unsigned numModels, uint32_t resources);

private:
  uint32_t importModel(unsigned model);
  void importTypes(const Interface &interface, StringRef prefix,
                   TypeScope &scope);
  std::vector<SharedFunction> listFunctions() const;

  ComponentBuilder &builder;
  StringRef edition;
  uint32_t memory = 0, reallocate = 0;
  StringMap<uint32_t> types; ///< Of the model that is imported.
};

} // namespace

/// What an import is called that belongs to a model.
static std::string getPrefix(unsigned model) {
  return "model" + std::to_string(model) + "-";
}

/// Names of methods are none of imports.
static std::string getFunctionImport(StringRef prefix, StringRef interface,
                                     size_t function) {
  return (prefix + interface + "-function" + Twine(function)).str();
}

/// How many numbers the canonical ABI passes for a value.
static unsigned countNumbers(const ValueType &type,
                             const Interface &interface) {
  if (type.kind == ValueType::Named)
    for (const NamedType &named : interface.types)
      if (named.name == type.name && named.kind == NamedType::Alias)
        return countNumbers(named.alias, interface);
  return type.kind == ValueType::List || type.kind == ValueType::String ? 2 : 1;
}

/// The lowered form: what is no single number is written to an address.
static SharedFunction lowerFunction(const Function &function,
                                    const Interface &interface) {
  unsigned numParams = 0;
  for (const auto &[name, type] : function.params)
    numParams += countNumbers(type, interface);
  bool isSingle = function.result.kind != ValueType::Result &&
                  countNumbers(function.result, interface) == 1;
  return {function.coreName.empty() ? function.name : function.coreName,
          numParams + !isSingle, isSingle, true};
}

static std::string getDropName(const NamedType &resource) {
  return resource.name + ".drop";
}

/// Those of all editions: the adapter knows them all.
std::vector<SharedFunction> Selector::listFunctions() const {
  std::vector<SharedFunction> functions;
  auto add = [&](SharedFunction function, bool isThere) {
    for (SharedFunction &known : functions)
      if (known.name == function.name) {
        known.isThere |= isThere;
        return;
      }
    function.isThere = isThere;
    functions.push_back(std::move(function));
  };
  for (StringRef each : getWasiNNEditions())
    for (const Interface &interface : getWasiNN(each)) {
      for (const Function &function : interface.functions)
        add(lowerFunction(function, interface), each == edition);
      for (const NamedType &type : interface.types)
        if (type.kind == NamedType::Resource)
          add({getDropName(type), 1, 0, true}, each == edition);
    }
  return functions;
}

void Selector::importTypes(const Interface &interface, StringRef prefix,
                           TypeScope &scope) {
  for (const NamedType &type : interface.types) {
    std::string name = (prefix + type.name).str();
    if (type.kind == NamedType::Alias)
      continue;
    if (type.kind == NamedType::Enum)
      types[type.name] = builder.importType(name, scope.defineEnum(type));
    if (type.kind == NamedType::Resource)
      types[type.name] = builder.importResource(name);
    scope.define(type.name, types[type.name]);
  }
}

/// The core instance with the functions of a model.
uint32_t Selector::importModel(unsigned model) {
  std::string prefix = getPrefix(model);
  std::vector<NamedItem> functions;
  for (const Interface &interface : getWasiNN(edition)) {
    TypeScope scope(builder, interface.types);
    importTypes(interface, prefix, scope);
    for (auto [i, function] : enumerate(interface.functions)) {
      uint32_t imported =
          builder.importFunction(getFunctionImport(prefix, interface.name, i),
                                 scope.defineFunction(function));
      functions.push_back({lowerFunction(function, interface).name,
                           Sort::CoreFunction,
                           builder.lower(imported, memory, reallocate)});
    }
    for (const NamedType &type : interface.types)
      if (type.kind == NamedType::Resource)
        functions.push_back({getDropName(type), Sort::CoreFunction,
                             builder.dropOf(types[type.name])});
  }
  return builder.groupCore(functions);
}

ServingInstances Selector::run(unsigned numModels, uint32_t resources) {
  uint32_t heap =
      builder.instantiateCore(builder.addCoreModule(getAdapter("Heap")), {});
  memory = builder.aliasCore(Sort::CoreMemory, heap, "memory");
  reallocate = builder.aliasCore(Sort::CoreFunction, heap, "cabi_realloc");
  std::vector<NamedItem> groups;
  for (unsigned i = 0; i < numModels; ++i)
    groups.push_back({std::to_string(i), Sort::CoreInstance, importModel(i)});
  uint32_t selection = builder.instantiateCore(
      builder.addCoreModule(makeSelectionModule(listFunctions(), numModels)),
      groups);
  uint32_t adapter =
      builder.instantiateCore(builder.addCoreModule(getAdapter("Several")),
                              {{"env", Sort::CoreInstance, heap},
                               {"model", Sort::CoreInstance, heap},
                               {"models", Sort::CoreInstance, selection},
                               {"resource", Sort::CoreInstance, resources}});
  return {adapter, heap};
}

/// What a model's component gives for the imports of the selector.
static void addArguments(ComponentBuilder &builder, uint32_t model,
                         StringRef edition, StringRef prefix,
                         std::vector<NamedItem> &args) {
  for (const Interface &interface : getWasiNN(edition)) {
    uint32_t instance = builder.aliasExport(
        Sort::Instance, model, getInterfaceName(interface.name, edition));
    for (const NamedType &type : interface.types)
      if (type.kind == NamedType::Enum || type.kind == NamedType::Resource)
        args.push_back({(prefix + type.name).str(), Sort::Type,
                        builder.aliasExport(Sort::Type, instance, type.name)});
    for (auto [i, function] : enumerate(interface.functions))
      args.push_back(
          {getFunctionImport(prefix, interface.name, i), Sort::Function,
           builder.aliasExport(Sort::Function, instance, function.name)});
  }
}

static std::string makeSelector(unsigned numModels, StringRef edition) {
  return packInterfaces(
      edition, [&](ComponentBuilder &builder, uint32_t resources) {
        return Selector(builder, edition).run(numModels, resources);
      });
}

Expected<std::string>
nncc::wasm::makeComponentOfSeveral(ArrayRef<NamedModel> models,
                                   StringRef edition) {
  ComponentBuilder builder;
  std::vector<NamedItem> args;
  for (auto [i, model] : enumerate(models)) {
    Expected<std::string> component =
        makeComponent(model.module, edition, model.name);
    if (!component)
      return component.takeError();
    uint32_t instance =
        builder.instantiate(builder.addComponent(*component), {});
    addArguments(builder, instance, edition, getPrefix(i), args);
  }
  uint32_t selector = builder.instantiate(
      builder.addComponent(makeSelector(models.size(), edition)), args);
  for (const Interface &interface : getWasiNN(edition)) {
    std::string name = getInterfaceName(interface.name, edition);
    builder.exportItem({name, Sort::Instance,
                        builder.aliasExport(Sort::Instance, selector, name)});
  }
  return builder.take();
}
