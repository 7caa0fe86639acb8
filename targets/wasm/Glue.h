//===- Glue.h - Functions that no source file can express -------*- C++ -*-===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What stands between a guest and the adapters of its models in one module: it
// knows several memories, or several models. All parameters and results are
// i32.
//
//===----------------------------------------------------------------------===//

#ifndef NNCC_TARGETS_WASM_GLUE_H
#define NNCC_TARGETS_WASM_GLUE_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"

#include <string>
#include <vector>

namespace nncc::wasm {

/// A function as a code section has it, with its length in front.
struct GlueFunction {
  unsigned numParams, numResults;
  std::string code;
};

/// (to, from, bytes): copies from one memory into another.
GlueFunction makeCopy(uint32_t toMemory, uint32_t fromMemory);
/// (): the pages of a memory.
GlueFunction makeMemorySize(uint32_t memory);
/// (): a constant.
GlueFunction makeConstant(uint32_t value);
/// (address, length): whether the text in `memory` is `name`; always, if that
/// is empty.
GlueFunction makeNameCheck(llvm::StringRef name, uint32_t memory);

/// How many bits of a handle count the handles of one model. As many behind
/// them are the number of the model; the adapter has the rest.
constexpr unsigned handleBits = 10;

/// A call of wasi_ephemeral_nn for several models, whose adapters have these
/// functions for it: a handle says which of them is meant, and what opens a
/// graph asks one after the other.
GlueFunction makeDispatch(llvm::StringRef call, unsigned numParams,
                          llvm::ArrayRef<uint32_t> functions);

/// A core module that imports the memory "model"."memory" and exports a name
/// check on it as "is_named".
std::string makeNameCheckModule(llvm::StringRef name);

/// A function that each of several models has.
struct SharedFunction {
  std::string name;
  unsigned numParams, numResults;
  bool isThere; ///< If not, calls trap.
};

/// A core module that exports these functions with the number of the model as
/// a first parameter, and "count", the number of models. It imports those of
/// each model from the module of that number, "0", "1", ...
std::string makeSelectionModule(llvm::ArrayRef<SharedFunction> functions,
                                unsigned numModels);

} // namespace nncc::wasm

#endif
