//===- SpatialUtils.cpp - building windowed linalg ops ----------*- C++ -*-===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "SpatialUtils.h"
#include "Generic.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace nncc;
using namespace nncc::nn;

SmallVector<Window> nn::makeWindows(ArrayRef<int64_t> kernel,
                                    ArrayRef<int64_t> strides,
                                    ArrayRef<int64_t> dilations,
                                    ArrayRef<int64_t> low,
                                    ArrayRef<int64_t> high) {
  SmallVector<Window> windows;
  for (size_t i = 0, e = kernel.size(); i != e; ++i)
    windows.push_back({kernel[i], strides[i], dilations[i], low[i], high[i]});
  return windows;
}

SmallVector<AffineExpr> nn::getMapDims(MLIRContext *context, unsigned begin,
                                       unsigned count) {
  SmallVector<AffineExpr> dims;
  for (unsigned i = 0; i != count; ++i)
    dims.push_back(getAffineDimExpr(begin + i, context));
  return dims;
}

AffineExpr nn::getWindowIndex(const Window &window, AffineExpr position,
                              AffineExpr offset) {
  return position * window.stride + offset * window.dilation;
}

Value nn::buildPad(LoweringBuilder &b, Location loc, Value input,
                   ArrayRef<int64_t> low, ArrayRef<int64_t> high,
                   TypedAttr value) {
  auto isZero = [](int64_t amount) { return amount == 0; };
  if (llvm::all_of(low, isZero) && llvm::all_of(high, isZero))
    return input;
  auto type = cast<RankedTensorType>(input.getType());
  SmallVector<int64_t> shape(type.getShape());
  for (size_t i = 0, e = shape.size(); i != e; ++i)
    if (!ShapedType::isDynamic(shape[i]))
      shape[i] += low[i] + high[i];
  Value padding = b.create<arith::ConstantOp>(loc, value);
  return b.create<tensor::PadOp>(
      loc, RankedTensorType::get(shape, type.getElementType()), input,
      getAsIndexOpFoldResult(b.getContext(), low),
      getAsIndexOpFoldResult(b.getContext(), high), padding);
}

Value nn::buildElementwise(LoweringBuilder &b, Location loc,
                           ArrayRef<Operand> operands,
                           ArrayRef<AffineExpr> dims, Type elementType,
                           ScalarBody body) {
  unsigned rank = dims.size();
  SmallVector<Value> inputs;
  SmallVector<AffineMap> maps;
  for (const Operand &operand : operands) {
    inputs.push_back(operand.value);
    maps.push_back(AffineMap::get(rank, 0, operand.index, b.getContext()));
  }
  maps.push_back(b.getMultiDimIdentityMap(rank));
  SmallVector<utils::IteratorType> iterators(rank,
                                             utils::IteratorType::parallel);
  Value init = b.empty(loc, dims, elementType);
  auto generic = b.create<linalg::GenericOp>(
      loc, init.getType(), inputs, init, maps, iterators,
      [&](OpBuilder &inner, Location loc, ValueRange args) {
        inner.create<linalg::YieldOp>(loc, body(inner, loc, args.drop_back()));
      });
  return generic.getResult(0);
}

Value nn::buildCopy(LoweringBuilder &b, Location loc, Value input,
                    ArrayRef<AffineExpr> index, ArrayRef<AffineExpr> dims) {
  Operand operand = {input, SmallVector<AffineExpr>(index)};
  return buildElementwise(
      b, loc, operand, dims, getElementTypeOrSelf(input),
      [](OpBuilder &, Location, ValueRange args) { return args[0]; });
}

static Value widen(OpBuilder &b, Location loc, Value value, Type type) {
  if (value.getType() == type)
    return value;
  return b.create<arith::ExtSIOp>(loc, type, value);
}

Type nn::getSumType(Type element) {
  return element.isSignlessInteger(16)
             ? IntegerType::get(element.getContext(), 32)
             : element;
}

Value nn::buildContraction(LoweringBuilder &b, Location loc, Value lhs,
                           ArrayRef<AffineExpr> lhsIndex, Value rhs,
                           ArrayRef<AffineExpr> rhsIndex,
                           ArrayRef<AffineExpr> dims, unsigned reductions,
                           bool bytes, AffineExpr depthSize) {
  MLIRContext *context = b.getContext();
  Type element = getElementTypeOrSelf(lhs);
  Type sumType = getSumType(element);
  if (sumType != element)
    if (Value dot = buildDotProducts(b, loc, lhs, lhsIndex, rhs, rhsIndex, dims,
                                     reductions, depthSize, bytes))
      return dot;
  Value init = b.fill(loc, dims, b.getZeroAttr(sumType));
  unsigned rank = dims.size(), loops = rank + reductions;
  SmallVector<AffineMap> maps = {
      AffineMap::get(loops, 0, lhsIndex, context),
      AffineMap::get(loops, 0, rhsIndex, context),
      AffineMap::getMultiDimIdentityMap(loops, context).getMajorSubMap(rank)};
  SmallVector<utils::IteratorType> iterators(rank,
                                             utils::IteratorType::parallel);
  iterators.append(reductions, utils::IteratorType::reduction);
  bool isFloat = isa<FloatType>(element);
  auto generic = b.create<linalg::GenericOp>(
      loc, init.getType(), ValueRange{lhs, rhs}, ValueRange{init}, maps,
      iterators, [&](OpBuilder &body, Location loc, ValueRange args) {
        Value product, sum;
        if (isFloat) {
          product = body.create<arith::MulFOp>(loc, args[0], args[1]);
          sum = body.create<arith::AddFOp>(loc, args[2], product);
        } else {
          product = body.create<arith::MulIOp>(
              loc, widen(body, loc, args[0], sumType),
              widen(body, loc, args[1], sumType));
          sum = body.create<arith::AddIOp>(loc, args[2], product);
        }
        body.create<linalg::YieldOp>(loc, sum);
      });
  return generic.getResult(0);
}

Value nn::buildReshape(LoweringBuilder &b, Location loc, Value value,
                       ArrayRef<AffineExpr> dims,
                       ArrayRef<ReassociationIndices> groups) {
  auto type = cast<RankedTensorType>(value.getType());
  if (type.getRank() == static_cast<int64_t>(dims.size()))
    return value;
  RankedTensorType result = b.getPlainType(dims, type.getElementType());
  if (type.getRank() > result.getRank())
    return buildCollapsed(b, loc, value, result, groups);
  return b.create<tensor::ExpandShapeOp>(loc, result, value, groups,
                                         b.sizes(dims));
}

SmallVector<ReassociationIndices> nn::mergeDims(int64_t rank, int64_t begin,
                                                int64_t count) {
  SmallVector<ReassociationIndices> groups;
  for (int64_t i = 0; i != rank; ++i) {
    if (i > begin && i < begin + count)
      groups.back().push_back(i);
    else
      groups.push_back({i});
  }
  return groups;
}
