//===- LinalgToExec.cpp - Kernels and the host program --------------------===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "nncc/Conversion/LinalgToExec/LinalgToExec.h"

#include "KernelBuilder.h"
#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/IR/Matchers.h"
#include "nncc/Kernels/LoopNest.h"
#include "llvm/ADT/TypeSwitch.h"

namespace nncc::exec {

#define GEN_PASS_DEF_LINALGTOEXEC
#include "nncc/Conversion/LinalgToExec/Passes.h.inc"

} // namespace nncc::exec

using namespace mlir;
using namespace nncc;
using namespace nncc::exec;

namespace {

/// Translates `@main`, op by op, into the host program.
class HostProgramBuilder {
public:
  explicit HostProgramBuilder(ModuleOp module)
      : module(module), context(module.getContext()), host(context) {}

  LogicalResult run(func::FuncOp main);

private:
  // One function an op that stands in the linalg stage.
  LogicalResult convertBlock(Block &block);
  LogicalResult convert(Operation *op);
  LogicalResult convert(linalg::GenericOp op);
  LogicalResult convert(linalg::FillOp op);
  LogicalResult convert(tensor::PadOp op);
  LogicalResult convert(tensor::CollapseShapeOp op);
  LogicalResult convert(tensor::ExpandShapeOp op);
  LogicalResult convert(tensor::ExtractSliceOp op);
  LogicalResult convert(tensor::InsertSliceOp op);
  LogicalResult convert(tensor::FromElementsOp op);
  LogicalResult convert(tensor::InsertOp op);
  LogicalResult convert(tensor::ExtractOp op);
  LogicalResult convert(arith::ConstantOp op);
  LogicalResult convert(scf::ForOp op);
  LogicalResult convert(scf::IfOp op);

  FailureOr<Buffer> getBuffer(Value tensor);
  /// Where a value is to be written: where its only user wants it, or a new
  /// buffer.
  FailureOr<Buffer> getDestination(Value tensor);
  FailureOr<std::optional<Buffer>> getUserDestination(Value tensor);
  FailureOr<Buffer> getInsertionTarget(tensor::InsertSliceOp op);
  FailureOr<Buffer> getPadded(tensor::PadOp op);
  Buffer getInterior(tensor::PadOp op, const Buffer &padded);
  Buffer allocate(Location loc, ArrayRef<AffineExpr> sizes, Type elementType);
  /// A buffer with the tensor's elements that lies as one.
  FailureOr<Buffer> makeContiguous(Location loc, const Buffer &buffer);
  FailureOr<SmallVector<AffineExpr>> getSizes(Value tensor);
  FailureOr<SmallVector<AffineExpr>> getExprs(Location loc,
                                              ArrayRef<OpFoldResult> values);
  FailureOr<Buffer> getSlice(Operation *op, const Buffer &from,
                             ArrayRef<OpFoldResult> offsets,
                             ArrayRef<OpFoldResult> sizes,
                             ArrayRef<OpFoldResult> strides,
                             const llvm::SmallBitVector &dropped);
  /// Writes `tensor` into `buffer` unless it is there already.
  LogicalResult writeTo(Location loc, Value tensor, const Buffer &buffer);
  Value getElementView(Location loc, const Buffer &buffer, ValueRange indices,
                       Value &index);
  AffineExpr constant(int64_t value) {
    return getAffineConstantExpr(value, context);
  }

