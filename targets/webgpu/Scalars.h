//===- Scalars.h - Scalar code with the types that WGSL has -----*- C++ -*-===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef NNCC_TARGETS_WEBGPU_SCALARS_H
#define NNCC_TARGETS_WEBGPU_SCALARS_H

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/IRMapping.h"

namespace nncc::webgpu {

/// How elements of a type lie in the GPU's memory: i32 for all integers and
/// booleans, f32 for floats up to 32 bits. Null where there is no such type.
mlir::Type getStorageType(mlir::Type element);

/// The type that holds a value in a kernel: integers are i32, narrow ones
/// sign-extended, i1 is i1. Null where there is none.
mlir::Type getValueType(mlir::Type type);

/// Whether a kernel can have the constant: 32 bits hold it, or it is the
/// largest or smallest number of its type, a bound that nothing which fits is
/// beyond.
bool isGpuConstant(mlir::arith::ConstantOp op);

/// `value` as a vector of equal lanes, if it is no vector yet.
mlir::Value toVector(mlir::OpBuilder &b, mlir::Location loc, mlir::Value value);

/// A value as loaded from memory, and as stored, for an element type. Here and
/// below, values may be vectors of such.
mlir::Value fromStorage(mlir::OpBuilder &b, mlir::Location loc,
                        mlir::Value value, mlir::Type element);
mlir::Value toStorage(mlir::OpBuilder &b, mlir::Location loc,
                      mlir::Value value);

/// The same for f16 in memory, which are f32 in kernels. What is beyond the
/// numbers of f16 is stored as the largest of them.
mlir::Value fromHalf(mlir::OpBuilder &b, mlir::Location loc, mlir::Value value);
mlir::Value toHalf(mlir::OpBuilder &b, mlir::Location loc, mlir::Value value);

/// Clones an op of a kernel's body onto values of these types. Arithmetic
/// wraps as the op's own type does. The result is a vector where an operand is
/// one. Null after a diagnostic at the op.
mlir::Value cloneScalar(mlir::OpBuilder &b, mlir::Operation *op,
                        const mlir::IRMapping &values);

} // namespace nncc::webgpu

#endif
