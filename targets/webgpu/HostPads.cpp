//===- HostPads.cpp - Padded operands of kernels on the CPU ---------------===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "targets/webgpu/HostPads.h"

#include "mlir/Dialect/Affine/Utils.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Arith/Utils/Utils.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "nncc/Dialect/Exec/Exec.h"

using namespace mlir;

namespace nncc::webgpu {

namespace {

/// An element of a padded view, read in the body of a generic.
class PaddedRead {
public:
  PaddedRead(OpBuilder &b, exec::PaddedViewOp padded)
      : b(b), loc(padded.getLoc()), padded(padded),
        view(padded.getSource().getDefiningOp<memref::ReinterpretCastOp>()) {}

  Value emit(AffineMap map);

private:
  void addDim(unsigned dim, Value place);
  Value toValue(OpFoldResult number) {
    return getValueOrCreateConstantIndexOp(b, loc, number);
  }
  OpBuilder &b;
  Location loc;
  exec::PaddedViewOp padded;
  memref::ReinterpretCastOp view;
  Value isInside, index;
};

} // namespace

void PaddedRead::addDim(unsigned dim, Value place) {
  int64_t low = padded.getLow()[dim];
  if (low + padded.getHigh()[dim] != 0) {
    Value zero = b.create<arith::ConstantIndexOp>(loc, 0);
    Value first = b.create<arith::ConstantIndexOp>(loc, low);
    place = b.create<arith::SubIOp>(loc, place, first);
    Value size = toValue(view.getMixedSizes()[dim]);
    // A negative place is large as an unsigned number.
    Value isHere =
        b.create<arith::CmpIOp>(loc, arith::CmpIPredicate::ult, place, size);
    isInside =
        isInside ? b.create<arith::AndIOp>(loc, isInside, isHere) : isHere;
    // For the border something inside is read, for nothing.
    place = b.create<arith::SelectOp>(loc, isHere, place, zero);
  }
  Value stride = toValue(view.getMixedStrides()[dim]);
  Value term = b.create<arith::MulIOp>(loc, place, stride);
  index = b.create<arith::AddIOp>(loc, index, term);
}

Value PaddedRead::emit(AffineMap map) {
  SmallVector<Value> ivs;
  for (unsigned dim = 0; dim < map.getNumDims(); ++dim)
    ivs.push_back(b.create<linalg::IndexOp>(loc, dim));
  index = toValue(view.getMixedOffsets()[0]);
  for (auto [dim, expr] : llvm::enumerate(map.getResults()))
    addDim(dim, affine::expandAffineExpr(b, loc, expr, ivs, ValueRange()));
  Value element = b.create<memref::LoadOp>(loc, view.getSource(), index);
  if (!isInside)
    return element;
  Value border = b.create<arith::ConstantOp>(loc, padded.getValue());
  return b.create<arith::SelectOp>(loc, isInside, element, border);
}

/// Takes the padded inputs out of the operands.
static void expandPads(linalg::GenericOp op) {
  SmallVector<AffineMap> maps = op.getIndexingMapsArray();
  Block *body = op.getBody();
  llvm::BitVector dropped(body->getNumArguments());
  OpBuilder b = OpBuilder::atBlockBegin(body);
  for (unsigned i = 0; i < op.getNumDpsInputs(); ++i) {
    auto padded = op.getInputs()[i].getDefiningOp<exec::PaddedViewOp>();
    if (!padded)
      continue;
    Value element = PaddedRead(b, padded).emit(maps[i]);
    body->getArgument(i).replaceAllUsesWith(element);
    dropped.set(i);
  }
  if (dropped.none())
    return;
  SmallVector<AffineMap> kept;
  for (unsigned i = 0; i < maps.size(); ++i)
    if (!dropped[i])
      kept.push_back(maps[i]);
  for (unsigned i : llvm::reverse(llvm::to_vector(dropped.set_bits())))
    op.getInputsMutable().erase(i);
  body->eraseArguments(dropped);
  op.setIndexingMapsAttr(b.getAffineMapArrayAttr(kept));
}

void expandPads(func::FuncOp kernel) {
  kernel.walk([](linalg::GenericOp op) { expandPads(op); });
  kernel.walk([](exec::PaddedViewOp op) {
    if (op.use_empty())
      op.erase();
  });
}

} // namespace nncc::webgpu
