//===- WinogradBuilder.cpp - minimal filtering of one convolution ---------===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "WinogradBuilder.h"

#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/IRMapping.h"

using namespace mlir;

namespace nncc {

namespace {

/// Tiles of the output along a dimension: `tiles` of them, from `pixel` on.
struct Segment {
  int64_t pixel, tiles, firstTile;
};

/// Tiles over `size` pixels; the last one overlaps the one before it if need
/// be: both compute the same.
SmallVector<Segment> getSegments(int64_t size, int64_t width) {
  SmallVector<Segment> segments = {{0, size / width, 0}};
  if (size % width != 0)
    segments.push_back({size - width, 1, size / width});
  return segments;
}

/// How blocks lie along a dimension of the output.
struct Axis {
  OpFoldResult size;
  int64_t block = 0; ///< pixels
  /// The image is smaller than a block, of which only `size` pixels are there.
  bool isSmall = false;
  OpFoldResult first; ///< pixel of the block being built

  bool isOpen() const { return !getConstantIntValue(size); }
  bool isOneBlock() const { return getConstantIntValue(size) == block; }
};

class WinogradBuilder {
public:
  WinogradBuilder(const Convolution &conv, const WinogradAlgorithm &algorithm)
      : conv(conv), algorithm(algorithm), b(last()),
        loc(this->conv.op.getLoc()), context(b.getContext()),
        element(cast<ShapedType>(conv.filter.getType()).getElementType()) {}

  void build();

private:
  linalg::GenericOp last() { return conv.epilogue ? conv.epilogue : conv.op; }
  AffineExpr dim(unsigned i) { return getAffineDimExpr(i, context); }
  Value empty(ArrayRef<int64_t> shape) {
    return b.create<tensor::EmptyOp>(loc, shape, element);
  }
  Value index(int64_t value) {
    return b.create<arith::ConstantIndexOp>(loc, value);
  }
  Value apply(AffineExpr expr, OpFoldResult operand) {
    return getValueOrCreateConstantIndexOp(
        b, loc,
        affine::makeComposedFoldedAffineApply(
            b, loc, AffineMap::get(1, 0, expr, context), {operand}));
  }
  Value transformFilter();
  Value buildLoops(Value out);
  Value buildLoop(Value out);
  Value countBlocks(const Axis &axis);
  Value guard(const Axis &axis, Value count);
  void place(Value step);
  OpFoldResult getFirst(const Axis &axis, Value number);
  Value buildBlock(Value out);
  Value transformInput(Value pixels);
  Value multiply(Value points);
  Value transformOutput(Value products, Value block);
  Value sliceTiles(Value products, const Segment &y, const Segment &x);
  OpFoldResult getExtent(const Axis &axis, int64_t border = 0);
  /// The block's part, with `border` more pixels a dimension, of what `map`
  /// indexes by (n, h, w, o); zeros where the image is smaller.
  Value slice(Value tensor, AffineMap map, int64_t border);
  Value insert(Value source, Value dest, ArrayRef<int64_t> offsets,
               ArrayRef<int64_t> sizes, ArrayRef<int64_t> strides);
  /// The pixel `offset` of a tile of the segments, for the loops (n, ty, tx).
  SmallVector<AffineExpr> getPixel(const Segment &y, const Segment &x,
                                   int64_t down, int64_t right);

