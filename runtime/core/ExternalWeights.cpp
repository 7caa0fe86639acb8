//===- ExternalWeights.cpp - Where a loader writes the weights ------------===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Linked into modules whose weights are in a file of their own.
//
//===----------------------------------------------------------------------===//

#include "Program.h"

extern "C" __attribute__((export_name("nncc_weights"))) char *nncc_weights() {
  return nncc_weight_data + nncc_program[4];
}
