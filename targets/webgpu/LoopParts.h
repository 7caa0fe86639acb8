//===- LoopParts.h - An op as several over parts of a loop ------*- C++ -*-===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef NNCC_TARGETS_WEBGPU_LOOPPARTS_H
#define NNCC_TARGETS_WEBGPU_LOOPPARTS_H

#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

namespace nncc::webgpu {

/// A parallel loop of an op on tensors of known sizes, which can be done in
/// parts. An operand that depends on it does so along one dimension, where a
/// step goes on by a constant; parts of a convolution read what overlaps.
class LoopParts {
public:
  /// None where the loop cannot be divided.
  static std::optional<LoopParts> find(mlir::linalg::GenericOp op,
                                       unsigned loop);

  unsigned getNumber() const { return loop; }

  /// Steps of the whole loop.
  int64_t getSize() const { return size; }

  /// How many steps a part may have for an operand, which is a part of a tensor
  /// of this shape, to lie with all between its first element and its last one
  /// within `maxElements`.
  int64_t getMostSteps(mlir::OpOperand &operand, llvm::ArrayRef<int64_t> shape,
                       int64_t maxElements) const;

  /// The dimension of the operand that the loop walks; none if it reads all of
  /// it in each part.
  std::optional<unsigned> getPlace(mlir::OpOperand &operand) const;

  /// Whether a step of the loop is a step along dimension `dim`.
  bool walks(mlir::OpOperand &operand, unsigned dim) const;

  /// What the operand has for the steps from `begin` on.
  mlir::Value extract(mlir::OpBuilder &b, mlir::OpOperand &operand,
                      int64_t begin, int64_t count) const;

  /// What a part writes: fresh, and filled as the whole is.
  mlir::Value makeInit(mlir::OpBuilder &b, mlir::OpOperand &init, int64_t begin,
                       int64_t count) const;

  /// A fresh tensor for a result, and the insertion of a part.
  mlir::Value makeWhole(mlir::OpBuilder &b, mlir::OpOperand &init) const;
  mlir::Value insert(mlir::OpBuilder &b, mlir::OpOperand &init,
                     mlir::Value part, mlir::Value whole, int64_t begin) const;

private:
  LoopParts(mlir::linalg::GenericOp op, unsigned loop, int64_t size)
      : op(op), loop(loop), size(size) {}

  bool canDivide(mlir::OpOperand &operand) const;
  std::optional<int64_t> getStride(mlir::AffineExpr index) const;
  int64_t getExtent(mlir::OpOperand &operand, int64_t count) const;

  // A handle; MLIR's ops have no const methods.
  mutable mlir::linalg::GenericOp op;
  unsigned loop;
  int64_t size;
};

} // namespace nncc::webgpu

#endif
