//===- WgslExpressions.h - Ops that are one expression of WGSL --*- C++ -*-===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef NNCC_TARGETS_WEBGPU_WGSLEXPRESSIONS_H
#define NNCC_TARGETS_WEBGPU_WGSLEXPRESSIONS_H

#include "mlir/IR/Operation.h"

namespace nncc::webgpu {

/// The expression of an op: $0, $1 and $2 stand for its operands, $T for the
/// type of its result, $U for the unsigned type of its integers. Empty where an
/// op is no single expression.
llvm::StringRef getWgslExpression(mlir::Operation *op);

/// The name of a scalar or vector type; empty where WGSL has none.
std::string getWgslType(mlir::Type type);

/// A constant, in parentheses if it is negative; empty where it has no form.
std::string getWgslConstant(mlir::TypedAttr value);

} // namespace nncc::webgpu

#endif
