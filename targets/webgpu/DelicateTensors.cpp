//===- DelicateTensors.cpp - What 16 bits would spoil ---------------------===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "targets/webgpu/DelicateTensors.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Interfaces/LoopLikeInterface.h"
#include "targets/webgpu/Schedule.h"
#include "targets/webgpu/WordWeights.h"

using namespace mlir;

namespace nncc::webgpu {

/// What a kernel has by itself, if that is what it hands on; else null.
static Value getOwn(Value operand) {
  if (auto cast = operand.getDefiningOp<memref::CastOp>())
    operand = cast.getSource();
  return operand.getDefiningOp<memref::AllocaOp>() ? operand : Value();
}

/// The tensor that an operand of a dispatch shows, or that a kernel has by
/// itself; null for numbers.
static Value getMemory(Value operand) {
  if (Value own = getOwn(operand))
    return own;
  auto view = operand.getDefiningOp<memref::ViewOp>();
  return view ? view.getSource() : Value();
}

/// Visits the kernel, or what it calls, with the operands for its arguments.
static void
visitParts(ModuleOp module, func::FuncOp kernel, ValueRange operands,
           llvm::function_ref<void(func::FuncOp, ValueRange)> visit) {
  auto calls = kernel.getOps<func::CallOp>();
  if (calls.empty())
    visit(kernel, operands);
  for (func::CallOp call : calls) {
    SmallVector<Value> inner;
    for (Value argument : call.getOperands()) {
      auto outer = dyn_cast<BlockArgument>(argument);
      bool isGiven = outer && outer.getArgNumber() < operands.size();
      inner.push_back(isGiven ? operands[outer.getArgNumber()]
                              : getOwn(argument));
    }
    auto callee = module.lookupSymbol<func::FuncOp>(call.getCallee());
    visitParts(module, callee, inner, visit);
  }
}

/// Whether a kernel, or one that it calls, writes to its argument.
static bool isWritten(BlockArgument argument) {
  return llvm::any_of(argument.getUses(), [](OpOperand &operand) {
    Operation *user = operand.getOwner();
    if (auto call = dyn_cast<func::CallOp>(user))
      return isWritten(SymbolTable::lookupNearestSymbolFrom<func::FuncOp>(
                           call, call.getCalleeAttr())
                           .getArgument(operand.getOperandNumber()));
    auto view = dyn_cast<memref::ReinterpretCastOp>(user);
    return view && llvm::any_of(view->getUses(), [](OpOperand &use) {
             auto op = dyn_cast<linalg::LinalgOp>(use.getOwner());
             return !op || op.isDpsInit(&use);
           });
  });
}

static bool reduces(func::FuncOp part, bool countProducts) {
  return llvm::any_of(part.getOps<linalg::GenericOp>(),
                      [&](linalg::GenericOp op) {
                        return op.getNumReductionLoops() != 0 &&
                               (countProducts || !isSumOfProducts(op));
                      });
}

/// Whether a part is a sum of products.
static bool multiplies(func::FuncOp part) {
  return reduces(part, /*countProducts=*/true) &&
         !reduces(part, /*countProducts=*/false);
}

/// Whether a part reads statistics and no other floats: copies of means, or a
/// deviation from a variance.
bool DelicateTensors::readsStatistics(func::FuncOp part, ValueRange operands) {
  bool result = false;
  for (auto [argument, operand] : llvm::zip(part.getArguments(), operands)) {
    auto type = dyn_cast<MemRefType>(argument.getType());
    if (!type || !isa<FloatType>(type.getElementType()) || isWritten(argument))
      continue;
    if (!operand || !statistics.contains(getMemory(operand)))
      return false;
    result = true;
  }
  return result;
}

void DelicateTensors::addStatistics(exec::DispatchOp dispatch) {
  auto kernel = module.lookupSymbol<func::FuncOp>(dispatch.getKernel());
  auto visit = [&](func::FuncOp part, ValueRange operands) {
    if (!reduces(part, /*countProducts=*/false) &&
        !readsStatistics(part, operands))
      return;
    for (auto [argument, operand] : llvm::zip(part.getArguments(), operands))
      if (operand && isWritten(argument))
        statistics.insert(getMemory(operand));
  };
  visitParts(module, kernel, dispatch.getArguments(), visit);
}

void DelicateTensors::addTemporaries(func::FuncOp program) {
  program.walk([&](exec::AllocOp alloc) {
    llvm::DenseSet<Operation *> users;
    for (Operation *view : alloc->getUsers())
      users.insert(view->user_begin(), view->user_end());
    if (users.size() == 1)
      tensors.insert(alloc.getBuffer());
  });
}

/// Errors would add up from step to step.
void DelicateTensors::addStates(ArrayRef<exec::DispatchOp> dispatches) {
  llvm::DenseMap<Operation *, llvm::DenseSet<Value>> read, written;
  for (exec::DispatchOp dispatch : dispatches) {
    auto loop = dispatch->getParentOfType<LoopLikeOpInterface>();
    auto kernel = module.lookupSymbol<func::FuncOp>(dispatch.getKernel());
    for (; loop; loop = loop->getParentOfType<LoopLikeOpInterface>())
      for (auto [argument, operand] :
           llvm::zip(kernel.getArguments(), dispatch.getArguments()))
        if (Value memory = getMemory(operand);
            memory && loop.isDefinedOutsideOfLoop(memory))
          (isWritten(argument) ? written : read)[loop].insert(memory);
  }
  for (auto &[loop, memories] : written)
    for (Value memory : memories)
      if (read[loop].contains(memory))
        sensitive.insert(memory);
}

template <typename... Ops> static bool has(func::FuncOp part) {
  return part
      .walk([](Operation *op) {
        return isa<Ops...>(op) ? WalkResult::interrupt()
                               : WalkResult::advance();
      })
      .wasInterrupted();
}

/// Whether a part computes exponentials of what it reads and a maximum.
static bool isSoftmax(func::FuncOp part, ValueRange operands,
                      const llvm::DenseSet<Value> &statistics) {
  return has<math::ExpOp>(part) && !multiplies(part) &&
         llvm::any_of(llvm::zip(part.getArguments(), operands), [&](auto pair) {
           auto [argument, operand] = pair;
           return operand && !isWritten(argument) &&
                  statistics.contains(getMemory(operand));
         });
}

/// Whether the dispatch takes a sine, is a softmax or computes something
/// sensitive, other than as a sum.
bool DelicateTensors::isOrigin(exec::DispatchOp dispatch) {
  bool result = false;
  auto visit = [&](func::FuncOp part, ValueRange operands) {
    result |= has<math::SinOp, math::CosOp, math::TanOp>(part) ||
              isSoftmax(part, operands, statistics);
    if (reduces(part, /*countProducts=*/true))
      return;
    for (auto [argument, operand] : llvm::zip(part.getArguments(), operands))
      result |= operand && isWritten(argument) &&
                sensitive.contains(getMemory(operand));
  };
  auto kernel = module.lookupSymbol<func::FuncOp>(dispatch.getKernel());
  visitParts(module, kernel, dispatch.getArguments(), visit);
  return result;
}

/// Against the order of the program.
void DelicateTensors::addOrigins(ArrayRef<exec::DispatchOp> dispatches) {
  for (exec::DispatchOp dispatch : llvm::reverse(dispatches)) {
    if (!isOrigin(dispatch))
      continue;
    auto kernel = module.lookupSymbol<func::FuncOp>(dispatch.getKernel());
    for (auto [argument, operand] :
         llvm::zip(kernel.getArguments(), dispatch.getArguments()))
      if (Value memory = getMemory(operand); memory && !isWritten(argument))
        sensitive.insert(memory);
  }
  tensors.insert(sensitive.begin(), sensitive.end());
}

/// Whether f16 has no such number, and it becomes part of a result.
static bool makesLarge(arith::ConstantOp constant) {
  auto number = dyn_cast<FloatAttr>(constant.getValue());
  return number && isBeyondHalves(number.getValueAsDouble()) &&
         llvm::any_of(constant->getUsers(), [](Operation *user) {
           return isa<arith::AddFOp, arith::MulFOp, arith::SelectOp,
                      arith::SubFOp, linalg::YieldOp>(user);
         });
}

/// Exponentials end what is large, and sums of products what is a mask.
void DelicateTensors::addUnbounded(exec::DispatchOp dispatch) {
  auto visit = [&](func::FuncOp part, ValueRange operands) {
    if (has<math::ExpOp>(part) || reduces(part, /*countProducts=*/true))
      return;
    bool isLarge = false;
    part.walk([&](arith::ConstantOp op) { isLarge |= makesLarge(op); });
    for (Value operand : operands)
      isLarge |= operand && unbounded.contains(getMemory(operand));
    for (auto [argument, operand] : llvm::zip(part.getArguments(), operands))
      if (isLarge && operand && isWritten(argument))
        unbounded.insert(getMemory(operand));
  };
  auto kernel = module.lookupSymbol<func::FuncOp>(dispatch.getKernel());
  visitParts(module, kernel, dispatch.getArguments(), visit);
}

/// Whether a number comes from tensors, not from places in them.
static bool isData(Value number) {
  SmallVector<Value> values = {number};
  llvm::DenseSet<Value> seen;
  while (!values.empty()) {
    Value value = values.pop_back_val();
    if (!seen.insert(value).second)
      continue;
    Operation *maker = value.getDefiningOp();
    if (isa_and_nonnull<memref::LoadOp>(maker) ||
        (!maker && isa<FloatType>(value.getType())))
      return true;
    if (maker)
      llvm::append_range(values, maker->getOperands());
  }
  return false;
}

/// Whether a part rounds numbers of tensors to integers.
static bool rounds(func::FuncOp part) {
  return part
      .walk([](Operation *op) {
        bool isRounding =
            isa<arith::FPToSIOp, arith::FPToUIOp, math::CeilOp, math::FloorOp,
                math::RoundEvenOp, math::RoundOp, math::TruncOp>(op);
        return isRounding && isData(op->getOperand(0)) ? WalkResult::interrupt()
                                                       : WalkResult::advance();
      })
      .wasInterrupted();
}

/// Against the order of the program.
void DelicateTensors::addRounded(ArrayRef<exec::DispatchOp> dispatches) {
  llvm::DenseSet<Value> read, exact;
  for (exec::DispatchOp dispatch : llvm::reverse(dispatches)) {
    bool isExact = false;
    auto visit = [&](func::FuncOp part, ValueRange operands) {
      for (auto [argument, operand] :
           llvm::zip(part.getArguments(), operands)) {
        Value memory = operand ? getMemory(operand) : Value();
        if (!memory || !isWritten(argument))
          continue;
        if (read.contains(memory) && rounds(part))
          exact.insert(memory);
        isExact |= exact.contains(memory);
      }
    };
    auto kernel = module.lookupSymbol<func::FuncOp>(dispatch.getKernel());
    visitParts(module, kernel, dispatch.getArguments(), visit);
    for (auto [argument, operand] :
         llvm::zip(kernel.getArguments(), dispatch.getArguments())) {
      Value memory = getMemory(operand);
      if (!memory || isWritten(argument))
        continue;
      read.insert(memory);
      if (isExact)
        exact.insert(memory);
    }
  }
  tensors.insert(exact.begin(), exact.end());
}

DelicateTensors::DelicateTensors(func::FuncOp program)
    : module(program->getParentOfType<ModuleOp>()) {
  SmallVector<exec::DispatchOp> dispatches;
  program.walk([&](exec::DispatchOp dispatch) {
    if (!dispatch->hasAttr(exec::hostAttrName))
      dispatches.push_back(dispatch);
  });
  program.walk([&](exec::WeightOp weight) {
    if (isBeyondHalves(weight.getValue()))
      unbounded.insert(weight.getBuffer());
  });
  for (exec::DispatchOp dispatch : dispatches) {
    addStatistics(dispatch);
    addUnbounded(dispatch);
  }
  tensors = statistics;
  tensors.insert(unbounded.begin(), unbounded.end());
  addTemporaries(program);
  addStates(dispatches);
  addOrigins(dispatches);
  addRounded(dispatches);
}

} // namespace nncc::webgpu
