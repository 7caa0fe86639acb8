//===- Permutable.cpp - ops on permuted dimensions --------------*- C++ -*-===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// PermutableOpInterface: dimension d of an operand is dimension perm[d] of its
// source, so that an axis moves to perm[axis] and so does what an attribute
// says about it.
//
//===----------------------------------------------------------------------===//

#include "nncc/Dialect/NN/Permutable.h"
#include "nncc/Dialect/NN/NN.h"
#include "nncc/Dialect/NN/Symbols.h"

using namespace mlir;
using namespace nncc;
using namespace nncc::nn;

using Perm = ArrayRef<int64_t>;
using PermResult = SmallVectorImpl<int64_t>;

/// What `values` says about the operand's dimensions, in the source's order.
template <typename T>
static SmallVector<T> toSource(ArrayRef<T> values, Perm perm) {
  SmallVector<T> moved(values.begin(), values.end());
  for (auto [value, to] : llvm::zip_equal(values, perm))
    moved[to] = value;
  return moved;
}

static AffineMap toSource(AffineMap map, Perm perm) {
  return makeSymbolMap(toSource(map.getResults(), perm), map.getContext());
}

static RankedTensorType toSource(RankedTensorType type, Perm perm) {
  SmallVector<AffineExpr> dims = getDims(type);
  return makeTensorType(toSource(ArrayRef<AffineExpr>(dims), perm),
                        type.getElementType());
}

/// A copy of `op` on other operands. `change` sets its attributes, then the
/// result's type is inferred again, or taken from `type`.
template <typename Op>
static Value rebuild(OpBuilder &b, Op op, ValueRange operands,
                     RankedTensorType type, function_ref<void(Op)> change) {
  Operation *copy = b.clone(*op.getOperation());
  copy->setOperands(operands);
  change(cast<Op>(copy));
  copy->getResult(0).setType(type);
  return copy->getResult(0);
}

//===----------------------------------------------------------------------===//
// Ops that keep the rank
//===----------------------------------------------------------------------===//

/// For ops whose result has the operand's dimensions in the same places.
template <typename Op>
static Value rebuildSameRank(Op op, OpBuilder &b, ValueRange sources, Perm perm,
                             PermResult &resultPerm,
                             function_ref<void(Op)> change) {
  resultPerm.assign(perm.begin(), perm.end());
  return rebuild<Op>(b, op, sources, toSource(op.getType(), perm), change);
}

template <typename Op>
static Value permuteAxis(Op op, OpBuilder &b, ValueRange sources, Perm perm,
                         PermResult &resultPerm) {
  return rebuildSameRank<Op>(op, b, sources, perm, resultPerm, [&](Op copy) {
    copy.setAxis(perm[op.getAxis()]);
  });
}

Value ConcatOp::buildPermuted(OpBuilder &b, ValueRange sources, Perm perm,
                              PermResult &resultPerm) {
  return permuteAxis(*this, b, sources, perm, resultPerm);
}

Value SoftmaxOp::buildPermuted(OpBuilder &b, ValueRange sources, Perm perm,
                               PermResult &resultPerm) {
  return permuteAxis(*this, b, sources, perm, resultPerm);
}

Value LogSoftmaxOp::buildPermuted(OpBuilder &b, ValueRange sources, Perm perm,
                                  PermResult &resultPerm) {
  return permuteAxis(*this, b, sources, perm, resultPerm);
}

Value CumSumOp::buildPermuted(OpBuilder &b, ValueRange sources, Perm perm,
                              PermResult &resultPerm) {
  return permuteAxis(*this, b, sources, perm, resultPerm);
}

Value SliceOp::buildPermuted(OpBuilder &b, ValueRange sources, Perm perm,
                             PermResult &resultPerm) {
  return rebuildSameRank<SliceOp>(*this, b, sources, perm, resultPerm,
                                  [&](SliceOp copy) {
                                    copy.setStarts(toSource(getStarts(), perm));
                                    copy.setSizes(toSource(getSizes(), perm));
                                    copy.setSteps(toSource(getSteps(), perm));
                                  });
}

Value PadOp::buildPermuted(OpBuilder &b, ValueRange sources, Perm perm,
                           PermResult &resultPerm) {
  return rebuildSameRank<PadOp>(*this, b, sources, perm, resultPerm,
                                [&](PadOp copy) {
                                  copy.setLow(toSource(getLow(), perm));
                                  copy.setHigh(toSource(getHigh(), perm));
                                });
}

