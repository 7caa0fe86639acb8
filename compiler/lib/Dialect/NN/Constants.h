//===- Constants.h - small constants ----------------------------*- C++ -*-===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef NNCC_LIB_DIALECT_NN_CONSTANTS_H
#define NNCC_LIB_DIALECT_NN_CONSTANTS_H

#include "mlir/IR/BuiltinAttributes.h"
#include "nncc/Dialect/NN/NN.h"

namespace nncc::nn {

/// Whether a tensor is of static shape and has at most maxSymbolicElements
/// elements.
bool isSmall(mlir::Value tensor);

/// The elements of a constant with at most maxSymbolicElements of them, or of a
/// splat; null where the attribute is no such constant.
mlir::DenseElementsAttr getSmallConstant(mlir::Attribute attribute);

/// The tensor constant with these elements (in the plain form of its element
/// type), row-major; one element makes a splat.
mlir::DenseElementsAttr makeConstant(mlir::RankedTensorType type,
                                     llvm::ArrayRef<mlir::TypedAttr> elements);

/// An element in the plain form of its type.
mlir::TypedAttr getElement(mlir::DenseElementsAttr constant, int64_t number);

/// What `build` computes from constant scalars, by the folders of the ops that
/// it creates; null where one of them does not fold.
mlir::TypedAttr evaluate(
    mlir::MLIRContext *context, llvm::ArrayRef<mlir::TypedAttr> args,
    llvm::function_ref<mlir::Value(mlir::OpBuilder &, mlir::ValueRange)> build);

/// The result of an op that only moves elements, if its operands are small
/// constants.
mlir::OpFoldResult foldMovement(SymbolicValueOpInterface op,
                                llvm::ArrayRef<mlir::Attribute> operands);

} // namespace nncc::nn

#endif // NNCC_LIB_DIALECT_NN_CONSTANTS_H
