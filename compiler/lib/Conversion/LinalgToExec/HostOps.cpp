//===- HostOps.cpp - Each op of the linalg stage ------------------------===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "HostProgram.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "mlir/IR/Matchers.h"
#include "nncc/Kernels/LoopNest.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;

namespace nncc::exec {

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

/// The same elements; what either type knows of the sizes counts.
LogicalResult HostProgramBuilder::convert(tensor::CastOp op) {
  FailureOr<Buffer> from = getBuffer(op.getSource());
  if (failed(from) || failed(from = makeContiguous(op.getLoc(), *from)))
    return failure();
  auto type = cast<RankedTensorType>(op.getType());
  for (auto [size, known] : llvm::zip_equal(from->sizes, type.getShape()))
    if (!ShapedType::isDynamic(known))
      size = constant(known);
  from->strides = getRowMajorStrides(from->sizes, context);
  buffers[op.getResult()] = *from;
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
  if (from->padding)
    slicePaddedView(op, *from->padding, *view);
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

/// Whether the op alone goes on with the tensor; what reads elements stands
/// before it.
static bool isLastUse(tensor::InsertOp op) {
  return llvm::all_of(op.getDest().getUsers(), [&](Operation *user) {
    return user == op ||
           (isa<tensor::ExtractOp>(user) &&
            user->getBlock() == op->getBlock() && user->isBeforeInBlock(op));
  });
}

LogicalResult HostProgramBuilder::convert(tensor::InsertOp op) {
  // In place into the tensor that a loop carries.
  auto argument = dyn_cast<BlockArgument>(op.getDest());
  if (!argument || !isa<scf::ForOp>(argument.getOwner()->getParentOp()) ||
      !isLastUse(op))
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

LogicalResult HostProgramBuilder::convert(ExternOp op) {
  SmallVector<Value> memories;
  auto add = [&](FailureOr<Buffer> buffer) {
    if (failed(buffer))
      return failure();
    memories.push_back(getBytes(op.getLoc(), *buffer));
    return success();
  };
  for (Value input : op.getInputs()) {
    FailureOr<Buffer> buffer = getBuffer(input);
    if (failed(buffer) || failed(add(makeContiguous(op.getLoc(), *buffer))))
      return failure();
  }
  for (Value output : op.getOutputs()) {
    FailureOr<SmallVector<AffineExpr>> sizes = getSizes(output);
    if (failed(sizes))
      return failure();
    buffers[output] =
        allocate(op.getLoc(), *sizes,
                 cast<RankedTensorType>(output.getType()).getElementType());
    if (failed(add(buffers[output])))
      return failure();
  }
  host.create<CallExternOp>(op.getLoc(), op.getFunction(), op.getConstants(),
                            op.getTypes(), op.getInputs().size(), memories);
  return success();
}

LogicalResult HostProgramBuilder::convert(tensor::DimOp op) {
  FailureOr<AffineExpr> size = getSize(op);
  if (succeeded(size))
    hostValues.map(op.getResult(),
                   materialize(host, op.getLoc(), *size, symbols));
  return size;
}

LogicalResult HostProgramBuilder::convert(BindOp op) {
  host.clone(*op, hostValues);
  for (unsigned i = 0; i < op.getValues().size(); ++i)
    unbound.reset(op.getFirst() + i);
  return success();
}

LogicalResult HostProgramBuilder::convert(Operation *op) {
  return TypeSwitch<Operation *, LogicalResult>(op)
      .Case<linalg::GenericOp, linalg::FillOp, tensor::PadOp,
            tensor::CollapseShapeOp, tensor::ExpandShapeOp,
            tensor::ExtractSliceOp, tensor::InsertSliceOp,
            tensor::FromElementsOp, tensor::InsertOp, tensor::ExtractOp,
            arith::ConstantOp, tensor::CastOp, scf::ForOp, scf::IfOp,
            scf::WhileOp, ExternOp, BindOp, tensor::DimOp>(
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

} // namespace nncc::exec
