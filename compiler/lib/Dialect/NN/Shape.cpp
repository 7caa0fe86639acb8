//===- Shape.cpp - constants, shapes, reshapes and transposes ---*- C++ -*-===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Constants.h"
#include "Generic.h"
#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/DialectResourceBlobManager.h"
#include "mlir/IR/Matchers.h"
#include "mlir/IR/PatternMatch.h"

using namespace mlir;
using namespace nncc;
using namespace nncc::nn;

//===----------------------------------------------------------------------===//
// Constants
//===----------------------------------------------------------------------===//

OpFoldResult ConstantOp::fold(FoldAdaptor) { return getValue(); }

LogicalResult ConstantOp::inferReturnTypes(MLIRContext *,
                                           std::optional<Location> loc,
                                           Adaptor op,
                                           SmallVectorImpl<Type> &types) {
  auto type = dyn_cast<RankedTensorType>(op.getValue().getType());
  if (!type || !type.hasStaticShape())
    return emitOptionalError(loc, "a constant has a static tensor type, not ",
                             op.getValue().getType());
  types.push_back(type);
  return success();
}

/// The same elements in the type that they have after lowering.
static TypedAttr getPlainConstant(ElementsAttr value) {
  auto type = cast<RankedTensorType>(value.getType());
  Type element = getPlainElementType(type.getElementType());
  if (element == type.getElementType())
    return cast<TypedAttr>(value);
  if (auto resource = dyn_cast<DenseResourceElementsAttr>(value))
    return DenseResourceElementsAttr::get(
        RankedTensorType::get(type.getShape(), element),
        resource.getRawHandle());
  if (auto dense = dyn_cast<DenseElementsAttr>(value))
    return dense.bitcast(element);
  return nullptr;
}

FailureOr<SmallVector<Value>> ConstantOp::lowerToLinalg(LoweringBuilder &b,
                                                        ValueRange) {
  TypedAttr value = getPlainConstant(getValue());
  if (!value)
    return emitOpError("cannot lower a constant of this kind: ") << getType();
  return SmallVector<Value>{b.create<arith::ConstantOp>(getLoc(), value)};
}

//===----------------------------------------------------------------------===//
// Shapes as values
//===----------------------------------------------------------------------===//

LogicalResult ShapeOfOp::inferReturnTypes(MLIRContext *context,
                                          std::optional<Location>, Adaptor op,
                                          SmallVectorImpl<Type> &types) {
  auto type = cast<RankedTensorType>(op.getInput().getType());
  types.push_back(
      RankedTensorType::get({type.getRank()}, IntegerType::get(context, 64)));
  return success();
}

SymbolicElements ShapeOfOp::inferElements(ArrayRef<SymbolicElements>) {
  return getDims(getInput().getType());
}

OpFoldResult ShapeOfOp::fold(FoldAdaptor) {
  auto type = getInput().getType();
  if (!type.hasStaticShape())
    return {};
  return DenseElementsAttr::get(getType(), type.getShape());
}

FailureOr<SmallVector<Value>> ShapeOfOp::lowerToLinalg(LoweringBuilder &b,
                                                       ValueRange) {
  SmallVector<Value> sizes;
  for (AffineExpr dim : getDims(getInput().getType()))
    sizes.push_back(
        b.create<arith::IndexCastOp>(getLoc(), b.getI64Type(), b.dim(dim)));
  return SmallVector<Value>{
      b.create<tensor::FromElementsOp>(getLoc(), getType(), sizes)};
}

//===----------------------------------------------------------------------===//
// Reshape
//===----------------------------------------------------------------------===//

void ReshapeOp::build(OpBuilder &, OperationState &state, Value input,
                      ArrayRef<AffineExpr> dims) {
  Type element = cast<RankedTensorType>(input.getType()).getElementType();
  state.addOperands(input);
  state.addTypes(makeTensorType(dims, element));
}

LogicalResult ReshapeOp::verify() {
  if (getInput().getType().getElementType() != getType().getElementType())
    return emitOpError("changes the element type: ")
           << getInput().getType() << " to " << getType();
  std::optional<int64_t> difference =
      getDifference(getProduct(getDims(getInput().getType()), getContext()),
                    getProduct(getDims(getType()), getContext()));
  if (difference && *difference != 0)
    return emitOpError("changes the number of elements: ")
           << getInput().getType() << " to " << getType();
  return success();
}

SymbolicElements ReshapeOp::inferElements(ArrayRef<SymbolicElements> operands) {
  return operands[0];
}

unsigned ReshapeOp::getNumMovedOperands() { return 1; }

