//===- ControlFlow.cpp - loop, if -------------------------------*- C++ -*-===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "nncc/Dialect/Exec/Exec.h"
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

namespace {
/// The symbols that a loop or branch binds: sizes that change with the data.
struct BoundRange {
  unsigned first = 0, count = 0;

  /// The size that the symbol `number` stands for.
  AffineExpr getSize(unsigned number, MLIRContext *context) const {
    return getAffineSymbolExpr(first + number, context);
  }
  /// The symbol that a size is.
  std::optional<unsigned> find(AffineExpr size) const {
    for (unsigned i = 0; i < count; ++i)
      if (size == getSize(i, size.getContext()))
        return i;
    return std::nullopt;
  }
};
} // namespace

/// The type of the stack of `count` elements.
static RankedTensorType getStackType(AffineExpr count, Type element) {
  SmallVector<AffineExpr> dims = getDims(element);
  dims.insert(dims.begin(), count);
  return makeTensorType(dims, cast<RankedTensorType>(element).getElementType());
}

/// The symbols that a loop or branch binds.
static BoundRange getBoundRange(Operation *op) {
  auto first = op->getAttrOfType<IntegerAttr>("first_size");
  auto count = op->getAttrOfType<IntegerAttr>("num_sizes");
  if (!first || !count)
    return {};
  return {static_cast<unsigned>(first.getInt()),
          static_cast<unsigned>(count.getInt())};
}

/// Sets the sizes of those symbols so that `type` is that of `value`; false if
/// they can't be so.
static bool match(const BoundRange &range, Type type, Type value,
                  MutableArrayRef<AffineExpr> sizes) {
  auto known = cast<RankedTensorType>(type);
  auto given = cast<RankedTensorType>(value);
  if (known.getElementType() != given.getElementType() ||
      known.getRank() != given.getRank())
    return false;
  for (auto [dim, size] : llvm::zip_equal(getDims(known), getDims(given))) {
    AffineExpr expected = dim;
    if (std::optional<unsigned> number = range.find(dim)) {
      AffineExpr &known = sizes[*number];
      expected = known = known ? known : size;
    }
    if (size != expected)
      return false;
  }
  return true;
}

/// What the symbols are so that `types` are those of `values`; none if they
/// can't be so.
static std::optional<SmallVector<AffineExpr>>
match(const BoundRange &range, TypeRange types, TypeRange values) {
  SmallVector<AffineExpr> sizes(range.count);
  for (auto [type, value] : llvm::zip_equal(types, values))
    if (!match(range, type, value, sizes))
      return std::nullopt;
  if (llvm::is_contained(sizes, AffineExpr()))
    return std::nullopt;
  return sizes;
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
  BoundRange range = getBoundRange(*this);
  for (unsigned i = 0; i < states; ++i) {
    SmallVector<AffineExpr> first(range.count), next(range.count);
    Type type = block.getArgument(i + 1).getType();
    if (type != getResult(i).getType() ||
        !match(range, type, getInitial()[i].getType(), first) ||
        !match(range, type, yielded[i].getType(), next))
      return emitOpError("state ")
             << i << " changes its type from " << getInitial()[i].getType()
             << " to " << yielded[i].getType();
  }
  TypeRange types = ValueRange(block.getArguments()).drop_front().getTypes();
  if (!match(range, types, getInitial().getTypes()) ||
      !match(range, types, yielded.take_front(states).getTypes()))
    return emitOpError("does not bind a symbol to one size");
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
    TypeRange given = block.getTerminator()->getOperandTypes();
    if (block.getNumArguments() != 0 || given.size() != getNumResults() ||
        !match(getBoundRange(*this), getResultTypes(), given))
      return emitOpError("a branch does not give the types of the results");
  }
  return success();
}

//===----------------------------------------------------------------------===//
// Lowering
//===----------------------------------------------------------------------===//

/// The symbols from `first` on are these sizes from here on. Without sizes, the
/// op stands for memory that is bound later.
static void bind(LoweringBuilder &b, Location loc, unsigned first,
                 ArrayRef<AffineExpr> sizes) {
  SmallVector<Value> values;
  for (AffineExpr size : sizes)
    values.push_back(
        b.create<arith::IndexCastOp>(loc, b.getI64Type(), b.dim(size)));
  auto memory = MemRefType::get({ShapedType::kDynamic}, b.getI8Type());
  b.create<exec::BindOp>(loc, memory, values, first, FlatSymbolRefAttr());
}

