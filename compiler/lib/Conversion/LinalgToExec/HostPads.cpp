//===- HostPads.cpp - Padded tensors and views of them --------------------===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "HostProgram.h"

#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "mlir/IR/Matchers.h"

#include <array>

using namespace mlir;

namespace nncc::exec {

Buffer HostProgramBuilder::getInterior(tensor::PadOp op, const Buffer &padded) {
  Buffer interior = padded;
  interior.sizes = *getSizes(op.getSource());
  SmallVector<AffineExpr> low = *getExprs(op.getLoc(), op.getMixedLowPad());
  for (auto [offset, stride] : llvm::zip_equal(low, padded.strides))
    interior.offset = interior.offset + offset * stride;
  return interior;
}

bool HostProgramBuilder::isGuarded(tensor::PadOp op) const {
  auto isKnown = [](int64_t size) { return size >= 0; };
  Value yielded = op.getConstantPaddingValue();
  return guardPads && yielded && matchPattern(yielded, m_Constant()) &&
         llvm::all_of(op.getStaticLow(), isKnown) &&
         llvm::all_of(op.getStaticHigh(), isKnown);
}

FailureOr<Buffer> HostProgramBuilder::getPaddedView(tensor::PadOp op) {
  FailureOr<Buffer> view = getBuffer(op.getSource());
  if (failed(view))
    return failure();
  Attribute value;
  matchPattern(op.getConstantPaddingValue(), m_Constant(&value));
  view->padding = Padding{op.getStaticLowAttr(), op.getStaticHighAttr(),
                          cast<TypedAttr>(value)};
  for (auto [dim, low] : llvm::enumerate(op.getStaticLow())) {
    view->offset = view->offset - view->strides[dim] * low;
    view->sizes[dim] = view->sizes[dim] + low + op.getStaticHigh()[dim];
  }
  return view;
}

/// Allocates the padded tensor and fills its border.
FailureOr<Buffer> HostProgramBuilder::getPadded(tensor::PadOp op) {
  if (auto known = buffers.find(op.getResult()); known != buffers.end())
    return known->second;
  Attribute value;
  Value yielded = op.getConstantPaddingValue();
  if (!yielded || !matchPattern(yielded, m_Constant(&value)))
    return op.emitError("pads with a value that is not constant");
  FailureOr<Buffer> padded = getDestination(op.getResult());
  FailureOr<SmallVector<AffineExpr>> sizes = getSizes(op.getSource());
  FailureOr<SmallVector<AffineExpr>> low =
      getExprs(op.getLoc(), op.getMixedLowPad());
  FailureOr<SmallVector<AffineExpr>> high =
      getExprs(op.getLoc(), op.getMixedHighPad());
  if (failed(padded) || failed(sizes) || failed(low) || failed(high))
    return failure();
  buffers[op.getResult()] = *padded;
  // Slab by slab: what lies before and behind the interior along a dimension,
  // within the interior of the dimensions before it.
  Buffer rest = *padded;
  for (unsigned dim = 0; dim < sizes->size(); ++dim) {
    AffineExpr stride = padded->strides[dim];
    Buffer slab = rest;
    auto fillSlab = [&](AffineExpr from, AffineExpr size) {
      if (size == constant(0))
        return success();
      slab.offset = rest.offset + from * stride;
      slab.sizes[dim] = size;
      return kernels->fill(host, op.getLoc(), cast<TypedAttr>(value), slab);
    };
    if (failed(fillSlab(constant(0), (*low)[dim])) ||
        failed(fillSlab((*low)[dim] + (*sizes)[dim], (*high)[dim])))
      return failure();
    rest.offset = rest.offset + (*low)[dim] * stride;
    rest.sizes[dim] = (*sizes)[dim];
  }
  return padded;
}

namespace {

/// One dimension of a slice of a padded tensor, in elements of the slice.
struct SlicedPadding {
  int64_t low, high;
};

} // namespace

/// What of a slice `offset + i * stride`, i < size, lies in the border; none
/// where all of it does. The padded dimension has `inner` elements behind
/// `low`.
static std::optional<SlicedPadding> slicePadding(int64_t low, int64_t inner,
                                                 int64_t offset, int64_t size,
                                                 int64_t stride) {
  int64_t first = llvm::divideCeil(std::max<int64_t>(low - offset, 0), stride);
  int64_t behind =
      llvm::divideCeil(std::max<int64_t>(low + inner - offset, 0), stride);
  int64_t last = std::min(behind, size);
  if (first >= last)
    return std::nullopt;
  return SlicedPadding{first, size - last};
}

/// The padding of a slice of a padded view, along all dimensions of the view;
/// none where it is not known here.
static std::optional<SmallVector<SlicedPadding>>
getSlicedPadding(tensor::ExtractSliceOp op, ArrayRef<int64_t> low,
                 ArrayRef<int64_t> high) {
  SmallVector<SlicedPadding> padding;
  for (auto [dim, size] : llvm::enumerate(op.getSourceType().getShape())) {
    if (low[dim] == 0 && high[dim] == 0) {
      padding.push_back({0, 0});
      continue;
    }
    int64_t offset = op.getStaticOffset(dim), count = op.getStaticSize(dim),
            stride = op.getStaticStride(dim);
    if (llvm::any_of(std::array{size, offset, count, stride},
                     ShapedType::isDynamic) ||
        stride < 1)
      return std::nullopt;
    std::optional<SlicedPadding> sliced = slicePadding(
        low[dim], size - low[dim] - high[dim], offset, count, stride);
    bool isDropped = op.getDroppedDims().test(dim);
    if (!sliced || (isDropped && sliced->low + sliced->high > 0))
      return std::nullopt;
    padding.push_back(*sliced);
  }
  return padding;
}

void HostProgramBuilder::slicePaddedView(tensor::ExtractSliceOp op,
                                         const Padding &padding,
                                         Buffer &slice) {
  SmallVector<int64_t> low, high;
  for (auto [dim, sliced] :
       llvm::enumerate(*getSlicedPadding(op, padding.low, padding.high)))
    if (!op.getDroppedDims().test(dim)) {
      low.push_back(sliced.low);
      high.push_back(sliced.high);
    }
  if (llvm::all_of(llvm::concat<int64_t>(low, high),
                   [](int64_t count) { return count == 0; }))
    slice.padding = std::nullopt;
  else
    slice.padding = Padding{host.getDenseI64ArrayAttr(low),
                            host.getDenseI64ArrayAttr(high), padding.value};
}

/// Whether a padded tensor is only read, element by element, with slices of it.
static bool isReadByKernels(Value tensor, ArrayRef<int64_t> low,
                            ArrayRef<int64_t> high) {
  auto isKernel = [](OpOperand &use) {
    auto generic = dyn_cast<linalg::GenericOp>(use.getOwner());
    return generic && generic.isDpsInput(&use);
  };
  return llvm::all_of(tensor.getUses(), [&](OpOperand &use) {
    auto slice = dyn_cast<tensor::ExtractSliceOp>(use.getOwner());
    return slice ? getSlicedPadding(slice, low, high) &&
                       llvm::all_of(slice->getUses(), isKernel)
                 : isKernel(use);
  });
}

LogicalResult HostProgramBuilder::convert(tensor::PadOp op) {
  if (isGuarded(op)) {
    FailureOr<Buffer> view = getPaddedView(op);
    if (failed(view))
      return failure();
    Buffer &buffer = buffers[op.getResult()] = *view;
    if (isReadByKernels(op.getResult(), op.getStaticLow(), op.getStaticHigh()))
      return success();
    FailureOr<Buffer> place = getDestination(op.getResult());
    if (failed(place))
      return failure();
    buffer = *place;
    return kernels->copy(host, op.getLoc(), *view, *place);
  }
  FailureOr<Buffer> padded = getPadded(op);
  if (failed(padded))
    return failure();
  return writeTo(op.getLoc(), op.getSource(), getInterior(op, *padded));
}

} // namespace nncc::exec
