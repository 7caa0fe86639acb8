//===- OnnxToNN/CountedLoop.h - conditions that count steps -----*- C++ -*-===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef NNCC_FRONTENDS_ONNX_ONNXTONN_COUNTEDLOOP_H
#define NNCC_FRONTENDS_ONNX_ONNXTONN_COUNTEDLOOP_H

#include "frontends/onnx/OnnxToNN/LoopConverter.h"

namespace nncc::onnx {

/// Limits the number of steps to what the loop's condition says if it is
/// `i + 1 < n`, of a state that counts the steps and a number that stays as it
/// is, or several of these; exporters write `while` so. Where that is all that
/// ends the loop, `loop` has no condition any more. `body` is the legalized
/// body and `outputs` its outputs, the next condition first; the builder stands
/// before the loop. Data may tell the number only if `mayBind`.
void countSteps(Node &node, Loop &loop, mlir::Block &body,
                llvm::ArrayRef<mlir::Value> outputs, bool mayBind);

} // namespace nncc::onnx

#endif // NNCC_FRONTENDS_ONNX_ONNXTONN_COUNTEDLOOP_H
