//===- JoinDispatches.cpp - Several dispatches as one ---------------------===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "nncc/Kernels/JoinDispatches.h"

#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/IR/Matchers.h"
#include "nncc/Dialect/Exec/KernelInfo.h"

using namespace mlir;

namespace nncc::kernels {

Value getRoot(Value operand) {
  while (auto view = operand.getDefiningOp<memref::ViewOp>()) {
    if (!matchPattern(view.getByteShift(), m_Zero()))
      return operand;
    operand = view.getSource();
  }
  return operand;
}

bool JoinedOperands::add(exec::DispatchOp dispatch) {
  for (Value argument : dispatch.getArguments()) {
    if (!isa<MemRefType>(argument.getType())) {
      scalars.insert(argument);
      continue;
    }
    auto type = cast<MemRefType>(argument.getType());
    if (maxElements != 0 && type.hasStaticShape() &&
        type.getNumElements() > maxElements)
      return false;
    auto [entry, added] = buffers.insert({getRoot(argument), argument});
    if (entry->second.getType() != type)
      return false;
  }
  return true;
}

static func::FuncOp getKernel(ModuleOp module, exec::DispatchOp dispatch) {
  return module.lookupSymbol<func::FuncOp>(dispatch.getKernel());
}

namespace {

/// Writes a kernel that calls others.
class Outliner {
public:
  Outliner(ModuleOp module, func::FuncOp program,
           const JoinedOperands &operands, Location loc);

  void call(exec::DispatchOp dispatch);
  func::FuncOp finish();

private:
  Value allocate(MemRefType type, int64_t elements);
  void nameScalars(func::FuncOp program);

