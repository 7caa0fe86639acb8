//===- Weights.h - The bytes of constant tensors ----------------*- C++ -*-===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef NNCC_DIALECT_EXEC_WEIGHTS_H
#define NNCC_DIALECT_EXEC_WEIGHTS_H

#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/BuiltinOps.h"

namespace nncc::exec {

/// A constant tensor and its place in the block of weights.
struct Weight {
  mlir::ElementsAttr value;
  uint64_t offset; ///< bytes
};

/// The weights of a planned module, by rising offset.
llvm::SmallVector<Weight> getWeights(mlir::ModuleOp module);

/// Size in bytes of a tensor; booleans are bytes.
uint64_t getByteSize(mlir::ShapedType type);

/// The tensor's elements as they lie in memory: little-endian, row-major.
/// `storage` holds them where the attribute does not have them in this form.
llvm::ArrayRef<char> getBytes(mlir::ElementsAttr value,
                              llvm::SmallVectorImpl<char> &storage);

} // namespace nncc::exec

#endif
