//===- Spirv.cpp - Kernels as binaries of SPIR-V --------------------------===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "targets/webgpu/Spirv.h"

#include "mlir/Dialect/SPIRV/IR/SPIRVOps.h"
#include "mlir/Dialect/SPIRV/Transforms/Passes.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Target/SPIRV/Serialization.h"
#include "targets/webgpu/Kernel.h"
#include "targets/webgpu/Passes.h"
#include "targets/webgpu/WgslPrinter.h"

#include <spirv-tools/optimizer.hpp>

using namespace mlir;

namespace nncc::webgpu {

static constexpr spv_target_env environment = SPV_ENV_VULKAN_1_1;

/// What SPIRV-Tools say goes to the kernel's diagnostics.
static spvtools::MessageConsumer reportTo(Location loc) {
  return [loc](spv_message_level_t level, const char *, const spv_position_t &,
               const char *message) {
    if (level <= SPV_MSG_ERROR)
      emitError(loc, "SPIR-V: ") << message;
  };
}

static LogicalResult optimize(Location loc, SmallVectorImpl<uint32_t> &words) {
  spvtools::Optimizer optimizer(environment);
  optimizer.SetMessageConsumer(reportTo(loc));
  optimizer.RegisterPerformancePasses();
  std::vector<uint32_t> optimized;
  spvtools::OptimizerOptions options;
  options.set_run_validator(true);
  if (!optimizer.Run(words.data(), words.size(), &optimized, options))
    return emitError(loc, "its SPIR-V is not valid");
  words.assign(optimized.begin(), optimized.end());
  return success();
}

FailureOr<SmallVector<uint32_t>> compileToSpirv(func::FuncOp kernel) {
  OwningOpRef<ModuleOp> module = generateKernel(kernel);
  if (!module)
    return failure();
  PassManager pm(kernel.getContext());
  pm.addPass(createToSpirv());
  pm.addNestedPass<spirv::ModuleOp>(spirv::createSPIRVLowerABIAttributesPass());
  pm.addNestedPass<spirv::ModuleOp>(spirv::createSPIRVUpdateVCEPass());
  if (failed(pm.run(*module)))
    return failure();
  SmallVector<uint32_t> words;
  auto found = module->getOps<spirv::ModuleOp>();
  if (found.empty() || failed(spirv::serialize(*found.begin(), words)) ||
      failed(optimize(kernel.getLoc(), words)))
    return failure();
  return words;
}

} // namespace nncc::webgpu
