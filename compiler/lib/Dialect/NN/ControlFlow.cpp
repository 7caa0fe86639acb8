//===- ControlFlow.cpp - loop, if -------------------------------*- C++ -*-===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "nncc/Dialect/NN/NN.h"

using namespace mlir;
using namespace nncc;
using namespace nncc::nn;

//===----------------------------------------------------------------------===//
// Verification
//===----------------------------------------------------------------------===//

static bool isScalar(Value value, unsigned width) {
  auto type = cast<RankedTensorType>(value.getType());
  return type.getRank() == 0 && type.getElementType().isSignlessInteger(width);
}

/// The type of the stack of `count` elements.
static RankedTensorType getStackType(AffineExpr count, Type element) {
  SmallVector<AffineExpr> dims = getDims(element);
  dims.insert(dims.begin(), count);
  return makeTensorType(dims, cast<RankedTensorType>(element).getElementType());
}

LogicalResult LoopOp::verify() {
  if (!getCount() == !getLimit() && !getCondition())
    return emitOpError("needs either a count or a limit");
  if (getCount() && getCount()->getNumResults() != 1)
    return emitOpError("count has one result");
  if (getLimit() && !isScalar(getLimit(), 64))
    return emitOpError("limit is an i64 of rank 0");
  if (getCondition() && !isScalar(getCondition(), 1))
    return emitOpError("the condition is an i1 of rank 0");
  Block &block = getBody().front();
  unsigned states = getInitial().size();
  if (block.getNumArguments() != states + 1 ||
      !isScalar(block.getArgument(0), 64))
    return emitOpError("the body takes the step, an i64, and the states");
  ValueRange yielded = block.getTerminator()->getOperands();
  if (getCondition()) {
    if (yielded.empty() || !isScalar(yielded.front(), 1))
      return emitOpError("the body yields the next condition first");
    yielded = yielded.drop_front();
  }
  if (yielded.size() != getNumResults() || yielded.size() < states)
    return emitOpError("the body yields ")
           << yielded.size() << " tensors for " << states << " states and "
           << getNumResults() << " results";
  for (unsigned i = 0; i < states; ++i)
    if (getInitial()[i].getType() != yielded[i].getType() ||
        getInitial()[i].getType() != block.getArgument(i + 1).getType() ||
        getInitial()[i].getType() != getResult(i).getType())
      return emitOpError("state ")
             << i << " changes its type from " << getInitial()[i].getType()
             << " to " << yielded[i].getType();
  if (yielded.size() > states && (!getCount() || getCondition()))
    return emitOpError("stacks elements, but their number is not known");
  for (unsigned i = states; i < yielded.size(); ++i)
    if (getResult(i).getType() !=
        getStackType(getCount()->getResult(0), yielded[i].getType()))
      return emitOpError("result ") << i << " is not the stack of what the "
                                    << "body yields";
  return success();
}

LogicalResult IfOp::verify() {
  if (!isScalar(getCondition(), 1))
    return emitOpError("the condition is an i1 of rank 0");
  for (Region *branch : getRegions()) {
    Block &block = branch->front();
    if (block.getNumArguments() != 0 ||
        block.getTerminator()->getOperandTypes() != getResultTypes())
      return emitOpError("a branch does not give the types of the results");
  }
  return success();
}

//===----------------------------------------------------------------------===//
// Lowering
//===----------------------------------------------------------------------===//

namespace {
/// A loop while it is lowered; `operands` are the lowered ones.
struct LoopBuilder {
  LoopBuilder(LoopOp op, LoweringBuilder &b, ValueRange operands)
      : op(op), b(b), loc(op.getLoc()), operands(operands),
        states(operands.take_back(op.getInitial().size())) {}

  FailureOr<SmallVector<Value>> buildFor();
  FailureOr<SmallVector<Value>> buildWhile();

private:
  Value getUpperBound();
  FailureOr<SmallVector<Value>> buildStep(Value step, ValueRange carried);
  Value stack(Value element, Value into, Value step, Type elementType);

  LoopOp op;
  LoweringBuilder &b;
  Location loc;
  ValueRange operands, states;
};
} // namespace

/// The number of steps as an index; null where the condition alone ends it.
Value LoopBuilder::getUpperBound() {
  if (op.getCount())
    return b.dim(op.getCount()->getResult(0));
  if (!op.getLimit())
    return nullptr;
  Value limit =
      b.create<tensor::ExtractOp>(loc, operands.front(), ValueRange());
  return b.create<arith::IndexCastOp>(loc, b.getIndexType(), limit);
}

FailureOr<SmallVector<Value>> LoopBuilder::buildStep(Value step,
                                                     ValueRange carried) {
  Value number = b.create<arith::IndexCastOp>(loc, b.getI64Type(), step);
  SmallVector<Value> arguments = {b.create<tensor::FromElementsOp>(
      loc, RankedTensorType::get({}, b.getI64Type()), number)};
  llvm::append_range(arguments, carried);
  return b.lowerBlock(op.getBody().front(), arguments);
}

