//===- OnnxToNN/LoopBuilder.h - an nn.loop around a body --------*- C++ -*-===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef NNCC_FRONTENDS_ONNX_ONNXTONN_LOOPBUILDER_H
#define NNCC_FRONTENDS_ONNX_ONNXTONN_LOOPBUILDER_H

#include "frontends/onnx/OnnxToNN/LoopConverter.h"

namespace nncc::onnx {

/// The number of a step, as bodies have it.
mlir::Value makeStep(Node &node, int64_t number);

/// What a condition is, if constants tell.
std::optional<bool> getKnownCondition(Node &node, mlir::Value condition);

/// The nn.loop around a legalized body without its terminator, whose arguments
/// are the step and the states. `outputs` are the body's: the next condition if
/// the loop tests one, the next states, and what steps stack. The last states
/// and the stacks; none on failure.
std::optional<llvm::SmallVector<mlir::Value>>
buildLoop(Node &node, const Loop &loop, mlir::Region &region,
          llvm::ArrayRef<mlir::Value> outputs);

} // namespace nncc::onnx

#endif // NNCC_FRONTENDS_ONNX_ONNXTONN_LOOPBUILDER_H
