//===- SpatialConv.h - convolutions as contractions -------------*- C++ -*-===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef NNCC_LIB_DIALECT_NN_SPATIALCONV_H
#define NNCC_LIB_DIALECT_NN_SPATIALCONV_H

#include "SpatialUtils.h"

namespace nncc::nn {

/// Emits the convolution of nn.conv, with its padding: input [N, S..., C],
/// filter [K..., C / groups, O], result [N, S'..., O].
/// With `bytes` the input's numbers are 0 to 255.
mlir::Value buildConv(LoweringBuilder &b, mlir::Location loc, mlir::Value input,
                      llvm::ArrayRef<mlir::AffineExpr> inputDims,
                      mlir::Value filter,
                      llvm::ArrayRef<mlir::AffineExpr> filterDims,
                      llvm::ArrayRef<Window> windows, int64_t groups,
                      bool bytes = false);

} // namespace nncc::nn

#endif // NNCC_LIB_DIALECT_NN_SPATIALCONV_H
