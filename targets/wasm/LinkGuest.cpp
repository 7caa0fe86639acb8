//===- LinkGuest.cpp - A guest and a model in one file --------------------===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "targets/wasm/LinkGuest.h"

#include "targets/wasm/ModelModule.h"

using namespace llvm;
using namespace nncc::wasm;

/// Says which of the two files an error is about.
static Error blame(StringRef what, Error error) {
  return createStringError("the " + what + ": " + toString(std::move(error)));
}

Expected<std::string> nncc::wasm::linkGuest(StringRef guest, StringRef model) {
  Expected<StringRef> module = findModel(model);
  if (!module)
    return blame("model", module.takeError());
  if (!isCoreModule(guest) && !isComponent(guest))
    return createStringError("the guest: it is neither a module nor a "
                             "component");
  Expected<std::string> linked = isComponent(guest)
                                     ? composeComponents(guest, *module)
                                     : mergeModules(guest, *module);
  if (!linked)
    return blame("guest", linked.takeError());
  return linked;
}
