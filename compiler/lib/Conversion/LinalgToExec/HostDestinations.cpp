//===- HostDestinations.cpp - Producers write where readers want it -------===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "HostProgram.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "mlir/IR/Matchers.h"
#include "mlir/IR/OperationSupport.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "nncc/Kernels/LoopNest.h"

using namespace mlir;

namespace nncc::exec {

/// Whether both are computed alike; a view's offset is computed by each op that
/// asks for it.
static bool isSameNumber(Value a, Value b) {
  Operation *first = a ? a.getDefiningOp() : nullptr;
  Operation *second = b ? b.getDefiningOp() : nullptr;
  if (a == b || !first || !second)
    return a == b;
  return isPure(first) &&
         OperationEquivalence::isEquivalentTo(
             first, second,
             [](Value x, Value y) { return success(isSameNumber(x, y)); },
             /*markEquivalent=*/nullptr, OperationEquivalence::IgnoreLocations);
}

bool isSamePlace(const Buffer &a, const Buffer &b) {
  if (a.memory != b.memory || a.offset != b.offset || a.sizes != b.sizes ||
      !isSameNumber(a.dynamicOffset, b.dynamicOffset))
    return false;
  // Nobody walks a dimension of one element.
  auto isOne = [](AffineExpr size) {
    auto constant = dyn_cast<AffineConstantExpr>(size);
    return constant && constant.getValue() == 1;
  };
  return llvm::all_of(llvm::zip_equal(a.sizes, a.strides, b.strides),
                      [&](const auto &dim) {
                        auto [size, stride, other] = dim;
                        return isOne(size) || stride == other;
                      });
}

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

bool HostProgramBuilder::areSizesBound(Value tensor) {
  if (unbound.none())
    return true;
  FailureOr<SmallVector<AffineExpr>> sizes = getSizes(tensor);
  return succeeded(sizes) && llvm::none_of(*sizes, [&](AffineExpr size) {
           return llvm::any_of(unbound.set_bits(), [&](unsigned symbol) {
             return size.isFunctionOfSymbol(symbol);
           });
         });
}

/// What the insertions that end with `insert` began with: what others read
/// too is copied, once it is complete.
static Value getInsertionRoot(tensor::InsertSliceOp insert) {
  Value root = insert.getDest();
  auto previous = root.getDefiningOp<tensor::InsertSliceOp>();
  for (; previous && root.hasOneUse();
       previous = root.getDefiningOp<tensor::InsertSliceOp>())
    root = previous.getDest();
  return root;
}

FailureOr<std::optional<Buffer>>
HostProgramBuilder::getInsertedPlace(tensor::InsertSliceOp insert) {
  std::optional<Buffer> none;
  if (!areSizesBound(insert.getResult()))
    return none;
  // Only into what is being assembled: a slice whose place is known here.
  for (OpFoldResult offset : insert.getMixedOffsets())
    if (auto value = dyn_cast<Value>(offset))
      if (!kernels::getSymbolicExpr(value) && !hostValues.contains(value))
        return none;
  Value root = getInsertionRoot(insert);
  // Fresh, or carried by a loop and read by nobody else.
  auto argument = dyn_cast<BlockArgument>(root);
  bool carried = argument && root.hasOneUse() &&
                 isa<scf::ForOp>(argument.getOwner()->getParentOp());
  if (!carried && !root.getDefiningOp<tensor::EmptyOp>())
    return none;
  FailureOr<Buffer> target = getInsertionTarget(insert);
  if (failed(target))
    return failure();
  FailureOr<Buffer> slice = getSlice(
      insert, *target, insert.getMixedOffsets(), insert.getMixedSizes(),
      insert.getMixedStrides(), insert.getDroppedDims());
  if (failed(slice))
    return failure();
  return std::optional<Buffer>(*slice);
}

/// Whether two insertions of known places overwrite nothing of each other.
static bool areDisjoint(tensor::InsertSliceOp a, tensor::InsertSliceOp b) {
  auto isStatic = [](tensor::InsertSliceOp op) {
    return op.getOffsets().empty() && op.getSizes().empty() &&
           llvm::all_equal(op.getStaticStrides()) &&
           op.getStaticStrides().front() == 1;
  };
  if (!isStatic(a) || !isStatic(b))
    return false;
  return llvm::any_of(llvm::seq<size_t>(0, a.getStaticOffsets().size()),
                      [&](size_t dim) {
                        int64_t begin = a.getStaticOffsets()[dim];
                        int64_t other = b.getStaticOffsets()[dim];
                        return begin + a.getStaticSizes()[dim] <= other ||
                               other + b.getStaticSizes()[dim] <= begin;
                      });
}

/// Whether what is inserted into a fresh tensor stays as it is there.
static bool staysInserted(tensor::InsertSliceOp insert) {
  Value before = insert.getDest();
  while (auto other = before.getDefiningOp<tensor::InsertSliceOp>()) {
    if (!before.hasOneUse() || !areDisjoint(other, insert))
      return false;
    before = other.getDest();
  }
  if (!before.getDefiningOp<tensor::EmptyOp>())
    return false;
  Value after = insert.getResult();
  while (after.hasOneUse()) {
    auto other = dyn_cast<tensor::InsertSliceOp>(*after.user_begin());
    if (!other || other.getDest() != after)
      return true;
    if (!areDisjoint(other, insert))
      return false;
    after = other.getResult();
  }
  return true;
}

/// Whether an op reads a tensor as well where its rows lie apart.
static bool readsRows(OpOperand &use) {
  if (auto generic = dyn_cast<linalg::GenericOp>(use.getOwner()))
    return generic.isDpsInput(&use);
  if (auto insert = dyn_cast<tensor::InsertSliceOp>(use.getOwner()))
    return insert.getSource() == use.get();
  return isa<tensor::PadOp, tensor::ExtractSliceOp>(use.getOwner());
}

/// Whether vectors of four lie at multiples of four in the view as in a tensor
/// of its own.
static bool keepsVectors(const Buffer &view) {
  constexpr int64_t lanes = 4;
  return view.offset.isMultipleOf(lanes) &&
         llvm::all_of(llvm::drop_end(view.strides), [](AffineExpr stride) {
           return stride.isMultipleOf(lanes);
         });
}

FailureOr<std::optional<Buffer>>
HostProgramBuilder::getSharedDestination(Value tensor) {
  std::optional<Buffer> none;
  tensor::InsertSliceOp into;
  for (OpOperand &use : tensor.getUses()) {
    if (!readsRows(use))
      return none;
    auto insert = dyn_cast<tensor::InsertSliceOp>(use.getOwner());
    if (insert && insert->getBlock() == tensor.getParentBlock() &&
        staysInserted(insert))
      into = insert;
  }
  if (!into)
    return none;
  FailureOr<std::optional<Buffer>> place = getInsertedPlace(into);
  if (failed(place) || !*place || keepsVectors(**place))
    return place;
  return none;
}

FailureOr<std::optional<Buffer>>
HostProgramBuilder::getUserDestination(Value tensor) {
  std::optional<Buffer> none;
  if (!tensor.hasOneUse())
    return getSharedDestination(tensor);
  Operation *user = *tensor.user_begin();
  if (user->getBlock() != tensor.getParentBlock())
    return none;
  if (auto insert = dyn_cast<tensor::InsertSliceOp>(user))
    return insert.getSource() == tensor
               ? getInsertedPlace(insert)
               : FailureOr<std::optional<Buffer>>(none);
  if (auto pad = dyn_cast<tensor::PadOp>(user)) {
    if (isGuarded(pad) || !areSizesBound(pad.getResult()))
      return none;
    FailureOr<Buffer> padded = getPadded(pad);
    if (failed(padded))
      return failure();
    return std::optional<Buffer>(getInterior(pad, *padded));
  }
  // A branch writes where its result lies.
  if (auto branch = dyn_cast<scf::IfOp>(user->getParentOp());
      branch && isa<scf::YieldOp>(user)) {
    Value result = branch.getResult(tensor.use_begin()->getOperandNumber());
    return areSizesBound(result) ? std::optional(buffers.at(result)) : none;
  }
  if (auto loop = dyn_cast<scf::ForOp>(user);
      loop && tensor.getDefiningOp<scf::ForOp>())
    return getUserDestination(loop.getTiedLoopResult(&*tensor.use_begin()));
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

LogicalResult HostProgramBuilder::writeTo(Location loc, Value tensor,
                                          const Buffer &buffer) {
  FailureOr<Buffer> from = getBuffer(tensor);
  if (failed(from))
    return failure();
  if (isSamePlace(*from, buffer))
    return success();
  return kernels->copy(host, loc, *from, buffer);
}

} // namespace nncc::exec