  ModuleOp module;
  MLIRContext *context;
  OpBuilder host;
  func::FuncOp program;
  SmallVector<Value> symbols;
  DenseMap<Value, Buffer> buffers;
  IRMapping hostValues;
  std::unique_ptr<KernelBuilder> kernels;
};

/// The elementwise op that a reduction's kernel computes too, if there is one:
/// its only user, which walks the result as it was written.
linalg::GenericOp getEpilogue(linalg::GenericOp op) {
  if (op.getNumReductionLoops() == 0 || op->getNumResults() != 1 ||
      !op->hasOneUse())
    return nullptr;
  auto user = dyn_cast<linalg::GenericOp>(*op->user_begin());
  OpOperand &use = *op->use_begin();
  if (!user || user->getBlock() != op->getBlock() ||
      user.getNumReductionLoops() > 0 || user->getNumResults() != 1 ||
      !user.isDpsInput(&use) ||
      user.getNumLoops() != op.getNumParallelLoops() ||
      !user.getMatchingIndexingMap(&use).isPermutation() ||
      !user.getMatchingIndexingMap(user.getDpsInitOperand(0)).isPermutation())
    return nullptr;
  AffineMap written = op.getMatchingIndexingMap(op.getDpsInitOperand(0));
  if (!written.isProjectedPermutation())
    return nullptr;
  bool readsIndex = false;
  user.getBody()->walk([&](Operation *inner) {
    readsIndex |= isa<linalg::IndexOp, tensor::ExtractOp>(inner);
  });
  if (readsIndex)
    return nullptr;
  // Of several reductions that the op reads, the first is computed with it.
  for (OpOperand *input : user.getDpsInputOperands()) {
    auto producer = input->get().getDefiningOp<linalg::GenericOp>();
    if (producer == op)
      return user;
    if (producer && producer.getNumReductionLoops() > 0 &&
        producer->hasOneUse() && producer->getBlock() == user->getBlock())
      return nullptr;
  }
  return nullptr;
}

linalg::GenericOp getMainOf(linalg::GenericOp epilogue) {
  for (OpOperand *input : epilogue.getDpsInputOperands()) {
    auto producer = input->get().getDefiningOp<linalg::GenericOp>();
    if (producer && getEpilogue(producer) == epilogue)
      return producer;
  }
  return nullptr;
}

} // namespace

//===----------------------------------------------------------------------===//
// Buffers
//===----------------------------------------------------------------------===//

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

FailureOr<SmallVector<AffineExpr>>
HostProgramBuilder::getExprs(Location loc, ArrayRef<OpFoldResult> values) {
  SmallVector<AffineExpr> exprs;
  for (OpFoldResult value : values) {
    if (auto known = getConstantIntValue(value))
      exprs.push_back(constant(*known));
    else if (AffineExpr expr = kernels::getSymbolicExpr(cast<Value>(value)))
      exprs.push_back(expr);
    else
      return emitError(loc, "a size that is known only at run time is not "
                            "supported");
  }
  return exprs;
}

