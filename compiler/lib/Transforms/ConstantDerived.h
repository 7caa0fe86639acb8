//===- ConstantDerived.h - values known at compile time ---------*- C++ -*-===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef NNCC_LIB_TRANSFORMS_CONSTANTDERIVED_H
#define NNCC_LIB_TRANSFORMS_CONSTANTDERIVED_H

#include "mlir/IR/Value.h"

namespace nncc::nn {

/// Whether a value is computed from constants alone, so that constant
/// evaluation will execute what computes it. Looks at a bounded number of ops.
bool isConstantDerived(mlir::Value value);

} // namespace nncc::nn

#endif // NNCC_LIB_TRANSFORMS_CONSTANTDERIVED_H
