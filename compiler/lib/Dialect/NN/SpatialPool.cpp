//===- SpatialPool.cpp - pooling over windows -------------------*- C++ -*-===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A window of a few elements becomes one elementwise op that reads the padded
// input once for each of them, which leaves no loop and no accumulator. Large
// windows are taken apart: a maximum along one dimension after another, in
// steps of a few elements; a sum as a product with a filter of ones.
//
//===----------------------------------------------------------------------===//

#include "SpatialUtils.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "nncc/Dialect/NN/NN.h"
#include "nncc/Dialect/NN/Symbols.h"

using namespace mlir;
using namespace nncc;
using namespace nncc::nn;

/// The most elements that one elementwise op reads.
static constexpr int64_t maxTaps = 16;

using Combine = function_ref<Value(OpBuilder &, Location, Value, Value)>;
using Finish = function_ref<Value(OpBuilder &, Location, Value)>;

static Value keep(OpBuilder &, Location, Value value) { return value; }

static Value buildAdd(OpBuilder &b, Location loc, Value lhs, Value rhs) {
  return b.create<arith::AddFOp>(loc, lhs, rhs);
}

namespace {
/// One pooling op on its way to linalg.
struct PoolBuilder {
  LoweringBuilder &b;
  Location loc;
  Value input; ///< padded
  SmallVector<AffineExpr> inputDims;
  SmallVector<AffineExpr> dims;
  SmallVector<Window> windows;

  unsigned rank() const { return windows.size(); }
  int64_t taps() const {
    int64_t count = 1;
    for (const Window &window : windows)
      count = std::min<int64_t>(count * window.kernel, INT32_MAX);
    return count;
  }
  bool isWhole() const;
  Value buildWhole(TypedAttr neutral, Combine combine);
  Value buildTaps(Value source, ArrayRef<AffineExpr> sourceDims,
                  ArrayRef<SmallVector<AffineExpr>> indices,
                  ArrayRef<AffineExpr> sizes, Combine combine, Finish finish);
  Value buildWindow(Combine combine, Finish finish);
  Value buildMaxAlong(Value source, SmallVectorImpl<AffineExpr> &sizes,
                      unsigned i, Combine combine);
  Value buildOnes();
};
} // namespace

/// Ends a window where even the first one has left the padded input: exporters
/// write windows far larger than the image.
static void dropUnusedTaps(Window &window, int64_t size) {
  int64_t last = size + window.low + window.high - 1;
  if (last >= 0)
    window.kernel = std::min(window.kernel, last / window.dilation + 1);
}

template <typename Op>
static PoolBuilder makeBuilder(Op op, LoweringBuilder &b, Value input,
                               TypedAttr padding) {
  PoolBuilder pool{b,
                   op.getLoc(),
                   input,
                   getDims(op.getInput().getType()),
                   getDims(op.getType()),
                   makeWindows(op.getKernel(), op.getStrides(),
                               op.getDilations(), op.getPadsLow(),
                               op.getPadsHigh())};
  SmallVector<int64_t> low(pool.dims.size()), high(pool.dims.size());
  for (auto [i, window] : llvm::enumerate(pool.windows)) {
    low[1 + i] = window.low;
    high[1 + i] = window.high;
    if (op.getCeilMode()) {
      // Room for what the last window reads beyond the padding; the bound for
      // all sizes where this one isn't known.
      high[1 + i] += window.stride - 1;
      std::optional<int64_t> in = getConstantValue(pool.inputDims[1 + i]);
      std::optional<int64_t> out = getConstantValue(pool.dims[1 + i]);
      if (in && out) {
        dropUnusedTaps(window, *in);
        high[1 + i] =
            std::max(window.high, (*out - 1) * window.stride + window.extent() -
                                      *in - window.low);
      }
    }
    pool.inputDims[1 + i] = pool.inputDims[1 + i] + (low[1 + i] + high[1 + i]);
  }
  pool.input = buildPad(b, pool.loc, input, low, high, padding);
  return pool;
}

/// One window that is the whole padded input.
bool PoolBuilder::isWhole() const {
  for (auto [i, window] : llvm::enumerate(windows))
    if (window.dilation != 1 ||
        getConstantValue(inputDims[1 + i]) != window.kernel)
      return false;
  return true;
}

