//===- PropagateTransposes.cpp - cancel transposes --------------*- C++ -*-===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Three walks over the program: transposes sink, then rise, then sink again. A
// walk goes the way in which the transposes move, so that each passes as many
// ops as it can, and looks at every op once.
//
//===----------------------------------------------------------------------===//

#include "ConstantDerived.h"
#include "mlir/IR/Iterators.h"
#include "mlir/IR/PatternMatch.h"
#include "nncc/Dialect/NN/NN.h"
#include "nncc/Dialect/NN/Permutable.h"
#include "nncc/Transforms/Passes.h"
#include "llvm/ADT/SmallPtrSet.h"

namespace nncc::nn {
#define GEN_PASS_DEF_PROPAGATETRANSPOSES
#include "nncc/Transforms/Passes.h.inc"
} // namespace nncc::nn

using namespace mlir;
using namespace nncc;
using namespace nncc::nn;

using Perm = SmallVector<int64_t>;

//===----------------------------------------------------------------------===//
// Permutations
//===----------------------------------------------------------------------===//

static Perm invert(ArrayRef<int64_t> perm) {
  Perm inverse(perm.size());
  for (auto [to, from] : llvm::enumerate(perm))
    inverse[from] = to;
  return inverse;
}

static bool isIdentity(ArrayRef<int64_t> perm) {
  return llvm::equal(perm, llvm::seq<int64_t>(0, perm.size()));
}

/// Whether a transpose moves no element: it keeps the order of all dimensions
/// but those of size 1.
static bool isFree(Value input, ArrayRef<int64_t> perm) {
  SmallVector<AffineExpr> dims = getDims(input.getType());
  int64_t last = -1;
  for (int64_t from : perm) {
    if (isOne(dims[from]))
      continue;
    if (from < last)
      return false;
    last = from;
  }
  return true;
}

/// The permutation that a reshape is equal to: one that moves dimensions of
/// size 1 alone, and those in order. None for other reshapes.
static std::optional<Perm> getAsTranspose(ReshapeOp op) {
  SmallVector<AffineExpr> from = getDims(op.getInput().getType());
  SmallVector<AffineExpr> to = getDims(op.getType());
  if (from.size() != to.size())
    return std::nullopt;
  SmallVector<int64_t> ones, others;
  for (auto [i, size] : llvm::enumerate(from))
    (isOne(size) ? ones : others).push_back(i);
  Perm perm;
  auto nextOne = ones.begin(), nextOther = others.begin();
  for (AffineExpr size : to) {
    if (isOne(size) && nextOne != ones.end())
      perm.push_back(*nextOne++);
    else if (nextOther != others.end() && from[*nextOther] == size)
      perm.push_back(*nextOther++);
    else
      return std::nullopt;
  }
  return perm;
}

//===----------------------------------------------------------------------===//
// Moves
//===----------------------------------------------------------------------===//

namespace {

struct PropagateTransposesPass
    : nn::impl::PropagateTransposesBase<PropagateTransposesPass> {
  void runOnOperation() override;

private:
  void sinkAll(Block &block);
  void raiseAll(Block &block);
  void sinkInto(Operation *user);
  void sink(Operation *user, ArrayRef<int64_t> perm);
  void raise(TransposeOp transpose);
  void discard(Operation *op);

  /// Ops that are replaced; they go when nobody walks over them any more.
  SmallVector<Operation *> dead;
  llvm::SmallPtrSet<Operation *, 16> isDead;
};

} // namespace

/// Transposes `value`, undoing a transpose that it comes from where it can.
static Value transpose(OpBuilder &b, Location loc, Value value,
                       ArrayRef<int64_t> perm) {
  if (isIdentity(perm))
    return value;
  if (auto inner = value.getDefiningOp<TransposeOp>()) {
    Perm merged;
    for (int64_t from : perm)
      merged.push_back(inner.getPerm()[from]);
    return transpose(b, loc, inner.getInput(), merged);
  }
  return b.create<TransposeOp>(loc, value, perm);
}

/// Whether an op on permuted dimensions takes the operand as it is: it has one
/// element, which broadcasts to any place.
static bool isScalarLike(Value operand) {
  auto type = cast<RankedTensorType>(operand.getType());
  return type.hasStaticShape() && type.getNumElements() == 1;
}

static unsigned getResultRank(Operation *op) {
  return cast<RankedTensorType>(op->getResult(0).getType()).getRank();
}