OpFoldResult ReshapeOp::fold(FoldAdaptor adaptor) {
  if (getInput().getType() == getType())
    return getInput();
  if (!getType().hasStaticShape())
    return {};
  if (auto dense = dyn_cast_or_null<DenseElementsAttr>(adaptor.getInput()))
    return dense.reshape(getType());
  if (auto resource =
          dyn_cast_or_null<DenseResourceElementsAttr>(adaptor.getInput()))
    return DenseResourceElementsAttr::get(getType(), resource.getRawHandle());
  return {};
}

/// A reshape of a reshape is the outer one.
static LogicalResult mergeReshapes(ReshapeOp op, PatternRewriter &rewriter) {
  auto inner = op.getInput().getDefiningOp<ReshapeOp>();
  if (!inner)
    return failure();
  rewriter.modifyOpInPlace(
      op, [&] { op.getInputMutable().assign(inner.getInput()); });
  return success();
}

void ReshapeOp::getCanonicalizationPatterns(RewritePatternSet &patterns,
                                            MLIRContext *) {
  patterns.add(mergeReshapes);
}

FailureOr<SmallVector<Value>> ReshapeOp::lowerToLinalg(LoweringBuilder &b,
                                                       ValueRange operands) {
  return SmallVector<Value>{buildReshaped(b, getLoc(), operands[0],
                                          getDims(getInput().getType()),
                                          getDims(getType()))};
}

//===----------------------------------------------------------------------===//
// Broadcast
//===----------------------------------------------------------------------===//

void BroadcastToOp::build(OpBuilder &, OperationState &state, Value input,
                          ArrayRef<AffineExpr> dims) {
  Type element = cast<RankedTensorType>(input.getType()).getElementType();
  state.addOperands(input);
  state.addTypes(makeTensorType(dims, element));
}

LogicalResult BroadcastToOp::verify() {
  if (getInput().getType().getElementType() != getType().getElementType())
    return emitOpError("changes the element type: ")
           << getInput().getType() << " to " << getType();
  SmallVector<AffineExpr> from = getDims(getInput().getType());
  SmallVector<AffineExpr> to = getDims(getType());
  bool fits = from.size() <= to.size();
  for (size_t i = 1; fits && i <= from.size(); ++i) {
    std::optional<int64_t> size = getConstantValue(from[from.size() - i]);
    std::optional<int64_t> wanted = getConstantValue(to[to.size() - i]);
    fits = size == 1 || !size || !wanted || *size == *wanted;
  }
  if (!fits)
    return emitOpError("cannot broadcast ")
           << getInput().getType() << " to " << getType();
  return success();
}

/// Where the input of sizes `from` is read for an element at `loops`.
static SmallVector<AffineExpr> getBroadcastIndex(ArrayRef<AffineExpr> loops,
                                                 ArrayRef<AffineExpr> from,
                                                 ArrayRef<AffineExpr> to) {
  SmallVector<AffineExpr> index;
  size_t missing = to.size() - from.size();
  for (auto [i, size] : llvm::enumerate(from))
    index.push_back(isOne(size) && !isOne(to[missing + i])
                        ? getAffineConstantExpr(0, size.getContext())
                        : loops[missing + i]);
  return index;
}

SymbolicElements
BroadcastToOp::inferElements(ArrayRef<SymbolicElements> operands) {
  if (!operands[0] || !getType().hasStaticShape())
    return std::nullopt;
  // Scalars stretch to what shape arithmetic needs.
  if (operands[0]->size() == 1)
    return SmallVector<AffineExpr>(getType().getNumElements(),
                                   operands[0]->front());
  if (static_cast<int64_t>(operands[0]->size()) == getType().getNumElements())
    return operands[0];
  return std::nullopt;
}

unsigned BroadcastToOp::getNumMovedOperands() { return 1; }

OpFoldResult BroadcastToOp::fold(FoldAdaptor adaptor) {
  if (getInput().getType() == getType())
    return getInput();
  auto dense = dyn_cast_or_null<DenseElementsAttr>(adaptor.getInput());
  if (dense && dense.isSplat() && getType().hasStaticShape())
    return dense.resizeSplat(getType());
  return {};
}

FailureOr<SmallVector<Value>>
BroadcastToOp::lowerToLinalg(LoweringBuilder &b, ValueRange operands) {
  SmallVector<AffineExpr> from = getDims(getInput().getType());
  SmallVector<AffineExpr> to = getDims(getType());
  SmallVector<AffineExpr> loops = getLoops(getContext(), to.size());
  return SmallVector<Value>{buildParallel(
      b, getLoc(), to, getType().getElementType(),
      {{operands[0], getBroadcastIndex(loops, from, to)}},
      [](OpBuilder &, Location, ValueRange args) { return args[0]; })};
}

