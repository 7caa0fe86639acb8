//===- OnnxToNN/LoopConverter.h - loops as nn has them ----------*- C++ -*-===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef NNCC_FRONTENDS_ONNX_ONNXTONN_LOOPCONVERTER_H
#define NNCC_FRONTENDS_ONNX_ONNXTONN_LOOPCONVERTER_H

#include "frontends/onnx/OnnxToNN/Node.h"

namespace nncc::onnx {

/// Exporters write such numbers of steps for loops that a condition ends.
constexpr int64_t endlessSteps = int64_t(1) << 31;

/// A loop as both operators are legalized.
struct Loop {
  mlir::Region *body = nullptr;
  llvm::SmallVector<mlir::Value> initial;
  mlir::AffineExpr count;      ///< the number of steps, where sizes tell
  mlir::Value limit;           ///< otherwise, an i64 of rank 0 or none
  mlir::Value condition;       ///< an i1 of rank 0, unless it is true
  bool testsCondition = false; ///< the body's first output is the next one
  unsigned firstState = 0;     ///< among the body's inputs
  /// Symbols from this one on are those of the body. The first `numSizes` of
  /// them are the sizes that states change, see nn.loop.
  unsigned firstSymbol = 0, numSizes = 0;
  /// What the body's inputs are, from the step (an i64 of rank 0) and the
  /// states.
  llvm::function_ref<llvm::SmallVector<mlir::Value>(mlir::Value,
                                                    mlir::ValueRange)>
      getInputs;

  /// Puts the body's outputs into the order of this loop; may be null.
  llvm::function_ref<mlir::LogicalResult(llvm::SmallVector<mlir::Value> &)>
      arrange = nullptr;

  unsigned getNumStates() const { return initial.size(); }
  bool isConstant() const {
    return count && nn::getConstantValue(count) && !condition;
  }
};

/// Legalizes the body. The last states and the stacks; none on failure.
std::optional<llvm::SmallVector<mlir::Value>> convertLoop(Node &node,
                                                          const Loop &loop);

} // namespace nncc::onnx

#endif // NNCC_FRONTENDS_ONNX_ONNXTONN_LOOPCONVERTER_H
