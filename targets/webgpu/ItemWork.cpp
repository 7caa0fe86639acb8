//===- ItemWork.cpp - Little work for each of many items -----------------===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "targets/webgpu/ItemWork.h"

#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Interfaces/LoopLikeInterface.h"
#include "nncc/Dialect/NN/Symbols.h"
#include "nncc/Kernels/JoinDispatches.h"
#include "targets/webgpu/WholeKernel.h"

using namespace mlir;
using namespace nncc::kernels;

namespace nncc::webgpu {

/// What a dispatch gives to a part for its arguments; null for what the kernel
/// has by itself.
static SmallVector<Value> getOperands(func::CallOp call, ValueRange given) {
  SmallVector<Value> operands;
  for (Value operand : call.getOperands()) {
    auto argument = dyn_cast<BlockArgument>(operand);
    bool isGiven = argument && argument.getArgNumber() < given.size();
    operands.push_back(isGiven ? given[argument.getArgNumber()] : Value());
  }
  return operands;
}

/// Whether only the first `count` symbols, the program's, are read: others mean
/// something else in each dispatch.
static bool readsOnly(AffineExpr expr, unsigned count) {
  bool result = true;
  expr.walk([&](AffineExpr part) {
    auto symbol = dyn_cast<AffineSymbolExpr>(part);
    result &= !symbol || symbol.getPosition() < count;
  });
  return result;
}

/// What is left of an expression where all sizes are 0.
static int64_t getConstantTerm(AffineExpr expr, unsigned numSymbols) {
  SmallVector<AffineExpr> zeros(numSymbols,
                                getAffineConstantExpr(0, expr.getContext()));
  AffineExpr rest = nn::simplify(expr.replaceSymbols(zeros));
  return nn::getConstantValue(rest).value_or(-1);
}

/// The number of the last symbol that is read, plus one.
static unsigned countSymbols(AffineExpr expr) {
  unsigned count = 0;
  expr.walk([&](AffineExpr part) {
    if (auto symbol = dyn_cast<AffineSymbolExpr>(part))
      count = std::max(count, symbol.getPosition() + 1);
  });
  return count;
}

/// The distance between the elements of neighbouring items, if those of each
/// lie in a window of so many, at one place in it, of an array of them for all
/// items. Null where an access has no such form.
static AffineExpr getItemStride(const LoopNest &nest, const Access &access,
                                unsigned item) {
  AffineExpr stride = access.coefs[item], count = nest.dims[item].size;
  if (!access.terms.empty() || !access.guards.empty())
    return AffineExpr();
  auto distance = nn::getConstantValue(stride);
  int64_t end = getConstantTerm(access.offset, countSymbols(access.offset));
  auto whole = nn::divideExactly(nn::simplify(access.offset - end),
                                 nn::simplify(stride * count));
  if (!distance || *distance <= 0 || end < 0 || !whole)
    return AffineExpr();
  for (auto [i, dim] : llvm::enumerate(nest.dims)) {
    if (i == item)
      continue;
    auto size = nn::getConstantValue(dim.size);
    auto coef = nn::getConstantValue(access.coefs[i]);
    if (!size || !coef || *coef < 0)
      return AffineExpr();
    end += *coef * (*size - 1);
  }
  return end < *distance ? stride : AffineExpr();
}

bool ItemWork::areIndependent() const {
  return llvm::all_of(uses, [&](const Use &written) {
    return !written.writes || llvm::all_of(uses, [&](const Use &use) {
      return use.buffer != written.buffer ||
             (use.stride && use.stride == written.stride);
    });
  });
}

std::optional<int64_t> ItemWork::getItemElements(Value buffer) const {
  std::optional<int64_t> elements;
  for (const Use &use : uses) {
    if (use.buffer != buffer)
      continue;
    if (!use.stride || !isa<AffineConstantExpr>(use.offset))
      return std::nullopt;
    elements = nn::getConstantValue(use.stride);
  }
  return elements;
}

bool ItemWork::addUses(const LoopNest &nest, func::FuncOp part,
                       ValueRange operands) {
  unsigned item = *getItemDim(nest);
  auto add = [&](const Access &access, bool writes) {
    auto argument = dyn_cast_or_null<BlockArgument>(access.buffer);
    Value operand = argument ? operands[argument.getArgNumber()] : Value();
    if (operand)
      uses.push_back({getRoot(operand), getItemStride(nest, access, item),
                      access.offset, writes});
  };
  for (const Stage *stage :
       {&nest.main, nest.epilogue ? &*nest.epilogue : nullptr}) {
    for (const Access &access : stage ? ArrayRef(stage->inputs) : std::nullopt)
      add(access, /*writes=*/false);
    for (const Access &access : stage ? ArrayRef(stage->outputs) : std::nullopt)
      add(access, /*writes=*/true);
  }
  // What a body looks up may be anywhere.
  part.walk([&](memref::LoadOp load) {
    Value buffer = load.getMemRef();
    if (auto view = buffer.getDefiningOp<memref::ReinterpretCastOp>())
      buffer = view.getSource();
    if (auto argument = dyn_cast<BlockArgument>(buffer))
      if (Value operand = operands[argument.getArgNumber()])
        uses.push_back({getRoot(operand), {}, {}, /*writes=*/false});
  });
  return areIndependent();
}

bool ItemWork::addPart(func::FuncOp part, ValueRange operands) {
  FailureOr<LoopNest> nest = buildLoopNest(part);
  if (failed(nest) || !markItem(*nest) || !fitsWorkgroup(*nest, isStep))
    return false;
  AffineExpr count = countItems(*nest);
  if ((items && items != count) || !readsOnly(count, numSymbols))
    return false;
  items = count;
  return !getItemDim(*nest) || addUses(*nest, part, operands);
}

bool ItemWork::add(exec::DispatchOp dispatch) {
  ItemWork all = *this;
  all.isStep = dispatch->getParentOfType<LoopLikeOpInterface>() != nullptr;
  auto program = dispatch->getParentOfType<func::FuncOp>();
  all.numSymbols = llvm::count_if(program.getArguments(), [&](Value argument) {
    return exec::getSymbolArgument(program, cast<BlockArgument>(argument));
  });
  auto module = program->getParentOfType<ModuleOp>();
  auto kernel = module.lookupSymbol<func::FuncOp>(dispatch.getKernel());
  auto calls = kernel.getOps<func::CallOp>();
  bool fits = !calls.empty() || all.addPart(kernel, dispatch.getArguments());
  for (func::CallOp call : calls)
    fits =
        fits && all.addPart(module.lookupSymbol<func::FuncOp>(call.getCallee()),
                            getOperands(call, dispatch.getArguments()));
  if (fits)
    *this = all;
  return fits;
}

} // namespace nncc::webgpu