/// (n, c) over (s...).
Value PoolBuilder::buildWhole(TypedAttr neutral, Combine combine) {
  MLIRContext *context = b.getContext();
  unsigned loops = rank() + 2;
  AffineExpr n = getAffineDimExpr(0, context), c = getAffineDimExpr(1, context);
  SmallVector<AffineExpr> index = {n};
  index.append(getMapDims(context, 2, rank()));
  index.push_back(c);
  Value init = b.fill(loc, {dims.front(), dims.back()}, neutral);
  SmallVector<AffineMap> maps = {AffineMap::get(loops, 0, index, context),
                                 AffineMap::get(loops, 0, {n, c}, context)};
  SmallVector<utils::IteratorType> iterators(loops,
                                             utils::IteratorType::reduction);
  iterators[0] = iterators[1] = utils::IteratorType::parallel;
  auto generic = b.create<linalg::GenericOp>(
      loc, init.getType(), input, init, maps, iterators,
      [&](OpBuilder &body, Location loc, ValueRange args) {
        body.create<linalg::YieldOp>(loc, combine(body, loc, args[0], args[1]));
      });
  return buildReshape(b, loc, generic.getResult(0), dims,
                      mergeDims(rank() + 2, 0, rank() + 1));
}

/// linalg takes a loop that walks a dimension alone to walk all of it: cuts off
/// the elements beyond it.
static Value cutUnused(PoolBuilder &pool, Value source,
                       ArrayRef<AffineExpr> sourceDims,
                       ArrayRef<AffineExpr> index, ArrayRef<AffineExpr> sizes) {
  LoweringBuilder &b = pool.b;
  SmallVector<AffineExpr> cut(sourceDims);
  for (auto [i, expr] : llvm::enumerate(index))
    if (auto dim = dyn_cast<AffineDimExpr>(expr))
      cut[i] = sizes[dim.getPosition()];
  if (ArrayRef<AffineExpr>(cut) == sourceDims)
    return source;
  SmallVector<OpFoldResult> zeros(cut.size(), b.getIndexAttr(0));
  SmallVector<OpFoldResult> ones(cut.size(), b.getIndexAttr(1));
  return b.create<tensor::ExtractSliceOp>(
      pool.loc, b.getPlainType(cut, getElementTypeOrSelf(source)), source,
      zeros, b.sizes(cut), ones);
}

/// Combines the elements of `source`, of the sizes `sourceDims`, at `indices`.
Value PoolBuilder::buildTaps(Value source, ArrayRef<AffineExpr> sourceDims,
                             ArrayRef<SmallVector<AffineExpr>> indices,
                             ArrayRef<AffineExpr> sizes, Combine combine,
                             Finish finish) {
  SmallVector<Operand> operands;
  for (const SmallVector<AffineExpr> &index : indices)
    operands.push_back(
        {cutUnused(*this, source, sourceDims, index, sizes), index});
  return buildElementwise(b, loc, operands, sizes, getElementTypeOrSelf(source),
                          [&](OpBuilder &body, Location loc, ValueRange args) {
                            Value result = args[0];
                            for (Value arg : args.drop_front())
                              result = combine(body, loc, arg, result);
                            return finish(body, loc, result);
                          });
}

/// All elements of the window at once.
Value PoolBuilder::buildWindow(Combine combine, Finish finish) {
  MLIRContext *context = b.getContext();
  SmallVector<SmallVector<AffineExpr>> indices;
  for (int64_t tap = 0, e = taps(); tap != e; ++tap) {
    SmallVector<AffineExpr> index = getMapDims(context, 0, dims.size());
    int64_t rest = tap;
    for (int64_t i = rank() - 1; i >= 0; --i) {
      const Window &window = windows[i];
      index[1 + i] = index[1 + i] * window.stride +
                     (rest % window.kernel) * window.dilation;
      rest /= window.kernel;
    }
    indices.push_back(index);
  }
  return buildTaps(input, inputDims, indices, dims, combine, finish);
}