Value TileOp::buildPermuted(OpBuilder &b, ValueRange sources, Perm perm,
                            PermResult &resultPerm) {
  return rebuildSameRank<TileOp>(
      *this, b, sources, perm, resultPerm,
      [&](TileOp copy) { copy.setRepeats(toSource(getRepeats(), perm)); });
}

Value ResizeOp::buildPermuted(OpBuilder &b, ValueRange sources, Perm perm,
                              PermResult &resultPerm) {
  return rebuildSameRank<ResizeOp>(*this, b, sources, perm, resultPerm,
                                   [&](ResizeOp copy) {
                                     SmallVector<int64_t> axes;
                                     for (int64_t axis : getAxes())
                                       axes.push_back(perm[axis]);
                                     copy.setAxes(axes);
                                   });
}

Value BroadcastToOp::buildPermuted(OpBuilder &b, ValueRange sources, Perm perm,
                                   PermResult &resultPerm) {
  if (getInput().getType().getRank() != getType().getRank())
    return nullptr;
  return rebuildSameRank<BroadcastToOp>(*this, b, sources, perm, resultPerm,
                                        [](BroadcastToOp) {});
}

//===----------------------------------------------------------------------===//
// Reductions
//===----------------------------------------------------------------------===//

/// Rebuilds an op that drops the operand's dimensions `axes`, or keeps them as
/// ones.
template <typename Op>
static Value rebuildReduction(Op op, OpBuilder &b, ValueRange sources,
                              Perm perm, ArrayRef<int64_t> axes, bool keepdims,
                              PermResult &resultPerm,
                              function_ref<void(Op)> change) {
  if (keepdims)
    return rebuildSameRank<Op>(op, b, sources, perm, resultPerm, change);
  // Number the source's dimensions that are left.
  SmallVector<int64_t> left(perm.size(), 0);
  for (int64_t axis : axes)
    left[perm[axis]] = -1;
  int64_t count = 0;
  for (int64_t &number : left)
    if (number == 0)
      number = count++;
  resultPerm.clear();
  for (int64_t from : perm)
    if (left[from] >= 0)
      resultPerm.push_back(left[from]);
  return rebuild<Op>(b, op, sources, toSource(op.getType(), resultPerm),
                     change);
}

template <typename Op>
static Value permuteReduction(Op op, OpBuilder &b, ValueRange sources,
                              Perm perm, PermResult &resultPerm) {
  SmallVector<int64_t> axes;
  for (int64_t axis : op.getAxes())
    axes.push_back(perm[axis]);
  llvm::sort(axes);
  return rebuildReduction<Op>(op, b, sources, perm, op.getAxes(),
                              op.getKeepdims(), resultPerm,
                              [&](Op copy) { copy.setAxes(axes); });
}

template <typename Op>
static Value permuteArgReduction(Op op, OpBuilder &b, ValueRange sources,
                                 Perm perm, PermResult &resultPerm) {
  int64_t axis = op.getAxis();
  return rebuildReduction<Op>(op, b, sources, perm, axis, op.getKeepdims(),
                              resultPerm,
                              [&](Op copy) { copy.setAxis(perm[axis]); });
}

Value ReduceSumOp::buildPermuted(OpBuilder &b, ValueRange sources, Perm perm,
                                 PermResult &resultPerm) {
  return permuteReduction(*this, b, sources, perm, resultPerm);
}

Value ReduceProdOp::buildPermuted(OpBuilder &b, ValueRange sources, Perm perm,
                                  PermResult &resultPerm) {
  return permuteReduction(*this, b, sources, perm, resultPerm);
}

Value ReduceMaxOp::buildPermuted(OpBuilder &b, ValueRange sources, Perm perm,
                                 PermResult &resultPerm) {
  return permuteReduction(*this, b, sources, perm, resultPerm);
}

Value ReduceMinOp::buildPermuted(OpBuilder &b, ValueRange sources, Perm perm,
                                 PermResult &resultPerm) {
  return permuteReduction(*this, b, sources, perm, resultPerm);
}

Value ReduceMeanOp::buildPermuted(OpBuilder &b, ValueRange sources, Perm perm,
                                  PermResult &resultPerm) {
  return permuteReduction(*this, b, sources, perm, resultPerm);
}

Value ArgMaxOp::buildPermuted(OpBuilder &b, ValueRange sources, Perm perm,
                              PermResult &resultPerm) {
  return permuteArgReduction(*this, b, sources, perm, resultPerm);
}