/// What `op`'s operand becomes: the value whose transpose by `perm` it is.
static Value getSource(OpBuilder &b, Value operand, ArrayRef<int64_t> perm,
                       bool isElementwise) {
  if (isElementwise && isScalarLike(operand))
    return operand;
  SmallVector<AffineExpr> dims = getDims(operand.getType());
  if (dims.size() < perm.size()) {
    AffineExpr one = getAffineConstantExpr(1, b.getContext());
    dims.insert(dims.begin(), perm.size() - dims.size(), one);
    operand = b.create<ReshapeOp>(operand.getLoc(), operand, dims);
  }
  return transpose(b, operand.getLoc(), operand, invert(perm));
}

/// Emits `op` on operands whose transposes by `perm` are the ones it has. Null
/// if it can't be.
static Value rebuild(OpBuilder &b, Operation *op, ArrayRef<int64_t> perm,
                     Perm &resultPerm) {
  bool isElementwise = isa<ElementwiseOpInterface>(op);
  if (isElementwise && getResultRank(op) != perm.size())
    return nullptr;
  SmallVector<Value> sources;
  for (Value operand : op->getOperands()) {
    auto rank = cast<RankedTensorType>(operand.getType()).getRank();
    if (!isElementwise && rank != static_cast<int64_t>(perm.size()))
      return nullptr;
    sources.push_back(getSource(b, operand, perm, isElementwise));
  }
  if (!isElementwise)
    return cast<PermutableOpInterface>(op).buildPermuted(b, sources, perm,
                                                         resultPerm);
  Operation *copy = b.clone(*op);
  copy->setOperands(sources);
  auto type = cast<RankedTensorType>(op->getResult(0).getType());
  SmallVector<AffineExpr> dims = getDims(type), moved(dims);
  for (auto [dim, to] : llvm::zip_equal(dims, perm))
    moved[to] = dim;
  copy->getResult(0).setType(makeTensorType(moved, type.getElementType()));
  resultPerm.assign(perm.begin(), perm.end());
  return copy->getResult(0);
}

/// How many transposes moving through `op` adds, those that cancel counted off:
/// `perm` is what its operands are transposed by, `resultPerm` its result. Free
/// ones, and those of constants, don't count.
static int countMove(Operation *op, ArrayRef<int64_t> perm,
                     ArrayRef<int64_t> resultPerm) {
  int count = 0;
  llvm::SmallPtrSet<Value, 4> seen;
  for (Value operand : op->getOperands()) {
    if (!seen.insert(operand).second || isScalarLike(operand))
      continue;
    auto rank = cast<RankedTensorType>(operand.getType()).getRank();
    auto inner = operand.getDefiningOp<TransposeOp>();
    if (inner && inner.getPerm() == perm) {
      count -= !isFree(inner.getInput(), perm);
      continue;
    }
    if (isConstantDerived(operand))
      continue;
    // A bias of lower rank gets dimensions of size 1 first, and then moves
    // them.
    count += rank != static_cast<int64_t>(perm.size()) ||
             !isFree(operand, invert(perm));
  }
  // The result's readers: those that transpose back need nothing any more.
  Value result = op->getResult(0);
  bool othersRead = false, cancels = false;
  for (Operation *user : result.getUsers()) {
    auto back = dyn_cast<TransposeOp>(user);
    if (back && back.getPerm() == ArrayRef<int64_t>(invert(resultPerm)))
      cancels = true;
    else
      othersRead = true;
  }
  bool isFreeResult = isFree(result, invert(resultPerm));
  count += othersRead && !isFreeResult;
  count -= cancels && !isFreeResult;
  return count;
}

/// What the result of an op is transposed by when its operands are by `perm`,
/// as far as it can be said without building it.
static Perm guessResultPerm(Operation *op, ArrayRef<int64_t> perm) {
  if (getResultRank(op) == perm.size())
    return Perm(perm);
  Perm identity;
  llvm::append_range(identity, llvm::seq<int64_t>(0, getResultRank(op)));
  return identity;
}

static bool isMovable(Operation *op) {
  return op->getNumResults() == 1 &&
         isa<ElementwiseOpInterface, PermutableOpInterface>(op);
}

void PropagateTransposesPass::discard(Operation *op) {
  op->dropAllReferences();
  dead.push_back(op);
  isDead.insert(op);
}

/// Moves transposes by `perm` from the operands of `user` to its result.
void PropagateTransposesPass::sink(Operation *user, ArrayRef<int64_t> perm) {
  if (countMove(user, perm, guessResultPerm(user, perm)) > 0)
    return;
  OpBuilder b(user);
  Perm resultPerm;
  Value moved = rebuild(b, user, perm, resultPerm);
  if (!moved)
    return;
  Value back = transpose(b, user->getLoc(), moved, resultPerm);
  if (back.getType() != user->getResult(0).getType())
    return;
  user->getResult(0).replaceAllUsesWith(back);
  discard(user);
  ++sunk;
}

