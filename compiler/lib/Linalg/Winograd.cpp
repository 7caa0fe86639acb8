//===- Winograd.cpp - 3x3 convolutions with fewer products ----------------===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "nncc/Linalg/Passes.h"

#include "WinogradTransforms.h"
#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/IRMapping.h"
#include "nncc/Linalg/Constants.h"

namespace nncc {

#define GEN_PASS_DEF_WINOGRAD
#include "nncc/Linalg/Passes.h.inc"

using namespace mlir;

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

/// A convolution [N, H + 2, W + 2, C] by [3, 3, C, O] and the elementwise op
/// that alone reads its result, if any.
struct Convolution {
  linalg::GenericOp op, epilogue;
  Value input, filter;
  OpFoldResult n;
  int64_t h = 0, w = 0, c = 0, o = 0;
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
  /// Rows a block, such that what is between the transforms stays near.
  int64_t getBlockPixels();
  Value transformFilter();
  Value buildLoop(Value out, int64_t blocks);
  Value buildBlock(Value out);
  Value transformInput(Value rows);
  Value multiply(Value points);
  Value transformOutput(Value products, Value block);
  Value sliceTiles(Value products, const Segment &y, const Segment &x);
  /// The block's part, `rows` high, of what `map` indexes by (n, h, w, o).
  Value slice(Value tensor, AffineMap map, int64_t rows);
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
  SmallVector<Segment> down, right;
  // The block being built.
  OpFoldResult image, first;
  int64_t blockPixels = 0;
};

} // namespace

static int64_t countTiles(ArrayRef<Segment> segments) {
  return segments.back().firstTile + segments.back().tiles;
}