//===----------------------------------------------------------------------===//
// Transpose
//===----------------------------------------------------------------------===//

LogicalResult TransposeOp::inferReturnTypes(MLIRContext *,
                                            std::optional<Location> loc,
                                            Adaptor op,
                                            SmallVectorImpl<Type> &types) {
  auto type = cast<RankedTensorType>(op.getInput().getType());
  SmallVector<AffineExpr> dims = getDims(type), moved;
  SmallVector<bool> seen(dims.size());
  bool isPermutation = op.getPerm().size() == dims.size();
  for (int64_t from : op.getPerm()) {
    isPermutation =
        isPermutation && from >= 0 && from < type.getRank() && !seen[from];
    if (!isPermutation)
      break;
    seen[from] = true;
    moved.push_back(dims[from]);
  }
  if (!isPermutation)
    return emitOptionalError(loc, "[", op.getPerm(),
                             "] is not a permutation of the dimensions of ",
                             type);
  types.push_back(makeTensorType(moved, type.getElementType()));
  return success();
}

SymbolicElements
TransposeOp::inferElements(ArrayRef<SymbolicElements> operands) {
  RankedTensorType from = getInput().getType(), to = getType();
  if (!operands[0] || !from.hasStaticShape())
    return std::nullopt;
  SmallVector<AffineExpr> result;
  for (int64_t i = 0, e = to.getNumElements(); i != e; ++i) {
    SmallVector<int64_t> position(from.getRank());
    int64_t rest = i, source = 0;
    for (int64_t dim = to.getRank(); dim-- > 0;) {
      position[getPerm()[dim]] = rest % to.getDimSize(dim);
      rest /= to.getDimSize(dim);
    }
    for (int64_t dim = 0; dim != from.getRank(); ++dim)
      source = source * from.getDimSize(dim) + position[dim];
    result.push_back((*operands[0])[source]);
  }
  return result;
}

unsigned TransposeOp::getNumMovedOperands() { return 1; }

OpFoldResult TransposeOp::fold(FoldAdaptor adaptor) {
  if (llvm::equal(getPerm(), llvm::seq<int64_t>(0, getPerm().size())))
    return getInput();
  auto dense = dyn_cast_or_null<DenseElementsAttr>(adaptor.getInput());
  return dense && dense.isSplat() ? dense.reshape(getType()) : OpFoldResult();
}

static LogicalResult mergeTransposes(TransposeOp op,
                                     PatternRewriter &rewriter) {
  auto inner = op.getInput().getDefiningOp<TransposeOp>();
  if (!inner)
    return failure();
  SmallVector<int64_t> perm;
  for (int64_t from : op.getPerm())
    perm.push_back(inner.getPerm()[from]);
  auto merged = rewriter.create<TransposeOp>(
      rewriter.getFusedLoc({inner.getLoc(), op.getLoc()}), op.getType(),
      inner.getInput(), perm);
  rewriter.replaceOp(op, merged);
  return success();
}

/// A transpose that keeps the order of all dimensions but those of size 1 moves
/// no element.
static LogicalResult transposeToReshape(TransposeOp op,
                                        PatternRewriter &rewriter) {
  SmallVector<AffineExpr> dims = getDims(op.getInput().getType());
  int64_t last = -1;
  for (int64_t from : op.getPerm()) {
    if (isOne(dims[from]))
      continue;
    if (from < last)
      return failure();
    last = from;
  }
  rewriter.replaceOpWithNewOp<ReshapeOp>(op, op.getType(), op.getInput());
  return success();
}

void TransposeOp::getCanonicalizationPatterns(RewritePatternSet &patterns,
                                              MLIRContext *) {
  patterns.add(mergeTransposes);
  patterns.add(transposeToReshape);
}

FailureOr<SmallVector<Value>> TransposeOp::lowerToLinalg(LoweringBuilder &b,
                                                         ValueRange operands) {
  SmallVector<AffineExpr> dims = getDims(getType());
  SmallVector<AffineExpr> index(dims.size());
  for (auto [to, from] : llvm::enumerate(getPerm()))
    index[from] = getAffineDimExpr(to, getContext());
  return SmallVector<Value>{buildParallel(
      b, getLoc(), dims, getType().getElementType(), {{operands[0], index}},
      [](OpBuilder &, Location, ValueRange args) { return args[0]; })};
}
