//===- Network.h - What a model takes and gives -----------------*- C++ -*-===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef NNCC_RUNTIME_WASINN_NETWORK_H
#define NNCC_RUNTIME_WASINN_NETWORK_H

#include "runtime/wasi-nn/Value.h"

namespace nncc::wasinn {

uint32_t bytesPerElement(ElementType type);

/// Of a dimension whose size callers choose.
constexpr uint32_t openSize = ~0u;

/// An input or an output.
struct Port {
  Text name;
  /// What stands for the model's type, or None: wasi-nn has few types.
  ElementType element;
  /// The model's own.
  DataType type;
  uint32_t rank;
  uint32_t *sizes; ///< Those that callers choose are openSize.
  /// Of an input that takes an output of the run before: its number plus 1.
  uint32_t feedback;
};

struct Network {
  Port *inputs, *outputs;
  uint32_t numInputs, numOutputs;
  Text sourceHash; ///< SHA-256 in hexadecimal digits, or empty.
};

/// The model's network, read from its signature the first time; null, after
/// fail(), without memory.
const Network *getNetwork();

/// The number of the port that is called `name` or, if none is, that has this
/// decimal number; `count` if there is none.
uint32_t findPort(const Port *ports, uint32_t count, Text name);

} // namespace nncc::wasinn

#endif
