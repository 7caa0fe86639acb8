//===- OnnxToNN/OnnxToNN.cpp - the pass and the table -----------*- C++ -*-===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "frontends/onnx/OnnxToNN.h"

#include "frontends/onnx/IR/OnnxDialect.h"
#include "frontends/onnx/OnnxToNN/Converter.h"
#include "frontends/onnx/OnnxToNN/Rows.h"
#include "nncc/Dialect/NN/NN.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"

#include <tuple>

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

void nncc::onnx::printSupportedOps(llvm::raw_ostream &out) {
  SmallVector<const Row *> rows;
  forEachRow([&](const Row &row) { rows.push_back(&row); });
  llvm::sort(rows, [](const Row *a, const Row *b) {
    return std::make_tuple(StringRef(a->domain), StringRef(a->op), a->since) <
           std::make_tuple(StringRef(b->domain), StringRef(b->op), b->since);
  });
  out << "| Operator | Domain | Since | Not supported |\n|---|---|---|---|\n";
  for (const Row *row : rows) {
    StringRef domain = row->domain;
    out << "| " << row->op << " | " << (domain.empty() ? "ai.onnx" : domain)
        << " | " << row->since << " | " << row->limits << " |\n";
  }
}
