//===- Buffer.cpp - Tensors as views of buffers ---------------------------===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Buffer.h"

#include "nncc/Dialect/NN/Symbols.h"

using namespace mlir;

namespace nncc::exec {

using nn::isOne;

SmallVector<AffineExpr> getRowMajorStrides(ArrayRef<AffineExpr> sizes,
                                           MLIRContext *context) {
  SmallVector<AffineExpr> strides(sizes.size());
  AffineExpr stride = getAffineConstantExpr(1, context);
  for (unsigned i = sizes.size(); i-- > 0;) {
    strides[i] = stride;
    stride = stride * sizes[i];
  }
  return strides;
}

AffineExpr getNumElements(ArrayRef<AffineExpr> sizes, MLIRContext *context) {
  AffineExpr count = getAffineConstantExpr(1, context);
  for (AffineExpr size : llvm::reverse(sizes))
    count = count * size;
  return count;
}

bool Buffer::isContiguous() const {
  SmallVector<AffineExpr> expected =
      getRowMajorStrides(sizes, elementType.getContext());
  for (auto [size, stride, rowMajor] :
       llvm::zip_equal(sizes, strides, expected))
    if (!isOne(size) && stride != rowMajor)
      return false;
  return true;
}

int64_t Buffer::getElementBytes() const {
  unsigned bits =
      elementType.isIndex() ? 64 : elementType.getIntOrFloatBitWidth();
  return std::max(1u, bits / 8);
}

std::optional<Buffer> collapseView(const Buffer &buffer,
                                   ArrayRef<ReassociationIndices> groups,
                                   MLIRContext *context) {
  Buffer view = buffer;
  view.sizes.clear();
  view.strides.clear();
  for (const ReassociationIndices &group : groups) {
    AffineExpr size = getAffineConstantExpr(1, context);
    AffineExpr stride;
    for (int64_t dim : llvm::reverse(group)) {
      if (isOne(buffer.sizes[dim]))
        continue;
      if (!stride)
        stride = buffer.strides[dim];
      else if (nn::getDifference(buffer.strides[dim], stride * size) != 0)
        return std::nullopt;
      size = size * buffer.sizes[dim];
    }
    view.sizes.push_back(size);
    view.strides.push_back(stride ? stride : getAffineConstantExpr(1, context));
  }
  // A tensor of one element may collapse to rank 0.
  return view;
}

Buffer expandView(const Buffer &buffer, ArrayRef<ReassociationIndices> groups,
                  ArrayRef<AffineExpr> sizes) {
  Buffer view = buffer;
  view.sizes.assign(sizes.begin(), sizes.end());
  view.strides.assign(
      sizes.size(),
      getAffineConstantExpr(1, sizes.empty() ? buffer.elementType.getContext()
                                             : sizes[0].getContext()));
  for (auto [i, group] : llvm::enumerate(groups)) {
    AffineExpr stride = buffer.strides[i];
    for (int64_t dim : llvm::reverse(group)) {
      view.strides[dim] = stride;
      stride = stride * sizes[dim];
    }
  }
  return view;
}

} // namespace nncc::exec
