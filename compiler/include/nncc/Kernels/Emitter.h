//===- Emitter.h - Loops and vector code of a kernel ------------*- C++ -*-===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef NNCC_KERNELS_EMITTER_H
#define NNCC_KERNELS_EMITTER_H

#include "nncc/Kernels/Schedule.h"

namespace nncc::kernels {

/// Emits, at the builder's insertion point in kernel `func`, the loops of
/// `nest` for the grid steps [begin, end), which are the function's last two
/// arguments: scf loops over vector tiles; remainders are smaller vector tiles.
/// The emitted code loads up to 7 elements past the end of a row, so buffers
/// have 64 readable bytes behind them; it stores nothing past the end.
void emitKernel(mlir::OpBuilder &builder, mlir::func::FuncOp func,
                const LoopNest &nest, const Schedule &schedule);

} // namespace nncc::kernels

#endif
