//===- Buffer.h - Tensors as views of buffers -------------------*- C++ -*-===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef NNCC_LIB_CONVERSION_LINALGTOEXEC_BUFFER_H
#define NNCC_LIB_CONVERSION_LINALGTOEXEC_BUFFER_H

#include "mlir/Dialect/Utils/ReshapeOpsUtils.h"
#include "mlir/IR/AffineExpr.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/BuiltinTypes.h"

namespace nncc::exec {

/// Around what lies in memory: a border that has one value.
struct Padding {
  mlir::DenseI64ArrayAttr low, high; ///< elements along each dimension
  mlir::TypedAttr value;
};

/// Where a tensor's elements lie: a strided view of a buffer. Sizes and
/// strides are in elements, expressions over the program's symbols.
struct Buffer {
  mlir::Value memory; ///< memref<?xi8>, an exec.alloc, weight or argument
  /// Element offset: an expression plus, inside loops, a run-time value.
  mlir::AffineExpr offset;
  mlir::Value dynamicOffset;
  llvm::SmallVector<mlir::AffineExpr> sizes, strides;
  mlir::Type elementType;
  /// The outer elements of the view are not in memory. Only kernels read such.
  std::optional<Padding> padding;

  bool isContiguous() const;
  int64_t getElementBytes() const;
};

/// Row-major strides of a tensor of these sizes.
llvm::SmallVector<mlir::AffineExpr>
getRowMajorStrides(llvm::ArrayRef<mlir::AffineExpr> sizes,
                   mlir::MLIRContext *context);

/// The number of elements.
mlir::AffineExpr getNumElements(llvm::ArrayRef<mlir::AffineExpr> sizes,
                                mlir::MLIRContext *context);

/// The view with each group of dimensions joined into one; none where the
/// group does not lie as one in memory.
std::optional<Buffer>
collapseView(const Buffer &buffer,
             llvm::ArrayRef<mlir::ReassociationIndices> groups,
             mlir::MLIRContext *context);

/// The view with each dimension split into the sizes of its group.
Buffer expandView(const Buffer &buffer,
                  llvm::ArrayRef<mlir::ReassociationIndices> groups,
                  llvm::ArrayRef<mlir::AffineExpr> sizes);

} // namespace nncc::exec

#endif