/// Lets the transposes that `user` reads pass it.
void PropagateTransposesPass::sinkInto(Operation *user) {
  for (Value operand : user->getOperands()) {
    auto above = operand.getDefiningOp<TransposeOp>();
    if (!above || isConstantDerived(above))
      continue;
    OpBuilder b(user);
    if (auto below = dyn_cast<TransposeOp>(user)) {
      Location loc = b.getFusedLoc({above.getLoc(), below.getLoc()});
      below.getResult().replaceAllUsesWith(
          transpose(b, loc, above, below.getPerm()));
      return discard(below);
    }
    // A reshape of a transpose that moves nothing is a reshape of its input.
    if (auto reshape = dyn_cast<ReshapeOp>(user);
        reshape && isFree(above.getInput(), above.getPerm())) {
      reshape.getInputMutable().assign(above.getInput());
      return;
    }
    if (isMovable(user))
      sink(user, above.getPerm());
    return;
  }
}

void PropagateTransposesPass::sinkAll(Block &block) {
  for (Operation &op : llvm::make_early_inc_range(block))
    if (!isDead.contains(&op))
      sinkInto(&op);
}

/// The transpose of a reshape as a reshape of a transpose: what shuffles
/// channels then does so where they are the last dimension.
static Value raiseOverReshape(OpBuilder &b, ReshapeOp reshape,
                              TransposeOp transposed) {
  // Seen backwards, the reshape's result is the transpose of `transposed`.
  std::optional<Perm> perm = permuteReshape(
      getDims(reshape.getType()), getDims(reshape.getInput().getType()),
      invert(transposed.getPerm()));
  if (!perm)
    return nullptr;
  Value input =
      transpose(b, transposed.getLoc(), reshape.getInput(), invert(*perm));
  return b.create<ReshapeOp>(reshape.getLoc(), input,
                             getDims(transposed.getType()));
}

/// Moves a transpose from the result of an op to its operands.
void PropagateTransposesPass::raise(TransposeOp transposed) {
  Operation *op = transposed.getInput().getDefiningOp();
  if (!op || !isMovable(op) || isConstantDerived(transposed))
    return;
  // All readers of the op must want the same.
  SmallVector<TransposeOp> readers;
  for (Operation *user : op->getUsers()) {
    auto reader = dyn_cast<TransposeOp>(user);
    if (!reader || reader.getPerm() != transposed.getPerm())
      return;
    readers.push_back(reader);
  }
  Perm perm = invert(transposed.getPerm()), resultPerm;
  OpBuilder b(op);
  Value moved;
  if (auto reshape = dyn_cast<ReshapeOp>(op)) {
    moved = raiseOverReshape(b, reshape, transposed);
  } else if (getResultRank(op) == perm.size() &&
             countMove(op, perm, perm) <= 0) {
    moved = rebuild(b, op, perm, resultPerm);
    if (resultPerm != perm)
      return;
  }
  if (!moved || moved.getType() != transposed.getType())
    return;
  for (TransposeOp reader : readers) {
    reader.getResult().replaceAllUsesWith(moved);
    discard(reader);
  }
  discard(op);
  ++raised;
}

void PropagateTransposesPass::raiseAll(Block &block) {
  for (Operation &op : llvm::make_early_inc_range(llvm::reverse(block)))
    if (auto transposed = dyn_cast<TransposeOp>(op))
      if (!isDead.contains(&op))
        raise(transposed);
}

/// Canonicalization makes reshapes of transposes that move nothing; here they
/// cancel against the others.
static void restoreTranspose(ReshapeOp op) {
  std::optional<Perm> perm = getAsTranspose(op);
  if (!perm || isIdentity(*perm))
    return;
  OpBuilder b(op);
  auto transposed = b.create<TransposeOp>(op.getLoc(), op.getInput(), *perm);
  if (transposed.getType() != op.getType())
    return transposed.erase();
  op.getResult().replaceAllUsesWith(transposed);
  op.erase();
}

void PropagateTransposesPass::runOnOperation() {
  getOperation()->walk(restoreTranspose);
  SmallVector<Block *> blocks;
  getOperation()->walk([&](Block *block) { blocks.push_back(block); });
  for (Block *block : blocks) {
    sinkAll(*block);
    raiseAll(*block);
    sinkAll(*block);
  }
  for (Operation *op : dead)
    op->erase();
  dead.clear();
  isDead.clear();
  // Transposes that everybody has passed are left without readers.
  IRRewriter rewriter(&getContext());
  getOperation()->walk<WalkOrder::PostOrder, ReverseIterator>(
      [&](Operation *op) {
        if (isOpTriviallyDead(op))
          rewriter.eraseOp(op);
      });
}
