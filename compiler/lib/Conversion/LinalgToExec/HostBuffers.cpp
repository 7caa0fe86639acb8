//===- HostBuffers.cpp - Where the tensors of a program lie ---------------===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "HostProgram.h"

#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "mlir/IR/Matchers.h"
#include "nncc/Kernels/LoopNest.h"

using namespace mlir;

namespace nncc::exec {

Buffer HostProgramBuilder::allocate(Location loc, ArrayRef<AffineExpr> sizes,
                                    Type elementType) {
  Buffer buffer;
  buffer.offset = constant(0);
  buffer.sizes.assign(sizes.begin(), sizes.end());
  buffer.strides = getRowMajorStrides(sizes, context);
  buffer.elementType = elementType;
  AffineExpr bytes = getNumElements(sizes, context) * buffer.getElementBytes();
  buffer.memory = host.create<AllocOp>(
      loc, MemRefType::get({ShapedType::kDynamic}, host.getI8Type()),
      AffineMap::get(0, symbols.size(), bytes));
  return buffer;
}

Value HostProgramBuilder::getBytes(Location loc, const Buffer &buffer) {
  AffineExpr bytes = buffer.offset * buffer.getElementBytes();
  Value offset = materialize(host, loc, bytes, symbols);
  if (buffer.dynamicOffset) {
    Value size =
        host.create<arith::ConstantIndexOp>(loc, buffer.getElementBytes());
    Value moved = host.create<arith::MulIOp>(loc, buffer.dynamicOffset, size);
    offset = host.create<arith::AddIOp>(loc, offset, moved);
  }
  Value size = host.create<arith::ConstantIndexOp>(loc, 0);
  return host.create<memref::ViewOp>(
      loc, MemRefType::get({ShapedType::kDynamic}, host.getI8Type()),
      buffer.memory, offset, size);
}

FailureOr<AffineExpr> HostProgramBuilder::getSize(tensor::DimOp op) {
  std::optional<int64_t> dim = op.getConstantIndex();
  if (!dim)
    return op.emitError("asks for the size of a dimension that is not known");
  FailureOr<SmallVector<AffineExpr>> sizes = getSizes(op.getSource());
  return failed(sizes) ? FailureOr<AffineExpr>() : (*sizes)[*dim];
}

/// Sizes by names, by those of tensors, and what MLIR's patterns for reshapes
/// compute of these.
FailureOr<AffineExpr> HostProgramBuilder::getExpr(Location loc, Value value) {
  if (AffineExpr expr = kernels::getSymbolicExpr(value))
    return expr;
  if (auto asked = value.getDefiningOp<tensor::DimOp>())
    return getSize(asked);
  Operation *op = value.getDefiningOp();
  if (!isa_and_nonnull<affine::AffineApplyOp, arith::DivUIOp, arith::MulIOp>(
          op))
    return emitError(loc, "a size that is known only at run time is not "
                          "supported");
  SmallVector<AffineExpr> operands;
  for (Value operand : op->getOperands()) {
    FailureOr<AffineExpr> expr = getExpr(loc, operand);
    if (failed(expr))
      return failure();
    operands.push_back(*expr);
  }
  if (isa<arith::DivUIOp>(op))
    return operands[0].floorDiv(operands[1]);
  if (isa<arith::MulIOp>(op))
    return operands[0] * operands[1];
  AffineMap map = cast<affine::AffineApplyOp>(op).getAffineMap();
  ArrayRef<AffineExpr> all(operands);
  return map.getResult(0).replaceDimsAndSymbols(
      all.take_front(map.getNumDims()), all.drop_front(map.getNumDims()));
}

FailureOr<SmallVector<AffineExpr>>
HostProgramBuilder::getExprs(Location loc, ArrayRef<OpFoldResult> values) {
  SmallVector<AffineExpr> exprs;
  for (OpFoldResult value : values) {
    std::optional<int64_t> known = getConstantIntValue(value);
    FailureOr<AffineExpr> expr =
        known ? constant(*known) : getExpr(loc, cast<Value>(value));
    if (failed(expr))
      return failure();
    exprs.push_back(*expr);
  }
  return exprs;
}

/// A tensor that the op which computes `tensor` starts from and that has the
/// same sizes; null if there is none.
static Value getSameSized(Value tensor) {
  Operation *op = tensor.getDefiningOp();
  if (!op)
    return Value();
  unsigned number = cast<OpResult>(tensor).getResultNumber();
  if (auto dps = dyn_cast<DestinationStyleOpInterface>(op))
    return dps.getDpsInits()[number];
  if (auto loop = dyn_cast<scf::ForOp>(op))
    return loop.getInitArgs()[number];
  if (auto loop = dyn_cast<scf::WhileOp>(op))
    return loop.getInits()[number];
  if (auto branch = dyn_cast<scf::IfOp>(op))
    return branch.thenYield().getOperand(number);
  if (auto insert = dyn_cast<tensor::InsertSliceOp>(op))
    return insert.getDest();
  return Value();
}

static SmallVector<OpFoldResult> getKeptSizes(tensor::ExtractSliceOp slice) {
  SmallVector<OpFoldResult> sizes;
  llvm::SmallBitVector dropped = slice.getDroppedDims();
  for (auto [i, size] : llvm::enumerate(slice.getMixedSizes()))
    if (!dropped.test(i))
      sizes.push_back(size);
  return sizes;
}

FailureOr<SmallVector<AffineExpr>>
HostProgramBuilder::getResultSizes(tensor::CollapseShapeOp collapse) {
  FailureOr<SmallVector<AffineExpr>> from = getSizes(collapse.getSrc());
  if (failed(from))
    return failure();
  SmallVector<AffineExpr> sizes;
  for (const ReassociationIndices &group : collapse.getReassociationIndices()) {
    SmallVector<AffineExpr> part;
    for (int64_t dim : group)
      part.push_back((*from)[dim]);
    sizes.push_back(getNumElements(part, context));
  }
  return sizes;
}

FailureOr<SmallVector<AffineExpr>>
HostProgramBuilder::getResultSizes(tensor::PadOp pad) {
  FailureOr<SmallVector<AffineExpr>> sizes = getSizes(pad.getSource());
  FailureOr<SmallVector<AffineExpr>> low =
      getExprs(pad.getLoc(), pad.getMixedLowPad());
  FailureOr<SmallVector<AffineExpr>> high =
      getExprs(pad.getLoc(), pad.getMixedHighPad());
  if (failed(sizes) || failed(low) || failed(high))
    return failure();
  for (auto [size, before, after] : llvm::zip_equal(*sizes, *low, *high))
    size = size + before + after;
  return sizes;
}

FailureOr<SmallVector<AffineExpr>> HostProgramBuilder::getSizes(Value tensor) {
  auto type = cast<RankedTensorType>(tensor.getType());
  if (type.hasStaticShape())
    return llvm::map_to_vector(type.getShape(),
                               [&](int64_t size) { return constant(size); });
  if (auto known = buffers.find(tensor); known != buffers.end())
    return known->second.sizes;
  Operation *op = tensor.getDefiningOp();
  if (auto empty = dyn_cast_or_null<tensor::EmptyOp>(op))
    return getExprs(op->getLoc(), empty.getMixedSizes());
  if (Value other = getSameSized(tensor))
    return getSizes(other);
  if (auto expand = dyn_cast_or_null<tensor::ExpandShapeOp>(op))
    return getExprs(op->getLoc(),
                    getMixedValues(expand.getStaticOutputShape(),
                                   expand.getOutputShape(), host));
  if (auto slice = dyn_cast_or_null<tensor::ExtractSliceOp>(op))
    return getExprs(op->getLoc(), getKeptSizes(slice));
  if (auto collapse = dyn_cast_or_null<tensor::CollapseShapeOp>(op))
    return getResultSizes(collapse);
  if (auto pad = dyn_cast_or_null<tensor::PadOp>(op))
    return getResultSizes(pad);
  return emitError(tensor.getLoc(), "the sizes of this tensor are not known: ")
         << type;
}

FailureOr<Buffer> HostProgramBuilder::getBuffer(Value tensor) {
  if (auto known = buffers.find(tensor); known != buffers.end())
    return known->second;
  // An init that is read for its sizes only.
  FailureOr<SmallVector<AffineExpr>> sizes = getSizes(tensor);
  if (failed(sizes))
    return failure();
  Buffer buffer =
      allocate(tensor.getLoc(), *sizes,
               cast<RankedTensorType>(tensor.getType()).getElementType());
  buffers[tensor] = buffer;
  return buffer;
}

FailureOr<Buffer> HostProgramBuilder::makeContiguous(Location loc,
                                                     const Buffer &buffer) {
  if (buffer.isContiguous())
    return buffer;
  Buffer copy = allocate(loc, buffer.sizes, buffer.elementType);
  if (failed(kernels->copy(host, loc, buffer, copy)))
    return failure();
  return copy;
}

FailureOr<Buffer> HostProgramBuilder::getSlice(
    Operation *op, const Buffer &from, ArrayRef<OpFoldResult> offsets,
    ArrayRef<OpFoldResult> sizes, ArrayRef<OpFoldResult> strides,
    const llvm::SmallBitVector &dropped) {
  FailureOr<SmallVector<AffineExpr>> sizeExprs = getExprs(op->getLoc(), sizes);
  FailureOr<SmallVector<AffineExpr>> steps = getExprs(op->getLoc(), strides);
  if (failed(sizeExprs) || failed(steps))
    return failure();
  Buffer view = from;
  view.sizes.clear();
  view.strides.clear();
  for (unsigned dim = 0; dim < from.sizes.size(); ++dim) {
    AffineExpr offset;
    if (auto known = getConstantIntValue(offsets[dim]))
      offset = constant(*known);
    else
      offset = kernels::getSymbolicExpr(cast<Value>(offsets[dim]));
    if (offset) {
      view.offset = view.offset + offset * from.strides[dim];
    } else {
      Value stride =
          materialize(host, op->getLoc(), from.strides[dim], symbols);
      Value moved = host.create<arith::MulIOp>(
          op->getLoc(), hostValues.lookup(cast<Value>(offsets[dim])), stride);
      view.dynamicOffset = view.dynamicOffset
                               ? host.create<arith::AddIOp>(
                                     op->getLoc(), view.dynamicOffset, moved)
                               : moved;
    }
    if (dropped.test(dim))
      continue;
    view.sizes.push_back((*sizeExprs)[dim]);
    view.strides.push_back(from.strides[dim] * (*steps)[dim]);
  }
  return view;
}

} // namespace nncc::exec
