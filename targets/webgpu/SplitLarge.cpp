//===- SplitLarge.cpp - Ops on tensors that a GPU need not bind as a whole ===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "nncc/Linalg/TensorParts.h"
#include "targets/webgpu/LoopParts.h"
#include "targets/webgpu/Passes.h"

namespace nncc::webgpu {

#define GEN_PASS_DEF_SPLITLARGE
#include "targets/webgpu/Passes.h.inc"

} // namespace nncc::webgpu

using namespace mlir;
using namespace nncc;
using namespace nncc::webgpu;

namespace {

/// The parts of a tensor along one of its dimensions.
struct Parts {
  unsigned dim;
  int64_t step;
  SmallVector<Value> values;
};

/// A loop and how many of its steps a part has.
struct Division {
  LoopParts loop;
  int64_t step;
};

struct SplitLargePass : webgpu::impl::SplitLargeBase<SplitLargePass> {
  using Base::Base;

  void runOnOperation() override;

private:
  bool isLarge(OpOperand &operand) const;
  int64_t getStep(linalg::GenericOp op, const LoopParts &loop) const;
  std::optional<Division> choose(linalg::GenericOp op) const;
  void split(linalg::GenericOp op, const Division &division);
  Operation *findPlace(linalg::GenericOp op, const Division &division,
                       int64_t begin);
  linalg::GenericOp makePart(linalg::GenericOp op, const Division &division,
                             int64_t begin, int64_t count);
  Value getKnownPart(OpOperand &operand, const Division &division,
                     int64_t begin) const;

  /// Of the results of what was split.
  DenseMap<Value, Parts> known;
};

} // namespace

/// What an operand is a part of in memory: a result may be made in its place in
/// a tensor that it is inserted into.
static RankedTensorType getWhole(OpOperand &operand) {
  auto op = cast<linalg::GenericOp>(operand.getOwner());
  auto type = dyn_cast<RankedTensorType>(operand.get().getType());
  if (!op.isDpsInit(&operand))
    return type;
  Value result = op.getTiedOpResult(&operand);
  auto insert = result.hasOneUse()
                    ? dyn_cast<tensor::InsertSliceOp>(*result.user_begin())
                    : tensor::InsertSliceOp();
  return insert && insert.getSource() == result &&
                 insert.getDroppedDims().none()
             ? insert.getType()
             : type;
}

/// On a GPU every element takes 32 bits, unless it is stored as f16.
bool SplitLargePass::isLarge(OpOperand &operand) const {
  RankedTensorType type = getWhole(operand);
  return type && type.hasStaticShape() &&
         type.getNumElements() * 4 > maxBytes &&
         !operand.get().getDefiningOp<arith::ConstantOp>();
}

/// How many steps of a loop a part may have: so many that what it binds of each
/// tensor is little enough, and as what it reads is divided.
int64_t SplitLargePass::getStep(linalg::GenericOp op,
                                const LoopParts &loop) const {
  int64_t step = loop.getSize();
  for (OpOperand &operand : op->getOpOperands())
    if (isLarge(operand))
      step = std::min(step,
                      loop.getMostSteps(operand, getWhole(operand).getShape(),
                                        maxBytes / 4));
  for (OpOperand *input : op.getDpsInputOperands())
    if (auto whole = known.find(input->get());
        whole != known.end() && loop.walks(*input, whole->second.dim))
      step = std::min(step, whole->second.step);
  return std::max<int64_t>(step, 0);
}

/// The outermost loop that does.
std::optional<Division> SplitLargePass::choose(linalg::GenericOp op) const {
  for (unsigned number = 0; number < op.getNumLoops(); ++number)
    if (std::optional<LoopParts> loop = LoopParts::find(op, number))
      if (int64_t step = getStep(op, *loop))
        return Division{*loop, step};
  return std::nullopt;
}

