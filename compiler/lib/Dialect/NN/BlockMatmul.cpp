//===- BlockMatmul.cpp - products with weights of a few bits ----*- C++ -*-===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The weights stay packed. The other operand is rounded to integers of 16 bits
// or less, with a scale for each block, so that products are of integers: an
// i32 holds 32 / bits weights, and masked shifts of it are pairs of i16 for
// exec.dot. What the rounding leaves can be a second part, 2 * 32767 times
// finer. sum(x * (w - z)) is sum(x * w) - z * sum(x). Products of many rows
// that would need both parts are of floats instead (BlockUnpack.h).
//
//===----------------------------------------------------------------------===//

#include "BlockUnpack.h"
#include "Generic.h"
#include "Scalars.h"
#include "SpatialUtils.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "nncc/Dialect/Exec/Exec.h"
#include "nncc/Dialect/NN/NN.h"
#include "nncc/Dialect/NN/Symbols.h"

using namespace mlir;
using namespace nncc;
using namespace nncc::nn;

/// Elements that the body of the kernel multiplies, at most.
static constexpr int64_t mostInGroup = 32;
/// Columns a panel of weights.
static constexpr int64_t panel = 8;

//===----------------------------------------------------------------------===//
// Types
//===----------------------------------------------------------------------===//

LogicalResult BlockMatmulOp::inferReturnTypes(MLIRContext *,
                                              std::optional<Location> loc,
                                              Adaptor op,
                                              SmallVectorImpl<Type> &types) {
  auto weights = cast<RankedTensorType>(op.getWeights().getType());
  auto lhs = cast<RankedTensorType>(op.getLhs().getType());
  if (weights.getRank() != 3 || !weights.hasStaticShape() || lhs.getRank() < 1)
    return emitOptionalError(
        loc, "the weights must be [N, blocks, bytes], not ", weights);
  int64_t bits = std::max<int64_t>(op.getBits(), 1);
  int64_t block = std::max<int64_t>(weights.getDimSize(2) * 8 / bits, 1);
  int64_t depth = lhs.getShape().back();
  if (depth < 1 || llvm::divideCeil(depth, block) !=
                       static_cast<uint64_t>(weights.getDimSize(1)))
    return emitOptionalError(loc, "rows of ", lhs, " do not have ",
                             weights.getDimSize(1), " blocks of ", block);
  SmallVector<AffineExpr> dims = getDims(lhs);
  dims.back() = getAffineConstantExpr(weights.getDimSize(0), lhs.getContext());
  types.push_back(makeTensorType(dims, lhs.getElementType()));
  return success();
}

LogicalResult BlockMatmulOp::verify() {
  ArrayRef<int64_t> shape = getWeights().getType().getShape();
  RankedTensorType points = getZeroPoints().getType();
  int64_t block = shape[2] * 8 / static_cast<int64_t>(getBits());
  if (getBits() != 2 && getBits() != 4 && getBits() != 8)
    return emitOpError("takes weights of 2, 4 or 8 bits");
  if (getLhsBits() != 8 && getLhsBits() != 16 && getLhsBits() != 32)
    return emitOpError("rounds the other operand to 8, 16 or 32 bits");
  if (block < 16 || (block & (block - 1)))
    return emitOpError("takes blocks of 16 or more, a power of two");
  if (!getLhs().getType().getElementType().isF32() ||
      getScales().getType().getShape() != shape.drop_back() ||
      (points.getRank() != 0 && points.getShape() != shape.drop_back()))
    return emitOpError("takes f32, and one scale and zero point a block");
  return success();
}

//===----------------------------------------------------------------------===//
// Lowering
//===----------------------------------------------------------------------===//

namespace {

/// Sizes: rows... x blocks x groups a block x parts x words a group x pairs a
/// word.
struct BlockMatmulBuilder {
  LoweringBuilder &b;
  Location loc;
  /// Of the rows: all dimensions of the operand but the last.
  SmallVector<AffineExpr> rows;
  int64_t bits, columns, blocks, groups, parts, words, pairs;
  /// The largest number that a part of an element becomes.
  int64_t most;

