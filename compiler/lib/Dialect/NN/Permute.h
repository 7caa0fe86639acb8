//===- Permute.h - building ops on permuted dimensions ----------*- C++ -*-===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// PermutableOpInterface: dimension d of an operand is dimension perm[d] of its
// source, so that an axis moves to perm[axis] and so does what an attribute
// says about it.
//
//===----------------------------------------------------------------------===//

#ifndef NNCC_LIB_DIALECT_NN_PERMUTE_H
#define NNCC_LIB_DIALECT_NN_PERMUTE_H

#include "nncc/Dialect/NN/NN.h"
#include "nncc/Dialect/NN/Symbols.h"

namespace nncc::nn {

using Perm = llvm::ArrayRef<int64_t>;
using PermResult = llvm::SmallVectorImpl<int64_t>;

/// What `values` says about the operand's dimensions, in the source's order.
template <typename T>
llvm::SmallVector<T> toSource(llvm::ArrayRef<T> values, Perm perm) {
  llvm::SmallVector<T> moved(values.begin(), values.end());
  for (auto [value, to] : llvm::zip_equal(values, perm))
    moved[to] = value;
  return moved;
}

inline mlir::AffineMap toSource(mlir::AffineMap map, Perm perm) {
  return makeSymbolMap(toSource(map.getResults(), perm), map.getContext());
}

inline mlir::RankedTensorType toSource(mlir::RankedTensorType type, Perm perm) {
  llvm::SmallVector<mlir::AffineExpr> dims = getDims(type);
  return makeTensorType(toSource(llvm::ArrayRef<mlir::AffineExpr>(dims), perm),
                        type.getElementType());
}

/// A copy of `op` on other operands. `change` sets its attributes, then the
/// result's type is inferred again, or taken from `type`.
template <typename Op>
mlir::Value rebuild(mlir::OpBuilder &b, Op op, mlir::ValueRange operands,
                    mlir::RankedTensorType type,
                    llvm::function_ref<void(Op)> change) {
  mlir::Operation *copy = b.clone(*op.getOperation());
  copy->setOperands(operands);
  change(llvm::cast<Op>(copy));
  copy->getResult(0).setType(type);
  return copy->getResult(0);
}

/// For ops whose result has the operand's dimensions in the same places.
template <typename Op>
mlir::Value rebuildSameRank(Op op, mlir::OpBuilder &b, mlir::ValueRange sources,
                            Perm perm, PermResult &resultPerm,
                            llvm::function_ref<void(Op)> change) {
  resultPerm.assign(perm.begin(), perm.end());
  return rebuild<Op>(b, op, sources, toSource(op.getType(), perm), change);
}

template <typename Op>
mlir::Value permuteAxis(Op op, mlir::OpBuilder &b, mlir::ValueRange sources,
                        Perm perm, PermResult &resultPerm) {
  return rebuildSameRank<Op>(op, b, sources, perm, resultPerm, [&](Op copy) {
    copy.setAxis(perm[op.getAxis()]);
  });
}

/// Rebuilds an op that drops the operand's dimensions `axes`, or keeps them as
/// ones.
template <typename Op>
mlir::Value
rebuildReduction(Op op, mlir::OpBuilder &b, mlir::ValueRange sources, Perm perm,
                 llvm::ArrayRef<int64_t> axes, bool keepdims,
                 PermResult &resultPerm, llvm::function_ref<void(Op)> change) {
  if (keepdims)
    return rebuildSameRank<Op>(op, b, sources, perm, resultPerm, change);
  // Number the source's dimensions that are left.
  llvm::SmallVector<int64_t> left(perm.size(), 0);
  for (int64_t axis : axes)
    left[perm[axis]] = -1;
  int64_t count = 0;
  for (int64_t &number : left)
    if (number == 0)
      number = count++;
  resultPerm.clear();
  for (int64_t from : perm)
    if (left[from] >= 0)
      resultPerm.push_back(left[from]);
  return rebuild<Op>(b, op, sources, toSource(op.getType(), resultPerm),
                     change);
}

template <typename Op>
mlir::Value permuteReduction(Op op, mlir::OpBuilder &b,
                             mlir::ValueRange sources, Perm perm,
                             PermResult &resultPerm) {
  llvm::SmallVector<int64_t> axes;
  for (int64_t axis : op.getAxes())
    axes.push_back(perm[axis]);
  llvm::sort(axes);
  return rebuildReduction<Op>(op, b, sources, perm, op.getAxes(),
                              op.getKeepdims(), resultPerm,
                              [&](Op copy) { copy.setAxes(axes); });
}

template <typename Op>
mlir::Value permuteArgReduction(Op op, mlir::OpBuilder &b,
                                mlir::ValueRange sources, Perm perm,
                                PermResult &resultPerm) {
  int64_t axis = op.getAxis();
  return rebuildReduction<Op>(op, b, sources, perm, axis, op.getKeepdims(),
                              resultPerm,
                              [&](Op copy) { copy.setAxis(perm[axis]); });
}

} // namespace nncc::nn

#endif // NNCC_LIB_DIALECT_NN_PERMUTE_H
