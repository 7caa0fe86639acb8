//===- nncc-opt.cpp - Runs passes on IR in a file, for tests --------------===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "frontends/onnx/IR/OnnxDialect.h"
#include "frontends/onnx/Passes.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Tools/mlir-opt/MlirOptMain.h"
#include "mlir/Transforms/Passes.h"
#include "nncc/Conversion/LinalgToExec/LinalgToExec.h"
#include "nncc/Conversion/NNToLinalg/NNToLinalg.h"
#include "nncc/Dialect/Exec/Passes.h"
#include "nncc/Kernels/Passes.h"
#include "nncc/Pipeline/Pipeline.h"
#include "nncc/Transforms/Passes.h"
#include "targets/wasm/Passes.h"
#include "targets/webgpu/Passes.h"

using namespace mlir;

int main(int argc, char **argv) {
  DialectRegistry registry;
  nncc::registerDialects(registry);
  registry
      .insert<gpu::GPUDialect, LLVM::LLVMDialect, nncc::onnx::OnnxDialect>();
  registerCanonicalizerPass();
  registerCSEPass();
  nncc::onnx::registerOnnxPasses();
  nncc::nn::registerTransformsPasses();
  nncc::nn::registerNNToLinalgPasses();
  nncc::registerLinalgPasses();
  nncc::registerPipelinePasses();
  nncc::exec::registerLinalgToExecPasses();
  nncc::exec::registerExecPasses();
  nncc::kernels::registerKernelsPasses();
  nncc::wasm::registerWasmTargetPasses();
  nncc::webgpu::registerWebgpuTargetPasses();
  return asMainReturnCode(
      MlirOptMain(argc, argv, "nncc pass driver\n", registry));
}