  MLIRContext *context() const { return b.getContext(); }
  AffineExpr constant(int64_t value) const {
    return getAffineConstantExpr(value, context());
  }
  AffineExpr loop(unsigned number) const {
    return getAffineDimExpr(number, context());
  }
  int64_t group() const { return words * pairs * 2; }

  /// rows..., then `more`.
  SmallVector<AffineExpr> withRows(ArrayRef<int64_t> more) const {
    SmallVector<AffineExpr> dims(rows);
    for (int64_t size : more)
      dims.push_back(constant(size));
    return dims;
  }
  Value packWords(Value weights);
  Value packNumbers(Value numbers);
  Value splitRows(Value lhs, int64_t depth);
  Value findLargest(Value split);
  Value roundPairs(Value split, Value largest);
  Value sumPairs(Value rounded);
  Value multiply(Value rounded, Value largest, Value sums, Value weights,
                 Value scales, Value points);
  Value buildBody(OpBuilder &b, Location loc, ValueRange args) const;
  /// The product of [rows..., depth], rounded.
  Value build(Value lhs, int64_t depth, const PackedWeights &weights);
};

} // namespace

/// [columns, ...] filled up to whole panels.
static Value padToPanels(LoweringBuilder &b, Location loc, Value value) {
  auto type = cast<RankedTensorType>(value.getType());
  SmallVector<int64_t> low(type.getRank(), 0), high = low;
  high[0] = llvm::alignTo(type.getDimSize(0), panel) - type.getDimSize(0);
  return buildPad(b, loc, value, low, high,
                  b.getZeroAttr(type.getElementType()));
}

/// Bytes [columns, blocks, bytes] to words [panels, blocks, groups, words, 8].
Value BlockMatmulBuilder::packWords(Value weights) {
  Value bytes = padToPanels(b, loc, weights);
  int64_t panels = llvm::divideCeil(columns, panel);
  SmallVector<nn::Access> inputs;
  for (int64_t byte = 0; byte < 4; ++byte) {
    AffineExpr place = (loop(2) * words + loop(3)) * 4 + byte;
    inputs.push_back({bytes, {loop(0) * panel + loop(4), loop(1), place}});
  }
  return buildParallel(
      b, loc,
      {constant(panels), constant(blocks), constant(groups), constant(words),
       constant(panel)},
      b.getI32Type(), inputs, [](OpBuilder &b, Location loc, ValueRange args) {
        Type i32 = b.getI32Type();
        Value word;
        for (auto [i, arg] : llvm::enumerate(args.take_front(4))) {
          Value shift = scalar::constant(b, loc, i32, 8.0 * i);
          Value part = b.create<arith::ShLIOp>(
              loc, b.create<arith::ExtUIOp>(loc, i32, arg), shift);
          word = word ? b.create<arith::OrIOp>(loc, word, part) : part;
        }
        return word;
      });
}

/// [columns, blocks] to [panels, blocks, 8].
Value BlockMatmulBuilder::packNumbers(Value numbers) {
  int64_t panels = llvm::divideCeil(columns, panel);
  return buildCopy(b, loc, padToPanels(b, loc, numbers),
                   {loop(0) * panel + loop(2), loop(1)},
                   {constant(panels), constant(blocks), constant(panel)});
}

/// [rows..., depth] to [rows..., all groups, elements], filled up with zeros.
Value BlockMatmulBuilder::splitRows(Value lhs, int64_t depth) {
  int64_t padded = blocks * groups * group();
  SmallVector<int64_t> low(rows.size() + 1, 0), high = low;
  high.back() = padded - depth;
  Value wide = buildPad(b, loc, lhs, low, high, b.getF32FloatAttr(0));
  return buildReshaped(b, loc, wide, withRows({padded}),
                       withRows({blocks * groups, group()}));
}

/// The largest magnitude of each block; a NaN stays.
Value BlockMatmulBuilder::findLargest(Value split) {
  Type f32 = b.getF32Type();
  SmallVector<AffineExpr> whole = withRows({blocks, groups * group()});
  Value inBlocks =
      buildReshaped(b, loc, split, withRows({blocks * groups, group()}), whole);
  return buildReduction(
      b, loc, inBlocks, whole, {static_cast<int64_t>(rows.size()) + 1},
      b.getF32FloatAttr(0), [&](OpBuilder &b, Location loc, ValueRange args) {
        Value magnitude = b.create<math::AbsFOp>(loc, args[0]);
        return scalar::maxNaN(b, loc, f32, {magnitude, args[1]});
      });
}

