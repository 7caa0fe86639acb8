//===- Packed.h - Functions as values ---------------------------*- C++ -*-===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// docs/module-format.md says how hosts see them.
//
//===----------------------------------------------------------------------===//

#ifndef NNCC_RUNTIME_CORE_PACKED_H
#define NNCC_RUNTIME_CORE_PACKED_H

#include "Abi.h"

namespace nncc {

/// A packed call: 0, or 1 and lastError says why. Arguments are borrowed: who
/// keeps a function among them retains it. What `result` holds is the caller's:
/// it releases a function; strings and tensors stay valid until the next call.
using PackedCall = int (*)(struct Function *self, const PackedValue *arguments,
                           uint32_t numArguments, PackedValue *result);

/// A function with what it closes over.
struct Function {
  PackedCall call;
  void (*drop)(
      Function *self); ///< Before the last reference goes; may be null.
  uint32_t references;
  uint32_t data;
};

/// A function with one reference, the caller's; null without memory.
Function *createFunction(PackedCall call, uint32_t data = 0,
                         void (*drop)(Function *self) = nullptr);
void retain(Function *function);
void release(Function *function);

/// Calls it; a message that it leaves out is made up.
int callFunction(Function *function, const PackedValue *arguments,
                 uint32_t numArguments, PackedValue *result);

/// Makes a function known by a name that stays; takes the reference. The last
/// of a name counts. False without memory.
bool registerFunction(const char *name, Function *function);

/// The module's function of that name, else the host's; with a reference for
/// the caller. Null if there is none.
Function *findFunction(const char *name);

/// Whether a function that the running network called has failed: what is left
/// of the run does not count.
extern bool hasFailed;

} // namespace nncc

#endif
