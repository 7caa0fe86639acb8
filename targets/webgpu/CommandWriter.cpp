//===- CommandWriter.cpp - Words of the list of dispatches ----------------===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "targets/webgpu/CommandWriter.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "nncc/Dialect/Exec/Exec.h"

using namespace mlir;

namespace nncc::webgpu {

// What runtime/core/Commands.cpp defines.
static constexpr llvm::StringLiteral appendName = "nncc_gpu_append";
static constexpr llvm::StringLiteral addSymbolsName = "nncc_gpu_add_symbols";
static constexpr llvm::StringLiteral symbolsAtName = "nncc_gpu_symbols_at";
static constexpr llvm::StringLiteral addUploadName = "nncc_gpu_add_upload";
static constexpr llvm::StringLiteral addressName = "nncc_gpu_address_of";

void CommandWriter::add(Value word) {
  patches.push_back({unsigned(words.size()), word, AffineExpr()});
  words.push_back(0);
}

void CommandWriter::add(AffineExpr word) {
  if (auto constant = dyn_cast<AffineConstantExpr>(word))
    return add(constant.getValue());
  patches.push_back({unsigned(words.size()), Value(), word});
  words.push_back(0);
}

Value CommandWriter::call(OpBuilder &b, Location loc, StringRef function,
                          Type result, ValueRange arguments) {
  if (!module.lookupSymbol(function)) {
    auto declared = func::FuncOp::create(
        loc, function,
        FunctionType::get(b.getContext(), arguments.getTypes(), {result}));
    declared.setPrivate();
    module.push_back(declared);
  }
  return b.create<func::CallOp>(loc, function, TypeRange(result), arguments)
      .getResult(0);
}

void CommandWriter::store(OpBuilder &b, Location loc, Value word, Value memory,
                          int64_t at) {
  Value number = b.create<arith::IndexCastOp>(loc, b.getI32Type(), word);
  Value index = b.create<arith::ConstantIndexOp>(loc, at);
  b.create<memref::StoreOp>(loc, number, memory, index);
}

static Type getWordsType(Builder &b) {
  return MemRefType::get({ShapedType::kDynamic}, b.getI32Type());
}

void CommandWriter::write(Operation *op) {
  if (words.empty())
    return;
  OpBuilder b(op);
  Location loc = op->getLoc();
  Value first = b.create<arith::ConstantIndexOp>(loc, written.size());
  Value count = b.create<arith::ConstantIndexOp>(loc, words.size());
  Value memory =
      call(b, loc, appendName, getWordsType(b), ValueRange{first, count});
  for (const Patch &patch : patches)
    store(b, loc,
          patch.value ? patch.value
                      : exec::materialize(b, loc, patch.expr, symbols),
          memory, patch.at);
  llvm::append_range(written, words);
  words.clear();
  patches.clear();
}

void CommandWriter::addAddress(OpBuilder &b, Value memory) {
  add(call(b, memory.getLoc(), addressName, b.getIndexType(), memory));
}

Value CommandWriter::addUpload(OpBuilder &b, Location loc, AffineExpr offset,
                               Value count) {
  Value place = exec::materialize(b, loc, offset, symbols);
  return call(b, loc, addUploadName, getWordsType(b), {place, count});
}

Value CommandWriter::addSymbolBlock(
    Operation *op, int64_t count, ArrayRef<std::pair<unsigned, Value>> extra) {
  OpBuilder b(op);
  Location loc = op->getLoc();
  Value size = b.create<arith::ConstantIndexOp>(loc, count);
  Value memory = call(b, loc, addSymbolsName, getWordsType(b), size);
  for (auto [symbol, value] : extra)
    store(b, loc, value, memory, symbol);
  return call(b, loc, symbolsAtName, b.getIndexType(), {});
}

DenseI32ArrayAttr CommandWriter::getTemplate() {
  return DenseI32ArrayAttr::get(module.getContext(), written);
}

} // namespace nncc::webgpu
