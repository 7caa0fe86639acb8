//===- BlockUnpack.h - weights of a few bits as floats ----------*- C++ -*-===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef NNCC_LIB_DIALECT_NN_BLOCKUNPACK_H
#define NNCC_LIB_DIALECT_NN_BLOCKUNPACK_H

#include "SpatialUtils.h"

namespace nncc::nn {

/// Weights of `bits` bits in panels of 8 columns: a word of i32 holds elements
/// that follow each other along the depth, the first in its low bits.
struct PackedWeights {
  int64_t bits;
  mlir::Value words;  ///< [panels, blocks, groups, words, 8] of i32
  mlir::Value scales; ///< [panels, blocks, 8] of f32
  mlir::Value points; ///< one number or as the scales, of f32
};

/// Of how many rows on a product is worth unpacking the weights: then it takes
/// less time than a second pass of integers.
inline constexpr int64_t leastRowsToUnpack = 12;

/// The product of [rows..., depth], all of f32, and of weights for whole panels
/// and of this depth: they are unpacked to f32 a few panels at a time, which
/// stay in the cache.
mlir::Value buildUnpackedProduct(LoweringBuilder &b, mlir::Location loc,
                                 mlir::Value lhs,
                                 llvm::ArrayRef<mlir::AffineExpr> rows,
                                 const PackedWeights &weights);

} // namespace nncc::nn

#endif // NNCC_LIB_DIALECT_NN_BLOCKUNPACK_H
