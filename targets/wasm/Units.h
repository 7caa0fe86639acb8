//===- Units.h - A program in parts that compile alone ----------*- C++ -*-===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef NNCC_TARGETS_WASM_UNITS_H
#define NNCC_TARGETS_WASM_UNITS_H

#include "llvm/ADT/SmallVector.h"
#include "llvm/IR/Module.h"

#include <string>
#include <vector>

namespace nncc::wasm {

/// What is compiled by itself: a module as bitcode, which threads read into
/// contexts of their own, and whose bytes tell whether two units are the same.
struct Unit {
  std::string name;
  llvm::SmallVector<char, 0> bitcode;
  /// Whether its object is worth a place in the cache.
  bool isKept = true;
};

/// Takes a program apart: units of a few kernels each, one for the weights'
/// room and one for what is left. Arguments that are the same in all calls of a
/// kernel become constants first.
std::vector<Unit> splitProgram(llvm::Module &program);

} // namespace nncc::wasm

#endif
