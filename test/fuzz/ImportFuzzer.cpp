//===- ImportFuzzer.cpp - feeds the importer --------------------*- C++ -*-===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A libFuzzer target (-DNNCC_FUZZ=ON): any bytes are imported and legalized.
// Bytes that are no network have to end in an error, without a crash.
//
//===----------------------------------------------------------------------===//

#include "frontends/onnx/Import.h"
#include "frontends/onnx/Passes.h"

#include "mlir/IR/Diagnostics.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/IR/Verifier.h"

#include <cstdint>
#include <cstdlib>

using namespace mlir;

// Attributes and types live as long as their context.
static MLIRContext &getContext() {
  static std::unique_ptr<MLIRContext> context;
  static int uses = 0;
  if (!context || ++uses % 1000 == 0) {
    context = std::make_unique<MLIRContext>(MLIRContext::Threading::DISABLED);
    context->getDiagEngine().registerHandler(
        [](Diagnostic &) { return success(); });
  }
  return *context;
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  std::shared_ptr<void> keepAlive;
  nncc::onnx::ImportOptions options;
  auto module = nncc::onnx::importOnnx(
      llvm::StringRef(reinterpret_cast<const char *>(data), size),
      /*path=*/"", getContext(), options, keepAlive);
  if (failed(module))
    return 0;
  if (failed(verify(**module)))
    abort();
  if (failed(nncc::onnx::convertOnnxToNN(**module)))
    return 0;
  if (failed(verify(**module)))
    abort();
  return 0;
}
