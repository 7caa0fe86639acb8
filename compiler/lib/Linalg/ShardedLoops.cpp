//===- ShardedLoops.cpp - One op as several over parts of a loop ----------===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ShardedLoops.h"

using namespace mlir;

namespace nncc {

/// `c` of an index `d floordiv c`, or 1 of the index `d`.
static std::optional<int64_t> getScale(AffineExpr index, unsigned &loop) {
  int64_t scale = 1;
  if (auto panel = dyn_cast<AffineBinaryOpExpr>(index);
      panel && panel.getKind() == AffineExprKind::FloorDiv) {
    auto width = dyn_cast<AffineConstantExpr>(panel.getRHS());
    if (!width)
      return std::nullopt;
    scale = width.getValue();
    index = panel.getLHS();
  }
  auto dim = dyn_cast<AffineDimExpr>(index);
  if (!dim)
    return std::nullopt;
  loop = dim.getPosition();
  return scale;
}

std::optional<ShardedLoop> ShardedLoop::find(OpOperand &use, unsigned dim) {
  auto op = dyn_cast<linalg::GenericOp>(use.getOwner());
  if (!op || !op.isDpsInput(&use) || op->getNumResults() != 1 ||
      llvm::count(op.getInputs(), use.get()) != 1)
    return std::nullopt;
  unsigned loop;
  std::optional<int64_t> scale =
      getScale(op.getMatchingIndexingMap(&use).getResult(dim), loop);
  if (!scale ||
      op.getIteratorTypesArray()[loop] != utils::IteratorType::parallel)
    return std::nullopt;
  return ShardedLoop(op, loop, *scale);
}

/// The dimension of an operand along which it is read in parts; none where all
/// parts read all of it, or it can't be read in parts.
std::optional<unsigned> ShardedLoop::getPlace(OpOperand &operand) {
  AffineMap map = op.getMatchingIndexingMap(&operand);
  for (auto [place, index] : llvm::enumerate(map.getResults())) {
    unsigned walked;
    std::optional<int64_t> width = getScale(index, walked);
    if (width && walked == loop && scale % *width == 0)
      return place;
  }
  return std::nullopt;
}

/// Whether a part that begins at a multiple of `scale` is indexed as the whole
/// is: all but `place` are free of the loop, or repeat within panels.
static bool isPeriodic(AffineMap map, unsigned place, unsigned loop,
                       int64_t scale) {
  for (auto [i, index] : llvm::enumerate(map.getResults())) {
    if (i == place || !index.isFunctionOfDim(loop))
      continue;
    auto lane = dyn_cast<AffineBinaryOpExpr>(index);
    if (!lane || lane.getKind() != AffineExprKind::Mod ||
        !isa<AffineDimExpr>(lane.getLHS()))
      return false;
    auto width = dyn_cast<AffineConstantExpr>(lane.getRHS());
    if (!width || scale % width.getValue() != 0)
      return false;
  }
  return true;
}

bool ShardedLoop::canShard() {
  if (!getFresh(op.getDpsInits()[0]))
    return false;
  for (OpOperand &operand : op->getOpOperands()) {
    AffineMap map = op.getMatchingIndexingMap(&operand);
    bool isOutput = op.isDpsInit(&operand);
    if (!map.isFunctionOfDim(loop) && !isOutput)
      continue;
    std::optional<unsigned> place = getPlace(operand);
    auto type = cast<RankedTensorType>(operand.get().getType());
    if (!place || !isPeriodic(map, *place, loop, scale) ||
        (isOutput ? type.isDynamicDim(*place) : !type.hasStaticShape()))
      return false;
  }
  return true;
}

/// Steps of the whole loop.
int64_t ShardedLoop::getSize() {
  OpOperand &init = *op.getDpsInitOperand(0);
  return cast<RankedTensorType>(init.get().getType())
      .getDimSize(*getPlace(init));
}

/// What of the loop reads a range of the divided dimension.
Range ShardedLoop::getLoopRange(Range range) {
  int64_t begin = range.begin * scale;
  return {begin, std::min(range.size * scale, getSize() - begin)};
}

/// What an operand has for a range of the loop.
static Value getPart(OpBuilder &b, Value whole, unsigned place, Range range,
                     int64_t width) {
  Range part{range.begin / width,
             static_cast<int64_t>(llvm::divideCeil(range.size, width))};
  return extractPart(b, whole.getLoc(), whole, place, part);
}

/// The op for one range of the loop, which reads `part` of `value`.
Value ShardedLoop::makePart(Range range, Value value, Value part) {
  OpBuilder b(op);
  SmallVector<Value> operands;
  for (OpOperand *input : op.getDpsInputOperands()) {
    std::optional<unsigned> place = getPlace(*input);
    if (input->get() == value) {
      operands.push_back(part);
    } else if (!place) {
      operands.push_back(input->get());
    } else {
      unsigned walked;
      AffineExpr index = op.getMatchingIndexingMap(input).getResult(*place);
      operands.push_back(
          getPart(b, input->get(), *place, range, *getScale(index, walked)));
    }
  }
  OpOperand &init = *op.getDpsInitOperand(0);
  operands.push_back(makeFreshPart(b, init.get(), *getPlace(init), range.size));
  Operation *clone = b.clone(*op);
  clone->setOperands(operands);
  clone->getResult(0).setType(operands.back().getType());
  moveIndices(cast<linalg::GenericOp>(clone), loop, range.begin);
  return clone->getResult(0);
}

/// Puts the parts of the result together.
static Value join(OpBuilder &b, tensor::EmptyOp fresh, unsigned place,
                  ArrayRef<Range> ranges, ArrayRef<Value> results) {
  Value whole = b.clone(*fresh)->getResult(0);
  for (auto [range, result] : llvm::zip_equal(ranges, results))
    whole = insertPart(b, result.getLoc(), result, whole, place, range.begin);
  return whole;
}

void ShardedLoop::shard(ArrayRef<Range> ranges, Value value,
                        ArrayRef<Value> parts) {
  SmallVector<Range> loopRanges;
  SmallVector<Value> results;
  for (auto [range, part] : llvm::zip_equal(ranges, parts)) {
    loopRanges.push_back(getLoopRange(range));
    results.push_back(makePart(loopRanges.back(), value, part));
  }
  unsigned place = *getPlace(*op.getDpsInitOperand(0));
  Value result = op->getResult(0);
  // A bias or an activation stays part of the products' kernels.
  if (result.hasOneUse()) {
    std::optional<ShardedLoop> reader = find(*result.use_begin(), place);
    if (reader && reader->op.getNumReductionLoops() == 0 &&
        reader->scale == 1 && reader->canShard()) {
      reader->shard(loopRanges, result, results);
      op.erase();
      return;
    }
  }
  OpBuilder b(op);
  tensor::EmptyOp fresh = getFresh(op.getDpsInits()[0]);
  result.replaceAllUsesWith(join(b, fresh, place, loopRanges, results));
  op.erase();
}

} // namespace nncc