/// A part of one element, up to `most`; `part` is 0 or 1.
static Value roundElement(OpBuilder &b, Location loc, Value value, Value factor,
                          Value part, int64_t most) {
  Type f32 = b.getF32Type();
  Value scaled = b.create<arith::MulFOp>(loc, value, factor);
  Value first = b.create<math::RoundEvenOp>(loc, scaled);
  Value left =
      b.create<arith::MulFOp>(loc, b.create<arith::SubFOp>(loc, scaled, first),
                              scalar::constant(b, loc, f32, 2 * most));
  Value isFirst =
      b.create<arith::CmpIOp>(loc, arith::CmpIPredicate::eq, part,
                              b.create<arith::ConstantIndexOp>(loc, 0));
  Value chosen = b.create<arith::SelectOp>(loc, isFirst, first, left);
  return scalar::saturate(b, loc, b.getI32Type(), chosen, -most, most);
}

/// 1 / step of a block; 0 where all is 0.
static Value buildFactor(OpBuilder &b, Location loc, Value largest,
                         int64_t most) {
  Type f32 = b.getF32Type();
  Value zero = scalar::constant(b, loc, f32, 0);
  Value isZero = scalar::equal(b, loc, f32, {largest, zero});
  Value factor = b.create<arith::DivFOp>(
      loc, scalar::constant(b, loc, f32, most), largest);
  return b.create<arith::SelectOp>(loc, isZero, zero, factor);
}

/// [rows..., all groups, parts, words, pairs]: what one shift of a word
/// multiplies, the elements at `pair` and half a word behind.
Value BlockMatmulBuilder::roundPairs(Value split, Value largest) {
  unsigned r = rows.size();
  SmallVector<AffineExpr> first = getLoops(context(), r + 1), block = first;
  block.back() = loop(r).floorDiv(groups);
  first.push_back(loop(r + 2) * (2 * pairs) + loop(r + 3));
  SmallVector<AffineExpr> second = first;
  second.back() = first.back() + pairs;
  return buildParallel(
      b, loc, withRows({blocks * groups, parts, words, pairs}), b.getI32Type(),
      {{split, first}, {split, second}, {largest, block}},
      [&](OpBuilder &b, Location loc, ValueRange args) -> Value {
        Type i32 = b.getI32Type();
        Value part = b.create<linalg::IndexOp>(loc, r + 1);
        Value factor = buildFactor(b, loc, args[2], most);
        Value low = b.create<arith::AndIOp>(
            loc, roundElement(b, loc, args[0], factor, part, most),
            scalar::constant(b, loc, i32, 0xffff));
        Value high = b.create<arith::ShLIOp>(
            loc, roundElement(b, loc, args[1], factor, part, most),
            scalar::constant(b, loc, i32, 16));
        return b.create<arith::OrIOp>(loc, low, high);
      });
}

/// The sum of each group's part.
Value BlockMatmulBuilder::sumPairs(Value rounded) {
  int64_t r = rows.size();
  return buildReduction(
      b, loc, rounded, withRows({blocks * groups, parts, words, pairs}),
      {r + 2, r + 3}, b.getI32IntegerAttr(0),
      [](OpBuilder &b, Location loc, ValueRange args) -> Value {
        Value ones = scalar::constant(b, loc, b.getI32Type(), 0x10001);
        Value sum = b.create<exec::DotOp>(loc, args[0], ones);
        return b.create<arith::AddIOp>(loc, args[1], sum);
      });
}

