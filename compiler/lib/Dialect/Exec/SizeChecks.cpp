//===- SizeChecks.cpp - Sizes that the runtime may refuse -----------------===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "nncc/Dialect/Exec/SizeChecks.h"

#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;

namespace nncc::exec {

SizeChecks::SizeChecks(ModuleOp module) : module(module) {
  if (auto known = module->getAttrOfType<ArrayAttr>(sitesAttrName))
    llvm::append_range(sites, known);
}

Value SizeChecks::addSite(OpBuilder &b, Location loc) {
  SmallVector<StringRef> nodes = getNodeNames(loc);
  sites.push_back(b.getStringAttr(nodes.empty() ? StringRef() : nodes.front()));
  return b.create<arith::ConstantIntOp>(loc, sites.size() - 1, 32);
}

func::FuncOp SizeChecks::declare(StringRef name, TypeRange inputs,
                                 TypeRange results) {
  if (auto known = module.lookupSymbol<func::FuncOp>(name))
    return known;
  OpBuilder b = OpBuilder::atBlockEnd(module.getBody());
  auto func = b.create<func::FuncOp>(module.getLoc(), name,
                                     b.getFunctionType(inputs, results));
  func.setPrivate();
  return func;
}

SmallVector<Value> SizeChecks::accept(OpBuilder &b, BindOp op,
                                      Value &elements) {
  Location loc = op.getLoc();
  Type i64 = b.getI64Type();
  func::FuncOp accept =
      declare("nncc_accept_size", {b.getI32Type(), i64, i64}, i64);
  elements = b.create<arith::ConstantIntOp>(loc, 1, 64);
  Value site = addSite(b, loc);
  SmallVector<Value> values;
  for (Value value : op.getValues()) {
    elements =
        b.create<func::CallOp>(loc, accept, ValueRange{site, value, elements})
            .getResult(0);
    values.push_back(
        b.create<arith::IndexCastOp>(loc, b.getIndexType(), value));
  }
  return values;
}

void SizeChecks::check(CheckOp op) {
  OpBuilder b(op);
  Type i32 = b.getI32Type();
  func::FuncOp runtime = declare(
      checkSizesName, {i32, op.getLhs().getType(), op.getRhs().getType()}, i32);
  Value site = addSite(b, op.getLoc());
  b.create<func::CallOp>(op.getLoc(), runtime,
                         ValueRange{site, op.getLhs(), op.getRhs()});
  op.erase();
}

void SizeChecks::finish() {
  if (!sites.empty())
    module->setAttr(sitesAttrName, ArrayAttr::get(module.getContext(), sites));
}

} // namespace nncc::exec