/// Writes an element at its place in the stack.
Value LoopBuilder::stack(Value element, Value into, Value step,
                         Type elementType) {
  SmallVector<AffineExpr> dims = getDims(elementType);
  dims.insert(dims.begin(), b.getAffineConstantExpr(1));
  SmallVector<OpFoldResult> offsets(dims.size(), b.getIndexAttr(0));
  SmallVector<OpFoldResult> ones(dims.size(), b.getIndexAttr(1));
  offsets[0] = step;
  return b.create<tensor::InsertSliceOp>(loc, element, into, offsets,
                                         b.sizes(dims), ones);
}

FailureOr<SmallVector<Value>> LoopBuilder::buildFor() {
  SmallVector<Value> carried(states);
  for (Type type : llvm::drop_begin(op.getResultTypes(), states.size()))
    carried.push_back(b.empty(loc, getDims(type),
                              cast<RankedTensorType>(type).getElementType()));
  AffineExpr zero = b.getAffineConstantExpr(0);
  AffineExpr one = b.getAffineConstantExpr(1);
  auto loop = b.create<scf::ForOp>(loc, b.dim(zero), getUpperBound(),
                                   b.dim(one), carried);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToEnd(loop.getBody());
  Value step = loop.getInductionVar();
  ValueRange arguments = loop.getRegionIterArgs();
  FailureOr<SmallVector<Value>> next =
      buildStep(step, arguments.take_front(states.size()));
  if (failed(next))
    return failure();
  ValueRange yielded = op.getBody().front().getTerminator()->getOperands();
  for (unsigned i = states.size(); i < next->size(); ++i)
    (*next)[i] = stack((*next)[i], arguments[i], step, yielded[i].getType());
  b.create<scf::YieldOp>(loc, *next);
  return SmallVector<Value>(loop.getResults());
}

/// Carries the step, the condition and the states.
FailureOr<SmallVector<Value>> LoopBuilder::buildWhile() {
  Value bound = getUpperBound();
  Value one = b.dim(b.getAffineConstantExpr(1));
  SmallVector<Value> carried = {b.dim(b.getAffineConstantExpr(0)),
                                operands[op.getLimit() ? 1 : 0]};
  llvm::append_range(carried, states);
  SmallVector<Type> types(ValueRange(carried).getTypes());
  SmallVector<Location> locs(types.size(), loc);
  auto loop = b.create<scf::WhileOp>(loc, types, carried);
  OpBuilder::InsertionGuard guard(b);
  Block *before = b.createBlock(&loop.getBefore(), {}, types, locs);
  Value proceed =
      b.create<tensor::ExtractOp>(loc, before->getArgument(1), ValueRange());
  if (bound) {
    Value inside = b.create<arith::CmpIOp>(loc, arith::CmpIPredicate::slt,
                                           before->getArgument(0), bound);
    proceed = b.create<arith::AndIOp>(loc, proceed, inside);
  }
  b.create<scf::ConditionOp>(loc, proceed, before->getArguments());

  Block *after = b.createBlock(&loop.getAfter(), {}, types, locs);
  ValueRange arguments = after->getArguments();
  FailureOr<SmallVector<Value>> next =
      buildStep(arguments[0], arguments.drop_front(2));
  if (failed(next))
    return failure();
  next->insert(next->begin(), b.create<arith::AddIOp>(loc, arguments[0], one));
  b.create<scf::YieldOp>(loc, *next);
  return SmallVector<Value>(loop.getResults().drop_front(2));
}

FailureOr<SmallVector<Value>> LoopOp::lowerToLinalg(LoweringBuilder &b,
                                                    ValueRange operands) {
  if (getNumResults() == 0)
    return SmallVector<Value>();
  LoopBuilder builder(*this, b, operands);
  return getCondition() ? builder.buildWhile() : builder.buildFor();
}

FailureOr<SmallVector<Value>> IfOp::lowerToLinalg(LoweringBuilder &b,
                                                  ValueRange operands) {
  Location loc = getLoc();
  Value condition = b.create<tensor::ExtractOp>(loc, operands[0], ValueRange());
  SmallVector<Type> types;
  for (Type type : getResultTypes())
    types.push_back(b.getPlainType(type));
  auto branch = b.create<scf::IfOp>(loc, types, condition,
                                    /*addThenBlock=*/true,
                                    /*addElseBlock=*/true);
  for (auto [from, to] : llvm::zip_equal(getRegions(), branch->getRegions())) {
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToEnd(&to.front());
    FailureOr<SmallVector<Value>> results = b.lowerBlock(from->front(), {});
    if (failed(results))
      return failure();
    b.create<scf::YieldOp>(loc, *results);
  }
  return SmallVector<Value>(branch.getResults());
}
