//===- BlockUnpack.cpp - weights of a few bits as floats --------*- C++ -*-===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "BlockUnpack.h"
#include "Generic.h"
#include "Scalars.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "nncc/Dialect/NN/Symbols.h"

using namespace mlir;
using namespace nncc;
using namespace nncc::nn;

namespace {

/// The product with `panels` panels at a time.
class UnpackBuilder {
public:
  UnpackBuilder(LoweringBuilder &b, Location loc, Value lhs,
                ArrayRef<AffineExpr> rows, const PackedWeights &weights);

  Value build();

private:
  static constexpr int64_t width = 8;

  AffineExpr loop(unsigned number) const {
    return getAffineDimExpr(number, b.getContext());
  }
  AffineExpr constant(int64_t value) const {
    return getAffineConstantExpr(value, b.getContext());
  }
  /// The rows, then `size`.
  SmallVector<AffineExpr> withRows(int64_t size) const {
    SmallVector<AffineExpr> dims(rows);
    dims.push_back(constant(size));
    return dims;
  }
  Value slicePanels(Value packed, Value first);
  Value unpack(Value first);
  Value multiply(Value unpacked);
  Value insert(Value part, Value result, Value first);

  LoweringBuilder &b;
  Location loc;
  Value lhs;
  ArrayRef<AffineExpr> rows;
  const PackedWeights &weights;
  int64_t depth, allPanels, panels;
};

} // namespace

UnpackBuilder::UnpackBuilder(LoweringBuilder &b, Location loc, Value lhs,
                             ArrayRef<AffineExpr> rows,
                             const PackedWeights &weights)
    : b(b), loc(loc), lhs(lhs), rows(rows), weights(weights) {
  // What a second-level cache holds, in floats.
  constexpr int64_t most = 1 << 18;
  auto type = cast<RankedTensorType>(weights.words.getType());
  depth = cast<RankedTensorType>(lhs.getType()).getShape().back();
  allPanels = type.getDimSize(0);
  panels = std::clamp<int64_t>(most / (depth * width), 1, allPanels);
  while (allPanels % panels != 0)
    --panels;
}

/// `panels` of the first dimension, from `first` on.
Value UnpackBuilder::slicePanels(Value packed, Value first) {
  if (panels == allPanels)
    return packed;
  auto type = cast<RankedTensorType>(packed.getType());
  SmallVector<int64_t> shape(type.getShape());
  shape.front() = panels;
  SmallVector<OpFoldResult> offsets(shape.size(), b.getIndexAttr(0)), sizes,
      strides(shape.size(), b.getIndexAttr(1));
  offsets.front() = first;
  for (int64_t size : shape)
    sizes.push_back(b.getIndexAttr(size));
  return b.create<tensor::ExtractSliceOp>(
      loc, RankedTensorType::get(shape, type.getElementType()), packed, offsets,
      sizes, strides);
}

/// (w - z) * s as [panels, depth, 8].
Value UnpackBuilder::unpack(Value first) {
  int64_t bits = weights.bits, inWord = 32 / bits;
  SmallVector<AffineExpr> dims;
  auto type = cast<RankedTensorType>(weights.words.getType());
  for (int64_t size : type.getShape())
    dims.push_back(constant(size));
  dims.front() = constant(panels);
  dims.insert(dims.begin() + 4, constant(inWord));
  SmallVector<AffineExpr> inBlock = {loop(0), loop(1), loop(5)};
  bool isOne = cast<RankedTensorType>(weights.points.getType()).getRank() == 0;
  Value points = isOne ? weights.points : slicePanels(weights.points, first);
  Value unpacked = buildParallel(
      b, loc, dims, b.getF32Type(),
      {{slicePanels(weights.words, first),
        {loop(0), loop(1), loop(2), loop(3), loop(5)}},
       {slicePanels(weights.scales, first), inBlock},
       {points, isOne ? SmallVector<AffineExpr>() : inBlock}},
      [&](OpBuilder &b, Location loc, ValueRange args) -> Value {
        Type i32 = b.getI32Type();
        Value place = b.create<arith::IndexCastOp>(
            loc, i32, b.create<linalg::IndexOp>(loc, 4));
        Value shift = b.create<arith::MulIOp>(
            loc, place, scalar::constant(b, loc, i32, bits));
        Value number = b.create<arith::AndIOp>(
            loc, b.create<arith::ShRUIOp>(loc, args[0], shift),
            scalar::constant(b, loc, i32, (1 << bits) - 1));
        Value steps = b.create<arith::SubFOp>(
            loc, b.create<arith::SIToFPOp>(loc, b.getF32Type(), number),
            args[2]);
        return b.create<arith::MulFOp>(loc, steps, args[1]);
      });
  return buildReshaped(b, loc, unpacked, dims,
                       {constant(panels), constant(depth), constant(width)});
}

/// [rows..., columns of the panels].
Value UnpackBuilder::multiply(Value unpacked) {
  unsigned r = rows.size();
  AffineExpr column = loop(r), k = loop(r + 1);
  SmallVector<AffineExpr> left = getLoops(b.getContext(), r);
  left.push_back(k);
  return buildContraction(b, loc, lhs, left, unpacked,
                          {column.floorDiv(width), k, column % width},
                          withRows(panels * width), 1);
}

Value UnpackBuilder::insert(Value part, Value result, Value first) {
  unsigned r = rows.size();
  SmallVector<OpFoldResult> offsets(r + 1, b.getIndexAttr(0)),
      strides(r + 1, b.getIndexAttr(1));
  offsets.back() =
      b.create<arith::MulIOp>(loc, first,
                              b.create<arith::ConstantIndexOp>(loc, width))
          .getResult();
  return b.create<tensor::InsertSliceOp>(
      loc, part, result, offsets, b.sizes(withRows(panels * width)), strides);
}

Value UnpackBuilder::build() {
  auto index = [&](int64_t value) -> Value {
    return b.create<arith::ConstantIndexOp>(loc, value);
  };
  if (panels == allPanels)
    return multiply(unpack(index(0)));
  Value result = b.empty(loc, withRows(allPanels * width), b.getF32Type());
  auto loop = b.create<scf::ForOp>(
      loc, index(0), index(allPanels / panels), index(1), result,
      [&](OpBuilder &, Location, Value step, ValueRange carried) {
        OpBuilder::InsertionGuard guard(b);
        b.setInsertionPointToEnd(step.getParentBlock());
        Value first = b.create<arith::MulIOp>(loc, step, index(panels));
        Value part = multiply(unpack(first));
        b.create<scf::YieldOp>(loc, insert(part, carried[0], first));
      });
  return loop.getResult(0);
}

Value nn::buildUnpackedProduct(LoweringBuilder &b, Location loc, Value lhs,
                               ArrayRef<AffineExpr> rows,
                               const PackedWeights &weights) {
  return UnpackBuilder(b, loc, lhs, rows, weights).build();
}