/// What an operand has for a part, where another op made just this; or null.
Value SplitLargePass::getKnownPart(OpOperand &operand, const Division &division,
                                   int64_t begin) const {
  auto parts = known.find(operand.get());
  if (parts == known.end() || parts->second.step != division.step ||
      !division.loop.walks(operand, parts->second.dim))
    return Value();
  return parts->second.values[begin / division.step];
}

/// What a part needs of a result before there is any: a number to fill it with,
/// nothing, or all of it.
static Value getFilling(Value init) {
  if (auto fill = init.getDefiningOp<linalg::FillOp>())
    return fill.getInputs()[0];
  return getFresh(init) ? Value() : init;
}

/// Behind the last op that a part reads from, if another op made a part of
/// that: so all that is done with one comes one after another, and none waits
/// for the others.
Operation *SplitLargePass::findPlace(linalg::GenericOp op,
                                     const Division &division, int64_t begin) {
  SmallVector<Value> values(op.getInputs());
  bool isKnown = false;
  for (OpOperand *input : op.getDpsInputOperands())
    if (Value part = getKnownPart(*input, division, begin)) {
      values[input->getOperandNumber()] = part;
      isKnown = true;
    }
  for (Value init : op.getOutputs())
    values.push_back(getFilling(init));
  Operation *last = nullptr;
  for (Value value : values) {
    Operation *maker = value ? value.getDefiningOp() : nullptr;
    if (maker && maker->getBlock() == op->getBlock() &&
        (!last || last->isBeforeInBlock(maker)))
      last = maker;
  }
  return isKnown ? last->getNextNode() : op;
}

linalg::GenericOp SplitLargePass::makePart(linalg::GenericOp op,
                                           const Division &division,
                                           int64_t begin, int64_t count) {
  OpBuilder b(findPlace(op, division, begin));
  SmallVector<Value> operands;
  for (OpOperand *input : op.getDpsInputOperands()) {
    Value part = getKnownPart(*input, division, begin);
    operands.push_back(part ? part
                            : division.loop.extract(b, *input, begin, count));
  }
  for (OpOperand &init : op.getDpsInitsMutable())
    operands.push_back(division.loop.makeInit(b, init, begin, count));
  auto part = cast<linalg::GenericOp>(b.clone(*op));
  part->setOperands(operands);
  for (auto [result, init] : llvm::zip(part->getResults(), part.getOutputs()))
    result.setType(init.getType());
  moveIndices(part, division.loop.getNumber(), begin);
  return part;
}

void SplitLargePass::split(linalg::GenericOp op, const Division &division) {
  const LoopParts &loop = division.loop;
  OpBuilder b(op);
  SmallVector<Parts> parts;
  SmallVector<Value> wholes;
  for (OpOperand &init : op.getDpsInitsMutable()) {
    parts.push_back({*loop.getPlace(init), division.step, {}});
    wholes.push_back(loop.makeWhole(b, init));
  }
  for (int64_t begin = 0; begin < loop.getSize(); begin += division.step) {
    int64_t count = std::min(division.step, loop.getSize() - begin);
    linalg::GenericOp part = makePart(op, division, begin, count);
    for (auto [i, init] : llvm::enumerate(op.getDpsInitsMutable())) {
      parts[i].values.push_back(part->getResult(i));
      wholes[i] = loop.insert(b, init, part->getResult(i), wholes[i], begin);
    }
  }
  for (auto [i, result] : llvm::enumerate(op->getResults())) {
    known[wholes[i]] = parts[i];
    result.replaceAllUsesWith(wholes[i]);
  }
  op.erase();
}

void SplitLargePass::runOnOperation() {
  SmallVector<linalg::GenericOp> ops;
  getOperation().walk([&](linalg::GenericOp op) {
    if (llvm::any_of(op->getOpOperands(),
                     [&](OpOperand &operand) { return isLarge(operand); }))
      ops.push_back(op);
  });
  for (linalg::GenericOp op : ops)
    if (std::optional<Division> division = choose(op))
      split(op, *division);
  known.clear();
}
