//===- WgslPrinter.cpp - Kernels as text of WGSL --------------------------===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "targets/webgpu/WgslPrinter.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "nncc/Dialect/Exec/Exec.h"
#include "targets/webgpu/Kernel.h"
#include "targets/webgpu/WgslExpressions.h"
#include "llvm/ADT/TypeSwitch.h"
#include "llvm/Support/FormatVariadic.h"

using namespace mlir;

namespace nncc::webgpu {

std::string makeWgslName(StringRef name) {
  std::string result = "k_";
  for (char c : name)
    result += llvm::isAlnum(c) ? c : '_';
  return result;
}

namespace {

/// Prints one kernel. Every value of an op becomes a `let` of its own.
class Printer {
public:
  Printer(func::FuncOp kernel, raw_ostream &os) : kernel(kernel), os(os) {}

  LogicalResult print(StringRef name);

private:
  void printFeatures();
  bool usesSubgroups();
  void printBindings();
  void printWorkgroupMemory();
  LogicalResult printBlock(Block &block, ArrayRef<std::string> yieldTo);
  LogicalResult printOp(Operation &op, ArrayRef<std::string> yieldTo);
  LogicalResult printLoop(scf::ForOp loop);
  LogicalResult printIf(scf::IfOp branch);
  void printYield(scf::YieldOp yield, ArrayRef<std::string> to);
  LogicalResult printExpression(Operation &op);

  raw_ostream &line() { return os.indent(2 * depth); }
  std::string makeName() { return "v" + std::to_string(numNames++); }
  std::string declare(Value value) { return names[value] = makeName(); }
  std::string getPlace(Value buffer, ValueRange indices);
  void printAtomic(memref::AtomicRMWOp op);

