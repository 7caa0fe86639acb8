//===- PackWeights.cpp - Constant operands in panels ----------------------===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "nncc/Linalg/Passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/TypeUtilities.h"
#include "nncc/Linalg/Constants.h"

namespace nncc {

#define GEN_PASS_DEF_PACKWEIGHTS
#include "nncc/Linalg/Passes.h.inc"

using namespace mlir;

/// Elements a panel: two vectors.
constexpr int64_t panel = 8;

/// The constant operand of a contraction that can be packed along the
/// innermost output dimension `n`: it is indexed by n, by reductions and by
/// what the other operand walks too (groups), and that is not indexed by n.
static OpOperand *getPackable(linalg::GenericOp op, unsigned &n) {
  if (op.getNumReductionLoops() == 0 || op.getNumDpsInputs() < 2 ||
      op.getNumDpsInits() != 1)
    return nullptr;
  AffineMap output = op.getMatchingIndexingMap(op.getDpsInitOperand(0));
  if (output.getNumResults() == 0 || !output.isProjectedPermutation())
    return nullptr;
  n = cast<AffineDimExpr>(output.getResults().back()).getPosition();
  OpOperand *packable = nullptr;
  bool hasOther = false;
  for (OpOperand *input : op.getDpsInputOperands()) {
    AffineMap map = op.getMatchingIndexingMap(input);
    if (!map.isFunctionOfDim(n)) {
      hasOther = true;
      continue;
    }
    auto type = cast<RankedTensorType>(input->get().getType());
    if (!map.isProjectedPermutation() || !type.hasStaticShape() ||
        !isConstantDerived(input->get()))
      continue;
    // Panels of narrow groups would be mostly zeros.
    bool isGrouped = map.getNumResults() > op.getNumReductionLoops() + 1;
    unsigned place =
        *map.getResultPosition(getAffineDimExpr(n, op.getContext()));
    if (!isGrouped || type.getDimSize(place) >= 2 * panel)
      packable = input;
  }
  bool isConstant = llvm::all_of(op.getInputs(), isConstantDerived);
  return hasOther && !isConstant ? packable : nullptr;
}

/// The operand with its dimension `dim` filled up with zeros to whole panels.
static Value padToPanels(OpBuilder &b, Location loc, Value operand,
                         unsigned dim) {
  auto type = cast<RankedTensorType>(operand.getType());
  int64_t missing =
      llvm::alignTo(type.getDimSize(dim), panel) - type.getDimSize(dim);
  if (missing == 0)
    return operand;
  SmallVector<OpFoldResult> low(type.getRank(), b.getIndexAttr(0)), high = low;
  high[dim] = b.getIndexAttr(missing);
  Value zero =
      b.create<arith::ConstantOp>(loc, b.getZeroAttr(type.getElementType()));
  return b.create<tensor::PadOp>(loc, Type(), operand, low, high, zero);
}

namespace {

/// How an operand lies once it is packed:
/// [groups][panels][reductions in loop order][panel].
struct PackedLayout {
  linalg::GenericOp op;
  AffineMap map; ///< of the operand
  unsigned n;    ///< the loop along which it is packed
  ArrayRef<int64_t> padded;

  SmallVector<int64_t> shape;
  SmallVector<AffineExpr> source; ///< by packed dimensions
  SmallVector<AffineExpr> index;  ///< by loops of the op

  PackedLayout(linalg::GenericOp op, AffineMap map, unsigned n,
               ArrayRef<int64_t> padded);

private:
  void addDims(utils::IteratorType kind);
};

} // namespace

PackedLayout::PackedLayout(linalg::GenericOp op, AffineMap map, unsigned n,
                           ArrayRef<int64_t> padded)
    : op(op), map(map), n(n), padded(padded), source(map.getNumResults()) {
  MLIRContext *context = op.getContext();
  AffineExpr column = getAffineDimExpr(n, context);
  unsigned place = *map.getResultPosition(column);
  addDims(utils::IteratorType::parallel);
  source[place] = getAffineDimExpr(shape.size(), context) * panel;
  index.push_back(column.floorDiv(panel));
  shape.push_back(padded[place] / panel);
  addDims(utils::IteratorType::reduction);
  source[place] = source[place] + getAffineDimExpr(shape.size(), context);
  index.push_back(column % panel);
  shape.push_back(panel);
}

void PackedLayout::addDims(utils::IteratorType kind) {
  MLIRContext *context = op.getContext();
  for (unsigned dim = 0; dim < op.getNumLoops(); ++dim) {
    if (dim == n || !map.isFunctionOfDim(dim) ||
        op.getIteratorTypesArray()[dim] != kind)
      continue;
    unsigned from = *map.getResultPosition(getAffineDimExpr(dim, context));
    source[from] = getAffineDimExpr(shape.size(), context);
    shape.push_back(padded[from]);
    index.push_back(getAffineDimExpr(dim, context));
  }
}

/// `tensor` in another order.
static Value reorder(OpBuilder &b, Location loc, Value tensor,
                     const PackedLayout &layout) {
  unsigned rank = layout.shape.size();
  Value empty = b.create<tensor::EmptyOp>(loc, layout.shape,
                                          getElementTypeOrSelf(tensor));
  SmallVector<AffineMap> maps = {
      AffineMap::get(rank, 0, layout.source, b.getContext()),
      AffineMap::getMultiDimIdentityMap(rank, b.getContext())};
  SmallVector<utils::IteratorType> loops(rank, utils::IteratorType::parallel);
  auto copy = b.create<linalg::GenericOp>(
      loc, empty.getType(), tensor, empty, maps, loops,
      [](OpBuilder &b, Location loc, ValueRange arguments) {
        b.create<linalg::YieldOp>(loc, arguments[0]);
      });
  return copy.getResult(0);
}

static void pack(linalg::GenericOp op, OpOperand *operand, unsigned n) {
  // Beside the constant: the op may stand in a loop.
  OpBuilder b(op);
  b.setInsertionPointAfterValue(operand->get());
  Location loc = op.getLoc();
  AffineMap map = op.getMatchingIndexingMap(operand);
  unsigned place = *map.getResultPosition(b.getAffineDimExpr(n));
  Value padded = padToPanels(b, loc, operand->get(), place);
  auto type = cast<RankedTensorType>(padded.getType());
  PackedLayout layout(op, map, n, type.getShape());
  operand->set(reorder(b, loc, padded, layout));
  SmallVector<AffineMap> maps = op.getIndexingMapsArray();
  maps[operand->getOperandNumber()] =
      AffineMap::get(op.getNumLoops(), 0, layout.index, op.getContext());
  op.setIndexingMapsAttr(b.getAffineMapArrayAttr(maps));
}

namespace {

struct PackWeightsPass : impl::PackWeightsBase<PackWeightsPass> {
  void runOnOperation() override {
    SmallVector<linalg::GenericOp> ops;
    getOperation().walk([&](linalg::GenericOp op) { ops.push_back(op); });
    for (linalg::GenericOp op : ops) {
      unsigned n;
      if (OpOperand *operand = getPackable(op, n))
        pack(op, operand, n);
    }
  }
};

} // namespace
} // namespace nncc
