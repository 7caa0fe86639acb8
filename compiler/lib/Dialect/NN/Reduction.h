//===- Reduction.h - what reductions share ----------------------*- C++ -*-===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef NNCC_LIB_DIALECT_NN_REDUCTION_H
#define NNCC_LIB_DIALECT_NN_REDUCTION_H

#include "nncc/Dialect/NN/NN.h"

namespace nncc::nn {

/// The type without the `axes`, or with size 1 there.
mlir::LogicalResult inferReduction(std::optional<mlir::Location> loc,
                                   mlir::Type input,
                                   llvm::ArrayRef<int64_t> axes, bool keepdims,
                                   mlir::SmallVectorImpl<mlir::Type> &types);

/// The neutral element combined with the elements along the axes.
mlir::FailureOr<mlir::SmallVector<mlir::Value>>
lowerReduction(ReductionOpInterface op, llvm::ArrayRef<int64_t> axes,
               LoweringBuilder &b, mlir::Value input);

/// That, divided by the number of elements.
mlir::FailureOr<mlir::SmallVector<mlir::Value>>
lowerMean(ReductionOpInterface op, llvm::ArrayRef<int64_t> axes,
          LoweringBuilder &b, mlir::Value input);

} // namespace nncc::nn

#endif // NNCC_LIB_DIALECT_NN_REDUCTION_H
