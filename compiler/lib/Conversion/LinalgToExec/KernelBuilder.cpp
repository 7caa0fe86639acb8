//===- KernelBuilder.cpp - Outlines linalg ops as kernels -----------------===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "KernelBuilder.h"

#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/IR/Matchers.h"
#include "nncc/Dialect/Exec/KernelInfo.h"
#include "nncc/Kernels/LoopNest.h"

using namespace mlir;

namespace nncc::exec {

/// A kernel under construction and what it will be called with.
struct KernelBuilder::Draft {
  Draft(MLIRContext *context, Location loc)
      : loc(loc), b(context),
        kernel(func::FuncOp::create(loc, "kernel",
                                    FunctionType::get(context, {}, {}))) {
    b.setInsertionPointToStart(kernel.addEntryBlock());
  }

  Location loc;
  OpBuilder b;
  func::FuncOp kernel;
  SmallVector<std::pair<BlockArgument, Buffer>> buffers;
  SmallVector<std::pair<BlockArgument, Value>> scalars;
  DenseMap<unsigned, Value> symbolArguments;
  /// Values of the host program inside the kernel.
  IRMapping mapping;
  AffineExpr flops;
};

Value KernelBuilder::getSize(Draft &draft, AffineExpr size) {
  if (auto constant = dyn_cast<AffineConstantExpr>(size))
    return draft.b.create<arith::ConstantIndexOp>(draft.loc,
                                                  constant.getValue());
  SmallVector<Value> operands(symbols.size());
  SmallVector<AffineExpr> replacements;
  unsigned used = 0;
  SmallVector<Value> usedOperands;
  for (unsigned i = 0; i < symbols.size(); ++i) {
    if (!size.isFunctionOfSymbol(i)) {
      replacements.push_back(getAffineConstantExpr(0, context));
      continue;
    }
    Value &argument = draft.symbolArguments[i];
    if (!argument)
      argument = draft.kernel.getBody().front().addArgument(
          draft.b.getIndexType(), draft.loc);
    replacements.push_back(getAffineSymbolExpr(used++, context));
    usedOperands.push_back(argument);
  }
  AffineMap map = AffineMap::get(0, used, size.replaceSymbols(replacements));
  return draft.b.create<affine::AffineApplyOp>(draft.loc, map, usedOperands);
}

Value KernelBuilder::addView(Draft &draft, const Buffer &buffer) {
  if (buffer.padding)
    return addPaddedView(draft, buffer);
  BlockArgument argument = draft.kernel.getBody().front().addArgument(
      MemRefType::get({ShapedType::kDynamic}, buffer.elementType), draft.loc);
  draft.buffers.push_back({argument, buffer});
  return addView(draft, argument, 0, buffer);
}

SmallVector<Value> KernelBuilder::addViews(Draft &draft,
                                           ArrayRef<Buffer> buffers) {
  SmallVector<Value> views;
  BlockArgument shared;
  for (const Buffer &buffer : buffers) {
    const Buffer &first = buffers.front();
    auto distance = dyn_cast<AffineConstantExpr>(buffer.offset - first.offset);
    if (!shared || buffer.memory != first.memory ||
        buffer.dynamicOffset != first.dynamicOffset ||
        buffer.elementType != first.elementType || !distance ||
        distance.getValue() < 0) {
      views.push_back(addView(draft, buffer));
      if (!shared)
        shared = draft.buffers.back().first;
      continue;
    }
    views.push_back(addView(draft, shared, distance.getValue(), buffer));
  }
  return views;
}

/// The part of a padded view that lies in memory.
static Buffer getInner(const Buffer &padded) {
  Buffer inner = padded;
  inner.padding = std::nullopt;
  for (auto [dim, low] : llvm::enumerate(padded.padding->low.asArrayRef())) {
    inner.offset = inner.offset + inner.strides[dim] * low;
    inner.sizes[dim] = inner.sizes[dim] - low - padded.padding->high[dim];
  }
  return inner;
}

Value KernelBuilder::addPaddedView(Draft &draft, const Buffer &buffer) {
  Value inner = addView(draft, getInner(buffer));
  SmallVector<int64_t> shape;
  for (AffineExpr size : buffer.sizes) {
    auto constant = dyn_cast<AffineConstantExpr>(size);
    shape.push_back(constant ? constant.getValue() : ShapedType::kDynamic);
  }
  return draft.b.create<PaddedViewOp>(
      draft.loc, MemRefType::get(shape, buffer.elementType), inner,
      buffer.padding->low, buffer.padding->high, buffer.padding->value);
}

Value KernelBuilder::addView(Draft &draft, BlockArgument argument,
                             int64_t offset, const Buffer &buffer) {
  Type memory = buffer.elementType;
  auto toMixed = [&](ArrayRef<AffineExpr> exprs) {
    SmallVector<OpFoldResult> mixed;
    for (AffineExpr expr : exprs) {
      if (auto constant = dyn_cast<AffineConstantExpr>(expr))
        mixed.push_back(draft.b.getIndexAttr(constant.getValue()));
      else
        mixed.push_back(getSize(draft, expr));
    }
    return mixed;
  };
  SmallVector<int64_t> sizes, strides;
  auto addStatic = [](ArrayRef<AffineExpr> exprs, SmallVector<int64_t> &out) {
    for (AffineExpr expr : exprs) {
      auto constant = dyn_cast<AffineConstantExpr>(expr);
      out.push_back(constant ? constant.getValue() : ShapedType::kDynamic);
    }
  };
  addStatic(buffer.sizes, sizes);
  addStatic(buffer.strides, strides);
  auto type = MemRefType::get(sizes, memory,
                              StridedLayoutAttr::get(context, offset, strides));
  return draft.b.create<memref::ReinterpretCastOp>(
      draft.loc, type, argument, draft.b.getIndexAttr(offset),
      toMixed(buffer.sizes), toMixed(buffer.strides));
}

FailureOr<Value> KernelBuilder::addOperand(Draft &draft, Value tensor) {
  if (Value known = draft.mapping.lookupOrNull(tensor))
    return known;
  FailureOr<Buffer> buffer = getBuffer(tensor);
  if (failed(buffer))
    return failure();
  Value view = addView(draft, *buffer);
  draft.mapping.map(tensor, view);
  return view;
}

FailureOr<Value> KernelBuilder::addScalar(Draft &draft, Value value) {
  if (Value known = draft.mapping.lookupOrNull(value))
    return known;
  Attribute constant;
  Value scalar;
  if (matchPattern(value, m_Constant(&constant))) {
    scalar =
        draft.b.create<arith::ConstantOp>(draft.loc, cast<TypedAttr>(constant));
  } else if (AffineExpr expr = value.getType().isIndex()
                                   ? kernels::getSymbolicExpr(value)
                                   : AffineExpr()) {
    scalar = getSize(draft, expr);
  } else {
    BlockArgument argument =
        draft.kernel.getBody().front().addArgument(value.getType(), draft.loc);
    draft.scalars.push_back({argument, getHostValue(value)});
    scalar = argument;
  }
  draft.mapping.map(value, scalar);
  return scalar;
}

LogicalResult KernelBuilder::addCaptures(Draft &draft, linalg::GenericOp op) {
  WalkResult result = op.getBody()->walk([&](Operation *inner) {
    for (Value operand : inner->getOperands()) {
      if (operand.getParentRegion() == &op.getRegion())
        continue;
      FailureOr<Value> mapped = isa<RankedTensorType>(operand.getType())
                                    ? addOperand(draft, operand)
                                    : addScalar(draft, operand);
      if (failed(mapped))
        return WalkResult::interrupt();
    }
    return WalkResult::advance();
  });
  return failure(result.wasInterrupted());
}

/// Floating-point operations of one iteration; a dot product of pairs, with the
/// sum that it goes to, counts as the four that it would be.
static int64_t countFlops(linalg::GenericOp op) {
  int64_t count = 0;
  for (Operation &inner : op.getBody()->without_terminator())
    if (isa<DotOp>(inner))
      count += 4;
    else if (inner.getNumResults() == 1 &&
             isa<FloatType>(inner.getResult(0).getType()) &&
             inner.getNumOperands() > 0)
      ++count;
  return count;
}

LogicalResult KernelBuilder::addGeneric(Draft &draft, linalg::GenericOp op,
                                        ValueRange outputs) {
  SmallVector<Value> inputs;
  for (Value input : op.getInputs()) {
    FailureOr<Value> operand = isa<RankedTensorType>(input.getType())
                                   ? addOperand(draft, input)
                                   : FailureOr<Value>(failure());
    if (failed(operand))
      return op.emitError("a kernel reads tensors only");
    inputs.push_back(*operand);
  }
  if (failed(addCaptures(draft, op)))
    return failure();

  auto generic = draft.b.create<linalg::GenericOp>(op.getLoc(), inputs, outputs,
                                                   op.getIndexingMapsArray(),
                                                   op.getIteratorTypesArray());
  Block &body = generic.getRegion().emplaceBlock();
  OpBuilder inner = OpBuilder::atBlockBegin(&body);
  IRMapping mapping = draft.mapping;
  for (BlockArgument argument : op.getBody()->getArguments())
    mapping.map(argument, body.addArgument(argument.getType(), draft.loc));
  for (Operation &old : *op.getBody()) {
    auto extract = dyn_cast<tensor::ExtractOp>(old);
    if (!extract) {
      inner.clone(old, mapping);
      continue;
    }
    SmallVector<Value> indices;
    for (Value index : extract.getIndices())
      indices.push_back(mapping.lookupOrDefault(index));
    Value value = inner.create<memref::LoadOp>(
        op.getLoc(), mapping.lookup(extract.getTensor()), indices);
    mapping.map(extract.getResult(), value);
  }
  return success();
}

Value KernelBuilder::getHostView(OpBuilder &host, Location loc,
                                 const Buffer &buffer) {
  Value offset =
      materialize(host, loc, buffer.offset * buffer.getElementBytes(), symbols);
  if (buffer.dynamicOffset) {
    Value bytes =
        host.create<arith::ConstantIndexOp>(loc, buffer.getElementBytes());
    Value moved = host.create<arith::MulIOp>(loc, buffer.dynamicOffset, bytes);
    offset = host.create<arith::AddIOp>(loc, offset, moved);
  }
  Value size =
      materialize(host, loc, getNumElements(buffer.sizes, context), symbols);
  auto type = MemRefType::get({ShapedType::kDynamic}, buffer.elementType);
  return host.create<memref::ViewOp>(loc, type, buffer.memory, offset, size);
}

/// A name for a kernel: the nodes it computes, as far as they fit.
static std::string getKernelName(Location loc) {
  std::string name;
  for (StringRef node : getNodeNames(loc)) {
    if (name.size() + node.size() > 100) {
      name += name.empty() ? "kernel" : "+...";
      break;
    }
    name += (name.empty() ? "" : "+") + node.str();
  }
  return name.empty() ? "kernel" : name;
}

/// Like "1x56x56x64xf32".
static std::string getShapeText(const Buffer &buffer) {
  std::string text;
  llvm::raw_string_ostream stream(text);
  for (AffineExpr size : buffer.sizes)
    stream << size << 'x';
  stream << buffer.elementType;
  return text;
}

func::FuncOp KernelBuilder::addKernel(Draft &draft) {
  std::string text;
  llvm::raw_string_ostream stream(text);
  draft.kernel.print(stream, OpPrintingFlags().useLocalScope());
  func::FuncOp &known = kernels[text];
  SmallVector<Attribute> nodes;
  if (known) {
    draft.kernel.erase();
    llvm::append_range(nodes, getKernelInfo(known).nodes);
  } else {
    known = draft.kernel;
    std::string name = getKernelName(draft.loc);
    unsigned &count = names[name];
    known.setName(count++ ? name + "#" + std::to_string(count) : name);
    known.setPrivate();
    module.push_back(known);
  }
  OpBuilder b(context);
  for (StringRef node : getNodeNames(draft.loc))
    if (Attribute name = b.getStringAttr(node);
        !llvm::is_contained(nodes, name))
      nodes.push_back(name);
  SmallVector<Attribute> shapes;
  AffineExpr bytes = getAffineConstantExpr(0, context);
  for (auto &[argument, buffer] : draft.buffers) {
    shapes.push_back(b.getStringAttr(getShapeText(buffer)));
    bytes = bytes +
            getNumElements(buffer.sizes, context) * buffer.getElementBytes();
  }
  auto toMap = [&](AffineExpr expr) {
    return AffineMap::get(0, symbols.size(), expr);
  };
  setKernelInfo(known, {b.getArrayAttr(nodes), b.getArrayAttr(shapes),
                        toMap(draft.flops), toMap(bytes)});
  return known;
}

void KernelBuilder::finish(OpBuilder &host, Draft &draft) {
  draft.b.create<func::ReturnOp>(draft.loc);
  Block &body = draft.kernel.getBody().front();
  // The host's view of every argument, in the order of the arguments.
  SmallVector<Value> arguments(body.getNumArguments());
  for (auto &[argument, buffer] : draft.buffers)
    arguments[argument.getArgNumber()] = getHostView(host, draft.loc, buffer);
  for (auto &[argument, value] : draft.scalars)
    arguments[argument.getArgNumber()] = value;
  for (auto &[symbol, argument] : draft.symbolArguments)
    arguments[cast<BlockArgument>(argument).getArgNumber()] = symbols[symbol];
  body.addArguments({draft.b.getIndexType(), draft.b.getIndexType()},
                    {draft.loc, draft.loc});
  draft.kernel.setFunctionType(
      FunctionType::get(context, body.getArgumentTypes(), {}));
  for (auto &[symbol, argument] : draft.symbolArguments)
    draft.kernel.setArgAttr(cast<BlockArgument>(argument).getArgNumber(),
                            symbolAttrName, draft.b.getI64IntegerAttr(symbol));
  func::FuncOp kernel = addKernel(draft);
  AffineMap grid = AffineMap::getConstantMap(1, context);
  host.create<DispatchOp>(draft.loc, kernel.getName(), grid, arguments);
}

LogicalResult KernelBuilder::addOperands(Draft &draft,
                                         const KernelRequest &request) {
  linalg::GenericOp main = request.main, epilogue = request.epilogue;
  Value accumulator = epilogue ? main.getResult(0) : Value();
  for (linalg::GenericOp op : {main, epilogue})
    if (op)
      for (Value input : op.getInputs())
        if (input != accumulator && failed(addOperand(draft, input)))
          return failure();
  return success();
}

SmallVector<AffineExpr>
KernelBuilder::getMainSizes(const KernelRequest &request) {
  SmallVector<AffineExpr> sizes = request.results[0].sizes;
  linalg::GenericOp main = request.main, epilogue = request.epilogue;
  if (!epilogue)
    return sizes;
  AffineMap read = epilogue.getMatchingIndexingMap(
      llvm::find_if(epilogue->getOpOperands(), [&](OpOperand &operand) {
        return operand.get() == main.getResult(0);
      }));
  AffineMap written =
      epilogue.getMatchingIndexingMap(epilogue.getDpsInitOperand(0));
  for (auto [i, expr] : llvm::enumerate(read.getResults()))
    sizes[i] = request.results[0].sizes[*written.getResultPosition(expr)];
  return sizes;
}

Value KernelBuilder::addAccumulator(Draft &draft, Value result,
                                    ArrayRef<AffineExpr> sizes) {
  auto type = cast<RankedTensorType>(result.getType());
  SmallVector<Value> open;
  for (auto [i, size] : llvm::enumerate(sizes))
    if (type.isDynamicDim(i))
      open.push_back(getSize(draft, size));
  Value accumulator = draft.b.create<memref::AllocOp>(
      draft.loc, MemRefType::get(type.getShape(), type.getElementType()), open);
  draft.mapping.map(result, accumulator);
  return accumulator;
}

LogicalResult KernelBuilder::addFills(Draft &draft, linalg::GenericOp op,
                                      ValueRange outputs) {
  for (auto [init, output] : llvm::zip_equal(op.getDpsInits(), outputs)) {
    if (auto fill = init.getDefiningOp<linalg::FillOp>()) {
      FailureOr<Value> value = addScalar(draft, fill.getInputs()[0]);
      draft.b.create<linalg::FillOp>(draft.loc, *value, output);
    } else if (!init.getDefiningOp<tensor::EmptyOp>() &&
               op.getNumReductionLoops() > 0) {
      return op.emitError("a reduction starts from a tensor");
    }
  }
  return success();
}

FailureOr<AffineExpr>
KernelBuilder::getFlops(linalg::GenericOp op,
                        ArrayRef<AffineExpr> resultSizes) {
  SmallVector<AffineExpr> loopSizes(op.getNumLoops());
  for (OpOperand &operand : op->getOpOperands()) {
    SmallVector<AffineExpr> sizes(resultSizes);
    if (op.isDpsInput(&operand)) {
      FailureOr<Buffer> buffer = getBuffer(operand.get());
      if (failed(buffer))
        return failure();
      sizes = buffer->sizes;
    }
    for (auto [expr, size] : llvm::zip_equal(
             op.getMatchingIndexingMap(&operand).getResults(), sizes))
      if (auto dim = dyn_cast<AffineDimExpr>(expr))
        loopSizes[dim.getPosition()] = size;
  }
  AffineExpr flops = getAffineConstantExpr(countFlops(op), context);
  for (AffineExpr size : loopSizes)
    if (size)
      flops = flops * size;
  return flops;
}

LogicalResult KernelBuilder::dispatch(OpBuilder &host,
                                      const KernelRequest &request) {
  linalg::GenericOp main = request.main, epilogue = request.epilogue;
  Location loc = main.getLoc();
  if (epilogue)
    loc = FusedLoc::get(context, {main.getLoc(), epilogue.getLoc()});
  Draft draft(context, loc);

  // Outputs come last among the kernel's buffers, so operands are added first.
  if (failed(addOperands(draft, request)))
    return failure();
  SmallVector<Value> outputs = addViews(draft, request.results);
  SmallVector<AffineExpr> mainSizes = getMainSizes(request);
  SmallVector<Value> mainOutputs = outputs;
  if (epilogue)
    mainOutputs = {addAccumulator(draft, main.getResult(0), mainSizes)};
  if (failed(addFills(draft, main, mainOutputs)) ||
      failed(addGeneric(draft, main, mainOutputs)) ||
      (epilogue && failed(addGeneric(draft, epilogue, outputs))))
    return failure();

  FailureOr<AffineExpr> flops = getFlops(main, mainSizes);
  if (failed(flops))
    return failure();
  draft.flops = *flops;
  if (epilogue)
    draft.flops =
        draft.flops + getNumElements(request.results[0].sizes, context) *
                          countFlops(epilogue);
  finish(host, draft);
  return success();
}

LogicalResult KernelBuilder::copy(OpBuilder &host, Location loc,
                                  const Buffer &from, const Buffer &to) {
  Draft draft(context, loc);
  Value input = addView(draft, from), output = addView(draft, to);
  unsigned rank = from.sizes.size();
  AffineMap map = AffineMap::getMultiDimIdentityMap(rank, context);
  SmallVector<utils::IteratorType> kinds(rank, utils::IteratorType::parallel);
  draft.b.create<linalg::GenericOp>(
      loc, input, output, ArrayRef<AffineMap>{map, map}, kinds,
      [](OpBuilder &b, Location loc, ValueRange arguments) {
        b.create<linalg::YieldOp>(loc, arguments[0]);
      });
  draft.flops = getAffineConstantExpr(0, context);
  finish(host, draft);
  return success();
}

LogicalResult KernelBuilder::fill(OpBuilder &host, Location loc,
                                  TypedAttr value, const Buffer &to) {
  Draft draft(context, loc);
  Value output = addView(draft, to);
  unsigned rank = to.sizes.size();
  AffineMap map = AffineMap::getMultiDimIdentityMap(rank, context);
  SmallVector<utils::IteratorType> kinds(rank, utils::IteratorType::parallel);
  draft.b.create<linalg::GenericOp>(
      loc, ValueRange{}, output, ArrayRef<AffineMap>{map}, kinds,
      [&](OpBuilder &b, Location loc, ValueRange) {
        Value constant = b.create<arith::ConstantOp>(loc, value);
        b.create<linalg::YieldOp>(loc, constant);
      });
  draft.flops = getAffineConstantExpr(0, context);
  finish(host, draft);
  return success();
}

} // namespace nncc::exec
