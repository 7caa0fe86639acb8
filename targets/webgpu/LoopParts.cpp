//===- LoopParts.cpp - An op as several over parts of a loop --------------===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "targets/webgpu/LoopParts.h"

#include "nncc/Linalg/TensorParts.h"

using namespace mlir;

namespace nncc::webgpu {

static RankedTensorType getType(OpOperand &operand) {
  return cast<RankedTensorType>(operand.get().getType());
}

std::optional<LoopParts> LoopParts::find(linalg::GenericOp op, unsigned loop) {
  if (!op.hasPureTensorSemantics() || op.hasDynamicShape() ||
      op.getIteratorTypesArray()[loop] != utils::IteratorType::parallel)
    return std::nullopt;
  LoopParts parts(op, loop, op.getStaticLoopRanges()[loop]);
  for (OpOperand &operand : op->getOpOperands())
    if (!parts.canDivide(operand))
      return std::nullopt;
  return parts;
}

/// By how much a step of the loop moves an index; none where that varies.
std::optional<int64_t> LoopParts::getStride(AffineExpr index) const {
  MLIRContext *context = index.getContext();
  bool isLinear = true;
  index.walk([&](AffineExpr part) {
    if (part.getKind() == AffineExprKind::Mod ||
        part.getKind() == AffineExprKind::FloorDiv ||
        part.getKind() == AffineExprKind::CeilDiv)
      isLinear &= !part.isFunctionOfDim(loop);
  });
  AffineExpr dim = getAffineDimExpr(loop, context);
  AffineExpr step = simplifyAffineExpr(
      index.replace(dim, getAffineConstantExpr(1, context)) -
          index.replace(dim, getAffineConstantExpr(0, context)),
      op.getNumLoops(), 0);
  auto constant = dyn_cast<AffineConstantExpr>(step);
  if (!isLinear || !constant || constant.getValue() < 1)
    return std::nullopt;
  return constant.getValue();
}

std::optional<unsigned> LoopParts::getPlace(OpOperand &operand) const {
  AffineMap map = op.getMatchingIndexingMap(&operand);
  for (auto [dim, index] : llvm::enumerate(map.getResults()))
    if (index.isFunctionOfDim(loop))
      return dim;
  return std::nullopt;
}

bool LoopParts::walks(OpOperand &operand, unsigned dim) const {
  AffineMap map = op.getMatchingIndexingMap(&operand);
  auto index = dyn_cast<AffineDimExpr>(map.getResult(dim));
  return index && index.getPosition() == loop;
}

bool LoopParts::canDivide(OpOperand &operand) const {
  std::optional<unsigned> place = getPlace(operand);
  bool isOutput = op.isDpsInit(&operand);
  if (!place)
    return !isOutput && isa<RankedTensorType>(operand.get().getType());
  AffineMap map = op.getMatchingIndexingMap(&operand);
  return llvm::count_if(map.getResults(),
                        [&](AffineExpr index) {
                          return index.isFunctionOfDim(loop);
                        }) == 1 &&
         (isOutput ? walks(operand, *place)
                   : getStride(map.getResult(*place)).has_value());
}

/// Steps along the operand's dimension that so many steps of the loop need.
int64_t LoopParts::getExtent(OpOperand &operand, int64_t count) const {
  unsigned place = *getPlace(operand);
  AffineExpr index = op.getMatchingIndexingMap(&operand).getResult(place);
  return getType(operand).getDimSize(place) -
         *getStride(index) * (size - count);
}

int64_t LoopParts::getMostSteps(OpOperand &operand, ArrayRef<int64_t> shape,
                                int64_t maxElements) const {
  std::optional<unsigned> place = getPlace(operand);
  if (!place)
    return 0;
  // Others lie all over the tensor.
  if (llvm::any_of(shape.take_front(*place),
                   [](int64_t count) { return count != 1; }))
    return 0;
  int64_t row = ShapedType::getNumElements(shape.drop_front(*place + 1));
  // Bindings begin at multiples of this, however elements are stored.
  constexpr int64_t alignment = 128;
  int64_t most = (maxElements - (row % alignment ? alignment : 0)) / row;
  AffineExpr index = op.getMatchingIndexingMap(&operand).getResult(*place);
  int64_t all = getType(operand).getDimSize(*place);
  int64_t steps = (most - all) / *getStride(index) + size;
  return getExtent(operand, steps) > most ? steps - 1 : steps;
}

Value LoopParts::extract(OpBuilder &b, OpOperand &operand, int64_t begin,
                         int64_t count) const {
  std::optional<unsigned> place = getPlace(operand);
  if (!place)
    return operand.get();
  AffineExpr index = op.getMatchingIndexingMap(&operand).getResult(*place);
  return extractPart(b, op.getLoc(), operand.get(), *place,
                     {begin * *getStride(index), getExtent(operand, count)});
}

Value LoopParts::makeInit(OpBuilder &b, OpOperand &init, int64_t begin,
                          int64_t count) const {
  if (!getFresh(init.get()))
    return extract(b, init, begin, count);
  return makeFreshPart(b, init.get(), *getPlace(init), count);
}

Value LoopParts::makeWhole(OpBuilder &b, OpOperand &init) const {
  return b.create<tensor::EmptyOp>(op.getLoc(), getType(init).getShape(),
                                   getType(init).getElementType());
}

Value LoopParts::insert(OpBuilder &b, OpOperand &init, Value part, Value whole,
                        int64_t begin) const {
  return insertPart(b, op.getLoc(), part, whole, *getPlace(init), begin);
}

} // namespace nncc::webgpu
