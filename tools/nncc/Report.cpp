//===- Report.cpp - What the compiler made of a network -------------------===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Report.h"

#include "frontends/onnx/IR/OnnxDialect.h"
#include "nncc/Dialect/Exec/Exec.h"
#include "nncc/Dialect/Exec/Weights.h"
#include "nncc/Kernels/LoopNest.h"

using namespace mlir;

namespace nncc {

SmallVector<SourceNode> getSourceNodes(ModuleOp onnxModule) {
  SmallVector<SourceNode> nodes;
  onnxModule.walk<WalkOrder::PreOrder>([&](onnx::NodeOp node) {
    nodes.push_back({node.getNodeName().str(), node.getOpType().str()});
  });
  return nodes;
}

/// A number, or the expression with the symbols' names.
static llvm::json::Value toJson(AffineExpr expr, ArrayAttr symbols) {
  if (auto constant = dyn_cast<AffineConstantExpr>(expr))
    return constant.getValue();
  std::string text;
  llvm::raw_string_ostream stream(text);
  AffineMap map = AffineMap::get(0, symbols ? symbols.size() : 0, expr);
  stream << map.getResult(0);
  for (unsigned i = symbols ? symbols.size() : 0; i-- > 0;) {
    std::string from = "s" + std::to_string(i);
    StringRef to = cast<StringAttr>(symbols[i]).getValue();
    for (size_t at = text.find(from); at != std::string::npos;
         at = text.find(from, at + to.size()))
      text.replace(at, from.size(), to.str());
  }
  return text;
}

static AffineExpr getNumber(DictionaryAttr info, StringRef name) {
  return info.getAs<AffineMapAttr>(name).getValue().getResult(0);
}

static llvm::json::Object
describeKernel(func::FuncOp kernel, DictionaryAttr info, ArrayAttr symbols) {
  llvm::json::Array nodes, shapes;
  for (auto node : info.getAs<ArrayAttr>("nodes").getAsRange<StringAttr>())
    nodes.push_back(node.getValue());
  for (auto shape : info.getAs<ArrayAttr>("shapes").getAsRange<StringAttr>())
    shapes.push_back(shape.getValue());
  return llvm::json::Object{
      {"name", kernel.getName()},
      {"flops", toJson(getNumber(info, "flops"), symbols)},
      {"bytes", toJson(getNumber(info, "bytes"), symbols)},
      {"shapes", std::move(shapes)},
      {"nodes", std::move(nodes)}};
}

/// The kernels of a module, in order.
static SmallVector<std::pair<func::FuncOp, DictionaryAttr>>
getKernels(ModuleOp module) {
  SmallVector<std::pair<func::FuncOp, DictionaryAttr>> kernels;
  for (auto func : module.getOps<func::FuncOp>())
    if (auto info = func->getAttrOfType<DictionaryAttr>(exec::kernelAttrName))
      kernels.push_back({func, info});
  return kernels;
}

llvm::json::Object makeKernelTable(ModuleOp module) {
  llvm::json::Array kernels, dispatches;
  llvm::StringMap<int64_t> numbers;
  for (auto [kernel, info] : getKernels(module)) {
    numbers[kernel.getName()] = numbers.size();
    kernels.push_back(llvm::json::Object{
        {"name", kernel.getName()},
        {"flops", toJson(getNumber(info, "flops"), nullptr)},
        {"bytes", toJson(getNumber(info, "bytes"), nullptr)}});
  }
  module.walk([&](exec::DispatchOp dispatch) {
    llvm::json::Array nodes;
    for (StringRef name : exec::getNodeNames(dispatch.getLoc()))
      nodes.push_back(llvm::json::fixUTF8(name));
    dispatches.push_back(
        llvm::json::Object{{"kernel", numbers.lookup(dispatch.getKernel())},
                           {"nodes", std::move(nodes)}});
  });
  return llvm::json::Object{{"kernels", std::move(kernels)},
                            {"dispatches", std::move(dispatches)}};
}

AffineExpr countFlops(ModuleOp module) {
  AffineExpr flops = getAffineConstantExpr(0, module.getContext());
  module.walk([&](exec::DispatchOp dispatch) {
    auto kernel = module.lookupSymbol<func::FuncOp>(dispatch.getKernel());
    auto info = kernel->getAttrOfType<DictionaryAttr>(exec::kernelAttrName);
    flops = flops + getNumber(info, "flops");
  });
  return flops;
}

llvm::json::Object makeReport(ModuleOp module, ArrayRef<SourceNode> nodes) {
  auto symbols = module->getAttrOfType<ArrayAttr>("nncc.symbols");
  llvm::json::Array kernels, placement;
  llvm::json::Value arena = nullptr;
  for (auto [kernel, info] : getKernels(module))
    kernels.push_back(describeKernel(kernel, info, symbols));
  for (auto func : module.getOps<func::FuncOp>()) {
    if (func.getName() == exec::arenaBytesName) {
      Value bytes = func.getBody().front().getTerminator()->getOperand(0);
      if (AffineExpr expr = kernels::getSymbolicExpr(bytes))
        arena = toJson(expr, symbols);
    }
  }
  int64_t dispatches = 0;
  module.walk([&](exec::DispatchOp) { ++dispatches; });
  uint64_t weightBytes = 0;
  for (const exec::Weight &weight : exec::getWeights(module))
    weightBytes += exec::getByteSize(weight.value.getShapedType());
  for (const SourceNode &node : nodes)
    placement.push_back(llvm::json::Object{
        {"node", node.name}, {"op", node.op}, {"device", "cpu"}});
  return llvm::json::Object{{"kernels", std::move(kernels)},
                            {"dispatches", dispatches},
                            {"flops", toJson(countFlops(module), symbols)},
                            {"arena_bytes", std::move(arena)},
                            {"weight_bytes", int64_t(weightBytes)},
                            {"placement", std::move(placement)}};
}

} // namespace nncc
