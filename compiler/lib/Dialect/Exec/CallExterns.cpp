//===- CallExterns.cpp - Calls of functions outside -----------------------===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "nncc/Dialect/Exec/Passes.h"

#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "nncc/Dialect/Exec/Exec.h"

namespace nncc::exec {

#define GEN_PASS_DEF_CALLEXTERNS
#include "nncc/Dialect/Exec/Passes.h.inc"

namespace {

using namespace mlir;

struct CallExternsPass : impl::CallExternsBase<CallExternsPass> {
  void runOnOperation() override;

private:
  DictionaryAttr describe(CallExternOp op);
  void call(CallExternOp op);

  /// Of the program.
  SmallVector<Value> symbols;
  SmallVector<Attribute> externs;
};

} // namespace

DictionaryAttr CallExternsPass::describe(CallExternOp op) {
  Builder b(&getContext());
  auto describeTensors = [&](StringRef kind, ArrayRef<Attribute> types) {
    SmallVector<Attribute> tensors;
    for (auto [i, type] : llvm::enumerate(types))
      tensors.push_back(b.getDictionaryAttr(
          {b.getNamedAttr("name", b.getStringAttr(kind + Twine(i))),
           b.getNamedAttr("type", type)}));
    return b.getArrayAttr(tensors);
  };
  ArrayRef<Attribute> types = op.getTypes().getValue();
  SmallVector<StringRef> nodes = getNodeNames(op.getLoc());
  StringRef node = nodes.empty() ? StringRef() : nodes.front();
  return b.getDictionaryAttr(
      {b.getNamedAttr("function", op.getFunctionAttr()),
       b.getNamedAttr("node", b.getStringAttr(node)),
       b.getNamedAttr(
           "inputs",
           describeTensors("input ", types.take_front(op.getNumInputs()))),
       b.getNamedAttr(
           "outputs",
           describeTensors("output ", types.drop_front(op.getNumInputs()))),
       b.getNamedAttr("constants", op.getConstants())});
}

void CallExternsPass::call(CallExternOp op) {
  OpBuilder b(op);
  Location loc = op.getLoc();
  SmallVector<Value> arguments(op.getBuffers());
  for (Attribute attribute : op.getTypes()) {
    auto type = cast<RankedTensorType>(cast<TypeAttr>(attribute).getValue());
    auto map = dyn_cast_or_null<AffineMapAttr>(type.getEncoding());
    for (int64_t dim = 0; dim < type.getRank(); ++dim) {
      AffineExpr size =
          map ? map.getValue().getResult(dim)
              : getAffineConstantExpr(type.getDimSize(dim), &getContext());
      arguments.push_back(materialize(b, loc, size, symbols));
    }
  }
  bool isLibrary = op.getFunction().starts_with(libraryPrefix);
  std::string name = isLibrary ? op.getFunction().str()
                               : (externPrefix + Twine(externs.size())).str();
  if (!isLibrary)
    externs.push_back(describe(op));
  auto call = b.create<func::CallOp>(loc, name, TypeRange(), arguments);
  if (!getOperation().lookupSymbol(name)) {
    b.setInsertionPointToEnd(getOperation().getBody());
    b.create<func::FuncOp>(
         loc, name,
         b.getFunctionType(call.getOperandTypes(), call.getResultTypes()))
        .setPrivate();
  }
  op.erase();
}

void CallExternsPass::runOnOperation() {
  auto program = getOperation().lookupSymbol<func::FuncOp>(programName);
  if (!program)
    return;
  symbols.clear();
  externs.clear();
  for (BlockArgument argument : program.getArguments())
    if (getSymbolArgument(program, argument))
      symbols.push_back(argument);
  program.walk([&](CallExternOp op) { call(op); });
  if (!externs.empty())
    getOperation()->setAttr(externsAttrName,
                            ArrayAttr::get(&getContext(), externs));
}

} // namespace nncc::exec
