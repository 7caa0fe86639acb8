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

/// How the f32 of a constant are stored: as 16 bits where they lose nothing.
enum class WeightStorage { Plain, F16, BF16 };

WeightStorage findStorage(mlir::ElementsAttr value);

/// The bytes of f32 as such numbers.
llvm::SmallVector<char> toStorage(llvm::ArrayRef<char> bytes,
                                  WeightStorage storage);

/// The first weights are stored as so many f16, those after them as so many
/// bf16, room between weights included.
struct HalfCounts {
  uint64_t f16 = 0, bf16 = 0;

  WeightStorage getStorage(uint64_t offset) const;
};
HalfCounts getHalfCounts(mlir::ModuleOp module);

/// Size in bytes of a tensor; booleans are bytes.
uint64_t getByteSize(mlir::ShapedType type);

/// The tensor's elements as they lie in memory: little-endian, row-major.
/// `storage` holds them where the attribute does not have them in this form.
llvm::ArrayRef<char> getBytes(mlir::ElementsAttr value,
                              llvm::SmallVectorImpl<char> &storage);

} // namespace nncc::exec

#endif