int64_t WinogradBuilder::getBlockPixels() {
  // Bytes that the second level of cache keeps beside the weights.
  constexpr int64_t budget = 512 << 10;
  // Products of fewer tiles wait for weights that no cache keeps.
  constexpr int64_t enoughTiles = 64;
  int64_t m = algorithm.outputs, all = conv.h / m;
  int64_t rowTiles = countTiles(getSegments(conv.w, m));
  int64_t rowBytes = algorithm.points() * (conv.c + conv.o) * 4 * rowTiles;
  int64_t weightBytes = algorithm.points() * conv.c * conv.o * 4;
  int64_t rows = std::max<int64_t>(budget / rowBytes, 1);
  if (weightBytes > 2 * budget)
    rows = std::max<int64_t>(rows, llvm::divideCeil(enoughTiles, rowTiles));
  if (rowBytes * all <= 2 * budget || rows >= all)
    return conv.h;
  // What the last block computes again is least where all are as large.
  auto countComputed = [&](int64_t rows) -> int64_t {
    return llvm::divideCeil(conv.h, m * rows) * rows;
  };
  int64_t best = rows;
  for (int64_t more = rows + 1; more <= std::min(2 * rows, all); ++more)
    if (countComputed(more) < countComputed(best))
      best = more;
  return best == all ? conv.h : m * best;
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

Value WinogradBuilder::slice(Value tensor, AffineMap map, int64_t rows) {
  auto type = cast<RankedTensorType>(tensor.getType());
  SmallVector<OpFoldResult> offsets(type.getRank(), b.getIndexAttr(0));
  SmallVector<OpFoldResult> strides(type.getRank(), b.getIndexAttr(1)), sizes;
  for (int64_t size : type.getShape())
    sizes.push_back(b.getIndexAttr(size));
  if (auto place = map.getResultPosition(dim(0))) {
    offsets[*place] = image;
    sizes[*place] = b.getIndexAttr(1);
  }
  if (auto place = map.getResultPosition(dim(1))) {
    offsets[*place] = first;
    sizes[*place] = b.getIndexAttr(rows);
  }
  return b.create<tensor::ExtractSliceOp>(loc, tensor, offsets, sizes, strides);
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

/// [points, N, TY, TX, C] from the input's rows.
Value WinogradBuilder::transformInput(Value rows) {
  int64_t width = algorithm.inputs(), points = algorithm.points();
  Value whole = empty({points, 1, countTiles(down), countTiles(right), conv.c});
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
          loc, ValueRange(inits).getTypes(), SmallVector<Value>(points, rows),
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
      others.push_back({slice(operand->get(), map, blockPixels), map});
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
  down = getSegments(blockPixels, algorithm.outputs);
  right = getSegments(conv.w, algorithm.outputs);
  Value input = slice(conv.input, identity, blockPixels + 2);
  SmallVector<int64_t> shape = {1, blockPixels, conv.w, conv.o};
  Value block = transformOutput(multiply(transformInput(input)), empty(shape));
  SmallVector<OpFoldResult> offsets = {image, first, b.getIndexAttr(0),
                                       b.getIndexAttr(0)};
  SmallVector<OpFoldResult> strides(4, b.getIndexAttr(1));
  return b.create<tensor::InsertSliceOp>(loc, block, out, offsets,
                                         getAsIndexOpFoldResult(context, shape),
                                         strides);
}

/// One iteration a block of rows of an image. An image's last block overlaps
/// the one before it rather than be smaller.
Value WinogradBuilder::buildLoop(Value out, int64_t blocks) {
  auto index = [&](int64_t value) -> Value {
    return b.create<arith::ConstantIndexOp>(loc, value);
  };
  Value perImage = index(blocks), rows = index(blockPixels);
  Value lastFirst = index(conv.h - blockPixels);
  Value count = getValueOrCreateConstantIndexOp(
      b, loc,
      affine::makeComposedFoldedAffineApply(
          b, loc, AffineMap::get(1, 0, dim(0) * blocks), {conv.n}));
  auto loop = b.create<scf::ForOp>(
      loc, index(0), count, index(1), out,
      [&](OpBuilder &, Location, Value step, ValueRange carried) {
        OpBuilder::InsertionGuard guard(b);
        b.setInsertionPointToEnd(step.getParentBlock());
        image = b.create<arith::DivUIOp>(loc, step, perImage).getResult();
        Value row = b.create<arith::RemUIOp>(loc, step, perImage);
        row = b.create<arith::MulIOp>(loc, row, rows);
        first = b.create<arith::MinUIOp>(loc, row, lastFirst).getResult();
        b.create<scf::YieldOp>(loc, buildBlock(carried[0]));
      });
  return loop.getResult(0);
}

void WinogradBuilder::build() {
  filterPoints = transformFilter();
  blockPixels = getBlockPixels();
  SmallVector<OpFoldResult> sizes = {conv.n, b.getIndexAttr(conv.h),
                                     b.getIndexAttr(conv.w),
                                     b.getIndexAttr(conv.o)};
  Value out = b.create<tensor::EmptyOp>(loc, sizes, element);
  int64_t blocks = llvm::divideCeil(conv.h, blockPixels);
  image = first = b.getIndexAttr(0);
  bool isOne = blocks == 1 && getConstantIntValue(conv.n) == 1;
  Value result = isOne ? buildBlock(out) : buildLoop(out, blocks);
  linalg::GenericOp replaced = last();
  replaced.getResult(0).replaceAllUsesWith(result);
  replaced.erase();
  if (conv.epilogue)
    conv.op.erase();
}

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
  if (!filter.hasStaticShape() ||
      result.getNumDynamicDims() > result.isDynamicDim(0) ||
      !filter.getElementType().isF32() || filter.getDimSize(0) != 3 ||
      filter.getDimSize(1) != 3 || !isConstantDerived(conv.filter) ||
      isConstantDerived(conv.input))
    return std::nullopt;
  auto fill = op.getOutputs()[0].getDefiningOp<linalg::FillOp>();
  auto init = fill ? fill.getOutputs()[0].getDefiningOp<tensor::EmptyOp>()
                   : tensor::EmptyOp();
  if (!init)
    return std::nullopt;
  conv.n = init.getMixedSizes()[0];
  conv.h = result.getDimSize(1);
  conv.w = result.getDimSize(2);
  conv.o = result.getDimSize(3);
  conv.c = filter.getDimSize(2);
  return conv;
}

/// An estimate of the time, in products: `tiles` multiply at `points`, weights
/// come from far, and the transforms load, add up and store all `moved` values.
static int64_t estimate(const Convolution &conv, int64_t tiles, int64_t points,
                        int64_t moved) {
  return points * conv.c * conv.o * (tiles + 8) + 20 * moved;
}

/// The fastest algorithm of tiles up to `largest`; null: the direct form.
static const WinogradAlgorithm *choose(const Convolution &conv,
                                       int64_t largest) {
  int64_t best = estimate(conv, conv.h * conv.w, 9, 0);
  const WinogradAlgorithm *chosen = nullptr;
  for (int64_t m = 2; m <= largest && m <= std::min(conv.h, conv.w); m += 2) {
    const WinogradAlgorithm &algorithm = getWinogradAlgorithm(m);
    int64_t tiles =
        countTiles(getSegments(conv.h, m)) * countTiles(getSegments(conv.w, m));
    int64_t moved = tiles * algorithm.points() * (conv.c + conv.o);
    int64_t time = estimate(conv, tiles, algorithm.points(), moved);
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
        WinogradBuilder(*conv, *algorithm).build();
    }
  }
};

} // namespace
} // namespace nncc
