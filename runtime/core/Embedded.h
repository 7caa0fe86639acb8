//===- Embedded.h - The runtime's objects inside the compiler ---*- C++ -*-===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef NNCC_RUNTIME_CORE_EMBEDDED_H
#define NNCC_RUNTIME_CORE_EMBEDDED_H

#include <cstddef>

namespace nncc {

/// A wasm32 object file of this folder, or, if its name ends with "Bitcode",
/// LLVM bitcode.
struct EmbeddedObject {
  const char *name;
  const unsigned char *data;
  size_t size;
};

extern const EmbeddedObject embeddedObjects[];
extern const size_t numEmbeddedObjects;

/// The modules of runtime/wasi-nn, whole.
extern const EmbeddedObject embeddedAdapters[];
extern const size_t numEmbeddedAdapters;

} // namespace nncc

#endif
