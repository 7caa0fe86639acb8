//===- OnnxToNN/Rows.cpp - the table of supported ONNX operators *- C++ -*-===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "frontends/onnx/OnnxToNN/Rows.h"

#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringMap.h"

using namespace nncc::onnx;

void nncc::onnx::forEachRow(llvm::function_ref<void(const Row &)> visit) {
  for (auto family : {getElementwiseRows, getActivationRows, getReductionRows,
                      getShapeRows, getSliceRows, getIndexingRows,
                      getSpatialRows, getResizeRows, getNormalizationRows,
                      getMatmulRows, getRecurrentRows, getControlFlowRows})
    for (const Row &row : family())
      visit(row);
}

const Row *nncc::onnx::findRow(llvm::StringRef domain, llvm::StringRef op,
                               int64_t opset, bool &older) {
  using Index = llvm::StringMap<llvm::SmallVector<const Row *, 2>>;
  static const Index index = [] {
    Index rows;
    forEachRow([&](const Row &row) { rows[row.op].push_back(&row); });
    return rows;
  }();

  older = false;
  const Row *found = nullptr;
  for (const Row *row : index.lookup(op)) {
    if (row->domain != domain)
      continue;
    if (row->since > opset)
      older = true;
    else if (!found || row->since > found->since)
      found = row;
  }
  return found;
}
