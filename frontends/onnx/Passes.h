//===- Passes.h - legalizes ONNX to nn --------------------------*- C++ -*-===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef NNCC_FRONTENDS_ONNX_PASSES_H
#define NNCC_FRONTENDS_ONNX_PASSES_H

#include "frontends/onnx/Extern.h"

#include "mlir/IR/BuiltinOps.h"
#include "mlir/Pass/Pass.h"

namespace nncc::onnx {

#define GEN_PASS_DECL
#define GEN_PASS_REGISTRATION
#include "frontends/onnx/Passes.h.inc"

/// Turns a module that importOnnx has made into one of the `nn` dialect. On
/// failure every node that is not supported has been reported; the texts name
/// the file, the node, its operator, domain, version and operand types.
/// Operators among `externs` become calls of functions.
mlir::LogicalResult
convertOnnxToNN(mlir::ModuleOp module,
                llvm::ArrayRef<ExternOperator> externs = {});

/// The pass that does so.
std::unique_ptr<mlir::Pass> createOnnxToNN(std::vector<ExternOperator> externs);

} // namespace nncc::onnx

#endif // NNCC_FRONTENDS_ONNX_PASSES_H
