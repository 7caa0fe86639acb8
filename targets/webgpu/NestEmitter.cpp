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
#include "nncc/Dialect/Exec/Exec.h"
#include "nncc/Kernels/Schedule.h"
#include "targets/webgpu/Scalars.h"

using namespace mlir;
using namespace nncc::kernels;

namespace nncc::webgpu {

NestEmitter::NestEmitter(OpBuilder &b, func::FuncOp func, const LoopNest &nest)
    : b(b), loc(func.getLoc()), nest(nest), ivs(nest.dims.size()) {
  for (BlockArgument argument : func.getArguments())
    if (std::optional<unsigned> symbol =
            exec::getSymbolArgument(func, argument)) {
      symbols.resize(std::max<size_t>(symbols.size(), *symbol + 1));
      symbols[*symbol] = argument;
    }
}

//===----------------------------------------------------------------------===//
// Index arithmetic
//===----------------------------------------------------------------------===//

Value NestEmitter::constant(int64_t value) {
  return b.create<arith::ConstantIndexOp>(loc, value);
}

Value NestEmitter::add(Value a, Value c) {
  return b.createOrFold<arith::AddIOp>(loc, a, c);
}

Value NestEmitter::mul(Value a, Value c) {
  return b.createOrFold<arith::MulIOp>(loc, a, c);
}

Value NestEmitter::div(Value a, int64_t by) {
  return b.createOrFold<arith::DivSIOp>(loc, a, constant(by));
}

Value NestEmitter::getWorkgroup() {
  Type index = b.getIndexType();
  Value x = b.create<gpu::BlockIdOp>(loc, index, gpu::Dimension::x);
  Value y = b.create<gpu::BlockIdOp>(loc, index, gpu::Dimension::y);
  Value row = b.create<gpu::GridDimOp>(loc, index, gpu::Dimension::x);
  return add(x, mul(y, row));
}

Value NestEmitter::getThread() {
  return b.create<gpu::ThreadIdOp>(loc, b.getIndexType(), gpu::Dimension::x);
}

Value NestEmitter::expand(AffineExpr expr) {
  if (auto number = dyn_cast<AffineConstantExpr>(expr))
    return constant(number.getValue());
  if (auto symbol = dyn_cast<AffineSymbolExpr>(expr))
    return symbols[symbol.getPosition()];
  if (auto dim = dyn_cast<AffineDimExpr>(expr))
    return ivs[dim.getPosition()];
  auto binary = cast<AffineBinaryOpExpr>(expr);
  Value left = expand(binary.getLHS()), right = expand(binary.getRHS());
  // What is divided is not negative.
  switch (expr.getKind()) {
  case AffineExprKind::Add:
    return add(left, right);
  case AffineExprKind::Mul:
    return mul(left, right);
  case AffineExprKind::FloorDiv:
    return b.createOrFold<arith::DivSIOp>(loc, left, right);
  case AffineExprKind::Mod:
    return b.createOrFold<arith::RemSIOp>(loc, left, right);
  default: // CeilDiv
    return b.createOrFold<arith::DivSIOp>(
        loc, add(left, b.createOrFold<arith::SubIOp>(loc, right, constant(1))),
        right);
  }
}

Value NestEmitter::expandSize(OpFoldResult size) {
  if (std::optional<int64_t> number = getConstantIntValue(size))
    return constant(*number);
  return expand(getSymbolicExpr(cast<Value>(size)));
}

Value NestEmitter::getIndex(const Access &access) {
  Value index = expand(access.offset);
  for (auto [iv, coef] : llvm::zip_equal(ivs, access.coefs))
    if (iv && coef != 0)
      index = add(index, mul(iv, expand(coef)));
  for (const NonLinearTerm &term : access.terms)
    index = add(index, mul(expand(term.expr), expand(term.coef)));
  return index;
}

void NestEmitter::delinearize(Value linear, ArrayRef<unsigned> order) {
  for (unsigned dim : llvm::reverse(order)) {
    if (dim == order.front()) {
      ivs[dim] = linear;
      return;
    }
    Value size = expand(nest.dims[dim].size);
    ivs[dim] = b.createOrFold<arith::RemSIOp>(loc, linear, size);
    linear = b.createOrFold<arith::DivSIOp>(loc, linear, size);
  }
}

//===----------------------------------------------------------------------===//
// Elements
//===----------------------------------------------------------------------===//

Value NestEmitter::load(const Access &access) {
  Value stored = b.create<memref::LoadOp>(
      loc, buffers.lookupOrDefault(access.buffer), getIndex(access));
  return fromStorage(b, loc, stored, access.elementType);
}

void NestEmitter::store(const Access &access, Value value) {
  b.create<memref::StoreOp>(loc, toStorage(b, loc, value),
                            buffers.lookupOrDefault(access.buffer),
                            getIndex(access));
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
  Value stored =
      b.create<memref::LoadOp>(loc, buffers.lookupOrDefault(buffer), index);
  return fromStorage(b, loc, stored, load.getType());
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

NestEmitter::Values NestEmitter::getInits() {
  Values values;
  for (TypedAttr init : nest.main.inits) {
    OwningOpRef<arith::ConstantOp> op =
        OpBuilder(b.getContext()).create<arith::ConstantOp>(loc, init);
    Value value = cloneScalar(b, op->getOperation(), IRMapping());
    failed |= !value;
    values.push_back(value);
  }
  return values;
}

NestEmitter::Values NestEmitter::reduce(ArrayRef<unsigned> dims,
                                        ValueRange accumulators) {
  if (dims.empty()) {
    IRMapping known;
    linalg::GenericOp op = nest.main.op;
    for (auto [argument, value] :
         llvm::zip_equal(op.getRegionOutputArgs(), accumulators))
      known.map(argument, value);
    return evaluate(nest.main, known);
  }
  Value size = expand(nest.dims[dims.front()].size);
  auto loop =
      b.create<scf::ForOp>(loc, constant(0), size, constant(1), accumulators);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(loop.getBody());
  ivs[dims.front()] = loop.getInductionVar();
  Values next = reduce(dims.drop_front(), loop.getRegionIterArgs());
  ivs[dims.front()] = Value();
  if (failed)
    return Values(accumulators.size());
  b.create<scf::YieldOp>(loc, next);
  return Values(loop.getResults());
}

Value NestEmitter::combine(Value a, Value other) {
  Value element;
  linalg::GenericOp op = nest.main.op;
  SmallVector<Operation *> combiner = getCombiner(op, element);
  IRMapping known;
  known.map(op.getRegionOutputArgs().front(), a);
  known.map(element, other);
  for (Operation *inner : combiner)
    known.map(inner->getResult(0), cloneScalar(b, inner, known));
  return known.lookup(combiner.back()->getResult(0));
}

LogicalResult NestEmitter::finish(ValueRange results) {
  if (failed)
    return failure();
  const Stage *last = &nest.main;
  Values values(results);
  for (auto [access, value] : llvm::zip_equal(nest.main.outputs, values))
    if (nest.epilogue && access.buffer)
      store(access, value);
  if (nest.epilogue) {
    last = &*nest.epilogue;
    IRMapping known;
    linalg::GenericOp op = last->op;
    known.map(op.getRegionInputArgs()[nest.epilogueInput], values.front());
    values = evaluate(*last, known);
    if (failed)
      return failure();
  }
  for (auto [access, value] : llvm::zip_equal(last->outputs, values))
    store(access, value);
  return success();
}

} // namespace nncc::webgpu
