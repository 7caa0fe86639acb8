//===- Winograd.cpp - 3x3 convolutions with fewer products ----------------===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "nncc/Linalg/Passes.h"

#include "WinogradBuilder.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "nncc/Linalg/Constants.h"

namespace nncc {

#define GEN_PASS_DEF_WINOGRAD
#include "nncc/Linalg/Passes.h.inc"

using namespace mlir;

/// The elementwise op that walks the convolution's result as it is written.
static linalg::GenericOp findEpilogue(linalg::GenericOp op) {
  if (!op->hasOneUse())
    return nullptr;
  auto user = dyn_cast<linalg::GenericOp>(*op->user_begin());
  if (!user || user->getBlock() != op->getBlock() ||
      user.getNumReductionLoops() > 0 || user->getNumResults() != 1)
    return nullptr;
  for (OpOperand &operand : user->getOpOperands()) {
    AffineMap map = user.getMatchingIndexingMap(&operand);
    bool isWhole =
        !user.isDpsInput(&operand) || operand.get() == op.getResult(0);
    if (!map.isProjectedPermutation() || (isWhole && !map.isIdentity()))
      return nullptr;
  }
  bool capturesIndex = false;
  user.getBody()->walk([&](Operation *inner) {
    capturesIndex |= isa<linalg::IndexOp, tensor::ExtractOp>(inner);
  });
  return capturesIndex ? nullptr : user;
}

/// Reads a convolution of stride 1 by a constant 3x3 filter off an op.
static std::optional<Convolution> match(linalg::GenericOp op) {
  if (op.getNumLoops() != 7 || op.getNumReductionLoops() != 3 ||
      op.getNumDpsInputs() != 2 || op.getNumDpsInits() != 1)
    return std::nullopt;
  MLIRContext *context = op.getContext();
  auto d = [&](unsigned i) { return getAffineDimExpr(i, context); };
  SmallVector<AffineMap> maps = op.getIndexingMapsArray();
  if (maps[0] != AffineMap::get(7, 0, {d(0), d(1) + d(4), d(2) + d(5), d(6)},
                                context) ||
      maps[1] != AffineMap::get(7, 0, {d(4), d(5), d(6), d(3)}, context) ||
      maps[2] != AffineMap::get(7, 0, {d(0), d(1), d(2), d(3)}, context))
    return std::nullopt;
  Convolution conv;
  conv.op = op;
  conv.epilogue = findEpilogue(op);
  conv.input = op.getInputs()[0];
  conv.filter = op.getInputs()[1];
  auto filter = cast<RankedTensorType>(conv.filter.getType());
  auto result = cast<RankedTensorType>(op.getResult(0).getType());
  if (!filter.hasStaticShape() || result.isDynamicDim(3) ||
      !filter.getElementType().isF32() || filter.getDimSize(0) != 3 ||
      filter.getDimSize(1) != 3 || !isConstantDerived(conv.filter) ||
      isConstantDerived(conv.input))
    return std::nullopt;
  auto fill = op.getOutputs()[0].getDefiningOp<linalg::FillOp>();
  auto init = fill ? fill.getOutputs()[0].getDefiningOp<tensor::EmptyOp>()
                   : tensor::EmptyOp();
  if (!init)
    return std::nullopt;
  SmallVector<OpFoldResult> sizes = init.getMixedSizes();
  conv.n = sizes[0];
  conv.h = sizes[1];
  conv.w = sizes[2];
  conv.o = result.getDimSize(3);
  conv.c = filter.getDimSize(2);
  return conv;
}

/// An estimate of the time, in products: `tiles` multiply at `points`, weights
/// come from far, and the transforms load, add up and store all `moved` values.
static double estimate(const Convolution &conv, int64_t tiles, int64_t points,
                       int64_t moved) {
  return points * conv.c * conv.o * (tiles + 8) + 20 * moved;
}

/// The fastest algorithm of tiles up to `largest`; null: the direct form. Where
/// sizes are open, a block stands for the image.
static const WinogradAlgorithm *choose(const Convolution &conv,
                                       int64_t largest) {
  double best = 1; // of the time of the direct form
  const WinogradAlgorithm *chosen = nullptr;
  for (int64_t m = 2; m <= largest; m += 2) {
    const WinogradAlgorithm &algorithm = getWinogradAlgorithm(m);
    if (getConstantIntValue(conv.h).value_or(m) < m ||
        getConstantIntValue(conv.w).value_or(m) < m)
      continue;
    PixelBlock block = getPixelBlock(conv, algorithm);
    int64_t h = getConstantIntValue(conv.h).value_or(block.rows);
    int64_t w = getConstantIntValue(conv.w).value_or(block.columns);
    int64_t tiles = countTiles(h, algorithm) * countTiles(w, algorithm);
    int64_t moved = tiles * algorithm.points() * (conv.c + conv.o);
    double time = estimate(conv, tiles, algorithm.points(), moved);
    time /= estimate(conv, h * w, 9, 0);
    // Few tiles do not make up for the larger weights.
    if (tiles < 32 || time >= best)
      continue;
    best = time;
    chosen = &algorithm;
  }
  return chosen;
}

namespace {

struct WinogradPass : impl::WinogradBase<WinogradPass> {
  using Base::Base;

  void runOnOperation() override {
    if (largestTile == 0)
      return;
    SmallVector<linalg::GenericOp> ops;
    // Elementwise ops that follow a convolution go with it.
    getOperation().walk([&](linalg::GenericOp op) {
      if (op.getNumReductionLoops() > 0)
        ops.push_back(op);
    });
    for (linalg::GenericOp op : ops) {
      std::optional<Convolution> conv = match(op);
      if (!conv)
        continue;
      if (const WinogradAlgorithm *algorithm = choose(*conv, largestTile))
        buildWinograd(*conv, *algorithm);
    }
  }
};

} // namespace
} // namespace nncc
