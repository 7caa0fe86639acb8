//===- ElementwiseLowering.cpp - elementwise ops as loops -----------------===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Constants.h"
#include "Elementwise.h"
#include "Generic.h"
#include "Scalars.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Matchers.h"
#include "mlir/IR/TypeUtilities.h"

using namespace mlir;
using namespace nncc;
using namespace nncc::nn;

/// Where an operand of sizes `from` is read for an element of `dims`.
static AffineMap getBroadcastMap(ArrayRef<AffineExpr> dims,
                                 ArrayRef<AffineExpr> from,
                                 MLIRContext *context) {
  SmallVector<AffineExpr> index;
  size_t missing = dims.size() - from.size();
  for (auto [i, size] : llvm::enumerate(from))
    index.push_back(isOne(size) && !isOne(dims[missing + i])
                        ? getAffineConstantExpr(0, context)
                        : getAffineDimExpr(missing + i, context));
  return AffineMap::get(dims.size(), 0, index, context);
}

/// The scalar of a constant that holds one number only.
static TypedAttr getSplat(Value value) {
  DenseElementsAttr constant;
  if (!matchPattern(value, m_Constant(&constant)) || !constant.isSplat())
    return {};
  return getElement(constant, 0);
}

/// A vector whose size is open where the result has a constant one, as a vector
/// of that size: the open size may turn out to be 1 or the constant.
static Value stretchVector(LoweringBuilder &b, Location loc, Value vector,
                           AffineExpr &size, AffineExpr target) {
  if (getConstantValue(size) || getConstantValue(target).value_or(1) == 1)
    return vector;
  Value last = b.create<arith::SubIOp>(
      loc, b.dim(size), b.create<arith::ConstantIndexOp>(loc, 1));
  size = target;
  return buildParallel(
      b, loc, target, getElementTypeOrSelf(vector), {},
      [&](OpBuilder &inner, Location loc, ValueRange) -> Value {
        Value index = inner.create<linalg::IndexOp>(loc, 0);
        Value bounded = inner.create<arith::MinUIOp>(loc, index, last);
        return inner.create<tensor::ExtractOp>(loc, vector, bounded);
      });
}

namespace {

/// Operands of an elementwise op: inputs of the generic op, which several may
/// share, or constants in its body.
class ElementwiseOperands {
public:
  ElementwiseOperands(ArrayRef<AffineExpr> dims, MLIRContext *context)
      : dims(dims), context(context) {}

  void add(LoweringBuilder &b, Location loc, Value before, Value lowered);

  /// The operands in the body, whose arguments are `args`.
  SmallVector<Value> read(OpBuilder &body, Location loc, ValueRange args) const;

  SmallVector<Value> inputs;
  SmallVector<AffineMap> maps;

private:
  ArrayRef<AffineExpr> dims;
  MLIRContext *context;
  SmallVector<TypedAttr> constants;
  SmallVector<unsigned> places;
};

} // namespace

void ElementwiseOperands::add(LoweringBuilder &b, Location loc, Value before,
                              Value lowered) {
  constants.push_back(getSplat(before));
  auto *same = llvm::find(inputs, lowered);
  places.push_back(same - inputs.begin());
  if (constants.back() || same != inputs.end())
    return;
  SmallVector<AffineExpr> from = getDims(before.getType());
  if (from.size() == 1 && !dims.empty())
    lowered = stretchVector(b, loc, lowered, from[0], dims.back());
  inputs.push_back(lowered);
  maps.push_back(getBroadcastMap(dims, from, context));
}

SmallVector<Value> ElementwiseOperands::read(OpBuilder &body, Location loc,
                                             ValueRange args) const {
  SmallVector<Value> scalars;
  for (auto [constant, place] : llvm::zip_equal(constants, places))
    scalars.push_back(constant ? scalar::constant(body, loc, constant)
                               : args[place]);
  return scalars;
}

FailureOr<SmallVector<Value>> nn::lowerElementwise(ElementwiseOpInterface op,
                                                   LoweringBuilder &b,
                                                   ValueRange operands) {
  Location loc = op.getLoc();
  MLIRContext *context = op.getContext();
  auto type = cast<RankedTensorType>(op->getResult(0).getType());
  SmallVector<AffineExpr> dims = getDims(type);
  ElementwiseOperands sources(dims, context);
  for (auto [before, lowered] : llvm::zip_equal(op->getOperands(), operands))
    sources.add(b, loc, before, lowered);
  SmallVector<AffineMap> maps = sources.maps;
  maps.push_back(AffineMap::getMultiDimIdentityMap(dims.size(), context));
  SmallVector<utils::IteratorType> iterators(dims.size(),
                                             utils::IteratorType::parallel);
  Value init = b.empty(loc, dims, type.getElementType());
  auto generic = b.create<linalg::GenericOp>(
      loc, init.getType(), sources.inputs, init, maps, iterators,
      [&](OpBuilder &body, Location loc, ValueRange args) {
        SmallVector<Value> scalars = sources.read(body, loc, args);
        body.create<linalg::YieldOp>(loc, op.buildScalar(body, scalars));
      });
  return SmallVector<Value>{generic.getResult(0)};
}
