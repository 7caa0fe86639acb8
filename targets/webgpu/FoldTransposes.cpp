//===- FoldTransposes.cpp - Read tensors as they were transposed from ----===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Matchers.h"
#include "targets/webgpu/Passes.h"
#include "targets/webgpu/Schedule.h"

namespace nncc::webgpu {

#define GEN_PASS_DEF_FOLDTRANSPOSES
#include "targets/webgpu/Passes.h.inc"

} // namespace nncc::webgpu

using namespace mlir;
using namespace nncc;
using namespace nncc::webgpu;

/// From the places of a result's elements to those of what the op transposes;
/// null where it does something else.
static AffineMap getTranspose(linalg::GenericOp op) {
  if (op.getNumDpsInputs() != 1 || op->getNumResults() != 1 ||
      op.getNumReductionLoops() != 0)
    return AffineMap();
  auto yield = cast<linalg::YieldOp>(op.getBody()->getTerminator());
  AffineMap read = op.getMatchingIndexingMap(op.getDpsInputOperand(0));
  AffineMap written = op.getMatchingIndexingMap(op.getDpsInitOperand(0));
  if (yield.getOperand(0) != op.getRegionInputArgs()[0] ||
      !read.isPermutation() || !written.isPermutation())
    return AffineMap();
  return read.compose(inversePermutation(written));
}

/// Whether a reader loses no loads of vectors: neighbours are still those of a
/// loop, or were none of whole vectors.
static bool readsAsFast(Value transposed, AffineMap folded) {
  auto type = cast<RankedTensorType>(transposed.getType());
  return isa<AffineDimExpr>(folded.getResults().back()) ||
         (!type.isDynamicDim(type.getRank() - 1) &&
          type.getShape().back() % lanes != 0);
}

static bool canFold(OpOperand &use, AffineMap transpose) {
  auto reader = dyn_cast<linalg::GenericOp>(use.getOwner());
  if (!reader || !reader.isDpsInput(&use) || transpose.getNumResults() == 0)
    return false;
  AffineMap map = reader.getMatchingIndexingMap(&use);
  return readsAsFast(use.get(), transpose.compose(map));
}

static void fold(OpOperand &use, Value source, AffineMap transpose) {
  auto reader = cast<linalg::GenericOp>(use.getOwner());
  SmallVector<AffineMap> maps = reader.getIndexingMapsArray();
  AffineMap &map = maps[use.getOperandNumber()];
  map = transpose.compose(map);
  reader->setLoc(FusedLoc::get(reader.getContext(),
                               {use.get().getLoc(), reader.getLoc()}));
  use.set(source);
  reader.setIndexingMapsAttr(
      Builder(reader.getContext()).getAffineMapArrayAttr(maps));
}

/// What is transposed, padded as `pad` is.
static Value padSource(tensor::PadOp pad, Value source, AffineMap transpose) {
  OpBuilder b(pad);
  auto permute = [&](ArrayRef<int64_t> sizes) {
    return applyPermutationMap(transpose, sizes);
  };
  auto getAttrs = [&](ArrayRef<int64_t> sizes) {
    return getAsIndexOpFoldResult(b.getContext(), permute(sizes));
  };
  auto type = cast<RankedTensorType>(pad.getType());
  return b.create<tensor::PadOp>(
      pad.getLoc(),
      RankedTensorType::get(permute(type.getShape()), type.getElementType()),
      source, getAttrs(pad.getStaticLow()), getAttrs(pad.getStaticHigh()),
      pad.getConstantPaddingValue());
}

static bool isSimple(tensor::PadOp pad) {
  Value value = pad.getConstantPaddingValue();
  return value && matchPattern(value, m_Constant()) && pad.getLow().empty() &&
         pad.getHigh().empty();
}

namespace {

struct FoldTransposesPass
    : webgpu::impl::FoldTransposesBase<FoldTransposesPass> {
  void runOnOperation() override;
};

} // namespace

void FoldTransposesPass::runOnOperation() {
  SmallVector<linalg::GenericOp> ops;
  getOperation().walk([&](linalg::GenericOp op) { ops.push_back(op); });
  for (linalg::GenericOp op : ops) {
    AffineMap transpose = getTranspose(op);
    if (!transpose)
      continue;
    Value source = op.getInputs()[0];
    auto folds = [&](OpOperand &use) { return canFold(use, transpose); };
    for (OpOperand &use : llvm::make_early_inc_range(op->getUses())) {
      auto pad = dyn_cast<tensor::PadOp>(use.getOwner());
      if (!pad && folds(use)) {
        fold(use, source, transpose);
      } else if (pad && isSimple(pad) && llvm::all_of(pad->getUses(), folds)) {
        Value padded = padSource(pad, source, transpose);
        for (OpOperand &read : llvm::make_early_inc_range(pad->getUses()))
          fold(read, padded, transpose);
      }
    }
  }
  // What nobody reads any more.
  for (linalg::GenericOp op : llvm::reverse(ops)) {
    for (Operation *user : llvm::make_early_inc_range(op->getUsers()))
      if (isa<tensor::PadOp>(user) && user->use_empty())
        user->erase();
    if (op->use_empty())
      op->erase();
  }
}
