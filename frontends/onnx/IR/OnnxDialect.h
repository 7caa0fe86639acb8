//===- OnnxDialect.h - the onnx dialect ------------------------*- C++ -*-===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef NNCC_FRONTENDS_ONNX_IR_ONNXDIALECT_H
#define NNCC_FRONTENDS_ONNX_IR_ONNXDIALECT_H

#include "mlir/Bytecode/BytecodeOpInterface.h"
#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Dialect.h"
#include "mlir/IR/OpDefinition.h"
#include "mlir/Interfaces/InferTypeOpInterface.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

#include "frontends/onnx/IR/OnnxDialect.h.inc"

#define GET_TYPEDEF_CLASSES
#include "frontends/onnx/IR/OnnxTypes.h.inc"

#define GET_OP_CLASSES
#include "frontends/onnx/IR/OnnxOps.h.inc"

#endif // NNCC_FRONTENDS_ONNX_IR_ONNXDIALECT_H
