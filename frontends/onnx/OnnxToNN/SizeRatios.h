//===- OnnxToNN/SizeRatios.h - quotients of sizes ---------------*- C++ -*-===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef NNCC_FRONTENDS_ONNX_ONNXTONN_SIZERATIOS_H
#define NNCC_FRONTENDS_ONNX_ONNXTONN_SIZERATIOS_H

#include "frontends/onnx/OnnxToNN/Node.h"

namespace nncc::onnx {

/// The sizes that `dims` have after a resize by `scales`, a vector of floats
/// that the graph computes as quotients of sizes: exporters divide the size
/// that is wanted by the one that is there. None where it is not so.
std::optional<Dims> scaleByRatios(Node &node,
                                  llvm::ArrayRef<mlir::AffineExpr> dims,
                                  mlir::Value scales);

} // namespace nncc::onnx

#endif // NNCC_FRONTENDS_ONNX_ONNXTONN_SIZERATIOS_H