  ModuleOp module;
  const JoinedOperands &operands;
  func::FuncOp kernel;
  OpBuilder b;
  /// From buffers and scalars to arguments.
  IRMapping inside;
};

} // namespace

Outliner::Outliner(ModuleOp module, func::FuncOp program,
                   const JoinedOperands &operands, Location loc)
    : module(module), operands(operands), b(module.getContext()) {
  SmallVector<Type> types;
  for (auto [root, view] : operands.buffers)
    if (!operands.own.contains(root))
      types.push_back(view.getType());
  types.append(operands.scalars.size() + 2, b.getIndexType());
  kernel = func::FuncOp::create(loc, "joined", b.getFunctionType(types, {}));
  Block *body = kernel.addEntryBlock();
  b.setInsertionPointToStart(body);
  unsigned next = 0;
  for (auto [root, view] : operands.buffers) {
    auto own = operands.own.find(root);
    inside.map(root,
               own == operands.own.end()
                   ? body->getArgument(next++)
                   : allocate(cast<MemRefType>(view.getType()), own->second));
  }
  for (Value scalar : operands.scalars)
    inside.map(scalar, body->getArgument(next++));
  nameScalars(program);
}

/// Memory that the parts see as of `type`.
Value Outliner::allocate(MemRefType type, int64_t elements) {
  Location loc = kernel.getLoc();
  Value memory = b.create<memref::AllocaOp>(
      loc, MemRefType::get({elements}, type.getElementType()));
  return b.createOrFold<memref::CastOp>(loc, type, memory);
}

/// The program's symbols keep their numbers; what else there is comes behind.
void Outliner::nameScalars(func::FuncOp program) {
  unsigned next = llvm::count_if(program.getArguments(), [&](Value argument) {
    return exec::getSymbolArgument(program, cast<BlockArgument>(argument));
  });
  for (Value scalar : operands.scalars) {
    auto argument = dyn_cast<BlockArgument>(scalar);
    bool isOfProgram =
        argument && argument.getOwner()->getParentOp() == program;
    std::optional<unsigned> symbol =
        isOfProgram ? exec::getSymbolArgument(program, argument) : std::nullopt;
    kernel.setArgAttr(cast<BlockArgument>(inside.lookup(scalar)).getArgNumber(),
                      exec::symbolAttrName,
                      b.getI64IntegerAttr(symbol ? *symbol : next++));
  }
}

/// Calls the dispatch's kernel, or what that calls.
void Outliner::call(exec::DispatchOp dispatch) {
  func::FuncOp part = getKernel(module, dispatch);
  SmallVector<Value> values;
  for (auto [i, argument] : llvm::enumerate(dispatch.getArguments())) {
    bool isBuffer = isa<MemRefType>(argument.getType());
    values.push_back(inside.lookup(isBuffer ? getRoot(argument) : argument));
    auto given = dyn_cast<BlockArgument>(values.back());
    if (isBuffer && given)
      kernel.setArgAttrs(given.getArgNumber(), part.getArgAttrDict(i));
  }
  llvm::append_range(values, kernel.getArguments().take_back(2));
  auto calls = part.getOps<func::CallOp>();
  if (calls.empty())
    b.create<func::CallOp>(dispatch.getLoc(), dispatch.getKernel(), TypeRange(),
                           values);
  IRMapping given;
  given.map(part.getArguments(), values);
  for (func::CallOp inner : calls)
    b.clone(*inner, given);
}

func::FuncOp Outliner::finish() {
  b.create<func::ReturnOp>(kernel.getLoc());
  return kernel;
}

/// What the kernels say about themselves, as one.
static exec::KernelInfo joinInfos(ModuleOp module,
                                  ArrayRef<exec::DispatchOp> dispatches) {
  Builder b(module.getContext());
  SetVector<Attribute> nodes, shapes;
  AffineExpr flops = b.getAffineConstantExpr(0), bytes = flops;
  unsigned numSymbols = 0;
  for (exec::DispatchOp dispatch : dispatches) {
    exec::KernelInfo info = exec::getKernelInfo(getKernel(module, dispatch));
    auto append = [&](ArrayAttr list, SetVector<Attribute> &to) {
      if (list)
        to.insert(list.begin(), list.end());
    };
    append(info.nodes, nodes);
    append(info.shapes, shapes);
    auto count = [&](AffineMap map, AffineExpr &sum) {
      if (!map)
        return;
      sum = sum + map.getResult(0);
      numSymbols = std::max(numSymbols, map.getNumSymbols());
    };
    count(info.flops, flops);
    count(info.bytes, bytes);
  }
  return {b.getArrayAttr(nodes.getArrayRef()),
          b.getArrayAttr(shapes.getArrayRef()),
          AffineMap::get(0, numSymbols, flops),
          AffineMap::get(0, numSymbols, bytes)};
}

func::FuncOp DispatchJoiner::join(ArrayRef<exec::DispatchOp> dispatches,
                                  const JoinedOperands &operands,
                                  StringRef suffix) {
  exec::DispatchOp first = dispatches.front(), last = dispatches.back();
  Outliner outliner(module, last->getParentOfType<func::FuncOp>(), operands,
                    last.getLoc());
  for (exec::DispatchOp dispatch : dispatches)
    outliner.call(dispatch);
  func::FuncOp kernel = outliner.finish();
  std::string text;
  llvm::raw_string_ostream(text) << *kernel.getOperation();
  auto [entry, added] = known.try_emplace(text, kernel);
  if (added) {
    exec::setKernelInfo(kernel, joinInfos(module, dispatches));
    kernel.setName((first.getKernel() + suffix).str());
    kernel.setPrivate();
    SymbolTable(module).insert(kernel);
  } else {
    kernel.erase();
    kernel = entry->second;
  }
  SmallVector<Value> arguments;
  for (auto [root, view] : operands.buffers)
    if (!operands.own.contains(root))
      arguments.push_back(view);
  arguments.append(operands.scalars.begin(), operands.scalars.end());
  OpBuilder b(last);
  auto dispatch = b.create<exec::DispatchOp>(last.getLoc(), kernel.getName(),
                                             first.getGrid(), arguments);
  dispatch->setDiscardableAttrs(last->getDiscardableAttrDictionary());
  for (exec::DispatchOp old : dispatches)
    old.erase();
  return kernel;
}

} // namespace nncc::kernels
