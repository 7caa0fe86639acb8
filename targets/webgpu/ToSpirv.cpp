//===- ToSpirv.cpp - Raised kernels as modules of SPIR-V ------------------===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "mlir/Conversion/ArithToSPIRV/ArithToSPIRV.h"
#include "mlir/Conversion/GPUToSPIRV/GPUToSPIRV.h"
#include "mlir/Conversion/MathToSPIRV/MathToSPIRV.h"
#include "mlir/Conversion/MemRefToSPIRV/MemRefToSPIRV.h"
#include "mlir/Conversion/SCFToSPIRV/SCFToSPIRV.h"
#include "mlir/Conversion/VectorToSPIRV/VectorToSPIRV.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SPIRV/IR/SPIRVDialect.h"
#include "mlir/Dialect/SPIRV/IR/SPIRVOps.h"
#include "mlir/Dialect/SPIRV/IR/TargetAndABI.h"
#include "mlir/Dialect/SPIRV/Transforms/SPIRVConversion.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/Transforms/DialectConversion.h"
#include "nncc/Dialect/Exec/Exec.h"
#include "targets/webgpu/Kernel.h"
#include "targets/webgpu/Passes.h"
#include "targets/webgpu/WgslPrinter.h"

namespace nncc::webgpu {

#define GEN_PASS_DEF_TOSPIRV
#include "targets/webgpu/Passes.h.inc"

} // namespace nncc::webgpu

using namespace mlir;
using namespace nncc;
using namespace nncc::webgpu;

static MemRefType withStorage(MemRefType type, spirv::StorageClass storage) {
  return MemRefType::get(
      type.getShape(), type.getElementType(), MemRefLayoutAttrInterface(),
      spirv::StorageClassAttr::get(type.getContext(), storage));
}

/// What Vulkan 1.1 has, and f16 for the kernels that use it.
static spirv::TargetEnvAttr getTarget(MLIRContext *context) {
  auto vce = spirv::VerCapExtAttr::get(
      spirv::Version::V_1_3,
      {spirv::Capability::Shader, spirv::Capability::GroupNonUniform,
       spirv::Capability::GroupNonUniformArithmetic, spirv::Capability::Float16,
       spirv::Capability::StorageBuffer16BitAccess},
      {spirv::Extension::SPV_KHR_storage_buffer_storage_class,
       spirv::Extension::SPV_KHR_16bit_storage},
      context);
  return spirv::TargetEnvAttr::get(
      vce, spirv::getDefaultResourceLimits(context), spirv::ClientAPI::Vulkan,
      spirv::Vendor::Unknown, spirv::DeviceType::Unknown,
      spirv::TargetEnvAttr::kUnknownDeviceID);
}

namespace {

/// Writes to buffers and to workgroup memory become visible.
struct BarrierConversion : OpConversionPattern<gpu::BarrierOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult matchAndRewrite(gpu::BarrierOp op, OpAdaptor,
                                ConversionPatternRewriter &b) const override {
    b.replaceOpWithNewOp<spirv::ControlBarrierOp>(
        op, spirv::Scope::Workgroup, spirv::Scope::Workgroup,
        spirv::MemorySemantics::AcquireRelease |
            spirv::MemorySemantics::WorkgroupMemory |
            spirv::MemorySemantics::UniformMemory);
    return success();
  }
};

struct VectorConversion : OpConversionPattern<vector::FromElementsOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult matchAndRewrite(vector::FromElementsOp op, OpAdaptor adaptor,
                                ConversionPatternRewriter &b) const override {
    b.replaceOpWithNewOp<spirv::CompositeConstructOp>(
        op, getTypeConverter()->convertType(op.getType()),
        adaptor.getElements());
    return success();
  }
};

/// Makes a function that a GPU can enter from a kernel.
class EntryPointBuilder {
public:
  explicit EntryPointBuilder(func::FuncOp kernel)
      : kernel(kernel), b(kernel.getContext()), loc(kernel.getLoc()) {}

  gpu::GPUModuleOp build(StringRef name);

private:
  void collectTypes();
  void mapArguments(Block &entry);
  void placeInWorkgroup();

  func::FuncOp kernel;
  OpBuilder b;
  Location loc;
  SmallVector<Type> types;
  unsigned numSymbols = 0;
  IRMapping mapping;
};

struct ToSpirvPass : webgpu::impl::ToSpirvBase<ToSpirvPass> {
  void runOnOperation() override;
};

} // namespace

