//===- OnnxToNN/StateSizes.h - states that change sizes ---------*- C++ -*-===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef NNCC_FRONTENDS_ONNX_ONNXTONN_STATESIZES_H
#define NNCC_FRONTENDS_ONNX_ONNXTONN_STATESIZES_H

#include "frontends/onnx/OnnxToNN/Node.h"

namespace nncc::onnx {

/// The sizes of a loop's states that change from step to step, in classes:
/// those of one class are equal before the loop and after each step, so that
/// they are one symbol in the body. Which they are shows when the body is
/// legalized: none at first, and each time that it gives other sizes, more or
/// other classes.
class StateSizes {
public:
  explicit StateSizes(llvm::ArrayRef<mlir::Value> initial);

  /// Begins with the sizes that the body's inputs from `first` on leave open;
  /// false if that is none.
  bool startDeclared(mlir::Block &body, unsigned first);

  /// The states' types in the body, with a new symbol for each class.
  llvm::SmallVector<mlir::Type> makeTypes(Node &node);

  /// Learns from what the body gave for states of `types`. False if states
  /// change their types otherwise, or if nothing was learned.
  bool refine(mlir::TypeRange types, llvm::ArrayRef<mlir::Value> next);

  unsigned getNumClasses() const { return numClasses; }
  /// The first of the symbols.
  unsigned getFirstSymbol() const { return firstSymbol; }

private:
  llvm::ArrayRef<mlir::Value> initial;
  /// Of each state's sizes; 0 if it stays, otherwise the class, from 1 on.
  llvm::SmallVector<llvm::SmallVector<unsigned>> classes;
  unsigned numClasses = 0, firstSymbol = 0;
};

/// Fails where the sizes of what steps stack need the body's symbols, which
/// begin with `firstSymbol`.
mlir::LogicalResult checkElements(Node &node, mlir::ValueRange elements,
                                  unsigned firstSymbol);

/// Zeros of a type in the body; sizes that need its symbols are 0.
mlir::Value makeZeros(Node &node, mlir::RankedTensorType type,
                      unsigned firstSymbol);

} // namespace nncc::onnx

#endif // NNCC_FRONTENDS_ONNX_ONNXTONN_STATESIZES_H
