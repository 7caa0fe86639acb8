//===- NestEmitter.cpp - Code of a loop nest at one point -----------------===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "targets/webgpu/NestEmitter.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "nncc/Dialect/Exec/Exec.h"
#include "nncc/Kernels/Schedule.h"
#include "targets/webgpu/Scalars.h"

using namespace mlir;
using namespace nncc::kernels;

namespace nncc::webgpu {

NestEmitter::NestEmitter(OpBuilder &b, func::FuncOp func, const LoopNest &nest,
                         ThreadTile tile)
    : b(b), loc(func.getLoc()), nest(nest), tile(std::move(tile)),
      ivs(nest.dims.size()) {
  setSymbols(func, ValueRange(func.getArguments()));
}

void NestEmitter::setSymbols(func::FuncOp func, ValueRange values) {
  for (auto [argument, value] : llvm::zip_equal(func.getArguments(), values))
    if (std::optional<unsigned> symbol =
            exec::getSymbolArgument(func, argument)) {
      symbols.resize(std::max<size_t>(symbols.size(), *symbol + 1));
      symbols[*symbol] = value;
    }
}

void NestEmitter::enterCall(func::FuncOp callee, func::CallOp call) {
  buffers.map(callee.getArguments(), call.getOperands());
  setSymbols(callee, call.getOperands());
}

//===----------------------------------------------------------------------===//
// Tiles
//===----------------------------------------------------------------------===//

AffineExpr NestEmitter::getUnits(unsigned dim) const {
  AffineExpr size = nest.dims[dim].size;
  if (dim == tile.vectorDim)
    return size.floorDiv(lanes * tile.vectors);
  return dim == tile.rowDim ? size.ceilDiv(tile.rows) : size;
}

AffineExpr NestEmitter::getNumTiles() const {
  AffineExpr count = b.getAffineConstantExpr(1);
  for (unsigned dim : tile.order)
    count = count * getUnits(dim);
  return count;
}

void NestEmitter::enterTile(Value linear) {
  for (unsigned dim : llvm::reverse(tile.order)) {
    Value units = expand(getUnits(dim));
    bool isLast = dim == tile.order.front();
    Value unit = isLast ? linear : rem(linear, units);
    int64_t step = dim == tile.vectorDim ? lanes * tile.vectors
                   : dim == tile.rowDim  ? tile.rows
                                         : 1;
    ivs[dim] = mul(unit, constant(step));
    if (!isLast)
      linear = div(linear, units);
  }
}

void NestEmitter::forEachPoint(function_ref<void()> visit) {
  Values first = ivs;
  for (int64_t row = 0; row < tile.rows; ++row)
    for (int64_t vector = 0; vector < tile.vectors; ++vector) {
      if (row) {
        // Rows beyond the last are the last once more.
        AffineExpr size = nest.dims[*tile.rowDim].size;
        ivs[*tile.rowDim] = add(first[*tile.rowDim], constant(row));
        if (!size.isMultipleOf(tile.rows))
          ivs[*tile.rowDim] = min(ivs[*tile.rowDim], expand(size - 1));
      }
      if (tile.vectors > 1)
        ivs[*tile.vectorDim] =
            add(first[*tile.vectorDim], constant(lanes * vector));
      visit();
    }
  ivs = first;
}

//===----------------------------------------------------------------------===//
// Elements
//===----------------------------------------------------------------------===//

/// Visits each lane, the vector dimension set to it.
void NestEmitter::forEachLane(function_ref<void(int64_t)> visit) {
  unsigned dim = *std::exchange(tile.vectorDim, std::nullopt);
  Value first = ivs[dim];
  for (int64_t lane = 0; lane < lanes; ++lane) {
    ivs[dim] = add(first, constant(lane));
    visit(lane);
  }
  ivs[dim] = first;
  tile.vectorDim = dim;
}

/// What was loaded from a buffer, as it is in registers.
static Value fromBuffer(OpBuilder &b, Location loc, Value value) {
  bool isHalf = getElementTypeOrSelf(value.getType()).isF16();
  return isHalf ? fromHalf(b, loc, value) : value;
}

static VectorType getVectorType(Value buffer) {
  auto type = cast<MemRefType>(buffer.getType());
  return VectorType::get(lanes, type.getElementType());
}

Value NestEmitter::loadVector(const Access &access) {
  Value buffer = getBuffer(access.buffer);
  Value stored = b.create<vector::LoadOp>(loc, getVectorType(buffer), buffer,
                                          getIndex(access));
  stored = fromBuffer(b, loc, stored);
  return fromStorage(b, loc, pad(access, stored), access.elementType);
}

Value NestEmitter::load(const Access &access) {
  if (Value known = held.lookup(&access))
    return known;
  Value stored, buffer = getBuffer(access.buffer);
  auto loadElement = [&] {
    Value element = b.create<memref::LoadOp>(loc, buffer, getIndex(access));
    return pad(access, fromBuffer(b, loc, element));
  };
  if (!tile.vectorDim || access.isZero(*tile.vectorDim)) {
    stored = loadElement();
  } else if (isWide(nest, access, *tile.vectorDim)) {
    return loadVector(access);
  } else {
    Values elements;
    forEachLane([&](int64_t) { elements.push_back(loadElement()); });
    stored = b.create<vector::FromElementsOp>(
        loc, VectorType::get(lanes, elements.front().getType()), elements);
  }
  return fromStorage(b, loc, stored, access.elementType);
}

void NestEmitter::store(const Access &access, Value value) {
  Value buffer = getBuffer(access.buffer);
  value = toStorage(b, loc, value);
  if (cast<MemRefType>(buffer.getType()).getElementType().isF16())
    value = toHalf(b, loc, value);
  if (!tile.vectorDim) {
    b.create<memref::StoreOp>(loc, value, buffer, getIndex(access));
    return;
  }
  value = toVector(b, loc, value);
  if (isWide(nest, access, *tile.vectorDim)) {
    b.create<vector::StoreOp>(loc, value, buffer, getIndex(access));
    return;
  }
  forEachLane([&](int64_t lane) {
    b.create<memref::StoreOp>(loc,
                              b.create<vector::ExtractOp>(loc, value, lane),
                              buffer, getIndex(access));
  });
}

/// A load inside a body: from an argument or from a view of it.
Value NestEmitter::loadInner(Operation *op, const IRMapping &values) {
  auto load = cast<memref::LoadOp>(op);
  auto view = load.getMemRef().getDefiningOp<memref::ReinterpretCastOp>();
  SmallVector<OpFoldResult> strides(1, b.getIndexAttr(1));
  Value index = constant(0);
  if (view) {
    strides = view.getMixedStrides();
    index = expandSize(view.getMixedOffsets().front());
  }
  for (auto [place, stride] : llvm::zip_equal(load.getIndices(), strides))
    index = add(index, mul(values.lookup(place), expandSize(stride)));
  Value buffer = view ? view.getSource() : load.getMemRef();
  Value stored = b.create<memref::LoadOp>(loc, getBuffer(buffer), index);
  return fromStorage(b, loc, fromBuffer(b, loc, stored), load.getType());
}

/// Maps what the op reads from outside of its body: constants and functions of
/// the symbols.
void NestEmitter::mapOuter(Operation &op, IRMapping &known) {
  for (Value operand : op.getOperands()) {
    if (known.contains(operand))
      continue;
    AffineExpr size =
        operand.getType().isIndex() ? getSymbolicExpr(operand) : AffineExpr();
    if (size) {
      known.map(operand, expand(size));
    } else if (Operation *outer = operand.getDefiningOp();
               outer && !isa<MemRefType>(operand.getType())) {
      mapOuter(*outer, known);
      Value value = cloneScalar(b, outer, known);
      failed |= !value;
      known.map(operand, value);
    }
  }
}

NestEmitter::Values NestEmitter::evaluate(const Stage &stage,
                                          IRMapping &known) {
  Block *body = const_cast<linalg::GenericOp &>(stage.op).getBody();
  for (auto [i, argument] : llvm::enumerate(body->getArguments())) {
    if (known.contains(argument) || argument.use_empty())
      continue;
    bool isInput = i < stage.inputs.size();
    const Access &access =
        isInput ? stage.inputs[i] : stage.outputs[i - stage.inputs.size()];
    known.map(argument, load(access));
  }
  for (Operation &op : *body) {
    mapOuter(op, known);
    if (&op == body->getTerminator() || failed)
      break;
    Value result;
    if (auto index = dyn_cast<linalg::IndexOp>(op))
      result = ivs[index.getDim()];
    else if (isa<memref::LoadOp>(op))
      result = loadInner(&op, known);
    else
      result = cloneScalar(b, &op, known);
    if (!result) {
      failed = true;
      break;
    }
    known.map(op.getResult(0), result);
  }
  Values yielded;
  for (Value value : body->getTerminator()->getOperands())
    yielded.push_back(known.lookupOrNull(value));
  return yielded;
}

//===----------------------------------------------------------------------===//
// Reductions and results
//===----------------------------------------------------------------------===//

/// A constant of a kernel's body; null after a diagnostic.
Value NestEmitter::getConstant(TypedAttr attr) {
  OwningOpRef<arith::ConstantOp> op =
      OpBuilder(b.getContext()).create<arith::ConstantOp>(loc, attr);
  Value value = cloneScalar(b, op->getOperation(), IRMapping());
  failed |= !value;
  return value;
}

NestEmitter::Values NestEmitter::getInits() {
  Values values;
  for (TypedAttr init : nest.main.inits) {
    Value value = getConstant(init);
    values.push_back(value && tile.vectorDim ? toVector(b, loc, value) : value);
  }
  return values;
}

NestEmitter::Values NestEmitter::evaluateMain(ValueRange accumulators) {
  IRMapping known;
  linalg::GenericOp op = nest.main.op;
  for (auto [argument, value] :
       llvm::zip(op.getRegionOutputArgs(), accumulators))
    known.map(argument, value);
  return evaluate(nest.main, known);
}

NestEmitter::Values NestEmitter::reduce(ArrayRef<unsigned> dims,
                                        ValueRange accumulators, Step step) {
  if (dims.empty())
    return step(accumulators);
  Value size = expand(nest.dims[dims.front()].size);
  auto loop =
      b.create<scf::ForOp>(loc, constant(0), size, constant(1), accumulators);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(loop.getBody());
  ivs[dims.front()] = loop.getInductionVar();
  Values next = reduce(dims.drop_front(), loop.getRegionIterArgs(), step);
  ivs[dims.front()] = Value();
  if (failed)
    return Values(accumulators.size());
  b.create<scf::YieldOp>(loc, next);
  return Values(loop.getResults());
}

Value NestEmitter::combine(Value a, Value c) {
  linalg::GenericOp op = nest.main.op;
  Value element;
  SmallVector<Operation *> combiner = getCombiner(op, element);
  IRMapping known;
  known.map(op.getRegionOutputArgs().front(), a);
  known.map(element, c);
  for (Operation *inner : combiner) {
    Value value = cloneScalar(b, inner, known);
    failed |= !value;
    known.map(inner->getResult(0), value);
  }
  return known.lookup(combiner.back()->getResult(0));
}

Value NestEmitter::combineLanes(Value vector) {
  Value whole = b.create<vector::ExtractOp>(loc, vector, 0);
  for (int64_t lane = 1; lane < lanes; ++lane)
    whole = combine(whole, b.create<vector::ExtractOp>(loc, vector, lane));
  return whole;
}

NestEmitter::Values NestEmitter::finish(ValueRange results) {
  if (!nest.epilogue)
    return Values(results);
  Values values;
  for (auto [access, value] : llvm::zip_equal(nest.main.outputs, results))
    if (access.buffer)
      values.push_back(value);
  IRMapping known;
  linalg::GenericOp op = nest.epilogue->op;
  known.map(op.getRegionInputArgs()[nest.epilogueInput], results.front());
  values.append(evaluate(*nest.epilogue, known));
  return values;
}

void NestEmitter::storeResults(ValueRange values) {
  for (const Stage *stage :
       {&nest.main, nest.epilogue ? &*nest.epilogue : nullptr})
    for (const Access &access :
         stage ? ArrayRef(stage->outputs) : ArrayRef<Access>())
      if (access.buffer) {
        store(access, values.front());
        values = values.drop_front();
      }
}

} // namespace nncc::webgpu
