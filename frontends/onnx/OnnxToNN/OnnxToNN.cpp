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
  OnnxToNNPass() = default;
  explicit OnnxToNNPass(std::vector<nncc::onnx::ExternOperator> externs)
      : externs(std::move(externs)) {}
  OnnxToNNPass(const OnnxToNNPass &other)
      : OnnxToNNBase(other), externs(other.externs) {}

  void runOnOperation() override {
    if (failed(nncc::onnx::convertOnnxToNN(getOperation(), externs)))
      signalPassFailure();
  }

  std::vector<nncc::onnx::ExternOperator> externs;
};

} // namespace

LogicalResult nncc::onnx::convertOnnxToNN(ModuleOp module,
                                          ArrayRef<ExternOperator> externs) {
  module.getContext()->loadDialect<nn::NNDialect>();
  return Converter(module, externs).convert();
}

std::unique_ptr<Pass>
nncc::onnx::createOnnxToNN(std::vector<ExternOperator> externs) {
  return std::make_unique<OnnxToNNPass>(std::move(externs));
}