  func::FuncOp kernel;
  raw_ostream &os;
  DenseMap<Value, std::string> names;
  unsigned numNames = 0, depth = 1;
};

} // namespace

static bool isWorkgroup(Value buffer) {
  return gpu::GPUDialect::hasWorkgroupMemoryAddressSpace(
      cast<MemRefType>(buffer.getType()));
}

void Printer::printFeatures() {
  if (llvm::any_of(kernel.getArgumentTypes(), [](Type type) {
        auto memref = dyn_cast<MemRefType>(type);
        return memref && getElementTypeOrSelf(memref.getElementType()).isF16();
      }))
    os << "enable f16;\n";
  if (usesSubgroups())
    os << "enable subgroups;\nrequires subgroup_id;\n";
}

bool Printer::usesSubgroups() {
  return kernel
      .walk([](gpu::SubgroupReduceOp) { return WalkResult::interrupt(); })
      .wasInterrupted();
}

/// Whether accesses from several threads may meet in one word.
static bool isAtomic(Value buffer) {
  return llvm::any_of(buffer.getUsers(), [](Operation *user) {
    return isa<memref::AtomicRMWOp>(user);
  });
}

void Printer::printBindings() {
  unsigned binding = 0, numSymbols = 0;
  for (BlockArgument argument : kernel.getArguments()) {
    if (auto symbol = exec::getSymbolArgument(kernel, argument)) {
      numSymbols = std::max(numSymbols, *symbol + 1);
      continue;
    }
    auto type = dyn_cast<MemRefType>(argument.getType());
    if (!type)
      continue;
    auto space = kernel.getArgAttrOfType<StringAttr>(argument.getArgNumber(),
                                                     spaceAttrName);
    bool isRead = space && space.getValue() != "arena";
    names[argument] = "b" + std::to_string(binding);
    std::string element = getWgslType(type.getElementType());
    if (isAtomic(argument))
      element = "atomic<" + element + ">";
    os << "@group(0) @binding(" << binding << ") var<storage, "
       << (isRead ? "read" : "read_write") << "> b" << binding++ << ": array<"
       << element;
    // WGSL has no empty arrays.
    if (type.hasStaticShape())
      os << ", " << std::max<int64_t>(type.getNumElements(), 1);
    os << ">;\n";
  }
  if (numSymbols)
    os << "@group(0) @binding(" << binding
       << ") var<uniform> symbols: array<vec4<u32>, " << (numSymbols + 3) / 4
       << ">;\n";
}

void Printer::printWorkgroupMemory() {
  unsigned count = 0;
  kernel.walk([&](memref::AllocaOp alloca) {
    if (!isWorkgroup(alloca))
      return;
    std::string name = "w" + std::to_string(count++);
    names[alloca] = name;
    os << "var<workgroup> " << name << ": array<"
       << getWgslType(alloca.getType().getElementType()) << ", "
       << alloca.getType().getNumElements() << ">;\n";
  });
}

LogicalResult Printer::print(StringRef name) {
  printFeatures();
  printBindings();
  printWorkgroupMemory();
  auto size = kernel->getAttrOfType<IntegerAttr>(workgroupSizeAttrName);
  os << "@compute @workgroup_size(" << (size ? size.getInt() : 1) << ")\nfn "
     << name
     << "(@builtin(workgroup_id) workgroup: vec3<u32>,\n"
        "    @builtin(local_invocation_id) thread: vec3<u32>,\n"
        "    @builtin(num_workgroups) grid: vec3<u32>";
  if (usesSubgroups())
    os << ",\n    @builtin(subgroup_id) subgroup: u32,"
          "\n    @builtin(num_subgroups) subgroups: u32,"
          "\n    @builtin(subgroup_invocation_id) lane: u32";
  os << ") {\n";
  for (BlockArgument argument : kernel.getArguments())
    if (auto symbol = exec::getSymbolArgument(kernel, argument)) {
      line() << "let s" << *symbol << " = i32(symbols[" << *symbol / 4 << "]["
             << *symbol % 4 << "]);\n";
      names[argument] = "s" + std::to_string(*symbol);
    }
  if (failed(printBlock(kernel.getBody().front(), {})))
    return failure();
  os << "}\n";
  return success();
}

LogicalResult Printer::printBlock(Block &block, ArrayRef<std::string> yieldTo) {
  for (Operation &op : block)
    if (failed(printOp(op, yieldTo)))
      return failure();
  return success();
}

std::string Printer::getPlace(Value buffer, ValueRange indices) {
  std::string index = indices.empty() ? "0" : names[indices.front()];
  return names[buffer] + "[" + index + "]";
}

LogicalResult Printer::printOp(Operation &op, ArrayRef<std::string> yieldTo) {
  return llvm::TypeSwitch<Operation *, LogicalResult>(&op)
      .Case([&](scf::ForOp loop) { return printLoop(loop); })
      .Case([&](scf::IfOp branch) { return printIf(branch); })
      .Case([&](scf::YieldOp yield) {
        printYield(yield, yieldTo);
        return success();
      })
      .Case([&](func::ReturnOp) { return success(); })
      .Case([&](gpu::BarrierOp barrier) {
        if (barrier->hasAttr(storageBarrierAttrName))
          line() << "storageBarrier();\n";
        line() << "workgroupBarrier();\n";
        return success();
      })
      .Case(
          [&](memref::AllocaOp alloca) { return success(isWorkgroup(alloca)); })
      .Case([&](memref::LoadOp load) {
        std::string place = getPlace(load.getMemRef(), load.getIndices());
        if (isAtomic(load.getMemRef()))
          place = "atomicLoad(&" + place + ")";
        line() << "let " << declare(load) << " = " << place << ";\n";
        return success();
      })
      .Case([&](memref::StoreOp store) {
        line() << getPlace(store.getMemRef(), store.getIndices()) << " = "
               << names[store.getValue()] << ";\n";
        return success();
      })
      .Case([&](memref::AtomicRMWOp atomic) {
        printAtomic(atomic);
        return success();
      })
      .Default([&](Operation *other) { return printExpression(*other); });
}

void Printer::printAtomic(memref::AtomicRMWOp op) {
  bool isAnd = op.getKind() == arith::AtomicRMWKind::andi;
  line() << (isAnd ? "atomicAnd(&" : "atomicOr(&")
         << getPlace(op.getMemref(), op.getIndices()) << ", "
         << names[op.getValue()] << ");\n";
}

/// The name of a builtin's component.
static std::string getBuiltin(Operation &op) {
  auto component = [](StringRef name, gpu::Dimension dimension) {
    return llvm::formatv("i32({0}.{1})", name,
                         gpu::stringifyDimension(dimension))
        .str();
  };
  if (auto id = dyn_cast<gpu::BlockIdOp>(op))
    return component("workgroup", id.getDimension());
  if (auto id = dyn_cast<gpu::ThreadIdOp>(op))
    return component("thread", id.getDimension());
  if (auto size = dyn_cast<gpu::GridDimOp>(op))
    return component("grid", size.getDimension());
  if (isa<gpu::SubgroupIdOp>(op))
    return "i32(subgroup)";
  if (isa<gpu::NumSubgroupsOp>(op))
    return "i32(subgroups)";
  if (isa<gpu::LaneIdOp>(op))
    return "i32(lane)";
  return "";
}

/// The unsigned type of an op's integers.
static std::string getUnsignedType(Operation &op) {
  auto isWord = [](Type type) {
    return getElementTypeOrSelf(type).isSignlessIntOrIndex();
  };
  Type type = op.getOperand(0).getType();
  std::string name =
      getWgslType(isWord(type) ? type : op.getResult(0).getType());
  size_t place = name.find("i32");
  return place == std::string::npos ? name : name.replace(place, 3, "u32");
}

LogicalResult Printer::printExpression(Operation &op) {
  if (auto constant = dyn_cast<arith::ConstantOp>(op)) {
    std::string text = getWgslConstant(constant.getValue());
    names[constant] = text;
    return text.empty() ? op.emitError("has no form in WGSL") : success();
  }
  std::string text = getBuiltin(op);
  if (auto extract = dyn_cast<vector::ExtractOp>(op);
      extract && extract.getNumIndices() == 1 && !extract.hasDynamicPosition())
    text = llvm::formatv("{0}[{1}]", names[extract.getVector()],
                         extract.getStaticPosition().front());
  if (auto elements = dyn_cast<vector::FromElementsOp>(op)) {
    auto getName = [&](Value value) { return names[value]; };
    text = getWgslType(elements.getType()) + "(" +
           llvm::join(llvm::map_range(elements.getElements(), getName), ", ") +
           ")";
  }
  if (text.empty()) {
    StringRef form = getWgslExpression(&op);
    if (form.empty())
      return op.emitError("has no form in WGSL");
    for (size_t i = 0; i < form.size(); ++i) {
      if (form[i] != '$')
        text += form[i];
      else if (form[++i] == 'T')
        text += getWgslType(op.getResult(0).getType());
      else if (form[i] == 'U')
        text += getUnsignedType(op);
      else
        text += names[op.getOperand(form[i] - '0')];
    }
  }
  line() << "let " << declare(op.getResult(0)) << " = " << text << ";\n";
  return success();
}

void Printer::printYield(scf::YieldOp yield, ArrayRef<std::string> to) {
  // A value may be that of a variable which is written before it is read.
  SmallVector<std::string> values;
  for (Value value : yield.getOperands()) {
    std::string name = names[value];
    if (yield.getNumOperands() > 1 && llvm::is_contained(to, name)) {
      std::string copy = makeName();
      line() << "let " << copy << " = " << name << ";\n";
      name = copy;
    }
    values.push_back(name);
  }
  for (auto [variable, value] : llvm::zip_equal(to, values))
    if (variable != value)
      line() << variable << " = " << value << ";\n";
}

LogicalResult Printer::printLoop(scf::ForOp loop) {
  SmallVector<std::string> variables;
  for (auto [init, argument, result] : llvm::zip_equal(
           loop.getInitArgs(), loop.getRegionIterArgs(), loop.getResults())) {
    std::string name = declare(result);
    names[argument] = name;
    variables.push_back(name);
    line() << "var " << name << " = " << names[init] << ";\n";
  }
  std::string iv = declare(loop.getInductionVar());
  std::string step = names[loop.getStep()];
  line() << "for (var " << iv << " = " << names[loop.getLowerBound()] << "; "
         << iv << " < " << names[loop.getUpperBound()] << "; " << iv
         << (step == "1" ? "++" : " += " + step) << ") {\n";
  ++depth;
  if (failed(printBlock(*loop.getBody(), variables)))
    return failure();
  --depth;
  line() << "}\n";
  return success();
}

LogicalResult Printer::printIf(scf::IfOp branch) {
  SmallVector<std::string> variables;
  for (Value result : branch.getResults()) {
    variables.push_back(declare(result));
    line() << "var " << variables.back() << ": "
           << getWgslType(result.getType()) << ";\n";
  }
  line() << "if (" << names[branch.getCondition()] << ") {\n";
  ++depth;
  if (failed(printBlock(*branch.thenBlock(), variables)))
    return failure();
  if (branch.elseBlock()) {
    --depth;
    line() << "} else {\n";
    ++depth;
    if (failed(printBlock(*branch.elseBlock(), variables)))
      return failure();
  }
  --depth;
  line() << "}\n";
  return success();
}

LogicalResult printWgsl(func::FuncOp kernel, StringRef name, raw_ostream &os) {
  return Printer(kernel, os).print(name);
}

} // namespace nncc::webgpu
