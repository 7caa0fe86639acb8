//===- Constants.h - What is known at build time ----------------*- C++ -*-===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef NNCC_LINALG_CONSTANTS_H
#define NNCC_LINALG_CONSTANTS_H

#include "mlir/IR/Value.h"

namespace nncc {

/// Whether a tensor of the linalg stage depends on constants alone.
bool isConstantDerived(mlir::Value value);

} // namespace nncc

#endif