Value ArgMinOp::buildPermuted(OpBuilder &b, ValueRange sources, Perm perm,
                              PermResult &resultPerm) {
  return permuteArgReduction(*this, b, sources, perm, resultPerm);
}

//===----------------------------------------------------------------------===//
// Reshape
//===----------------------------------------------------------------------===//

namespace {
/// Neighbouring dimensions of a reshape's input that become neighbouring
/// dimensions of its result: [begin, end) on either side.
struct ReshapeGroup {
  unsigned inputBegin, inputEnd, resultBegin, resultEnd;
};
} // namespace

/// The finest groups of equal size, none where sizes can't be compared.
static std::optional<SmallVector<ReshapeGroup>>
getGroups(ArrayRef<AffineExpr> input, ArrayRef<AffineExpr> result) {
  SmallVector<ReshapeGroup> groups;
  unsigned i = 0, j = 0;
  while (i != input.size() && j != result.size()) {
    ReshapeGroup group = {i, i + 1, j, j + 1};
    AffineExpr left = input[i++], right = result[j++];
    while (left != right) {
      // The side that the other one is a multiple of needs more.
      if (i != input.size() && divideExactly(right, left))
        left = simplify(left * input[i++]);
      else if (j != result.size() && divideExactly(left, right))
        right = simplify(right * result[j++]);
      else
        return std::nullopt;
    }
    group.inputEnd = i;
    group.resultEnd = j;
    groups.push_back(group);
  }
  // Ones at the end belong to the last group.
  if (groups.empty())
    return std::nullopt;
  for (; i != input.size(); groups.back().inputEnd = ++i)
    if (!isOne(input[i]))
      return std::nullopt;
  for (; j != result.size(); groups.back().resultEnd = ++j)
    if (!isOne(result[j]))
      return std::nullopt;
  return groups;
}

/// Whether each group's dimensions are neighbours in the source too, in the
/// same order. Dimensions of size 1 may be anywhere.
static bool staysTogether(ArrayRef<ReshapeGroup> groups,
                          ArrayRef<AffineExpr> input, Perm perm) {
  // Number the source's dimensions without those of size 1.
  SmallVector<int64_t> number(perm.size(), -1);
  for (auto [d, from] : llvm::enumerate(perm))
    if (!isOne(input[d]))
      number[from] = 0;
  int64_t count = 0;
  for (int64_t &n : number)
    if (n == 0)
      n = count++;
  for (const ReshapeGroup &group : groups) {
    int64_t last = -1;
    for (unsigned d = group.inputBegin; d != group.inputEnd; ++d) {
      int64_t now = number[perm[d]];
      if (now < 0)
        continue;
      if (last >= 0 && now != last + 1)
        return false;
      last = now;
    }
  }
  return true;
}

std::optional<SmallVector<int64_t>>
nn::permuteReshape(ArrayRef<AffineExpr> input, ArrayRef<AffineExpr> result,
                   Perm perm) {
  auto groups = getGroups(input, result);
  if (!groups || !staysTogether(*groups, input, perm))
    return std::nullopt;
  // The groups in the source's order: by the first dimension that counts.
  auto getPosition = [&](const ReshapeGroup &group) {
    for (unsigned d = group.inputBegin; d != group.inputEnd; ++d)
      if (!isOne(input[d]))
        return perm[d];
    return perm[group.inputBegin];
  };
  SmallVector<ReshapeGroup> sorted(*groups);
  llvm::sort(sorted, [&](const ReshapeGroup &a, const ReshapeGroup &b) {
    return getPosition(a) < getPosition(b);
  });
  SmallVector<int64_t> resultPerm(result.size());
  int64_t next = 0;
  for (const ReshapeGroup &group : sorted)
    for (unsigned d = group.resultBegin; d != group.resultEnd; ++d)
      resultPerm[d] = next++;
  return resultPerm;
}

Value ReshapeOp::buildPermuted(OpBuilder &b, ValueRange sources, Perm perm,
                               PermResult &resultPerm) {
  SmallVector<AffineExpr> dims = getDims(getType());
  auto moved = permuteReshape(getDims(getInput().getType()), dims, perm);
  if (!moved)
    return nullptr;
  resultPerm = *moved;
  return b.create<ReshapeOp>(getLoc(), sources[0],
                             toSource(ArrayRef<AffineExpr>(dims), *moved));
}
