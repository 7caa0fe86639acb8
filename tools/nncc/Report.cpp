//===- Report.cpp - What the compiler made of a network -------------------===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Report.h"

#include "frontends/onnx/IR/OnnxDialect.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "nncc/Dialect/Exec/KernelInfo.h"
#include "nncc/Dialect/Exec/Weights.h"
#include "nncc/Kernels/LoopNest.h"

using namespace mlir;

namespace nncc {

SmallVector<SourceNode> getSourceNodes(ModuleOp onnxModule) {
  SmallVector<SourceNode> nodes;
  DenseMap<Operation *, unsigned> numbers;
  onnxModule.walk<WalkOrder::PreOrder>([&](onnx::NodeOp node) {
    numbers[node] = nodes.size();
    nodes.push_back({node.getNodeName().str(), node.getOpType().str(), {}});
  });
  for (auto [op, number] : numbers)
    for (Value input : op->getOperands())
      if (auto from = numbers.find(input.getDefiningOp());
          from != numbers.end())
        nodes[number].inputs.push_back(from->second);
  return nodes;
}

/// A number, or the expression over s0, s1, ...; null if it is not known.
static llvm::json::Value toJson(AffineExpr expr) {
  if (!expr)
    return nullptr;
  if (auto constant = dyn_cast<AffineConstantExpr>(expr))
    return constant.getValue();
  std::string text;
  llvm::raw_string_ostream(text) << expr;
  return text;
}

static llvm::json::Array toJson(ArrayRef<StringRef> names) {
  llvm::json::Array array;
  for (StringRef name : names)
    array.push_back(llvm::json::fixUTF8(name));
  return array;
}

static llvm::json::Object describeKernel(func::FuncOp kernel) {
  exec::KernelInfo info = exec::getKernelInfo(kernel);
  llvm::json::Array shapes;
  llvm::SetVector<StringRef> nodes; // Of all its dispatches.
  for (auto node : info.nodes.getAsRange<StringAttr>())
    nodes.insert(node.getValue());
  for (auto shape : info.shapes.getAsRange<StringAttr>())
    shapes.push_back(shape.getValue());
  return llvm::json::Object{{"name", kernel.getName()},
                            {"flops", toJson(info.getFlops())},
                            {"bytes", toJson(info.getBytes())},
                            {"shapes", std::move(shapes)},
                            {"nodes", toJson(nodes.getArrayRef())}};
}

/// The kernels of a module, in order.
static SmallVector<func::FuncOp> getKernels(ModuleOp module) {
  return llvm::to_vector(llvm::make_filter_range(
      module.getOps<func::FuncOp>(),
      [](func::FuncOp func) { return func->hasAttr(exec::kernelAttrName); }));
}

llvm::json::Object makeKernelTable(ModuleOp module) {
  llvm::json::Array kernels, dispatches;
  llvm::StringMap<int64_t> numbers;
  for (func::FuncOp kernel : getKernels(module)) {
    exec::KernelInfo info = exec::getKernelInfo(kernel);
    numbers[kernel.getName()] = numbers.size();
    kernels.push_back(llvm::json::Object{{"name", kernel.getName()},
                                         {"flops", toJson(info.getFlops())},
                                         {"bytes", toJson(info.getBytes())}});
  }
  module.walk([&](exec::DispatchOp dispatch) {
    dispatches.push_back(llvm::json::Object{
        {"kernel", numbers.lookup(dispatch.getKernel())},
        {"nodes", toJson(exec::getNodeNames(dispatch.getLoc()))}});
  });
  return llvm::json::Object{{"kernels", std::move(kernels)},
                            {"dispatches", std::move(dispatches)}};
}

/// How often the loops around `op` run it; null where symbols do not tell.
static AffineExpr countRuns(Operation *op) {
  AffineExpr runs = getAffineConstantExpr(1, op->getContext());
  for (auto loop = op->getParentOfType<scf::ForOp>(); loop;
       loop = loop->getParentOfType<scf::ForOp>()) {
    AffineExpr count = kernels::getSymbolicExpr(loop.getUpperBound());
    if (!count || !isConstantIntValue(loop.getLowerBound(), 0) ||
        !isConstantIntValue(loop.getStep(), 1))
      return AffineExpr();
    runs = runs * count;
  }
  return runs;
}

AffineExpr countFlops(ModuleOp module) {
  AffineExpr flops = getAffineConstantExpr(0, module.getContext());
  module.walk([&](exec::DispatchOp dispatch) {
    auto kernel = module.lookupSymbol<func::FuncOp>(dispatch.getKernel());
    AffineExpr runs = countRuns(dispatch);
    AffineExpr ofOne = exec::getKernelInfo(kernel).getFlops();
    flops = flops && runs ? flops + ofOne * runs : AffineExpr();
  });
  return flops;
}

namespace {

/// Lists the buffers of the memory plan and when they are in use.
class PlanReader {
public:
  explicit PlanReader(func::FuncOp program) : program(program) {
    program.walk(
        [&](exec::DispatchOp dispatch) { numbers[dispatch] = numbers.size(); });
  }

  llvm::json::Array read();

private:
  /// Numbers of the dispatches that use a buffer through any view.
  SmallVector<int64_t> getUses(Value buffer);

