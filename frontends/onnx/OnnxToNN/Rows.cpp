//===- OnnxToNN/Rows.cpp - the table of supported ONNX operators *- C++ -*-===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "frontends/onnx/OnnxToNN/Rows.h"

#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringMap.h"

#include <tuple>

using namespace nncc::onnx;

void nncc::onnx::forEachRow(llvm::function_ref<void(const Row &)> visit) {
  for (auto family : {getElementwiseRows,
                      getActivationRows,
                      getReductionRows,
                      getShapeRows,
                      getSliceRows,
                      getIndexingRows,
                      getSpatialRows,
                      getResizeRows,
                      getNormalizationRows,
                      getMatmulRows,
                      getAttentionRows,
                      getContribAttentionRows,
                      getEinsumRows,
                      getQuantizedLinearRows,
                      getQuantizedProductRows,
                      getRecurrentRows,
                      getControlFlowRows,
                      getLoopRows,
                      getTreeRows,
                      getSupportVectorRows,
                      getTreeEnsemble5Rows,
                      getLinearModelRows,
                      getFeatureRows,
                      getTopKRows,
                      getSequenceRows,
                      getSignalRows,
                      getGridSampleRows,
                      getFusedRows,
                      getQuantizedRecurrentRows,
                      getSelectionRows,
                      getRandomRows,
                      getRoiAlignRows,
                      getUniqueRows,
                      getContribLayerRows,
                      getContribPositionRows,
                      getContribQuantizedRows,
                      getColumnRows,
                      getDeformConvRows,
                      getEliminationRows,
                      getExpertRows,
                      getGeometryRows,
                      getLossRows,
                      getScanRows,
                      getOldOpsetRows,
                      getTfIdfRows,
                      getUnpoolRows,
                      getWindowRows})
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

void nncc::onnx::printSupportedOps(llvm::raw_ostream &out) {
  llvm::SmallVector<const Row *> rows;
  forEachRow([&](const Row &row) { rows.push_back(&row); });
  llvm::sort(rows, [](const Row *a, const Row *b) {
    return std::make_tuple(llvm::StringRef(a->domain), llvm::StringRef(a->op),
                           a->since) <
           std::make_tuple(llvm::StringRef(b->domain), llvm::StringRef(b->op),
                           b->since);
  });
  out << "| Operator | Domain | Since | Not supported |\n|---|---|---|---|\n";
  for (const Row *row : rows) {
    llvm::StringRef domain = row->domain;
    out << "| " << row->op << " | " << (domain.empty() ? "ai.onnx" : domain)
        << " | " << row->since << " | " << row->limits << " |\n";
  }
}