/// The buffers, and one more for the symbols, laid out as the uniform is.
void EntryPointBuilder::collectTypes() {
  for (BlockArgument argument : kernel.getArguments()) {
    if (auto memref = dyn_cast<MemRefType>(argument.getType()))
      types.push_back(withStorage(memref, spirv::StorageClass::StorageBuffer));
    if (auto symbol = exec::getSymbolArgument(kernel, argument))
      numSymbols = std::max(numSymbols, *symbol + 1);
  }
  auto row = VectorType::get({4}, b.getI32Type());
  if (numSymbols)
    types.push_back(withStorage(MemRefType::get({(numSymbols + 3) / 4}, row),
                                spirv::StorageClass::Uniform));
}

void EntryPointBuilder::mapArguments(Block &entry) {
  unsigned next = 0;
  for (BlockArgument argument : kernel.getArguments())
    if (isa<MemRefType>(argument.getType()))
      mapping.map(argument, entry.getArgument(next++));
  for (BlockArgument argument : kernel.getArguments()) {
    auto symbol = exec::getSymbolArgument(kernel, argument);
    if (!symbol)
      continue;
    Value row = b.create<memref::LoadOp>(
        loc, entry.getArgument(next),
        ValueRange{b.create<arith::ConstantIndexOp>(loc, *symbol / 4)});
    Value word = b.create<vector::ExtractOp>(loc, row, *symbol % 4);
    mapping.map(argument,
                b.create<arith::IndexCastOp>(loc, b.getIndexType(), word));
  }
}

/// Workgroup memory is allocated: attributions have no conversion.
static void allocateInWorkgroup(gpu::GPUFuncOp func) {
  func.walk([](memref::AllocaOp alloca) {
    OpBuilder b(alloca);
    Value memory = b.create<memref::AllocOp>(
        alloca.getLoc(),
        withStorage(alloca.getType(), spirv::StorageClass::Workgroup));
    alloca.replaceAllUsesWith(memory);
    alloca.erase();
  });
}

gpu::GPUModuleOp EntryPointBuilder::build(StringRef name) {
  collectTypes();
  b.setInsertionPoint(kernel);
  auto module = b.create<gpu::GPUModuleOp>(loc, name);
  b.setInsertionPointToStart(module.getBody());
  auto func = b.create<gpu::GPUFuncOp>(loc, name, b.getFunctionType(types, {}));
  func->setAttr(gpu::GPUDialect::getKernelFuncAttrName(), b.getUnitAttr());
  auto size = kernel->getAttrOfType<IntegerAttr>(workgroupSizeAttrName);
  int32_t threads = size ? size.getInt() : 1;
  func->setAttr(spirv::getEntryPointABIAttrName(),
                spirv::getEntryPointABIAttr(b.getContext(), {threads, 1, 1}));
  Block &entry = func.getBody().front();
  b.setInsertionPointToStart(&entry);
  mapArguments(entry);
  for (Operation &op : kernel.getBody().front().without_terminator())
    b.clone(op, mapping);
  b.create<gpu::ReturnOp>(loc);
  allocateInWorkgroup(func);
  return module;
}

static LogicalResult convert(gpu::GPUModuleOp module) {
  MLIRContext *context = module.getContext();
  spirv::TargetEnvAttr env = getTarget(context);
  module->setAttr(spirv::getTargetEnvAttrName(), env);
  SPIRVConversionOptions options;
  options.use64bitIndex = false;
  SPIRVTypeConverter converter(env, options);
  std::unique_ptr<ConversionTarget> target = SPIRVConversionTarget::get(env);
  RewritePatternSet patterns(context);
  ScfToSPIRVContext scf;
  populateGPUToSPIRVPatterns(converter, patterns);
  arith::populateArithToSPIRVPatterns(converter, patterns);
  populateMathToSPIRVPatterns(converter, patterns);
  populateMemRefToSPIRVPatterns(converter, patterns);
  populateSCFToSPIRVPatterns(converter, scf, patterns);
  populateVectorToSPIRVPatterns(converter, patterns);
  patterns.add<BarrierConversion>(converter, context, /*benefit=*/10);
  patterns.add<VectorConversion>(converter, context);
  return applyFullConversion(module.getOperation(), *target,
                             std::move(patterns));
}

void ToSpirvPass::runOnOperation() {
  SmallVector<func::FuncOp> kernels;
  for (auto func : getOperation().getOps<func::FuncOp>())
    if (func->hasAttr(workgroupsAttrName))
      kernels.push_back(func);
  for (func::FuncOp kernel : kernels) {
    gpu::GPUModuleOp module =
        EntryPointBuilder(kernel).build(makeWgslName(kernel.getName()));
    if (failed(convert(module)))
      return signalPassFailure();
    kernel.erase();
  }
}
