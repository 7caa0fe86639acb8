//===- TensorParts.cpp - Tensors and loops in parts -----------------------===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "nncc/Linalg/TensorParts.h"

#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;

namespace nncc {

SmallVector<Range> divide(int64_t size, int64_t step) {
  SmallVector<Range> ranges;
  for (int64_t begin = 0; begin < size; begin += step)
    ranges.push_back({begin, std::min(step, size - begin)});
  return ranges;
}

namespace {

/// A slice of a tensor along one dimension.
struct Slice {
  SmallVector<OpFoldResult> offsets, sizes, strides;

  Slice(OpBuilder &b, Location loc, Value tensor, unsigned dim, Range range)
      : sizes(tensor::getMixedSizes(b, loc, tensor)) {
    offsets.assign(sizes.size(), b.getIndexAttr(0));
    strides.assign(sizes.size(), b.getIndexAttr(1));
    offsets[dim] = b.getIndexAttr(range.begin);
    sizes[dim] = b.getIndexAttr(range.size);
  }
};

} // namespace

Value extractPart(OpBuilder &b, Location loc, Value whole, unsigned dim,
                  Range range) {
  Slice slice(b, loc, whole, dim, range);
  return b.create<tensor::ExtractSliceOp>(loc, whole, slice.offsets,
                                          slice.sizes, slice.strides);
}

Value insertPart(OpBuilder &b, Location loc, Value part, Value whole,
                 unsigned dim, int64_t begin) {
  int64_t count = cast<RankedTensorType>(part.getType()).getDimSize(dim);
  Slice slice(b, loc, whole, dim, {begin, count});
  return b.create<tensor::InsertSliceOp>(loc, part, whole, slice.offsets,
                                         slice.sizes, slice.strides);
}

tensor::EmptyOp getFresh(Value init) {
  if (auto fill = init.getDefiningOp<linalg::FillOp>())
    init = fill.getOutputs()[0];
  return init.getDefiningOp<tensor::EmptyOp>();
}

Value makeFreshPart(OpBuilder &b, Value init, unsigned dim, int64_t count) {
  tensor::EmptyOp whole = getFresh(init);
  SmallVector<OpFoldResult> sizes = whole.getMixedSizes();
  sizes[dim] = b.getIndexAttr(count);
  Location loc = whole.getLoc();
  Value part =
      b.create<tensor::EmptyOp>(loc, sizes, whole.getType().getElementType());
  auto fill = init.getDefiningOp<linalg::FillOp>();
  return fill ? b.create<linalg::FillOp>(fill.getLoc(), fill.getInputs(), part)
                    .getResult(0)
              : part;
}

void moveIndices(linalg::GenericOp part, unsigned loop, int64_t begin) {
  SmallVector<linalg::IndexOp> indices;
  part.getBody()->walk([&](linalg::IndexOp index) {
    if (begin != 0 && index.getDim() == loop)
      indices.push_back(index);
  });
  for (linalg::IndexOp index : indices) {
    OpBuilder b(part.getContext());
    b.setInsertionPointAfter(index);
    Location loc = index.getLoc();
    Value first = b.create<arith::ConstantIndexOp>(loc, begin);
    Value moved = b.create<arith::AddIOp>(loc, index, first);
    index.getResult().replaceAllUsesExcept(moved, moved.getDefiningOp());
  }
}

} // namespace nncc
