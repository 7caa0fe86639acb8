//===- LinkGuest.cpp - A guest and a model in one file --------------------===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "targets/wasm/LinkGuest.h"

#include "targets/wasm/ModelModule.h"

#include "llvm/ADT/StringSet.h"

using namespace llvm;
using namespace nncc::wasm;

/// Says which of the two files an error is about.
static Error blame(const Twine &what, Error error) {
  return createStringError("the " + what + ": " + toString(std::move(error)));
}

/// Several models are told apart by their names.
static Error checkNames(ArrayRef<NamedModel> models) {
  StringSet<> names;
  for (const NamedModel &model : models) {
    if (models.size() > 1 && model.name.empty())
      return createStringError("several models need names: NAME=model.wasm");
    if (!names.insert(model.name).second)
      return createStringError("two models are named '" + model.name + "'");
  }
  return Error::success();
}

static Expected<std::vector<NamedModel>>
findModels(ArrayRef<NamedModel> given) {
  std::vector<NamedModel> models;
  for (const NamedModel &model : given) {
    Expected<StringRef> module = findModel(model.module);
    std::string name = model.name.empty() ? "" : " '" + model.name + "'";
    if (!module)
      return blame("model" + name, module.takeError());
    models.push_back({model.name, *module});
  }
  return models;
}

Expected<std::string> nncc::wasm::linkGuest(StringRef guest,
                                            ArrayRef<NamedModel> given) {
  if (Error error = checkNames(given))
    return std::move(error);
  Expected<std::vector<NamedModel>> models = findModels(given);
  if (!models)
    return models.takeError();
  if (!isCoreModule(guest) && !isComponent(guest))
    return createStringError("the guest: it is neither a module nor a "
                             "component");
  Expected<std::string> linked = isComponent(guest)
                                     ? composeComponents(guest, *models)
                                     : mergeModules(guest, *models);
  if (!linked)
    return blame("guest", linked.takeError());
  return linked;
}
