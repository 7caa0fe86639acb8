//===- Permutable.h - reshapes of permuted dimensions -----------*- C++ -*-===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef NNCC_DIALECT_NN_PERMUTABLE_H
#define NNCC_DIALECT_NN_PERMUTABLE_H

#include "mlir/IR/AffineExpr.h"
#include "llvm/ADT/SmallVector.h"
#include <optional>

namespace nncc::nn {

/// For a reshape from sizes `input` to sizes `result` whose operand is the
/// transpose of a source by `perm`: the permutation by which the result is the
/// transpose of a reshape of the source. None where the reshape joins
/// dimensions that are no neighbours in the source.
std::optional<llvm::SmallVector<int64_t>>
permuteReshape(llvm::ArrayRef<mlir::AffineExpr> input,
               llvm::ArrayRef<mlir::AffineExpr> result,
               llvm::ArrayRef<int64_t> perm);

} // namespace nncc::nn

#endif // NNCC_DIALECT_NN_PERMUTABLE_H
