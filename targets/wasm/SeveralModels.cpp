//===- SeveralModels.cpp - Components around several models ---------------===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Each model becomes a component as it would be alone. Beside them are the
// adapter runtime/wasi-nn/Several.cpp, the module whose memory it has
// (Heap.cpp), and the selection (Glue.h), which finds the function of a model
// by its number.
//
//===----------------------------------------------------------------------===//

#include "targets/wasm/Component.h"
#include "targets/wasm/ComponentBuilder.h"
#include "targets/wasm/Glue.h"
#include "targets/wasm/WasiNN.h"

#include "llvm/ADT/STLExtras.h"

using namespace llvm;
using namespace nncc::wasm;

namespace {

/// Adds what packInterfaces wants.
class ModelCollector {
public:
  ModelCollector(ComponentBuilder &builder, StringRef edition,
                 ArrayRef<std::string> models)
      : builder(builder), edition(edition), models(models) {}

  ServingInstances run(uint32_t resources);

private:
  uint32_t addModel(StringRef component);
  std::vector<SharedFunction> listFunctions() const;

  ComponentBuilder &builder;
  StringRef edition;
  ArrayRef<std::string> models;
  uint32_t memory = 0, reallocate = 0;
};

} // namespace

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
std::vector<SharedFunction> ModelCollector::listFunctions() const {
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

/// The core instance with the functions of a model.
uint32_t ModelCollector::addModel(StringRef component) {
  uint32_t model = builder.instantiate(builder.addComponent(component), {});
  std::vector<NamedItem> functions;
  for (const Interface &interface : getWasiNN(edition)) {
    uint32_t instance = builder.aliasExport(
        Sort::Instance, model, getInterfaceName(interface.name, edition));
    for (const Function &function : interface.functions)
      functions.push_back(
          {lowerFunction(function, interface).name, Sort::CoreFunction,
           builder.lower(
               builder.aliasExport(Sort::Function, instance, function.name),
               memory, reallocate)});
    for (const NamedType &type : interface.types)
      if (type.kind == NamedType::Resource)
        functions.push_back({getDropName(type), Sort::CoreFunction,
                             builder.dropOf(builder.aliasExport(
                                 Sort::Type, instance, type.name))});
  }
  return builder.groupCore(functions);
}

ServingInstances ModelCollector::run(uint32_t resources) {
  uint32_t heap =
      builder.instantiateCore(builder.addCoreModule(getAdapter("Heap")), {});
  memory = builder.aliasCore(Sort::CoreMemory, heap, "memory");
  reallocate = builder.aliasCore(Sort::CoreFunction, heap, "cabi_realloc");
  std::vector<NamedItem> groups;
  for (auto [i, model] : enumerate(models))
    groups.push_back({std::to_string(i), Sort::CoreInstance, addModel(model)});
  uint32_t selection =
      builder.instantiateCore(builder.addCoreModule(makeSelectionModule(
                                  listFunctions(), groups.size())),
                              groups);
  uint32_t adapter =
      builder.instantiateCore(builder.addCoreModule(getAdapter("Several")),
                              {{"env", Sort::CoreInstance, heap},
                               {"model", Sort::CoreInstance, heap},
                               {"models", Sort::CoreInstance, selection},
                               {"resource", Sort::CoreInstance, resources}});
  return {adapter, heap};
}

Expected<std::string>
nncc::wasm::makeComponentOfSeveral(ArrayRef<NamedModel> models,
                                   StringRef edition) {
  std::vector<std::string> components;
  for (const NamedModel &model : models) {
    Expected<std::string> component =
        makeComponent(model.module, edition, model.name);
    if (!component)
      return component.takeError();
    components.push_back(std::move(*component));
  }
  return packInterfaces(
      edition, [&](ComponentBuilder &builder, uint32_t resources) {
        return ModelCollector(builder, edition, components).run(resources);
      });
}
