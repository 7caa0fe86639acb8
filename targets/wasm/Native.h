//===- Native.h - Functions compiled for the build machine ------*- C++ -*-===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef NNCC_TARGETS_WASM_NATIVE_H
#define NNCC_TARGETS_WASM_NATIVE_H

#include "mlir/IR/BuiltinOps.h"
#include "llvm/Support/Error.h"

#include <memory>

namespace nncc::wasm {

/// Code that the compiler runs itself. Memrefs are bare pointers, an index has
/// 64 bits, booleans are bytes.
class NativeModule {
public:
  virtual ~NativeModule();

  /// The address of a function, or null.
  virtual void *lookup(llvm::StringRef name) = 0;
};

/// Compiles a module that fulfils the targets' input contract (functions over
/// 1-D memrefs). The module is lowered in place. The arithmetic is that of a
/// wasm module, so that a constant has the bits that it would have there.
llvm::Expected<std::unique_ptr<NativeModule>> jitCompile(mlir::ModuleOp module);

} // namespace nncc::wasm

#endif