/// The maximum along spatial dimension `i`. Windows of `maxTaps` elements at
/// every position come first, while they are still less than the whole: those
/// that make up one window may overlap.
Value PoolBuilder::buildMaxAlong(Value source,
                                 SmallVectorImpl<AffineExpr> &sizes, unsigned i,
                                 Combine combine) {
  Window window = windows[i];
  // The offsets, in elements of the kernel, of the parts to combine.
  SmallVector<int64_t> offsets;
  auto combineAt = [&](int64_t stride, AffineExpr size) {
    SmallVector<SmallVector<AffineExpr>> indices;
    for (int64_t offset : offsets) {
      indices.push_back(getMapDims(b.getContext(), 0, sizes.size()));
      AffineExpr &along = indices.back()[1 + i];
      along = along * stride + offset * window.dilation;
    }
    SmallVector<AffineExpr> sourceDims(sizes.begin(), sizes.end());
    sizes[1 + i] = size;
    source = buildTaps(source, sourceDims, indices, sizes, combine, keep);
  };
  int64_t covered = 1;
  while (llvm::divideCeil(window.kernel, covered) > maxTaps) {
    offsets.clear();
    for (int64_t j = 0; j != maxTaps; ++j)
      offsets.push_back(j * covered);
    combineAt(1, sizes[1 + i] - (maxTaps - 1) * covered * window.dilation);
    covered *= maxTaps;
  }
  offsets.clear();
  for (int64_t offset = 0; offset < window.kernel; offset += covered)
    offsets.push_back(std::min(offset, window.kernel - covered));
  combineAt(window.stride, dims[1 + i]);
  return source;
}

/// The sum as a depthwise convolution with a filter of ones.
Value PoolBuilder::buildOnes() {
  MLIRContext *context = b.getContext();
  unsigned r = rank(), kernelLoop = r + 2;
  SmallVector<int64_t> kernel;
  SmallVector<AffineExpr> index = {getAffineDimExpr(0, context)};
  for (auto [i, window] : llvm::enumerate(windows)) {
    kernel.push_back(window.kernel);
    index.push_back(getWindowIndex(window, getAffineDimExpr(1 + i, context),
                                   getAffineDimExpr(kernelLoop + i, context)));
  }
  index.push_back(getAffineDimExpr(r + 1, context));
  Type element = getElementTypeOrSelf(input);
  Value ones = b.create<arith::ConstantOp>(
      loc, DenseElementsAttr::get(RankedTensorType::get(kernel, element),
                                  b.getOneAttr(element)));
  return buildContraction(b, loc, input, index, ones,
                          getMapDims(context, kernelLoop, r), dims, r);
}

//===----------------------------------------------------------------------===//
// Maximum
//===----------------------------------------------------------------------===//

FailureOr<SmallVector<Value>> MaxPoolOp::lowerToLinalg(LoweringBuilder &b,
                                                       ValueRange operands) {
  Type element = getElementTypeOrSelf(operands[0]);
  bool isUnsigned = getType().getElementType().isUnsignedInteger();
  TypedAttr least;
  if (auto type = dyn_cast<FloatType>(element))
    least = b.getFloatAttr(type, APFloat::getInf(type.getFloatSemantics(),
                                                 /*Negative=*/true));
  else if (unsigned width = element.getIntOrFloatBitWidth(); isUnsigned)
    least = b.getIntegerAttr(element, APInt::getZero(width));
  else
    least = b.getIntegerAttr(element, APInt::getSignedMinValue(width));

  auto combine = [&](OpBuilder &b, Location loc, Value value, Value most) {
    Value less;
    if (isa<FloatType>(element))
      less =
          b.create<arith::CmpFOp>(loc, arith::CmpFPredicate::OLT, most, value);
    else
      less = b.create<arith::CmpIOp>(loc,
                                     isUnsigned ? arith::CmpIPredicate::ult
                                                : arith::CmpIPredicate::slt,
                                     most, value);
    return b.create<arith::SelectOp>(loc, less, value, most).getResult();
  };
  PoolBuilder pool = makeBuilder(*this, b, operands[0], least);
  if (pool.isWhole())
    return SmallVector<Value>{pool.buildWhole(least, combine)};
  if (pool.taps() <= maxTaps)
    return SmallVector<Value>{pool.buildWindow(combine, keep)};
  Value result = pool.input;
  SmallVector<AffineExpr> sizes(pool.inputDims);
  for (unsigned i = 0; i != pool.rank(); ++i)
    if (pool.windows[i].kernel > 1 || pool.windows[i].stride > 1 ||
        sizes[1 + i] != pool.dims[1 + i])
      result = pool.buildMaxAlong(result, sizes, i, combine);
  return SmallVector<Value>{result};
}