/// The sum of products of a group.
static Value dotGroup(OpBuilder &b, Location loc, ValueRange rounded,
                      ValueRange words, int64_t bits) {
  Type i32 = b.getI32Type();
  int64_t pairs = rounded.size() / words.size();
  Value mask = scalar::constant(b, loc, i32, 0x10001 * ((1 << bits) - 1));
  Value sum;
  for (auto [i, pair] : llvm::enumerate(rounded)) {
    Value shift = scalar::constant(b, loc, i32, bits * (i % pairs));
    Value weights = words[i / pairs];
    if (i % pairs != 0)
      weights = b.create<arith::ShRUIOp>(loc, weights, shift);
    weights = b.create<arith::AndIOp>(loc, weights, mask);
    Value product = b.create<exec::DotOp>(loc, weights, pair);
    sum = sum ? b.create<arith::AddIOp>(loc, sum, product) : product;
  }
  return sum;
}

/// sum(x * w) - z * sum(x) of a group, in its steps.
static Value sumParts(OpBuilder &b, Location loc, ArrayRef<Value> dots,
                      ValueRange sums, Value point, int64_t most) {
  Type f32 = b.getF32Type();
  Value result;
  for (auto [dot, sum] : llvm::zip_equal(dots, sums)) {
    Value offset = b.create<arith::MulFOp>(
        loc, b.create<arith::SIToFPOp>(loc, f32, sum), point);
    Value part = b.create<arith::SubFOp>(
        loc, b.create<arith::SIToFPOp>(loc, f32, dot), offset);
    if (result)
      part = b.create<arith::AddFOp>(
          loc, result,
          b.create<arith::MulFOp>(loc, part,
                                  scalar::constant(b, loc, f32, 0.5 / most)));
    result = part;
  }
  return result;
}

/// (rows..., column) over (block, group of the block).
Value BlockMatmulBuilder::multiply(Value rounded, Value largest, Value sums,
                                   Value weights, Value scales, Value points) {
  unsigned r = rows.size();
  AffineExpr column = loop(r), block = loop(r + 1);
  AffineExpr place = column.floorDiv(panel), lane = column % panel;
  SmallVector<AffineExpr> inBlock = getMapDims(context(), 0, r),
                          group = inBlock;
  inBlock.push_back(block);
  group.push_back(block * groups + loop(r + 2));
  SmallVector<Value> inputs;
  SmallVector<AffineMap> maps;
  auto add = [&](Value value, SmallVector<AffineExpr> index,
                 ArrayRef<int64_t> more = {}) {
    for (int64_t number : more)
      index.push_back(constant(number));
    inputs.push_back(value);
    maps.push_back(AffineMap::get(r + 3, 0, index, context()));
  };
  int64_t each = words * pairs;
  for (int64_t i = 0; i < parts * each; ++i)
    add(rounded, group, {i / each, i % each / pairs, i % pairs});
  for (int64_t i = 0; i < parts; ++i)
    add(sums, group, {i});
  for (int64_t i = 0; i < words; ++i)
    add(weights, {place, block, loop(r + 2), constant(i), lane});
  add(largest, inBlock);
  add(scales, {place, block, lane});
  bool isOne = cast<RankedTensorType>(points.getType()).getRank() == 0;
  add(points, isOne ? SmallVector<AffineExpr>{}
                    : SmallVector<AffineExpr>{place, block, lane});

  Value init = b.fill(loc, withRows({columns}), b.getF32FloatAttr(0));
  maps.push_back(AffineMap::getMultiDimIdentityMap(r + 3, context())
                     .getMajorSubMap(r + 1));
  SmallVector<utils::IteratorType> iterators(r + 1,
                                             utils::IteratorType::parallel);
  iterators.append(2, utils::IteratorType::reduction);
  auto body = [&](OpBuilder &b, Location loc, ValueRange args) {
    b.create<linalg::YieldOp>(loc, buildBody(b, loc, args));
  };
  return b
      .create<linalg::GenericOp>(loc, init.getType(), inputs, init, maps,
                                 iterators, body)
      .getResult(0);
}

