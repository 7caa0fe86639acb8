//===- WeightFile.h - Weights in a file of their own ------------*- C++ -*-===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef NNCC_TARGETS_WASM_WEIGHTFILE_H
#define NNCC_TARGETS_WASM_WEIGHTFILE_H

#include "targets/Target.h"

#include "llvm/Support/raw_ostream.h"

namespace nncc::wasm {

/// The beginning of a safetensors file with the weights, padded so that they
/// start at a multiple of 64.
std::string getWeightFileHeader(const Weights &weights);

/// Writes the file and returns its SHA-256 in hex.
std::string writeWeightFile(const Weights &weights, llvm::raw_ostream &os);

} // namespace nncc::wasm

#endif
