//===- OnnxToNN/OnnxToNN.cpp - the pass -----------*- C++ -*-===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "frontends/onnx/Passes.h"

#include "frontends/onnx/IR/OnnxDialect.h"
#include "frontends/onnx/OnnxToNN/Converter.h"
#include "nncc/Dialect/NN/NN.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"

using namespace mlir;

namespace nncc::onnx {
#define GEN_PASS_DEF_ONNXTONN
#include "frontends/onnx/Passes.h.inc"
} // namespace nncc::onnx

namespace {

struct OnnxToNNPass : nncc::onnx::impl::OnnxToNNBase<OnnxToNNPass> {
  void runOnOperation() override {
    if (failed(nncc::onnx::convertOnnxToNN(getOperation())))
      signalPassFailure();
  }
};

} // namespace

LogicalResult nncc::onnx::convertOnnxToNN(ModuleOp module) {
  module.getContext()->loadDialect<nn::NNDialect>();
  return Converter(module).convert();
}
