//===- WasmTarget.h - SIMD code that any wasm host runs ---------*- C++ -*-===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef NNCC_TARGETS_WASM_WASMTARGET_H
#define NNCC_TARGETS_WASM_WASMTARGET_H

#include "targets/Target.h"

namespace nncc::wasm {

const Target &getWasmTarget();

} // namespace nncc::wasm

#endif