//===----------------------------------------------------------------------===//
// Means and norms
//===----------------------------------------------------------------------===//

/// The sum over each window; `finish` computes the result from it.
static Value buildSum(PoolBuilder &pool, Finish finish) {
  if (!pool.isWhole() && pool.taps() <= maxTaps)
    return pool.buildWindow(buildAdd, finish);
  Type element = getElementTypeOrSelf(pool.input);
  Value sum = pool.isWhole()
                  ? pool.buildWhole(pool.b.getZeroAttr(element), buildAdd)
                  : pool.buildOnes();
  SmallVector<SmallVector<AffineExpr>> index = {
      getMapDims(pool.b.getContext(), 0, pool.dims.size())};
  return pool.buildTaps(sum, pool.dims, index, pool.dims, buildAdd, finish);
}

/// How many elements of a window along one dimension count: those at
/// [position * stride + k * dilation - low] within [begin, end).
static int64_t countElements(const Window &window, int64_t position,
                             int64_t begin, int64_t end) {
  int64_t count = 0;
  for (int64_t k = 0; k != window.kernel; ++k) {
    int64_t at = position * window.stride + k * window.dilation - window.low;
    count += at >= begin && at < end;
  }
  return count;
}

/// The number of counted elements if it is the same for all windows. `size` is
/// that of the unpadded input, `positions` that of the result.
static std::optional<int64_t> getUniformCount(const Window &window,
                                              AffineExpr size,
                                              AffineExpr positions,
                                              bool includePad, bool ceilMode) {
  if (!ceilMode && (includePad || (window.low == 0 && window.high == 0)))
    return window.kernel;
  std::optional<int64_t> in = getConstantValue(size),
                         out = getConstantValue(positions);
  if (!in || !out)
    return std::nullopt;
  int64_t begin = includePad ? -window.low : 0;
  int64_t end = includePad ? *in + window.high : *in;
  // The first and the last windows are the ones that stick out, and the last
  // ones only one or two strides; a long row is not worth looking through.
  if (*out > 4096)
    return std::nullopt;
  std::optional<int64_t> count;
  for (int64_t i = 0; i != *out; ++i) {
    int64_t here = countElements(window, i, begin, end);
    if (count && *count != here)
      return std::nullopt;
    count = here;
  }
  return count;
}

/// countElements as index arithmetic.
static Value buildCount(OpBuilder &b, Location loc, const Window &window,
                        Value position, Value size, bool includePad) {
  auto constant = [&](int64_t value) -> Value {
    return b.create<arith::ConstantIndexOp>(loc, value);
  };
  auto add = [&](Value lhs, int64_t value) -> Value {
    return b.create<arith::AddIOp>(loc, lhs, constant(value));
  };
  // The first k that lies at or after a bound, within [0, kernel]:
  // ceil((bound - start) / dilation).
  Value start =
      add(b.create<arith::MulIOp>(loc, position, constant(window.stride)),
          -window.low);
  auto firstFrom = [&](Value bound) -> Value {
    Value distance = b.create<arith::SubIOp>(loc, bound, start);
    Value clamped = b.create<arith::MaxSIOp>(loc, distance, constant(0));
    Value k = b.create<arith::DivUIOp>(loc, add(clamped, window.dilation - 1),
                                       constant(window.dilation));
    return b.create<arith::MinSIOp>(loc, k, constant(window.kernel));
  };
  Value begin = firstFrom(constant(includePad ? -window.low : 0));
  Value end = firstFrom(includePad ? add(size, window.high) : size);
  return b.create<arith::SubIOp>(loc, end, begin);
}