/// A copy of a tensor of type `from` whose sizes are those of `to` by now.
static Value resize(LoweringBuilder &b, Location loc, Value value, Type from,
                    Type to) {
  if (from == to)
    return value;
  SmallVector<AffineExpr> dims = getDims(from);
  SmallVector<OpFoldResult> zeros(dims.size(), b.getIndexAttr(0));
  SmallVector<OpFoldResult> ones(dims.size(), b.getIndexAttr(1));
  Value into =
      b.empty(loc, getDims(to), cast<RankedTensorType>(to).getElementType());
  return b.create<tensor::InsertSliceOp>(loc, value, into, zeros, b.sizes(dims),
                                         ones);
}

namespace {
/// A loop while it is lowered; `operands` are the lowered ones.
struct LoopBuilder {
  LoopBuilder(LoopOp op, LoweringBuilder &b, ValueRange operands)
      : op(op), b(b), loc(op.getLoc()), operands(operands),
        states(operands.take_back(op.getInitial().size())),
        range(getBoundRange(op)) {
    bindInitial();
  }

  FailureOr<SmallVector<Value>> buildFor();
  FailureOr<SmallVector<Value>> buildWhile();

private:
  void bindInitial();
  void bindNext(MutableArrayRef<Value> next);
  Value getUpperBound();
  FailureOr<SmallVector<Value>> buildStep(Value step, ValueRange carried);
  Value stack(Value element, Value into, Value step, Type elementType);

  LoopOp op;
  LoweringBuilder &b;
  Location loc;
  ValueRange operands;
  SmallVector<Value> states;
  /// Of the sizes that states change.
  BoundRange range;
};
} // namespace

void LoopBuilder::bindInitial() {
  if (range.count == 0)
    return;
  TypeRange types =
      ValueRange(op.getBody().getArguments()).drop_front().getTypes();
  TypeRange given = op.getInitial().getTypes();
  bind(b, loc, range.first, *match(range, types, given));
  for (auto [state, from, to] : llvm::zip_equal(states, given, types))
    state = resize(b, loc, state, from, to);
}

/// Ends a step. What the memory of the states holds is lost where it grows, so
/// that the next ones lie in memory of their own, with symbols of their own.
void LoopBuilder::bindNext(MutableArrayRef<Value> next) {
  if (range.count == 0)
    return;
  TypeRange types =
      ValueRange(op.getBody().getArguments()).drop_front().getTypes();
  ValueRange yielded = op.getBody().front().getTerminator()->getOperands();
  if (op.getCondition())
    yielded = yielded.drop_front();
  TypeRange given = yielded.take_front(types.size()).getTypes();
  BoundRange own{range.first + range.count, range.count};
  bind(b, loc, own.first, *match(range, types, given));
  SmallVector<AffineExpr> sizes, replaced(range.first + range.count);
  for (unsigned i = 0; i < replaced.size(); ++i)
    replaced[i] = getAffineSymbolExpr(i, b.getContext());
  for (unsigned i = 0; i < range.count; ++i) {
    sizes.push_back(own.getSize(i, b.getContext()));
    replaced[range.first + i] = sizes.back();
  }
  for (auto [value, from, to] :
       llvm::zip_equal(next.take_front(types.size()), given, types)) {
    SmallVector<AffineExpr> dims = getDims(to);
    for (AffineExpr &dim : dims)
      dim = simplify(dim.replaceSymbols(replaced));
    value = resize(
        b, loc, value, from,
        makeTensorType(dims, cast<RankedTensorType>(to).getElementType()));
  }
  bind(b, loc, range.first, sizes);
}

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
  bindNext(*next);
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
  bindNext(MutableArrayRef<Value>(*next).drop_front(2));
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
  BoundRange range = getBoundRange(*this);
  SmallVector<Type> types;
  for (Type type : getResultTypes())
    types.push_back(b.getPlainType(type));
  if (range.count > 0)
    bind(b, loc, range.first, {});
  auto branch = b.create<scf::IfOp>(loc, types, condition,
                                    /*addThenBlock=*/true,
                                    /*addElseBlock=*/true);
  for (auto [from, to] : llvm::zip_equal(getRegions(), branch->getRegions())) {
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToEnd(&to.front());
    FailureOr<SmallVector<Value>> results = b.lowerBlock(from->front(), {});
    if (failed(results))
      return failure();
    TypeRange given = from->front().getTerminator()->getOperandTypes();
    if (range.count > 0)
      bind(b, loc, range.first, *match(range, getResultTypes(), given));
    for (auto [value, type, result] :
         llvm::zip_equal(*results, given, getResultTypes()))
      value = resize(b, loc, value, type, result);
    b.create<scf::YieldOp>(loc, *results);
  }
  return SmallVector<Value>(branch.getResults());
}
