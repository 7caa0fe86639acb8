//===- SameKernels.cpp - Kernels that are alike are one -------------------===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "targets/webgpu/SameKernels.h"

#include "mlir/IR/SymbolTable.h"
#include "nncc/Dialect/Exec/KernelInfo.h"
#include "llvm/ADT/SetVector.h"

using namespace mlir;

namespace nncc::webgpu {

/// Joins the names of nodes that a kernel computes with those of another.
static void addNodes(func::FuncOp kernel, func::FuncOp other) {
  exec::KernelInfo info = exec::getKernelInfo(kernel);
  SetVector<Attribute> nodes;
  for (ArrayAttr names : {info.nodes, exec::getKernelInfo(other).nodes})
    if (names)
      nodes.insert(names.begin(), names.end());
  info.nodes = ArrayAttr::get(kernel.getContext(), nodes.getArrayRef());
  exec::setKernelInfo(kernel, info);
}

func::FuncOp SameKernels::add(func::FuncOp draft, StringRef name) {
  Attribute info = draft->removeAttr(exec::kernelAttrName);
  draft.setName("kernel");
  std::string text;
  llvm::raw_string_ostream os(text);
  draft.print(os, OpPrintingFlags().useLocalScope());
  draft->setAttr(exec::kernelAttrName, info);
  func::FuncOp &known = kernels[text];
  if (known) {
    addNodes(known, draft);
    draft.erase();
    return known;
  }
  draft.setName(name);
  SymbolTable(module).insert(draft);
  return known = draft;
}

} // namespace nncc::webgpu
