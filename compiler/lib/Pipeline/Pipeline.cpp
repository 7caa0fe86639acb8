//===- Pipeline.cpp - The stages of the compiler --------------------------===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "nncc/Pipeline/Pipeline.h"

#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/Transforms/Passes.h"
#include "nncc/Conversion/LinalgToExec/LinalgToExec.h"
#include "nncc/Conversion/NNToLinalg/NNToLinalg.h"
#include "nncc/Dialect/Exec/Exec.h"
#include "nncc/Dialect/Exec/Passes.h"
#include "nncc/Dialect/NN/NN.h"
#include "nncc/Kernels/Passes.h"
#include "nncc/Transforms/Passes.h"

using namespace mlir;

namespace nncc {

static void buildOptimise(OpPassManager &pm, const PipelineOptions &options) {
  pm.addPass(createCanonicalizerPass());
  pm.addPass(createCSEPass());
  // Transposes first: what they leave side by side can be folded and fused.
  pm.addPass(nn::createPropagateTransposes());
  // Before scales can fold into weights, which must stay integers.
  pm.addPass(nn::createIntegerProducts());
  pm.addPass(nn::createByteOperands());
  pm.addPass(nn::createRequantize());
  pm.addPass(nn::createFoldScale());
  pm.addPass(createCanonicalizerPass());
  pm.addPass(createCSEPass());
  // Last: what quantised numbers are concatenated of is looked at one by one.
  pm.addPass(nn::createNestConcats());
  if (options.joinProducts)
    pm.addPass(nn::createJoinProducts());
}

static void buildLinalg(OpPassManager &pm, const PipelineOptions &options) {
  pm.addPass(createRecordSignature());
  pm.addPass(nn::createNNToLinalg({options.maxScatterTests}));
  pm.addPass(createCSEPass());
  // Before what a loop computes again and again is fused with the rest.
  pm.addPass(createHoistInvariants());
  pm.addPass(createFuseElementwise({options.maxKernelInputs}));
  pm.addPass(createCSEPass());
  // What it leaves are products and transforms of constants, see below.
  pm.addPass(createWinograd({options.winogradTile}));
  // Packing is one more op on constants, so it comes before their evaluation.
  pm.addPass(createPackWeights());
  // Weights that several ops read are packed, and evaluated, once.
  pm.addPass(createCSEPass());
  pm.addPass(createEvaluateConstants(options.runNative));
  pm.addPass(createNarrowWeights());
  pm.addPass(createShardConstants(
      {options.maxConstantElements, options.maxKernelInputs}));
  pm.addPass(createCSEPass());
}

static void buildExec(OpPassManager &pm, const PipelineOptions &options) {
  pm.addPass(exec::createLinalgToExec());
  pm.addPass(kernels::createMergeRows());
  exec::PlanMemoryOptions memory;
  memory.halves = options.storesHalves;
  pm.addPass(exec::createPlanMemory(memory));
  pm.addPass(kernels::createGenerateKernels());
}

ArrayRef<Stage> getStages() {
  static const Stage stages[] = {
      {"nn", "typed tensor ops, folded and fused, channels last",
       buildOptimise},
      {"linalg", "structured ops on tensors, constants evaluated", buildLinalg},
      {"exec", "kernels and the host program that dispatches them", buildExec},
  };
  return stages;
}

void registerDialects(DialectRegistry &registry) {
  registry.insert<affine::AffineDialect, arith::ArithDialect, exec::ExecDialect,
                  func::FuncDialect, linalg::LinalgDialect, math::MathDialect,
                  memref::MemRefDialect, nn::NNDialect, scf::SCFDialect,
                  tensor::TensorDialect, vector::VectorDialect>();
}

} // namespace nncc
