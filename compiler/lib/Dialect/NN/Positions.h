//===- Positions.h - indices of gathers and scatters ------------*- C++ -*-===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef NNCC_LIB_DIALECT_NN_POSITIONS_H
#define NNCC_LIB_DIALECT_NN_POSITIONS_H

#include "nncc/Dialect/NN/NN.h"

namespace nncc::nn {

mlir::RankedTensorType getTensor(mlir::Value value);

/// An error unless the indices are of i32 or i64.
mlir::LogicalResult checkIndices(std::optional<mlir::Location> loc,
                                 mlir::Value indices);
/// An error unless `axis` is one of the data's.
mlir::LogicalResult checkAxis(std::optional<mlir::Location> loc, int64_t axis,
                              mlir::Value data);
/// The size of the tuples in `indices`, which index the data from dimension
/// `first` on.
mlir::FailureOr<int64_t> getTupleSize(std::optional<mlir::Location> loc,
                                      mlir::Value data, mlir::Value indices,
                                      int64_t first);
/// The index as a position: from the end where it is negative.
mlir::Value getPosition(mlir::OpBuilder &b, mlir::Location loc,
                        mlir::Value index, mlir::Value size);

/// Where index tuples lie if they are all positions of a box, in row-major
/// order.
struct IndexBox {
  llvm::SmallVector<int64_t> begin;
  llvm::SmallVector<mlir::AffineExpr> sizes;
};
/// None if the indices, whose tuples index leading dimensions of the data, are
/// no such box, or neither constant nor put together from ranges, as exporters
/// write the assignment of a slice.
std::optional<IndexBox> getIndexBox(mlir::Value indices,
                                    mlir::RankedTensorType data);

} // namespace nncc::nn

#endif // NNCC_LIB_DIALECT_NN_POSITIONS_H
