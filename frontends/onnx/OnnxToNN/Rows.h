//===- OnnxToNN/Rows.h - the table of supported ONNX operators --*- C++ -*-===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef NNCC_FRONTENDS_ONNX_ONNXTONN_ROWS_H
#define NNCC_FRONTENDS_ONNX_ONNXTONN_ROWS_H

#include "mlir/Support/LLVM.h"
#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/STLFunctionalExtras.h"
#include "llvm/Support/raw_ostream.h"

#include <cstdint>

namespace nncc::onnx {

class Node;

/// Legalizes a node. On failure the node has recorded an error.
using Handler = mlir::LogicalResult (*)(Node &);

constexpr unsigned anyNumber = ~0u;

/// An operator from the version `since` of its domain on, until the next row
/// of the same operator.
struct Row {
  const char *op;
  int64_t since;
  unsigned minInputs;
  unsigned maxInputs;
  Handler handler;
  const char *domain = "";
  /// What is not supported, for the documentation.
  const char *limits = "";
  /// Whether it takes lists of tensors.
  bool takesSequences = false;
  /// Whether it does nothing with elements but moving them, so that it does not
  /// matter what their bytes stand for.
  bool movesElements = false;
};

/// The row of an operator that moves elements.
constexpr Row moving(Row row) {
  row.movesElements = true;
  return row;
}

// One function a family, in the file of that name.
llvm::ArrayRef<Row> getElementwiseRows();
llvm::ArrayRef<Row> getActivationRows();
llvm::ArrayRef<Row> getReductionRows();
llvm::ArrayRef<Row> getShapeRows();
llvm::ArrayRef<Row> getSliceRows();
llvm::ArrayRef<Row> getIndexingRows();
llvm::ArrayRef<Row> getSpatialRows();
llvm::ArrayRef<Row> getResizeRows();
llvm::ArrayRef<Row> getNormalizationRows();
llvm::ArrayRef<Row> getMatmulRows();
llvm::ArrayRef<Row> getAttentionRows();
llvm::ArrayRef<Row> getContribAttentionRows();
llvm::ArrayRef<Row> getEinsumRows();
llvm::ArrayRef<Row> getQuantizedLinearRows();
llvm::ArrayRef<Row> getQuantizedProductRows();
llvm::ArrayRef<Row> getRecurrentRows();
llvm::ArrayRef<Row> getQuantizedRecurrentRows();
llvm::ArrayRef<Row> getFusedRows();
llvm::ArrayRef<Row> getControlFlowRows();
llvm::ArrayRef<Row> getLoopRows();
llvm::ArrayRef<Row> getTreeRows();
llvm::ArrayRef<Row> getSupportVectorRows();
llvm::ArrayRef<Row> getTreeEnsemble5Rows();
llvm::ArrayRef<Row> getLinearModelRows();
llvm::ArrayRef<Row> getFeatureRows();
llvm::ArrayRef<Row> getTopKRows();
llvm::ArrayRef<Row> getSequenceRows();
llvm::ArrayRef<Row> getRandomRows();
llvm::ArrayRef<Row> getRoiAlignRows();
llvm::ArrayRef<Row> getSelectionRows();
llvm::ArrayRef<Row> getUniqueRows();
llvm::ArrayRef<Row> getSignalRows();
llvm::ArrayRef<Row> getGridSampleRows();
llvm::ArrayRef<Row> getContribLayerRows();
llvm::ArrayRef<Row> getContribPositionRows();
llvm::ArrayRef<Row> getContribQuantizedRows();
llvm::ArrayRef<Row> getColumnRows();
llvm::ArrayRef<Row> getDeformConvRows();
llvm::ArrayRef<Row> getEliminationRows();
llvm::ArrayRef<Row> getExpertRows();
llvm::ArrayRef<Row> getGeometryRows();
llvm::ArrayRef<Row> getLossRows();
llvm::ArrayRef<Row> getScanRows();
llvm::ArrayRef<Row> getOldOpsetRows();
llvm::ArrayRef<Row> getTfIdfRows();
llvm::ArrayRef<Row> getUnpoolRows();
llvm::ArrayRef<Row> getWindowRows();

/// Visits every row, family after family.
void forEachRow(llvm::function_ref<void(const Row &)> visit);

/// The row for a node; null where there is none. `older` is set when the
/// operator is known, but from a later version on.
const Row *findRow(llvm::StringRef domain, llvm::StringRef op, int64_t opset,
                   bool &older);

/// Prints the supported operators as a Markdown table.
void printSupportedOps(llvm::raw_ostream &out);

} // namespace nncc::onnx

#endif // NNCC_FRONTENDS_ONNX_ONNXTONN_ROWS_H
