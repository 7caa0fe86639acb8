//===- HostControl.cpp - Loops and branches of the host program -----------===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "HostProgram.h"

using namespace mlir;

namespace nncc::exec {

FailureOr<Buffer> HostProgramBuilder::getCarried(Value init, Value result) {
  // One that starts without values may lie where its reader wants it.
  if (init.getDefiningOp<tensor::EmptyOp>())
    return getDestination(result);
  // One loop goes on where another ended.
  if (init.getDefiningOp<scf::ForOp>() && init.hasOneUse())
    return getBuffer(init);
  FailureOr<SmallVector<AffineExpr>> sizes = getSizes(init);
  if (failed(sizes))
    return failure();
  Buffer buffer =
      allocate(result.getLoc(), *sizes,
               cast<RankedTensorType>(init.getType()).getElementType());
  if (failed(writeTo(result.getLoc(), init, buffer)))
    return failure();
  return buffer;
}

/// The op that binds the sizes that the loop's states have next, which ends the
/// body; null if they change none.
static BindOp getRebinding(Block &body) {
  Operation *last = body.getTerminator()->getPrevNode();
  return dyn_cast_or_null<BindOp>(last);
}

static bool needsSymbols(ArrayRef<AffineExpr> sizes, BindOp bind) {
  return llvm::any_of(sizes, [&](AffineExpr size) {
    for (unsigned i = 0; i < bind.getValues().size(); ++i)
      if (size.isFunctionOfSymbol(bind.getFirst() + i))
        return true;
    return false;
  });
}

LogicalResult HostProgramBuilder::convertStep(Block &body) {
  BindOp rebinding = getRebinding(body);
  for (Operation &op : body.without_terminator())
    if (&op != rebinding && failed(convert(&op)))
      return failure();
  return success();
}

LogicalResult HostProgramBuilder::endStep(Block &body, ValueRange values,
                                          ArrayRef<Buffer> carried) {
  BindOp rebinding = getRebinding(body);
  Location loc = body.getTerminator()->getLoc();
  SmallVector<Value> early, late;
  SmallVector<Buffer> earlyTo, lateTo;
  for (auto [value, buffer] : llvm::zip_equal(values, carried)) {
    bool isLate = rebinding && needsSymbols(buffer.sizes, rebinding);
    (isLate ? late : early).push_back(value);
    (isLate ? lateTo : earlyTo).push_back(buffer);
  }
  if (failed(carryOver(loc, early, earlyTo)))
    return failure();
  if (rebinding && failed(convert(rebinding)))
    return failure();
  return carryOver(loc, late, lateTo);
}

LogicalResult HostProgramBuilder::carryOver(Location loc, ValueRange values,
                                            ArrayRef<Buffer> carried) {
  // A value that is another carried tensor must not be overwritten before it
  // is read.
  SmallVector<Buffer> next;
  for (auto [value, buffer] : llvm::zip_equal(values, carried)) {
    FailureOr<Buffer> from = getBuffer(value);
    if (failed(from))
      return failure();
    bool aliases = !isSamePlace(*from, buffer) &&
                   llvm::any_of(carried, [&](const Buffer &other) {
                     return other.memory == from->memory;
                   });
    if (aliases) {
      Buffer copy = allocate(loc, from->sizes, from->elementType);
      if (failed(kernels->copy(host, loc, *from, copy)))
        return failure();
      from = copy;
    }
    next.push_back(*from);
  }
  for (auto [from, to] : llvm::zip_equal(next, carried))
    if (!isSamePlace(from, to) && failed(kernels->copy(host, loc, from, to)))
      return failure();
  return success();
}

LogicalResult HostProgramBuilder::convert(scf::ForOp op) {
  SmallVector<Buffer> carried;
  for (auto [init, argument, result] : llvm::zip_equal(
           op.getInitArgs(), op.getRegionIterArgs(), op.getResults())) {
    if (!isa<RankedTensorType>(init.getType()))
      return op.emitError("a loop carries tensors only");
    FailureOr<Buffer> buffer = getCarried(init, result);
    if (failed(buffer))
      return failure();
    buffers[argument] = *buffer;
    buffers[result] = *buffer;
    carried.push_back(*buffer);
  }
  auto loop = host.create<scf::ForOp>(
      op.getLoc(), hostValues.lookup(op.getLowerBound()),
      hostValues.lookup(op.getUpperBound()), hostValues.lookup(op.getStep()));
  hostValues.map(op.getInductionVar(), loop.getInductionVar());
  OpBuilder::InsertionGuard guard(host);
  host.setInsertionPoint(loop.getBody()->getTerminator());
  Block &body = *op.getBody();
  if (failed(convertStep(body)))
    return failure();
  return endStep(body, body.getTerminator()->getOperands(), carried);
}

static bool isTensor(Value value) {
  return isa<RankedTensorType>(value.getType());
}

LogicalResult
HostProgramBuilder::getCarriedBuffers(scf::WhileOp op,
                                      SmallVectorImpl<Buffer> &carried) {
  for (auto [i, init] : llvm::enumerate(op.getInits())) {
    if (!isTensor(init))
      continue;
    FailureOr<Buffer> buffer = getCarried(init, op.getResult(i));
    if (failed(buffer))
      return failure();
    for (Value value :
         {Value(op.getBeforeBody()->getArgument(i)),
          Value(op.getAfterBody()->getArgument(i)), op.getResult(i)})
      buffers[value] = *buffer;
    carried.push_back(*buffer);
  }
  return success();
}

/// The steps of a body as those of a new block, whose arguments are the numbers
/// that the body takes.
LogicalResult HostProgramBuilder::convertBody(Block *body, Region &to) {
  auto numbers = llvm::to_vector(llvm::make_filter_range(
      body->getArguments(), [](Value value) { return !isTensor(value); }));
  SmallVector<Type> types(ValueRange(numbers).getTypes());
  SmallVector<Location> locs(types.size(), body->getParentOp()->getLoc());
  Block *block = host.createBlock(&to, {}, types, locs);
  hostValues.map(ValueRange(numbers), block->getArguments());
  return convertStep(*body);
}

/// What the host has for those of the values that are numbers.
SmallVector<Value> HostProgramBuilder::getNumbers(ValueRange values) {
  SmallVector<Value> numbers;
  for (Value value : values)
    if (!isTensor(value))
      numbers.push_back(hostValues.lookup(value));
  return numbers;
}

/// Numbers are carried as they are, tensors in buffers.
LogicalResult HostProgramBuilder::convert(scf::WhileOp op) {
  Location loc = op.getLoc();
  if (op.getConditionOp().getArgs() != op.getBeforeArguments())
    return op.emitError("hands on something else than it carries");
  SmallVector<Buffer> carried;
  if (failed(getCarriedBuffers(op, carried)))
    return failure();
  SmallVector<Value> numbers = getNumbers(op.getInits());
  SmallVector<Type> types(ValueRange(numbers).getTypes());
  auto loop = host.create<scf::WhileOp>(loc, types, numbers);
  OpBuilder::InsertionGuard guard(host);
  if (failed(convertBody(op.getBeforeBody(), loop.getBefore())))
    return failure();
  host.create<scf::ConditionOp>(
      loc, hostValues.lookup(op.getConditionOp().getCondition()),
      loop.getBeforeArguments());
  if (failed(convertBody(op.getAfterBody(), loop.getAfter())))
    return failure();
  ValueRange yielded = op.getYieldOp().getOperands();
  auto tensors = llvm::to_vector(llvm::make_filter_range(yielded, isTensor));
  SmallVector<Value> next = getNumbers(yielded);
  if (failed(endStep(*op.getAfterBody(), tensors, carried)))
    return failure();
  host.create<scf::YieldOp>(loc, next);
  return success();
}

LogicalResult HostProgramBuilder::convert(scf::IfOp op) {
  for (Value result : op.getResults()) {
    FailureOr<Buffer> buffer = getDestination(result);
    if (failed(buffer))
      return failure();
    buffers[result] = *buffer;
  }
  auto branch =
      host.create<scf::IfOp>(op.getLoc(), hostValues.lookup(op.getCondition()),
                             !op.getElseRegion().empty());
  llvm::BitVector before = unbound;
  for (auto [from, to] : llvm::zip(op->getRegions(), branch->getRegions())) {
    if (from.empty())
      continue;
    // What one branch binds the other doesn't know yet.
    unbound = before;
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

} // namespace nncc::exec
