//===- Units.h - A program in parts that compile alone ----------*- C++ -*-===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef NNCC_TARGETS_WASM_UNITS_H
#define NNCC_TARGETS_WASM_UNITS_H

#include "targets/wasm/Codegen.h"

#include "llvm/ADT/SmallVector.h"
#include "llvm/IR/Module.h"

#include <string>
#include <vector>

namespace nncc::wasm {

/// What is compiled by itself: a module as bitcode, which threads read into
/// contexts of their own, and whose bytes tell whether two units are the same.
struct Unit {
  std::string name;
  Feature feature;
  llvm::SmallVector<char, 0> bitcode;
  /// Whether its object is worth a place in the cache.
  bool isKept = true;
};

struct Parts {
  /// Of the module: the table of kernels with variants, if there are any, units
  /// of a few kernels each, the weights' room, and the rest of the program.
  std::vector<Unit> units;
  /// Of the modules with the variants of kernels, one of each kind.
  std::vector<Unit> sums, dots;
};

/// Takes a program apart. Arguments that are the same in all calls of a kernel
/// become constants first. With `wantsVariants`, kernels that gain from relaxed
/// SIMD come in both forms.
Parts splitProgram(llvm::Module &program, Feature feature, bool wantsVariants);

} // namespace nncc::wasm

#endif
