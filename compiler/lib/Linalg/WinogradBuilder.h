//===- WinogradBuilder.h - minimal filtering of one convolution -*- C++ -*-===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef NNCC_LIB_LINALG_WINOGRADBUILDER_H
#define NNCC_LIB_LINALG_WINOGRADBUILDER_H

#include "WinogradTransforms.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"

namespace nncc {

/// A convolution [N, H + 2, W + 2, C] by [3, 3, C, O] of stride 1 and the
/// elementwise op that alone reads its result, if any. N, H and W may be open.
struct Convolution {
  mlir::linalg::GenericOp op, epilogue;
  mlir::Value input, filter;
  mlir::OpFoldResult n, h, w;
  int64_t c = 0, o = 0;
};

/// The pixels of the output that are computed at once, such that what lies
/// between the transforms stays near.
struct PixelBlock {
  int64_t rows, columns;
};

PixelBlock getPixelBlock(const Convolution &conv,
                         const WinogradAlgorithm &algorithm);

/// How many tiles of the algorithm cover `size` pixels.
int64_t countTiles(int64_t size, const WinogradAlgorithm &algorithm);

/// Replaces the convolution and its epilogue.
void buildWinograd(const Convolution &conv, const WinogradAlgorithm &algorithm);

} // namespace nncc

#endif // NNCC_LIB_LINALG_WINOGRADBUILDER_H