  func::FuncOp program;
  DenseMap<Operation *, int64_t> numbers;
};

} // namespace

SmallVector<int64_t> PlanReader::getUses(Value buffer) {
  SmallVector<int64_t> uses;
  SmallVector<Value> values = {buffer};
  while (!values.empty()) {
    for (Operation *user : values.pop_back_val().getUsers()) {
      if (auto number = numbers.find(user); number != numbers.end())
        uses.push_back(number->second);
      else if (isa<func::ReturnOp>(user)) // Outputs stay until the end.
        uses.push_back(numbers.size() - 1);
      else
        llvm::append_range(values, user->getResults());
    }
  }
  llvm::sort(uses);
  uses.erase(llvm::unique(uses), uses.end());
  return uses;
}

llvm::json::Array PlanReader::read() {
  llvm::json::Array buffers;
  program.walk([&](memref::ViewOp view) {
    if (view.getSource() != program.getArgument(0) || view.getSizes().empty() ||
        view->hasAttr(exec::hostAttrName))
      return;
    AffineExpr offset = kernels::getSymbolicExpr(view.getByteShift());
    AffineExpr bytes = kernels::getSymbolicExpr(view.getSizes()[0]);
    SmallVector<int64_t> uses = getUses(view);
    if (offset && bytes && !uses.empty())
      buffers.push_back(llvm::json::Object{{"offset", toJson(offset)},
                                           {"bytes", toJson(bytes)},
                                           {"uses", llvm::json::Array(uses)}});
  });
  return buffers;
}

/// Names and bounds of the symbols.
static llvm::json::Array describeSymbols(ModuleOp module) {
  llvm::json::Array symbols;
  auto names = module->getAttrOfType<ArrayAttr>("nncc.symbols");
  auto bounds = module->getAttrOfType<ArrayAttr>("nncc.symbol_bounds");
  for (unsigned i = 0; names && i < names.size(); ++i) {
    llvm::json::Object symbol{
        {"name", llvm::json::fixUTF8(cast<StringAttr>(names[i]).getValue())}};
    if (auto bound = bounds ? dyn_cast<DenseI64ArrayAttr>(bounds[i]) : nullptr;
        bound && bound.size() == 2) {
      symbol["min"] = bound[0];
      if (bound[1] >= 0)
        symbol["max"] = bound[1];
    }
    symbols.push_back(std::move(symbol));
  }
  return symbols;
}

static llvm::json::Value getArenaBytes(ModuleOp module) {
  auto func = module.lookupSymbol<func::FuncOp>(exec::arenaBytesName);
  if (!func)
    return nullptr;
  Value bytes = func.getBody().front().getTerminator()->getOperand(0);
  AffineExpr expr = kernels::getSymbolicExpr(bytes);
  return expr ? toJson(expr) : llvm::json::Value(nullptr);
}

/// Where each node runs: what is shared by both has both names.
static llvm::json::Array describePlacement(ModuleOp module, StringRef device,
                                           ArrayRef<SourceNode> nodes) {
  llvm::SetVector<StringRef> isOnHost, isOnDevice;
  exec::walkHostWork(module, [&](Operation *op, StringRef) {
    exec::addNodeNames(op, isOnHost);
  });
  module.walk([&](exec::DispatchOp dispatch) {
    if (!dispatch->hasAttr(exec::hostAttrName))
      exec::addNodeNames(dispatch, isOnDevice);
  });
  llvm::json::Array placement;
  for (const SourceNode &node : nodes) {
    std::string where = device.str();
    if (isOnHost.contains(node.name))
      where = isOnDevice.contains(node.name) ? where + "+cpu" : "cpu";
    placement.push_back(
        llvm::json::Object{{"node", llvm::json::fixUTF8(node.name)},
                           {"op", llvm::json::fixUTF8(node.op)},
                           {"inputs", llvm::json::Array(node.inputs)},
                           {"device", where}});
  }
  return placement;
}

llvm::json::Object makeReport(ModuleOp module, StringRef device,
                              ArrayRef<SourceNode> nodes) {
  llvm::json::Object report = makeKernelTable(module);
  llvm::json::Array kernels;
  int64_t readbacks = 0;
  module.walk([&](exec::ReadbackOp) { ++readbacks; });
  for (func::FuncOp kernel : getKernels(module))
    kernels.push_back(describeKernel(kernel));
  uint64_t weightBytes = 0;
  for (const exec::Weight &weight : exec::getWeights(module))
    weightBytes += exec::getByteSize(weight.value.getShapedType());
  if (auto name = module->getAttrOfType<StringAttr>("nncc.source_name"))
    report["source"] = llvm::json::fixUTF8(name.getValue());
  if (auto program = module.lookupSymbol<func::FuncOp>(exec::programName))
    report["buffers"] = PlanReader(program).read();
  report["kernels"] = std::move(kernels);
  report["symbols"] = describeSymbols(module);
  report["flops"] = toJson(countFlops(module));
  report["arena_bytes"] = getArenaBytes(module);
  report["weight_bytes"] = int64_t(weightBytes);
  report["readbacks"] = readbacks;
  report["placement"] = describePlacement(module, device, nodes);
  return report;
}

} // namespace nncc
