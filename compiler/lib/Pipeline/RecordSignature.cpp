//===- RecordSignature.cpp - Keep names and types of @main ----------------===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/BuiltinOps.h"
#include "nncc/Pipeline/Pipeline.h"

namespace nncc {

#define GEN_PASS_DEF_RECORDSIGNATURE
#include "nncc/Pipeline/Passes.h.inc"

using namespace mlir;

static Attribute getEntry(Builder &b, Attribute name, StringRef kind,
                          unsigned number, Type type) {
  if (!name)
    name = b.getStringAttr(kind + Twine(number));
  return b.getDictionaryAttr({b.getNamedAttr("name", name),
                              b.getNamedAttr("type", TypeAttr::get(type))});
}

namespace {

struct RecordSignaturePass : impl::RecordSignatureBase<RecordSignaturePass> {
  void runOnOperation() override {
    ModuleOp module = getOperation();
    auto main = module.lookupSymbol<func::FuncOp>("main");
    if (!main)
      return;
    Builder b(&getContext());
    SmallVector<Attribute> inputs, outputs;
    for (auto [i, type] : llvm::enumerate(main.getArgumentTypes()))
      inputs.push_back(
          getEntry(b, main.getArgAttr(i, "nn.name"), "input", i, type));
    for (auto [i, type] : llvm::enumerate(main.getResultTypes()))
      outputs.push_back(
          getEntry(b, main.getResultAttr(i, "nn.name"), "output", i, type));
    module->setAttr("nncc.inputs", b.getArrayAttr(inputs));
    module->setAttr("nncc.outputs", b.getArrayAttr(outputs));
    for (auto [from, to] :
         {std::pair("nn.symbols", "nncc.symbols"),
          std::pair("nn.symbol_bounds", "nncc.symbol_bounds"),
          std::pair("nn.symbol_nodes", "nncc.symbol_nodes"),
          std::pair("nn.bound_symbols", "nncc.bound_symbols")})
      if (Attribute value = main->getAttr(from))
        module->setAttr(to, value);
  }
};

} // namespace
} // namespace nncc