/// [S'...] with the number of elements that count in each window.
static Value buildCounts(PoolBuilder &pool, ArrayRef<AffineExpr> sizes,
                         bool includePad, Type element) {
  LoweringBuilder &b = pool.b;
  ArrayRef<AffineExpr> dims =
      ArrayRef<AffineExpr>(pool.dims).drop_front().drop_back();
  SmallVector<Value> inputSizes;
  for (AffineExpr size : sizes)
    inputSizes.push_back(b.dim(size));
  return buildElementwise(
      b, pool.loc, {}, dims, element,
      [&](OpBuilder &body, Location loc, ValueRange) -> Value {
        Value product;
        for (auto [i, window] : llvm::enumerate(pool.windows)) {
          Value position = body.create<linalg::IndexOp>(loc, i);
          Value count = buildCount(body, loc, window, position, inputSizes[i],
                                   includePad);
          product =
              product ? body.create<arith::MulIOp>(loc, product, count) : count;
        }
        Value integer =
            body.create<arith::IndexCastOp>(loc, body.getI32Type(), product);
        return body.create<arith::SIToFPOp>(loc, element, integer);
      });
}

/// sums / counts, the counts broadcast over N and C.
static Value buildDivision(PoolBuilder &pool, Value sums, Value counts) {
  MLIRContext *context = pool.b.getContext();
  Operand operands[] = {{sums, getMapDims(context, 0, pool.dims.size())},
                        {counts, getMapDims(context, 1, pool.rank())}};
  return buildElementwise(
      pool.b, pool.loc, operands, pool.dims, getElementTypeOrSelf(sums),
      [](OpBuilder &body, Location loc, ValueRange args) -> Value {
        return body.create<arith::DivFOp>(loc, args[0], args[1]);
      });
}

FailureOr<SmallVector<Value>> AvgPoolOp::lowerToLinalg(LoweringBuilder &b,
                                                       ValueRange operands) {
  auto element = cast<FloatType>(getElementTypeOrSelf(operands[0]));
  PoolBuilder pool = makeBuilder(*this, b, operands[0], b.getZeroAttr(element));
  SmallVector<AffineExpr> inputDims = getDims(getInput().getType());
  ArrayRef<AffineExpr> sizes =
      ArrayRef<AffineExpr>(inputDims).drop_front().drop_back();
  std::optional<int64_t> count = 1;
  for (auto [i, window] : llvm::enumerate(pool.windows)) {
    std::optional<int64_t> along =
        getUniformCount(window, sizes[i], pool.dims[1 + i],
                        getCountIncludePad(), getCeilMode());
    count = count && along ? std::optional(*count * *along) : std::nullopt;
  }
  if (count)
    return SmallVector<Value>{
        buildSum(pool, [&](OpBuilder &body, Location loc, Value sum) -> Value {
          Value scale = body.create<arith::ConstantOp>(
              loc, body.getFloatAttr(element, 1.0 / *count));
          return body.create<arith::MulFOp>(loc, sum, scale);
        })};
  Value sums = buildSum(pool, keep);
  Value counts = buildCounts(pool, sizes, getCountIncludePad(), element);
  return SmallVector<Value>{buildDivision(pool, sums, counts)};
}

FailureOr<SmallVector<Value>> LpPoolOp::lowerToLinalg(LoweringBuilder &b,
                                                      ValueRange operands) {
  Type element = getElementTypeOrSelf(operands[0]);
  bool squares = getP() == 2;
  PoolBuilder pool = makeBuilder(*this, b, operands[0], b.getZeroAttr(element));
  SmallVector<SmallVector<AffineExpr>> index = {
      getMapDims(b.getContext(), 0, pool.dims.size())};
  pool.input = pool.buildTaps(
      pool.input, pool.inputDims, index, pool.inputDims, buildAdd,
      [&](OpBuilder &body, Location loc, Value value) -> Value {
        if (squares)
          return body.create<arith::MulFOp>(loc, value, value);
        return body.create<math::AbsFOp>(loc, value);
      });
  return SmallVector<Value>{
      buildSum(pool, [&](OpBuilder &body, Location loc, Value sum) -> Value {
        if (squares)
          return body.create<math::SqrtOp>(loc, sum);
        return sum;
      })};
}
