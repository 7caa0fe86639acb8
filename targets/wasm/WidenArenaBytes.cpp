//===- WidenArenaBytes.cpp - The arena's size in 64 bits ------------------===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "targets/wasm/Passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "nncc/Dialect/Exec/Exec.h"

namespace nncc::wasm {

#define GEN_PASS_DEF_WIDENARENABYTES
#include "targets/wasm/Passes.h.inc"

} // namespace nncc::wasm

using namespace mlir;

namespace {

struct WidenArenaBytesPass
    : nncc::wasm::impl::WidenArenaBytesBase<WidenArenaBytesPass> {
  using Base::Base;

  void runOnOperation() override;
};

} // namespace

static void widen(Value value, Type wide) {
  if (value.getType().isIndex())
    value.setType(wide);
}

static void widen(func::FuncOp func) {
  Type wide = IntegerType::get(func.getContext(), 64);
  func.walk([&](Block *block) {
    for (BlockArgument argument : block->getArguments())
      widen(argument, wide);
  });
  func.walk([&](Operation *op) {
    for (Value result : op->getResults())
      widen(result, wide);
    if (auto constant = dyn_cast<arith::ConstantOp>(op))
      if (constant.getType() == wide)
        constant.setValueAttr(IntegerAttr::get(
            wide, cast<IntegerAttr>(constant.getValue()).getInt()));
    // What widened an index has nothing left to do.
    if (isa<arith::IndexCastOp, arith::IndexCastUIOp>(op) &&
        op->getOperand(0).getType() == op->getResult(0).getType()) {
      op->getResult(0).replaceAllUsesWith(op->getOperand(0));
      op->erase();
    }
  });
  SmallVector<Type> arguments(func.getNumArguments(), wide);
  func.setFunctionType(FunctionType::get(func.getContext(), arguments, {wide}));
}

/// Calls within the program, which goes on with an i64 itself.
static void widenCalls(func::FuncOp func, ModuleOp module) {
  Type wide = IntegerType::get(func.getContext(), 64);
  auto uses = SymbolTable::getSymbolUses(func, module);
  for (SymbolTable::SymbolUse use : *uses) {
    auto call = cast<func::CallOp>(use.getUser());
    OpBuilder b(call);
    for (OpOperand &operand : call->getOpOperands())
      operand.set(
          b.create<arith::IndexCastUIOp>(call.getLoc(), wide, operand.get()));
    Value bytes = call.getResult(0);
    bytes.setType(wide);
    for (Operation *user : llvm::make_early_inc_range(bytes.getUsers())) {
      user->getResult(0).replaceAllUsesWith(bytes);
      user->erase();
    }
  }
}

/// Also those of the two arenas that a program for a GPU has.
static bool tellsBoundBytes(func::FuncOp func) {
  StringRef name = func.getName();
  return name.starts_with(nncc::exec::boundBytesPrefix) ||
         name.starts_with(nncc::exec::gpuBoundBytesPrefix) ||
         name.starts_with(nncc::exec::hostBoundBytesPrefix);
}

void WidenArenaBytesPass::runOnOperation() {
  for (auto func : getOperation().getOps<func::FuncOp>()) {
    if (!tellsBoundBytes(func))
      continue;
    widen(func);
    widenCalls(func, getOperation());
  }
  for (StringRef name :
       {"nncc_arena_bytes", "nncc_gpu_arena_bytes", "nncc_host_arena_bytes"}) {
    auto func = getOperation().lookupSymbol<func::FuncOp>(name);
    if (func && !func.isExternal())
      widen(func);
  }
}
