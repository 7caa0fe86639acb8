//===- Externs.cpp - Calls of functions outside ---------------------------===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ErrorText.h"
#include "Packed.h"

using namespace nncc;

namespace {

/// A node whose operator is a function outside of the network; the generated
/// object holds one for each.
struct ExternCall {
  const char *function; ///< Its name.
  const char *node;
  Function *found; ///< Null until the first call.
};

} // namespace

static void fail(const ExternCall &call, const char *why) {
  ErrorText text;
  text << "node '" << call.node << "' (op " << call.function << "): " << why;
  lastError.clear();
  lastError << text.c_str();
  hasFailed = true;
}

/// After a failure nothing is called any more in this run.
extern "C" void nncc_call_extern(ExternCall *call, const PackedValue *arguments,
                                 uint32_t numArguments) {
  if (hasFailed)
    return;
  if (!call->found)
    call->found = findFunction(call->function);
  if (!call->found)
    return fail(*call, "the host has no function of this name");
  PackedValue result;
  if (callFunction(call->found, arguments, numArguments, &result) != 0)
    return fail(*call, lastError.c_str());
  if (result.tag == Tag::Function)
    release(
        reinterpret_cast<Function *>(static_cast<uintptr_t>(result.payload)));
}
