//===- BindSymbols.cpp - Symbols that a segment binds ---------------------===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "nncc/Dialect/Exec/SizeChecks.h"
#include "targets/webgpu/KernelAttributes.h"
#include "targets/webgpu/Passes.h"

namespace nncc::webgpu {

#define GEN_PASS_DEF_BINDSYMBOLS
#include "targets/webgpu/Passes.h.inc"

} // namespace nncc::webgpu

using namespace mlir;
using namespace nncc;
using namespace nncc::webgpu;

// What runtime/core/Commands.cpp defines.
static constexpr llvm::StringLiteral sizeName = "nncc_gpu_size";
static constexpr llvm::StringLiteral setSizeName = "nncc_gpu_set_size";

namespace {

struct BindSymbolsPass : webgpu::impl::BindSymbolsBase<BindSymbolsPass> {
  void runOnOperation() override;

private:
  Value getBytes(OpBuilder &b, Location loc, FlatSymbolRefAttr name,
                 ValueRange current);
  void bind(exec::BindOp op, exec::SizeChecks &checks);
  void bindAll(func::FuncOp program, unsigned numBound,
               exec::SizeChecks &checks);
  void dropArguments(func::FuncOp func, unsigned first,
                     llvm::function_ref<Value(OpBuilder &, unsigned)> replace);

  /// The arguments of the program that hold symbols, and how many of them are
  /// those of its inputs.
  SmallVector<Value> symbols;
  unsigned given = 0;
};

} // namespace

/// What a function of the symbols says of an arena, as i64; 0 without one.
Value BindSymbolsPass::getBytes(OpBuilder &b, Location loc,
                                FlatSymbolRefAttr name, ValueRange current) {
  if (!name)
    return b.create<arith::ConstantIntOp>(loc, 0, 64);
  auto func = getOperation().lookupSymbol<func::FuncOp>(name.getValue());
  Value bytes = b.create<func::CallOp>(loc, func, current).getResult(0);
  return b.create<arith::IndexCastUIOp>(loc, b.getI64Type(), bytes);
}

void BindSymbolsPass::bind(exec::BindOp op, exec::SizeChecks &checks) {
  OpBuilder b(op);
  Location loc = op.getLoc();
  Type index = b.getIndexType();
  Value elements;
  SmallVector<Value> sizes = checks.accept(b, op, elements);
  func::FuncOp set = checks.declare(setSizeName, {index, index}, {});
  SmallVector<Value> current = symbols;
  for (auto [i, size] : llvm::enumerate(sizes)) {
    unsigned number = op.getFirst() + i;
    Value place = b.create<arith::ConstantIndexOp>(loc, number - given);
    b.create<func::CallOp>(loc, set, ValueRange{place, size});
    current[number] = size;
  }
  auto hostBytes =
      op->getAttrOfType<FlatSymbolRefAttr>(exec::hostBytesAttrName);
  Value gpu = getBytes(b, loc, op.getBytesAttr(), current);
  Value host = getBytes(b, loc, hostBytes, current);
  Type i64 = b.getI64Type();
  func::FuncOp grow = checks.declare(
      exec::growArenasName, {b.getI32Type(), i64, i64, i64}, b.getI32Type());
  Value site = checks.addSite(b, loc);
  b.create<func::CallOp>(loc, grow, ValueRange{site, elements, gpu, host});
  op.erase();
}

/// Of the bound symbols, which begin with the argument `first`.
void BindSymbolsPass::dropArguments(
    func::FuncOp func, unsigned first,
    llvm::function_ref<Value(OpBuilder &, unsigned)> replace) {
  OpBuilder b = OpBuilder::atBlockBegin(&func.getBody().front());
  unsigned count = symbols.size() - given;
  llvm::BitVector dropped(func.getNumArguments());
  dropped.set(first, first + count);
  for (unsigned i = 0; i < count; ++i)
    func.getArgument(first + i).replaceAllUsesWith(replace(b, i));
  func.eraseArguments(dropped);
}

/// The last `numBound` symbols are the program's own.
void BindSymbolsPass::bindAll(func::FuncOp program, unsigned numBound,
                              exec::SizeChecks &checks) {
  ModuleOp module = getOperation();
  auto gpuBytes = module.lookupSymbol<func::FuncOp>(gpuArenaBytesName);
  auto arguments = program.getArguments().drop_front(2);
  auto all = arguments.take_front(gpuBytes.getNumArguments());
  symbols.assign(all.begin(), all.end());
  given = symbols.size() - numBound;
  program.walk([&](exec::BindOp op) { bind(op, checks); });
  Location loc = program.getLoc();
  Type index = IndexType::get(&getContext());
  func::FuncOp get = checks.declare(sizeName, index, index);
  dropArguments(program, 2 + given, [&](OpBuilder &b, unsigned i) -> Value {
    Value number = b.create<arith::ConstantIndexOp>(loc, i);
    return b.create<func::CallOp>(loc, get, number).getResult(0);
  });
  // The arenas as they are at first are no functions of these symbols.
  for (StringRef name : {gpuArenaBytesName, exec::hostArenaBytesName})
    if (auto bytes = module.lookupSymbol<func::FuncOp>(name))
      dropArguments(bytes, given, [&](OpBuilder &b, unsigned) -> Value {
        return b.create<arith::ConstantIndexOp>(loc, 0);
      });
}

void BindSymbolsPass::runOnOperation() {
  ModuleOp module = getOperation();
  auto program = module.lookupSymbol<func::FuncOp>(exec::programName);
  if (!program)
    return;
  exec::SizeChecks checks(module);
  if (auto bound =
          module->getAttrOfType<IntegerAttr>(exec::boundSymbolsAttrName))
    bindAll(program, bound.getInt(), checks);
  program.walk([&](exec::CheckOp op) { checks.check(op); });
  checks.finish();
}
