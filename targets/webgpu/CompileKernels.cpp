//===- CompileKernels.cpp - All kernels of a program to WGSL --------------===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "nncc/Dialect/Exec/Exec.h"
#include "nncc/Dialect/Exec/KernelInfo.h"
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

/// A device that binds no more runs none of the network.
static void warnOfLarge(func::FuncOp kernel, int64_t maxBytes) {
  int64_t largest = 0;
  for (BlockArgument argument : kernel.getArguments())
    largest = std::max(largest, getBindingBytes(kernel, argument));
  if (largest <= maxBytes)
    return;
  InFlightDiagnostic warning = kernel.emitWarning("binds ");
  warning << largest << " bytes of one tensor";
  StringRef prefix = " for the nodes '";
  if (ArrayAttr nodes = exec::getKernelInfo(kernel).nodes)
    for (auto node : nodes.getAsRange<StringAttr>()) {
      warning << prefix << node.getValue() << "'";
      prefix = ", '";
    }
  warning << " and cannot be divided; where a GPU has no more than " << maxBytes
          << ", the whole network runs on the CPU. Smaller sizes (--dim) avoid "
             "that";
}

namespace {

struct CompileKernelsPass
    : webgpu::impl::CompileKernelsBase<CompileKernelsPass> {
  using Base::Base;

  void runOnOperation() override {
    // Others are parts of a kernel.
    llvm::StringSet<> dispatched;
    getOperation().walk([&](exec::DispatchOp dispatch) {
      if (!dispatch->hasAttr(exec::hostAttrName))
        dispatched.insert(dispatch.getKernel());
    });
    bool isCompiled = true;
    for (auto func : getOperation().getOps<func::FuncOp>())
      if (dispatched.contains(func.getName())) {
        warnOfLarge(func, maxBytes);
        isCompiled &= succeeded(compile(func));
      }
    if (!isCompiled)
      signalPassFailure();
  }
};

} // namespace
