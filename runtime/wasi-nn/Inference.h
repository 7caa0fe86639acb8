//===- Inference.h - One run of a model -------------------------*- C++ -*-===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef NNCC_RUNTIME_WASINN_INFERENCE_H
#define NNCC_RUNTIME_WASINN_INFERENCE_H

#include "runtime/wasi-nn/Network.h"

namespace nncc::wasinn {

/// What an input that takes state is before the first run: zeros, sizes that
/// callers choose being 1. Null, after fail(), without memory.
Value *makeZeros(const Port &port);

/// Whether `value` can be the input `port`; fails with the reason if not.
bool checkInput(const Port &port, const Value &value);

/// Runs the model. `inputs` has a value for each input, or null, which fails;
/// the `outputs` are new values.
bool infer(const Network &network, const Value *const *inputs, Value **outputs);

/// Whether bytes that a guest loads are the file that the model was compiled
/// from; `parts` are one builder each.
bool checkSource(const Network &network, const Text *parts, uint32_t numParts);

} // namespace nncc::wasinn

#endif