  Convolution conv;
  const WinogradAlgorithm &algorithm;
  OpBuilder b;
  Location loc;
  MLIRContext *context;
  Type element;
  Value filterPoints;
  Axis rows, columns;
  SmallVector<Segment> down, right; // of a block
  OpFoldResult image;               // of the block being built
};

} // namespace

int64_t countTiles(int64_t size, const WinogradAlgorithm &algorithm) {
  return llvm::divideCeil(size, algorithm.outputs);
}

// Bytes that the second level of cache keeps beside the weights.
static constexpr int64_t cacheBudget = 512 << 10;

/// At least `rows` rows of tiles of `all`: what the last block computes again
/// is least where all blocks are as large.
static int64_t balanceRows(int64_t rows, int64_t all, int64_t pixels,
                           int64_t m) {
  auto countComputed = [&](int64_t rows) -> int64_t {
    return llvm::divideCeil(pixels, m * rows) * rows;
  };
  int64_t best = rows;
  for (int64_t more = rows + 1; more <= std::min(2 * rows, all); ++more)
    if (countComputed(more) < countComputed(best))
      best = more;
  return best == all ? pixels : m * best;
}

PixelBlock getPixelBlock(const Convolution &conv,
                         const WinogradAlgorithm &algorithm) {
  // Products of fewer tiles wait for weights that no cache keeps.
  constexpr int64_t enoughTiles = 64;
  // Where sizes are open, the last block overlaps the one before it by half a
  // block on average.
  constexpr int64_t openColumns = 16, openTiles = 32;
  std::optional<int64_t> h = getConstantIntValue(conv.h);
  int64_t columns = getConstantIntValue(conv.w).value_or(openColumns);
  int64_t m = algorithm.outputs, rowTiles = countTiles(columns, algorithm);
  int64_t rowBytes = algorithm.points() * (conv.c + conv.o) * 4 * rowTiles;
  int64_t weightBytes = algorithm.points() * conv.c * conv.o * 4;
  int64_t rows = std::max<int64_t>(cacheBudget / rowBytes, 1);
  if (!h)
    rows = std::min<int64_t>(rows, llvm::divideCeil(openTiles, rowTiles));
  if (weightBytes > 2 * cacheBudget)
    rows = std::max<int64_t>(rows, llvm::divideCeil(enoughTiles, rowTiles));
  if (!h)
    return {m * rows, columns};
  int64_t all = *h / m;
  if (rowBytes * all <= 2 * cacheBudget || rows >= all)
    return {*h, columns};
  return {balanceRows(rows, all, *h, m), columns};
}

/// [points, C, O]: a product with constant factors, done at build time.
Value WinogradBuilder::transformFilter() {
  SmallVector<float> factors;
  for (double factor : getFilterFactors(algorithm))
    factors.push_back(static_cast<float>(factor));
  auto type = RankedTensorType::get({algorithm.points(), 3, 3}, element);
  Value constant = b.create<arith::ConstantOp>(
      loc, DenseElementsAttr::get(type, ArrayRef(factors)));
  Value zero = b.create<arith::ConstantOp>(loc, b.getZeroAttr(element));
  Value init = b.create<linalg::FillOp>(
                    loc, zero, empty({algorithm.points(), conv.c, conv.o}))
                   .getResult(0);
  // (point, c, o, i, j)
  SmallVector<AffineMap> maps = {
      AffineMap::get(5, 0, {dim(0), dim(3), dim(4)}, context),
      AffineMap::get(5, 0, {dim(3), dim(4), dim(1), dim(2)}, context),
      AffineMap::get(5, 0, {dim(0), dim(1), dim(2)}, context)};
  SmallVector<utils::IteratorType> kinds(3, utils::IteratorType::parallel);
  kinds.append(2, utils::IteratorType::reduction);
  auto body = [](OpBuilder &b, Location loc, ValueRange arguments) {
    Value product = b.create<arith::MulFOp>(loc, arguments[0], arguments[1]);
    Value sum = b.create<arith::AddFOp>(loc, arguments[2], product);
    b.create<linalg::YieldOp>(loc, sum);
  };
  return b
      .create<linalg::GenericOp>(loc, init.getType(),
                                 ValueRange{constant, conv.filter}, init, maps,
                                 kinds, body)
      .getResult(0);
}

OpFoldResult WinogradBuilder::getExtent(const Axis &axis, int64_t border) {
  if (axis.isSmall)
    return apply(dim(0) + border, axis.size);
  return b.getIndexAttr(axis.block + border);
}

Value WinogradBuilder::slice(Value tensor, AffineMap map, int64_t border) {
  auto type = cast<RankedTensorType>(tensor.getType());
  OpFoldResult zero = b.getIndexAttr(0);
  SmallVector<OpFoldResult> offsets(type.getRank(), zero), missing = offsets;
  SmallVector<OpFoldResult> strides(type.getRank(), b.getIndexAttr(1)), sizes;
  SmallVector<int64_t> whole(type.getShape());
  for (int64_t size : type.getShape())
    sizes.push_back(b.getIndexAttr(size));
  if (auto place = map.getResultPosition(dim(0))) {
    offsets[*place] = image;
    sizes[*place] = b.getIndexAttr(1);
    whole[*place] = 1;
  }
  for (auto [i, axis] : {std::pair(1, &rows), std::pair(2, &columns)}) {
    auto place = map.getResultPosition(dim(i));
    if (!place)
      continue;
    offsets[*place] = axis->first;
    sizes[*place] = getExtent(*axis, border);
    whole[*place] = axis->block + border;
    if (axis->isSmall)
      missing[*place] = apply(axis->block - dim(0), axis->size);
  }
  Value part =
      b.create<tensor::ExtractSliceOp>(loc, tensor, offsets, sizes, strides);
  if (!rows.isSmall && !columns.isSmall)
    return part;
  Value padding =
      b.create<arith::ConstantOp>(loc, b.getZeroAttr(type.getElementType()));
  SmallVector<OpFoldResult> low(type.getRank(), zero);
  return b.create<tensor::PadOp>(loc, type.clone(whole), part, low, missing,
                                 padding);
}

Value WinogradBuilder::insert(Value source, Value dest,
                              ArrayRef<int64_t> offsets,
                              ArrayRef<int64_t> sizes,
                              ArrayRef<int64_t> strides) {
  return b.create<tensor::InsertSliceOp>(
      loc, source, dest, getAsIndexOpFoldResult(context, offsets),
      getAsIndexOpFoldResult(context, sizes),
      getAsIndexOpFoldResult(context, strides));
}

SmallVector<AffineExpr> WinogradBuilder::getPixel(const Segment &y,
                                                  const Segment &x,
                                                  int64_t down, int64_t right) {
  int64_t m = algorithm.outputs;
  return {dim(0), dim(1) * m + (y.pixel + down),
          dim(2) * m + (x.pixel + right)};
}

/// [points, N, TY, TX, C] from the input's pixels.
Value WinogradBuilder::transformInput(Value pixels) {
  int64_t width = algorithm.inputs(), points = algorithm.points();
  Value whole = empty({points, 1, countTiles(rows.block, algorithm),
                       countTiles(columns.block, algorithm), conv.c});
  SmallVector<utils::IteratorType> kinds(4, utils::IteratorType::parallel);
  for (const Segment &y : down)
    for (const Segment &x : right) {
      SmallVector<AffineMap> maps;
      for (int64_t i = 0; i < points; ++i) {
        SmallVector<AffineExpr> index = getPixel(y, x, i / width, i % width);
        index.push_back(dim(3));
        maps.push_back(AffineMap::get(4, 0, index, context));
      }
      maps.append(points, AffineMap::getMultiDimIdentityMap(4, context));
      SmallVector<Value> inits(points, empty({1, y.tiles, x.tiles, conv.c}));
      auto generic = b.create<linalg::GenericOp>(
          loc, ValueRange(inits).getTypes(), SmallVector<Value>(points, pixels),
          inits, maps, kinds,
          [&](OpBuilder &b, Location loc, ValueRange arguments) {
            b.create<linalg::YieldOp>(
                loc, emitTransform(b, loc, algorithm.input,
                                   arguments.take_front(points)));
          });
      for (auto [point, result] : llvm::enumerate(generic.getResults()))
        whole = insert(result, whole,
                       {int64_t(point), 0, y.firstTile, x.firstTile, 0},
                       {1, 1, y.tiles, x.tiles, conv.c}, {1, 1, 1, 1, 1});
    }
  return whole;
}

/// [points, N, TY, TX, O]: one product of matrices a point.
Value WinogradBuilder::multiply(Value points) {
  SmallVector<int64_t> shape(cast<ShapedType>(points.getType()).getShape());
  shape.back() = conv.o;
  Value zero = b.create<arith::ConstantOp>(loc, b.getZeroAttr(element));
  Value init = b.create<linalg::FillOp>(loc, zero, empty(shape)).getResult(0);
  SmallVector<AffineMap> maps = {
      AffineMap::get(6, 0, {dim(0), dim(1), dim(2), dim(3), dim(5)}, context),
      AffineMap::get(6, 0, {dim(0), dim(5), dim(4)}, context),
      AffineMap::get(6, 0, {dim(0), dim(1), dim(2), dim(3), dim(4)}, context)};
  SmallVector<utils::IteratorType> kinds(5, utils::IteratorType::parallel);
  kinds.push_back(utils::IteratorType::reduction);
  auto generic = b.create<linalg::GenericOp>(
      loc, init.getType(), ValueRange{points, filterPoints}, init, maps, kinds);
  // The body of the convolution: a product and a sum.
  IRMapping mapping;
  conv.op.getRegion().cloneInto(&generic.getRegion(), mapping);
  return generic.getResult(0);
}

/// Clones the epilogue's body for one of the tile's outputs, `value`.
static Value emitEpilogue(OpBuilder &b, linalg::GenericOp epilogue, Value conv,
                          Value value, ValueRange others) {
  IRMapping mapping;
  unsigned next = 0;
  for (OpOperand *operand : epilogue.getDpsInputOperands())
    mapping.map(epilogue.getMatchingBlockArgument(operand),
                operand->get() == conv ? value : others[next++]);
  for (Operation &op : epilogue.getBody()->without_terminator())
    b.clone(op, mapping);
  return mapping.lookupOrDefault(
      epilogue.getBody()->getTerminator()->getOperand(0));
}

/// The products of the segments' tiles.
Value WinogradBuilder::sliceTiles(Value products, const Segment &y,
                                  const Segment &x) {
  SmallVector<int64_t> offsets = {0, 0, y.firstTile, x.firstTile, 0};
  SmallVector<int64_t> sizes = {algorithm.points(), 1, y.tiles, x.tiles,
                                conv.o};
  SmallVector<int64_t> strides(5, 1);
  return b.create<tensor::ExtractSliceOp>(
      loc, products, getAsIndexOpFoldResult(context, offsets),
      getAsIndexOpFoldResult(context, sizes),
      getAsIndexOpFoldResult(context, strides));
}

/// For each pair of segments, an op with a result for each output of a tile.
Value WinogradBuilder::transformOutput(Value products, Value block) {
  int64_t m = algorithm.outputs, points = algorithm.points();
  SmallVector<utils::IteratorType> kinds(4, utils::IteratorType::parallel);
  SmallVector<std::pair<Value, AffineMap>> others;
  if (conv.epilogue)
    for (OpOperand *operand : conv.epilogue.getDpsInputOperands()) {
      AffineMap map = conv.epilogue.getMatchingIndexingMap(operand);
      if (operand->get() == conv.op.getResult(0))
        continue;
      others.push_back({slice(operand->get(), map, 0), map});
    }
  for (const Segment &y : down)
    for (const Segment &x : right) {
      SmallVector<Value> operands(points, sliceTiles(products, y, x));
      SmallVector<AffineMap> maps;
      for (int64_t i = 0; i < points; ++i)
        maps.push_back(AffineMap::get(
            4, 0,
            {getAffineConstantExpr(i, context), dim(0), dim(1), dim(2), dim(3)},
            context));
      for (int64_t i = 0; i < m * m; ++i)
        for (auto [value, map] : others) {
          SmallVector<AffineExpr> pixel = getPixel(y, x, i / m, i % m);
          pixel.push_back(dim(3));
          operands.push_back(value);
          maps.push_back(map.replaceDimsAndSymbols(pixel, {}, 4, 0));
        }
      maps.append(m * m, AffineMap::getMultiDimIdentityMap(4, context));
      SmallVector<Value> inits(m * m, empty({1, y.tiles, x.tiles, conv.o}));
      auto generic = b.create<linalg::GenericOp>(
          loc, ValueRange(inits).getTypes(), operands, inits, maps, kinds,
          [&](OpBuilder &b, Location loc, ValueRange arguments) {
            SmallVector<Value> results = emitTransform(
                b, loc, algorithm.output, arguments.take_front(points));
            for (auto [i, result] : llvm::enumerate(results))
              if (conv.epilogue)
                result = emitEpilogue(
                    b, conv.epilogue, conv.op.getResult(0), result,
                    arguments.slice(points + i * others.size(), others.size()));
            b.create<linalg::YieldOp>(loc, results);
          });
      for (auto [i, result] : llvm::enumerate(generic.getResults()))
        block =
            insert(result, block,
                   {0, y.pixel + int64_t(i) / m, x.pixel + int64_t(i) % m, 0},
                   {1, y.tiles, x.tiles, conv.o}, {1, m, m, 1});
    }
  return block;
}

Value WinogradBuilder::buildBlock(Value out) {
  AffineMap identity = AffineMap::getMultiDimIdentityMap(4, context);
  Value input = slice(conv.input, identity, /*border=*/2);
  Value block = transformOutput(multiply(transformInput(input)),
                                empty({1, rows.block, columns.block, conv.o}));
  OpFoldResult zero = b.getIndexAttr(0);
  SmallVector<OpFoldResult> strides(4, b.getIndexAttr(1));
  SmallVector<OpFoldResult> sizes = {b.getIndexAttr(1), getExtent(rows),
                                     getExtent(columns),
                                     b.getIndexAttr(conv.o)};
  if (rows.isSmall || columns.isSmall)
    block = b.create<tensor::ExtractSliceOp>(
        loc, block, SmallVector<OpFoldResult>(4, zero), sizes, strides);
  SmallVector<OpFoldResult> offsets = {image, rows.first, columns.first, zero};
  return b.create<tensor::InsertSliceOp>(loc, block, out, offsets, sizes,
                                         strides);
}

Value WinogradBuilder::countBlocks(const Axis &axis) {
  return axis.isSmall ? index(1) : apply(dim(0).ceilDiv(axis.block), axis.size);
}

/// No blocks where the image is of the other kind.
Value WinogradBuilder::guard(const Axis &axis, Value count) {
  if (!axis.isOpen())
    return count;
  Value size = getValueOrCreateConstantIndexOp(b, loc, axis.size);
  Value applies = b.create<arith::CmpIOp>(
      loc, axis.isSmall ? arith::CmpIPredicate::ult : arith::CmpIPredicate::uge,
      size, index(axis.block));
  return b.create<arith::SelectOp>(loc, applies, count, index(0));
}

/// The last block overlaps the one before it rather than be smaller.
OpFoldResult WinogradBuilder::getFirst(const Axis &axis, Value number) {
  if (axis.isSmall || axis.isOneBlock())
    return b.getIndexAttr(0);
  Value first = b.create<arith::MulIOp>(loc, number, index(axis.block));
  Value last = apply(dim(0) - axis.block, axis.size);
  return b.create<arith::MinUIOp>(loc, first, last).getResult();
}

void WinogradBuilder::place(Value step) {
  Value across = countBlocks(columns);
  Value perImage =
      b.createOrFold<arith::MulIOp>(loc, countBlocks(rows), across);
  image = b.create<arith::DivUIOp>(loc, step, perImage).getResult();
  Value number = b.create<arith::RemUIOp>(loc, step, perImage);
  rows.first =
      getFirst(rows, b.createOrFold<arith::DivUIOp>(loc, number, across));
  columns.first =
      getFirst(columns, b.createOrFold<arith::RemUIOp>(loc, number, across));
}

/// One iteration a block of an image.
Value WinogradBuilder::buildLoop(Value out) {
  Value count = getValueOrCreateConstantIndexOp(b, loc, conv.n);
  for (const Axis *axis : {&rows, &columns})
    count = b.createOrFold<arith::MulIOp>(loc, count, countBlocks(*axis));
  count = guard(columns, guard(rows, count));
  auto loop = b.create<scf::ForOp>(
      loc, index(0), count, index(1), out,
      [&](OpBuilder &, Location, Value step, ValueRange carried) {
        OpBuilder::InsertionGuard guard(b);
        b.setInsertionPointToEnd(step.getParentBlock());
        place(step);
        b.create<scf::YieldOp>(loc, buildBlock(carried[0]));
      });
  return loop.getResult(0);
}

/// A loop for images of at least a block, and others for smaller ones.
Value WinogradBuilder::buildLoops(Value out) {
  for (bool isLow : {false, true})
    for (bool isNarrow : {false, true}) {
      if ((isLow && !rows.isOpen()) || (isNarrow && !columns.isOpen()))
        continue;
      rows.isSmall = isLow;
      columns.isSmall = isNarrow;
      out = buildLoop(out);
    }
  return out;
}

void WinogradBuilder::build() {
  filterPoints = transformFilter();
  PixelBlock block = getPixelBlock(conv, algorithm);
  image = b.getIndexAttr(0);
  rows = {conv.h, block.rows, false, image};
  columns = {conv.w, block.columns, false, image};
  down = getSegments(block.rows, algorithm.outputs);
  right = getSegments(block.columns, algorithm.outputs);
  SmallVector<OpFoldResult> sizes = {conv.n, conv.h, conv.w,
                                     b.getIndexAttr(conv.o)};
  Value out = b.create<tensor::EmptyOp>(loc, sizes, element);
  bool isOne = rows.isOneBlock() && columns.isOneBlock() &&
               getConstantIntValue(conv.n) == 1;
  Value result = isOne ? buildBlock(out) : buildLoops(out);
  linalg::GenericOp replaced = last();
  replaced.getResult(0).replaceAllUsesWith(result);
  replaced.erase();
  if (conv.epilogue)
    conv.op.erase();
}

void buildWinograd(const Convolution &conv,
                   const WinogradAlgorithm &algorithm) {
  WinogradBuilder(conv, algorithm).build();
}

} // namespace nncc
