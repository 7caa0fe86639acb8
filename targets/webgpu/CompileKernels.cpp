//===- CompileKernels.cpp - All kernels of a program to WGSL --------------===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "nncc/Dialect/Exec/Exec.h"
#include "targets/webgpu/Kernel.h"
#include "targets/webgpu/KernelAttributes.h"
#include "targets/webgpu/Passes.h"
#include "llvm/ADT/StringSet.h"

namespace nncc::webgpu {

#define GEN_PASS_DEF_COMPILEKERNELS
#include "targets/webgpu/Passes.h.inc"

} // namespace nncc::webgpu

using namespace mlir;
using namespace nncc;
using namespace nncc::webgpu;

static DictionaryAttr describe(Builder &b, StringRef name,
                               const KernelVariant &variant) {
  return b.getDictionaryAttr(
      {b.getNamedAttr("features", b.getStrArrayAttr(variant.features)),
       b.getNamedAttr("name", b.getStringAttr(name)),
       b.getNamedAttr("code", b.getStringAttr(variant.wgsl))});
}

static LogicalResult compile(func::FuncOp kernel) {
  Builder b(kernel.getContext());
  SmallVector<Attribute> variants;
  FailureOr<CompiledKernel> compiled = compileKernel(kernel);
  if (failed(compiled))
    return failure();
  for (const KernelVariant &variant : compiled->variants)
    variants.push_back(describe(b, compiled->name, variant));
  kernel->setAttr(variantsAttrName, b.getArrayAttr(variants));
  kernel->setAttr(workgroupsAttrName,
                  AffineMapAttr::get(AffineMap::get(0, compiled->numSymbols,
                                                    compiled->workgroups)));
  kernel->setAttr(numSymbolsAttrName,
                  b.getI64IntegerAttr(compiled->numSymbols));
  return success();
}

namespace {

struct CompileKernelsPass
    : webgpu::impl::CompileKernelsBase<CompileKernelsPass> {
  void runOnOperation() override {
    // Others are parts of a kernel.
    llvm::StringSet<> dispatched;
    getOperation().walk([&](exec::DispatchOp dispatch) {
      if (!dispatch->hasAttr(exec::hostAttrName))
        dispatched.insert(dispatch.getKernel());
    });
    bool isCompiled = true;
    for (auto func : getOperation().getOps<func::FuncOp>())
      if (dispatched.contains(func.getName()))
        isCompiled &= succeeded(compile(func));
    if (!isCompiled)
      signalPassFailure();
  }
};

} // namespace