/// args: as `multiply` adds the inputs, and the accumulator.
Value BlockMatmulBuilder::buildBody(OpBuilder &b, Location loc,
                                    ValueRange args) const {
  Type f32 = b.getF32Type();
  int64_t each = words * pairs;
  ValueRange rest = args.drop_front(parts * each);
  ValueRange sums = rest.take_front(parts);
  ValueRange weights = rest.slice(parts, words);
  rest = rest.drop_front(parts + words);
  SmallVector<Value> dots;
  for (int64_t i = 0; i < parts; ++i)
    dots.push_back(dotGroup(b, loc, args.slice(i * each, each), weights, bits));
  Value sum = sumParts(b, loc, dots, sums, rest[2], most);
  Value step = b.create<arith::MulFOp>(
      loc, rest[0], scalar::constant(b, loc, f32, 1.0 / most));
  Value scale = b.create<arith::MulFOp>(loc, step, rest[1]);
  return b.create<arith::AddFOp>(loc, rest[3],
                                 b.create<arith::MulFOp>(loc, sum, scale));
}

Value BlockMatmulBuilder::build(Value lhs, int64_t depth,
                                const PackedWeights &weights) {
  Value split = splitRows(lhs, depth);
  Value largest = findLargest(split);
  Value rounded = roundPairs(split, largest);
  return multiply(rounded, largest, sumPairs(rounded), weights.words,
                  weights.scales, weights.points);
}

/// A tensor of [rows..., columns] that `buildMany` makes where there are many
/// rows, else `buildFew`; where their number is open, both are there.
static Value buildByRows(LoweringBuilder &b, Location loc,
                         ArrayRef<AffineExpr> rows, int64_t columns,
                         function_ref<Value()> buildMany,
                         function_ref<Value()> buildFew) {
  AffineExpr count = getAffineConstantExpr(1, b.getContext());
  for (AffineExpr size : rows)
    count = count * size;
  if (std::optional<int64_t> known = getConstantValue(count))
    return *known >= leastRowsToUnpack ? buildMany() : buildFew();
  Value least = b.create<arith::ConstantIndexOp>(loc, leastRowsToUnpack);
  Value many = b.create<arith::CmpIOp>(loc, arith::CmpIPredicate::uge,
                                       b.dim(count), least);
  SmallVector<AffineExpr> dims(rows);
  dims.push_back(getAffineConstantExpr(columns, b.getContext()));
  auto branch = b.create<scf::IfOp>(loc, b.getPlainType(dims, b.getF32Type()),
                                    many, /*withElseRegion=*/true);
  for (auto [block, build] : {std::pair(branch.thenBlock(), buildMany),
                              std::pair(branch.elseBlock(), buildFew)}) {
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToEnd(block);
    b.create<scf::YieldOp>(loc, build());
  }
  return branch.getResult(0);
}

FailureOr<SmallVector<Value>>
BlockMatmulOp::lowerToLinalg(LoweringBuilder &b, ValueRange operands) {
  ArrayRef<int64_t> shape = getWeights().getType().getShape();
  int64_t bits = getBits(), block = shape[2] * 8 / bits;
  int64_t inGroup = std::min(block, mostInGroup), pairs = 16 / bits;
  SmallVector<AffineExpr> rows = getDims(getLhs().getType());
  rows.pop_back();
  int64_t parts = getLhsBits() == 32 ? 2 : 1, words = inGroup / (2 * pairs);
  BlockMatmulBuilder builder{b,
                             getLoc(),
                             rows,
                             bits,
                             shape[0],
                             shape[1],
                             block / inGroup,
                             parts,
                             words,
                             pairs,
                             getLhsBits() == 8 ? 127 : 32767};
  int64_t depth = getLhs().getType().getShape().back();
  Value points = operands[3];
  if (getZeroPoints().getType().getRank() != 0)
    points = builder.packNumbers(points);
  PackedWeights weights{bits, builder.packWords(operands[1]),
                        builder.packNumbers(operands[2]), points};
  auto buildRounded = [&] {
    return builder.build(operands[0], depth, weights);
  };
  // As exact as f32, and of whole panels and blocks.
  if (parts != 2 || shape[0] % panel != 0 || depth != shape[1] * block)
    return SmallVector<Value>{buildRounded()};
  return SmallVector<Value>{buildByRows(
      b, getLoc(), rows, shape[0],
      [&] {
        return buildUnpackedProduct(b, getLoc(), operands[0], rows, weights);
      },
      buildRounded)};
}