FailureOr<SmallVector<AffineExpr>> HostProgramBuilder::getSizes(Value tensor) {
  auto type = cast<RankedTensorType>(tensor.getType());
  if (type.hasStaticShape()) {
    SmallVector<AffineExpr> sizes;
    for (int64_t size : type.getShape())
      sizes.push_back(constant(size));
    return sizes;
  }
  if (auto known = buffers.find(tensor); known != buffers.end())
    return known->second.sizes;
  Operation *op = tensor.getDefiningOp();
  if (auto empty = dyn_cast_or_null<tensor::EmptyOp>(op))
    return getExprs(op->getLoc(), empty.getMixedSizes());
  if (auto dps = dyn_cast_or_null<DestinationStyleOpInterface>(op))
    return getSizes(
        dps.getDpsInits()[cast<OpResult>(tensor).getResultNumber()]);
  if (auto insert = dyn_cast_or_null<tensor::InsertSliceOp>(op))
    return getSizes(insert.getDest());
  if (auto expand = dyn_cast_or_null<tensor::ExpandShapeOp>(op))
    return getExprs(op->getLoc(),
                    getMixedValues(expand.getStaticOutputShape(),
                                   expand.getOutputShape(), host));
  if (auto slice = dyn_cast_or_null<tensor::ExtractSliceOp>(op)) {
    SmallVector<OpFoldResult> sizes;
    llvm::SmallBitVector dropped = slice.getDroppedDims();
    for (auto [i, size] : llvm::enumerate(slice.getMixedSizes()))
      if (!dropped.test(i))
        sizes.push_back(size);
    return getExprs(op->getLoc(), sizes);
  }
  if (auto collapse = dyn_cast_or_null<tensor::CollapseShapeOp>(op)) {
    FailureOr<SmallVector<AffineExpr>> from = getSizes(collapse.getSrc());
    if (failed(from))
      return failure();
    SmallVector<AffineExpr> sizes;
    for (const ReassociationIndices &group :
         collapse.getReassociationIndices()) {
      SmallVector<AffineExpr> part;
      for (int64_t dim : group)
        part.push_back((*from)[dim]);
      sizes.push_back(getNumElements(part, context));
    }
    return sizes;
  }
  if (auto pad = dyn_cast_or_null<tensor::PadOp>(op)) {
    FailureOr<SmallVector<AffineExpr>> from = getSizes(pad.getSource());
    FailureOr<SmallVector<AffineExpr>> low =
        getExprs(op->getLoc(), pad.getMixedLowPad());
    FailureOr<SmallVector<AffineExpr>> high =
        getExprs(op->getLoc(), pad.getMixedHighPad());
    if (failed(from) || failed(low) || failed(high))
      return failure();
    for (auto [size, before, after] : llvm::zip_equal(*from, *low, *high))
      size = size + before + after;
    return from;
  }
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

//===----------------------------------------------------------------------===//
// Destinations
//===----------------------------------------------------------------------===//

/// The buffer that a chain of insertions into a fresh tensor fills.
FailureOr<Buffer>
HostProgramBuilder::getInsertionTarget(tensor::InsertSliceOp op) {
  Value root = op.getDest();
  if (auto known = buffers.find(op.getResult()); known != buffers.end())
    return known->second;
  if (auto insert = root.getDefiningOp<tensor::InsertSliceOp>();
      insert && root.hasOneUse()) {
    FailureOr<Buffer> target = getInsertionTarget(insert);
    if (succeeded(target))
      buffers[op.getResult()] = *target;
    return target;
  }
  FailureOr<Buffer> target = failure();
  // A fresh tensor, or the tensor that a loop carries: written in place.
  auto argument = dyn_cast<BlockArgument>(root);
  bool carried = argument && root.hasOneUse() &&
                 isa<scf::ForOp>(argument.getOwner()->getParentOp());
  if (carried) {
    target = getBuffer(root);
  } else {
    // The last insertion's user may have a place for the whole.
    Value whole = op.getResult();
    while (whole.hasOneUse()) {
      auto next = dyn_cast<tensor::InsertSliceOp>(*whole.user_begin());
      if (!next || next.getDest() != whole)
        break;
      whole = next.getResult();
    }
    target = getDestination(whole);
    if (succeeded(target) && !root.getDefiningOp<tensor::EmptyOp>() &&
        failed(writeTo(op.getLoc(), root, *target)))
      return failure();
  }
  if (succeeded(target))
    buffers[op.getResult()] = *target;
  return target;
}

Buffer HostProgramBuilder::getInterior(tensor::PadOp op, const Buffer &padded) {
  Buffer interior = padded;
  interior.sizes = *getSizes(op.getSource());
  SmallVector<AffineExpr> low = *getExprs(op.getLoc(), op.getMixedLowPad());
  for (auto [offset, stride] : llvm::zip_equal(low, padded.strides))
    interior.offset = interior.offset + offset * stride;
  return interior;
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
  buffers[op.getResult()] = *padded;
  return padded;
}

FailureOr<std::optional<Buffer>>
HostProgramBuilder::getUserDestination(Value tensor) {
  std::optional<Buffer> none;
  if (!tensor.hasOneUse())
    return none;
  Operation *user = *tensor.user_begin();
  if (user->getBlock() != tensor.getParentBlock())
    return none;
  if (auto insert = dyn_cast<tensor::InsertSliceOp>(user)) {
    if (insert.getSource() != tensor)
      return none;
    // Only into what is being assembled: a slice whose place is known here.
    for (OpFoldResult offset : insert.getMixedOffsets())
      if (auto value = dyn_cast<Value>(offset))
        if (!kernels::getSymbolicExpr(value) && !hostValues.contains(value))
          return none;
    Value root = insert.getDest();
    while (auto previous = root.getDefiningOp<tensor::InsertSliceOp>())
      root = previous.getDest();
    if (!root.getDefiningOp<tensor::EmptyOp>())
      return none;
    FailureOr<Buffer> target = getInsertionTarget(insert);
    if (failed(target))
      return failure();
    FailureOr<Buffer> slice = getSlice(
        user, *target, insert.getMixedOffsets(), insert.getMixedSizes(),
        insert.getMixedStrides(), insert.getDroppedDims());
    if (failed(slice))
      return failure();
    return std::optional<Buffer>(*slice);
  }
  if (auto pad = dyn_cast<tensor::PadOp>(user)) {
    FailureOr<Buffer> padded = getPadded(pad);
    if (failed(padded))
      return failure();
    return std::optional<Buffer>(getInterior(pad, *padded));
  }
  if (auto expand = dyn_cast<tensor::ExpandShapeOp>(user)) {
    FailureOr<std::optional<Buffer>> target =
        getUserDestination(expand.getResult());
    if (failed(target) || !*target)
      return target;
    return collapseView(**target, expand.getReassociationIndices(), context);
  }
  if (auto collapse = dyn_cast<tensor::CollapseShapeOp>(user)) {
    FailureOr<std::optional<Buffer>> target =
        getUserDestination(collapse.getResult());
    FailureOr<SmallVector<AffineExpr>> sizes = getSizes(tensor);
    if (failed(target) || failed(sizes) || !*target)
      return none;
    return std::optional<Buffer>(
        expandView(**target, collapse.getReassociationIndices(), *sizes));
  }
  return none;
}

FailureOr<Buffer> HostProgramBuilder::getDestination(Value tensor) {
  FailureOr<std::optional<Buffer>> wanted = getUserDestination(tensor);
  if (failed(wanted))
    return failure();
  if (*wanted)
    return **wanted;
  FailureOr<SmallVector<AffineExpr>> sizes = getSizes(tensor);
  if (failed(sizes))
    return failure();
  return allocate(tensor.getLoc(), *sizes,
                  cast<RankedTensorType>(tensor.getType()).getElementType());
}

static bool isSamePlace(const Buffer &a, const Buffer &b) {
  return a.memory == b.memory && a.offset == b.offset &&
         a.dynamicOffset == b.dynamicOffset && a.sizes == b.sizes &&
         a.strides == b.strides;
}

LogicalResult HostProgramBuilder::writeTo(Location loc, Value tensor,
                                          const Buffer &buffer) {
  FailureOr<Buffer> from = getBuffer(tensor);
  if (failed(from))
    return failure();
  if (isSamePlace(*from, buffer))
    return success();
  return kernels->copy(host, loc, *from, buffer);
}

//===----------------------------------------------------------------------===//
// Ops
//===----------------------------------------------------------------------===//

LogicalResult HostProgramBuilder::convert(linalg::GenericOp op) {
  if (getEpilogue(op))
    return success(); // computed with its user
  KernelRequest request;
  request.main = op;
  if (linalg::GenericOp main = getMainOf(op)) {
    request.main = main;
    request.epilogue = op;
  }
  for (Value result : op.getResults()) {
    FailureOr<Buffer> place = getDestination(result);
    if (failed(place))
      return failure();
    request.results.push_back(*place);
    buffers[result] = *place;
  }
  return kernels->dispatch(host, request);
}

LogicalResult HostProgramBuilder::convert(linalg::FillOp op) {
  // The start of a reduction is a part of its kernel.
  bool starts = llvm::all_of(op->getUses(), [](OpOperand &use) {
    auto generic = dyn_cast<linalg::GenericOp>(use.getOwner());
    return generic && generic.isDpsInit(&use);
  });
  if (starts)
    return success();
  Attribute value;
  if (!matchPattern(op.getInputs()[0], m_Constant(&value)))
    return op.emitError("fills with a value that is not constant");
  FailureOr<Buffer> place = getDestination(op.getResult(0));
  if (failed(place))
    return failure();
  buffers[op.getResult(0)] = *place;
  return kernels->fill(host, op.getLoc(), cast<TypedAttr>(value), *place);
}

LogicalResult HostProgramBuilder::convert(tensor::PadOp op) {
  FailureOr<Buffer> padded = getPadded(op);
  if (failed(padded))
    return failure();
  return writeTo(op.getLoc(), op.getSource(), getInterior(op, *padded));
}

LogicalResult HostProgramBuilder::convert(tensor::CollapseShapeOp op) {
  FailureOr<Buffer> from = getBuffer(op.getSrc());
  if (failed(from))
    return failure();
  std::optional<Buffer> view =
      collapseView(*from, op.getReassociationIndices(), context);
  if (!view) {
    from = makeContiguous(op.getLoc(), *from);
    if (failed(from))
      return failure();
    view = collapseView(*from, op.getReassociationIndices(), context);
  }
  if (!view)
    return op.emitError("can't be seen as a view of its source");
  buffers[op.getResult()] = *view;
  return success();
}

LogicalResult HostProgramBuilder::convert(tensor::ExpandShapeOp op) {
  FailureOr<Buffer> from = getBuffer(op.getSrc());
  FailureOr<SmallVector<AffineExpr>> sizes = getSizes(op.getResult());
  if (failed(from) || failed(sizes))
    return failure();
  buffers[op.getResult()] =
      expandView(*from, op.getReassociationIndices(), *sizes);
  return success();
}

LogicalResult HostProgramBuilder::convert(tensor::ExtractSliceOp op) {
  FailureOr<Buffer> from = getBuffer(op.getSource());
  if (failed(from))
    return failure();
  FailureOr<Buffer> view =
      getSlice(op, *from, op.getMixedOffsets(), op.getMixedSizes(),
               op.getMixedStrides(), op.getDroppedDims());
  if (failed(view))
    return failure();
  buffers[op.getResult()] = *view;
  return success();
}

LogicalResult HostProgramBuilder::convert(tensor::InsertSliceOp op) {
  FailureOr<Buffer> target = getInsertionTarget(op);
  if (failed(target))
    return failure();
  FailureOr<Buffer> slice =
      getSlice(op, *target, op.getMixedOffsets(), op.getMixedSizes(),
               op.getMixedStrides(), op.getDroppedDims());
  if (failed(slice))
    return failure();
  return writeTo(op.getLoc(), op.getSource(), *slice);
}

/// A view from an element on, and the index 0 in it.
Value HostProgramBuilder::getElementView(Location loc, const Buffer &buffer,
                                         ValueRange indices, Value &index) {
  index = host.create<arith::ConstantIndexOp>(loc, 0);
  Value bytes =
      host.create<arith::ConstantIndexOp>(loc, buffer.getElementBytes());
  auto evaluate = [&](AffineExpr expr) -> Value {
    return materialize(host, loc, expr, symbols);
  };
  Value offset = evaluate(buffer.offset);
  if (buffer.dynamicOffset)
    offset = host.create<arith::AddIOp>(loc, offset, buffer.dynamicOffset);
  for (auto [i, stride] : llvm::zip_equal(indices, buffer.strides))
    offset = host.create<arith::AddIOp>(
        loc, offset, host.create<arith::MulIOp>(loc, i, evaluate(stride)));
  offset = host.create<arith::MulIOp>(loc, offset, bytes);
  Type memory =
      buffer.elementType.isInteger(1) ? host.getI8Type() : buffer.elementType;
  Value size = host.create<arith::ConstantIndexOp>(loc, 1);
  return host.create<memref::ViewOp>(
      loc, MemRefType::get({ShapedType::kDynamic}, memory), buffer.memory,
      offset, size);
}

LogicalResult HostProgramBuilder::convert(tensor::FromElementsOp op) {
  FailureOr<Buffer> place = getDestination(op.getResult());
  if (failed(place))
    return failure();
  buffers[op.getResult()] = *place;
  ArrayRef<int64_t> shape = op.getType().getShape();
  for (auto [number, element] : llvm::enumerate(op.getElements())) {
    SmallVector<Value> indices(shape.size());
    int64_t rest = number;
    for (unsigned dim = shape.size(); dim-- > 0; rest /= shape[dim])
      indices[dim] =
          host.create<arith::ConstantIndexOp>(op.getLoc(), rest % shape[dim]);
    Value index, value = hostValues.lookup(element);
    Value view = getElementView(op.getLoc(), *place, indices, index);
    if (value.getType().isInteger(1))
      value = host.create<arith::ExtUIOp>(op.getLoc(), host.getI8Type(), value);
    host.create<memref::StoreOp>(op.getLoc(), value, view, index);
  }
  return success();
}

LogicalResult HostProgramBuilder::convert(tensor::InsertOp op) {
  // In place into the tensor that a loop carries.
  auto argument = dyn_cast<BlockArgument>(op.getDest());
  if (!argument || !op.getDest().hasOneUse())
    return op.emitError("inserts into a tensor that no loop carries");
  FailureOr<Buffer> buffer = getBuffer(op.getDest());
  if (failed(buffer))
    return failure();
  SmallVector<Value> indices;
  for (Value index : op.getIndices())
    indices.push_back(hostValues.lookup(index));
  Value index, value = hostValues.lookup(op.getScalar());
  Value view = getElementView(op.getLoc(), *buffer, indices, index);
  if (value.getType().isInteger(1))
    value = host.create<arith::ExtUIOp>(op.getLoc(), host.getI8Type(), value);
  host.create<memref::StoreOp>(op.getLoc(), value, view, index);
  buffers[op.getResult()] = *buffer;
  return success();
}

LogicalResult HostProgramBuilder::convert(tensor::ExtractOp op) {
  FailureOr<Buffer> buffer = getBuffer(op.getTensor());
  if (failed(buffer))
    return failure();
  SmallVector<Value> indices;
  for (Value index : op.getIndices())
    indices.push_back(hostValues.lookup(index));
  Value index;
  Value view = getElementView(op.getLoc(), *buffer, indices, index);
  Value value = host.create<memref::LoadOp>(op.getLoc(), view, index);
  if (op.getType().isInteger(1))
    value = host.create<arith::TruncIOp>(op.getLoc(), op.getType(), value);
  hostValues.map(op.getResult(), value);
  return success();
}

LogicalResult HostProgramBuilder::convert(arith::ConstantOp op) {
  auto type = dyn_cast<RankedTensorType>(op.getType());
  if (!type) {
    host.clone(*op, hostValues);
    return success();
  }
  Buffer buffer;
  buffer.offset = constant(0);
  for (int64_t size : type.getShape())
    buffer.sizes.push_back(constant(size));
  buffer.strides = getRowMajorStrides(buffer.sizes, context);
  buffer.elementType = type.getElementType();
  buffer.memory = host.create<WeightOp>(
      op.getLoc(), MemRefType::get({ShapedType::kDynamic}, host.getI8Type()),
      cast<ElementsAttr>(op.getValue()));
  buffers[op.getResult()] = buffer;
  return success();
}

LogicalResult HostProgramBuilder::convert(scf::ForOp op) {
  // Each carried tensor has a buffer of its own, updated at the end of a step.
  SmallVector<Buffer> carried;
  SmallVector<Value> scalars;
  for (auto [init, argument, result] : llvm::zip_equal(
           op.getInitArgs(), op.getRegionIterArgs(), op.getResults())) {
    if (!isa<RankedTensorType>(init.getType()))
      return op.emitError("a loop carries tensors only");
    FailureOr<SmallVector<AffineExpr>> sizes = getSizes(init);
    if (failed(sizes))
      return failure();
    Buffer buffer =
        allocate(op.getLoc(), *sizes,
                 cast<RankedTensorType>(init.getType()).getElementType());
    if (!init.getDefiningOp<tensor::EmptyOp>() &&
        failed(writeTo(op.getLoc(), init, buffer)))
      return failure();
    buffers[argument] = buffer;
    buffers[result] = buffer;
    carried.push_back(buffer);
  }
  auto loop = host.create<scf::ForOp>(
      op.getLoc(), hostValues.lookup(op.getLowerBound()),
      hostValues.lookup(op.getUpperBound()), hostValues.lookup(op.getStep()));
  hostValues.map(op.getInductionVar(), loop.getInductionVar());
  OpBuilder::InsertionGuard guard(host);
  host.setInsertionPoint(loop.getBody()->getTerminator());
  if (failed(convertBlock(*op.getBody())))
    return failure();
  // A yielded value that is another carried tensor must not be overwritten
  // before it is read.
  SmallVector<Buffer> next;
  for (auto [value, buffer] :
       llvm::zip_equal(op.getBody()->getTerminator()->getOperands(), carried)) {
    FailureOr<Buffer> from = getBuffer(value);
    if (failed(from))
      return failure();
    bool aliases = !isSamePlace(*from, buffer) &&
                   llvm::any_of(carried, [&](const Buffer &other) {
                     return other.memory == from->memory;
                   });
    if (aliases) {
      Buffer copy = allocate(op.getLoc(), from->sizes, from->elementType);
      if (failed(kernels->copy(host, op.getLoc(), *from, copy)))
        return failure();
      from = copy;
    }
    next.push_back(*from);
  }
  for (auto [from, to] : llvm::zip_equal(next, carried))
    if (!isSamePlace(from, to) &&
        failed(kernels->copy(host, op.getLoc(), from, to)))
      return failure();
  return success();
}

LogicalResult HostProgramBuilder::convert(scf::IfOp op) {
  for (Value result : op.getResults()) {
    FailureOr<SmallVector<AffineExpr>> sizes = getSizes(
        op.thenYield().getOperand(cast<OpResult>(result).getResultNumber()));
    if (failed(sizes))
      return failure();
    buffers[result] =
        allocate(op.getLoc(), *sizes,
                 cast<RankedTensorType>(result.getType()).getElementType());
  }
  auto branch =
      host.create<scf::IfOp>(op.getLoc(), hostValues.lookup(op.getCondition()),
                             !op.getElseRegion().empty());
  for (auto [from, to] : llvm::zip(op->getRegions(), branch->getRegions())) {
    if (from.empty())
      continue;
    OpBuilder::InsertionGuard guard(host);
    host.setInsertionPoint(to.front().getTerminator());
    if (failed(convertBlock(from.front())))
      return failure();
    for (auto [value, result] : llvm::zip_equal(
             from.front().getTerminator()->getOperands(), op.getResults()))
      if (failed(writeTo(op.getLoc(), value, buffers[result])))
        return failure();
  }
  return success();
}

LogicalResult HostProgramBuilder::convert(Operation *op) {
  return TypeSwitch<Operation *, LogicalResult>(op)
      .Case<linalg::GenericOp, linalg::FillOp, tensor::PadOp,
            tensor::CollapseShapeOp, tensor::ExpandShapeOp,
            tensor::ExtractSliceOp, tensor::InsertSliceOp,
            tensor::FromElementsOp, tensor::InsertOp, tensor::ExtractOp,
            arith::ConstantOp, scf::ForOp, scf::IfOp>(
          [&](auto typed) { return convert(typed); })
      .Case<tensor::EmptyOp>([](auto) { return success(); })
      .Default([&](Operation *op) -> LogicalResult {
        // Index arithmetic of the host program.
        bool scalar = llvm::none_of(op->getResultTypes(), [](Type type) {
          return isa<ShapedType>(type);
        });
        if (!scalar || op->getNumRegions() > 0)
          return op->emitError("has no place in a host program: '")
                 << op->getName() << "'";
        host.clone(*op, hostValues);
        return success();
      });
}

LogicalResult HostProgramBuilder::convertBlock(Block &block) {
  for (Operation &op : block.without_terminator())
    if (failed(convert(&op)))
      return failure();
  return success();
}

LogicalResult HostProgramBuilder::run(func::FuncOp main) {
  Type bytes = MemRefType::get({ShapedType::kDynamic}, host.getI8Type());
  SmallVector<Type> inputs = {bytes, bytes};
  for (Type type : main.getArgumentTypes())
    inputs.push_back(isa<RankedTensorType>(type) ? bytes : type);
  program = func::FuncOp::create(main.getLoc(), programName,
                                 FunctionType::get(context, inputs, {}));
  module.push_back(program);
  host.setInsertionPointToStart(program.addEntryBlock());

  for (BlockArgument argument : main.getArguments()) {
    BlockArgument mapped = program.getArgument(argument.getArgNumber() + 2);
    if (std::optional<unsigned> symbol = getSymbolArgument(main, argument)) {
      program.setArgAttr(mapped.getArgNumber(), symbolAttrName,
                         host.getI64IntegerAttr(*symbol));
      symbols.push_back(mapped);
      hostValues.map(argument, mapped);
    }
  }
  // An input's sizes: its type's encoding was dropped with the nn dialect, the
  // signature keeps it.
  auto signature = module->getAttrOfType<ArrayAttr>("nncc.inputs");
  unsigned input = 0;
  for (BlockArgument argument : main.getArguments()) {
    auto type = dyn_cast<RankedTensorType>(argument.getType());
    if (!type)
      continue;
    Buffer buffer;
    buffer.memory = program.getArgument(argument.getArgNumber() + 2);
    buffer.offset = constant(0);
    buffer.elementType = type.getElementType();
    AffineMapAttr sizes;
    if (signature && input < signature.size()) {
      auto entry = cast<DictionaryAttr>(signature[input]);
      auto declared =
          cast<RankedTensorType>(entry.getAs<TypeAttr>("type").getValue());
      sizes = dyn_cast_or_null<AffineMapAttr>(declared.getEncoding());
    }
    for (int64_t dim = 0; dim < type.getRank(); ++dim) {
      if (!type.isDynamicDim(dim))
        buffer.sizes.push_back(constant(type.getDimSize(dim)));
      else if (sizes)
        buffer.sizes.push_back(sizes.getValue().getResult(dim));
      else
        return main.emitError("the sizes of input ")
               << input << " are not in the signature";
    }
    buffer.strides = getRowMajorStrides(buffer.sizes, context);
    buffers[argument] = buffer;
    ++input;
  }

  auto findBuffer = [&](Value tensor) { return getBuffer(tensor); };
  auto findValue = [&](Value value) { return hostValues.lookup(value); };
  kernels =
      std::make_unique<KernelBuilder>(module, findBuffer, findValue, symbols);
  if (failed(convertBlock(main.getBody().front())))
    return failure();

  SmallVector<Value> outputs, dims;
  DenseSet<Value> returned;
  for (Value value : main.getBody().front().getTerminator()->getOperands()) {
    FailureOr<Buffer> buffer = getBuffer(value);
    if (failed(buffer))
      return failure();
    // An output lies in the arena, as one, and nowhere else.
    if (!buffer->memory.getDefiningOp<AllocOp>() || !buffer->isContiguous() ||
        !returned.insert(buffer->memory).second) {
      Buffer copy =
          allocate(value.getLoc(), buffer->sizes, buffer->elementType);
      if (failed(kernels->copy(host, value.getLoc(), *buffer, copy)))
        return failure();
      buffer = copy;
    }
    AffineExpr byteOffset = buffer->offset * buffer->getElementBytes();
    Value offset = materialize(host, value.getLoc(), byteOffset, symbols);
    Value size = host.create<arith::ConstantIndexOp>(value.getLoc(), 0);
    outputs.push_back(host.create<memref::ViewOp>(
        value.getLoc(), cast<MemRefType>(bytes), buffer->memory, offset, size));
    for (AffineExpr dim : buffer->sizes)
      dims.push_back(materialize(host, value.getLoc(), dim, symbols));
  }
  llvm::append_range(outputs, dims);
  host.create<func::ReturnOp>(main.getLoc(), outputs);
  program.setFunctionType(
      FunctionType::get(context, inputs, ValueRange(outputs).getTypes()));
  main.erase();
  return success();
}

namespace {

struct LinalgToExecPass : exec::impl::LinalgToExecBase<LinalgToExecPass> {
  void runOnOperation() override {
    auto main = getOperation().lookupSymbol<func::FuncOp>("main");
    if (!main) {
      getOperation().emitError("has no function @main");
      return signalPassFailure();
    }
    if (failed(HostProgramBuilder(getOperation()).run(main)))
      signalPassFailure();
  }
};

} // namespace
