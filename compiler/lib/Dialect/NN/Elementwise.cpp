//===- Elementwise.cpp - elementwise ops ------------------------*- C++ -*-===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Elementwise.h"
#include "Constants.h"
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

//===----------------------------------------------------------------------===//
// Types
//===----------------------------------------------------------------------===//

static bool hasKind(Type type, ElementKind kind) {
  switch (kind) {
  case ElementKind::Any:
    return type.isIntOrFloat();
  case ElementKind::Float:
    return isa<FloatType>(type);
  case ElementKind::Number:
    return type.isIntOrFloat() && !type.isInteger(1);
  case ElementKind::Integer:
    return isa<IntegerType>(type);
  case ElementKind::Bool:
    return type.isInteger(1);
  }
  return false;
}

static StringRef describe(ElementKind kind) {
  switch (kind) {
  case ElementKind::Any:
    return "a float, integer or i1 type";
  case ElementKind::Float:
    return "a float type";
  case ElementKind::Number:
    return "a float or integer type";
  case ElementKind::Integer:
    return "an integer type or i1";
  case ElementKind::Bool:
    return "i1";
  }
  return "";
}

LogicalResult nn::inferElementwise(std::optional<Location> loc, StringRef name,
                                   ValueRange operands, ElementKind kind,
                                   ElementwiseResult result,
                                   SmallVectorImpl<Type> &types) {
  SmallVector<AffineExpr> dims;
  Type element;
  for (auto [i, operand] : llvm::enumerate(operands)) {
    auto type = dyn_cast<RankedTensorType>(operand.getType());
    if (!type)
      return emitOptionalError(loc, "'", name, "' takes ranked tensors, not ",
                               operand.getType());
    std::optional<SmallVector<AffineExpr>> joined =
        broadcastDims(dims, getDims(type));
    if (!joined)
      return emitOptionalError(loc, "the shapes of '", name,
                               "' do not broadcast: ", operands.getTypes());
    dims = *joined;
    bool isCondition = result == ElementwiseResult::Select && i == 0;
    ElementKind wanted = isCondition ? ElementKind::Bool : kind;
    if (!hasKind(type.getElementType(), wanted))
      return emitOptionalError(
          loc, "operand ", i, " of '", name, "' must have ", describe(wanted),
          " as its element type, not ", type.getElementType());
    if (isCondition)
      continue;
    if (!element)
      element = type.getElementType();
    else if (element != type.getElementType() &&
             result != ElementwiseResult::Lhs)
      return emitOptionalError(
          loc, "the operands of '", name,
          "' have different element types: ", operands.getTypes());
  }
  if (result == ElementwiseResult::Bool)
    element = IntegerType::get(element.getContext(), 1);
  types.push_back(makeTensorType(dims, element));
  return success();
}

void CastOp::build(OpBuilder &, OperationState &state, Value input,
                   Type elementType) {
  state.addOperands(input);
  state.addTypes(withElementType(input.getType(), elementType));
}

LogicalResult CastOp::verify() {
  if (getDims(getInput().getType()) != getDims(getType()))
    return emitOpError("changes the shape: ")
           << getInput().getType() << " to " << getType();
  if (!getInput().getType().getElementType().isIntOrFloat() ||
      !getType().getElementType().isIntOrFloat())
    return emitOpError("does not convert ")
           << getInput().getType() << " to " << getType();
  return success();
}

void BitcastOp::build(OpBuilder &, OperationState &state, Value input,
                      Type elementType) {
  state.addOperands(input);
  state.addTypes(withElementType(input.getType(), elementType));
}

LogicalResult BitcastOp::verify() {
  Type from = getInput().getType().getElementType();
  Type to = getType().getElementType();
  if (getDims(getInput().getType()) == getDims(getType()) &&
      from.isIntOrFloat() && to.isIntOrFloat() &&
      from.getIntOrFloatBitWidth() == to.getIntOrFloatBitWidth())
    return success();
  return emitOpError("changes the shape or the width: ")
         << getInput().getType() << " to " << getType();
}

//===----------------------------------------------------------------------===//
// Constants
//===----------------------------------------------------------------------===//

int64_t nn::getBroadcastElement(int64_t number, ArrayRef<int64_t> shape,
                                ArrayRef<int64_t> from) {
  int64_t result = 0, stride = 1;
  for (size_t i = 1; i <= shape.size(); ++i) {
    int64_t position = number % shape[shape.size() - i];
    number /= shape[shape.size() - i];
    if (i > from.size())
      continue;
    int64_t size = from[from.size() - i];
    if (size != 1)
      result += position * stride;
    stride *= size;
  }
  return result;
}

OpFoldResult nn::foldElementwise(ElementwiseOpInterface op,
                                 ArrayRef<Attribute> operands) {
  auto type = cast<RankedTensorType>(op->getResult(0).getType());
  if (!type.hasStaticShape())
    return {};
  SmallVector<DenseElementsAttr> constants;
  for (Attribute operand : operands) {
    constants.push_back(getSmallConstant(operand));
    if (!constants.back())
      return {};
  }
  bool isSplat = llvm::all_of(
      constants, [](DenseElementsAttr attr) { return attr.isSplat(); });
  int64_t count = type.getNumElements();
  if (count == 0 || (!isSplat && count > maxSymbolicElements))
    return {};
  SmallVector<TypedAttr> elements;
  for (int64_t i = 0; i != (isSplat ? 1 : count); ++i) {
    SmallVector<TypedAttr> args;
    for (DenseElementsAttr constant : constants)
      args.push_back(getElement(
          constant, getBroadcastElement(i, type.getShape(),
                                        constant.getType().getShape())));
    TypedAttr element =
        evaluate(op.getContext(), args, [&](OpBuilder &b, ValueRange values) {
          return op.buildScalar(b, values);
        });
    if (!element)
      return {};
    elements.push_back(element);
  }
  return makeConstant(type, elements);
}

std::optional<double> nn::getKnownNumber(Value value) {
  DenseElementsAttr constant;
  if (!matchPattern(value, m_Constant(&constant)) || !constant.isSplat())
    return std::nullopt;
  Type type = constant.getElementType();
  if (isa<FloatType>(type))
    return constant.getSplatValue<APFloat>().convertToDouble();
  if (!isa<IntegerType>(type))
    return std::nullopt;
  APInt number = constant.getSplatValue<APInt>();
  return type.isUnsignedInteger() || type.isInteger(1)
             ? number.roundToDouble(/*isSigned=*/false)
             : number.roundToDouble(/*isSigned=*/true);
}

Value nn::foldNeutral(Operation *op, int64_t value, bool either) {
  Type type = op->getResult(0).getType();
  for (unsigned side : {1u, 0u}) {
    Value kept = op->getOperand(1 - side);
    if ((side == 1 || either) && kept.getType() == type &&
        getKnownNumber(op->getOperand(side)) == static_cast<double>(value))
      return kept;
  }
  return {};
}

//===----------------------------------------------------------------------===//
// Symbolic elements
//===----------------------------------------------------------------------===//

static SmallVector<int64_t> getShape(Value value) {
  return llvm::to_vector(cast<RankedTensorType>(value.getType()).getShape());
}

SymbolicElements nn::inferBinaryElements(Operation *op,
                                         ArrayRef<SymbolicElements> operands,
                                         SymbolicFunction function) {
  if (!operands[0] || !operands[1])
    return std::nullopt;
  auto type = cast<RankedTensorType>(op->getResult(0).getType());
  SmallVector<int64_t> lhs = getShape(op->getOperand(0));
  SmallVector<int64_t> rhs = getShape(op->getOperand(1));
  SmallVector<AffineExpr> result;
  for (int64_t i = 0, e = type.getNumElements(); i != e; ++i) {
    AffineExpr element =
        function((*operands[0])[getBroadcastElement(i, type.getShape(), lhs)],
                 (*operands[1])[getBroadcastElement(i, type.getShape(), rhs)]);
    if (!element)
      return std::nullopt;
    result.push_back(element);
  }
  return result;
}

AffineExpr nn::symbolicAdd(AffineExpr lhs, AffineExpr rhs) { return lhs + rhs; }
AffineExpr nn::symbolicSub(AffineExpr lhs, AffineExpr rhs) { return lhs - rhs; }
AffineExpr nn::symbolicMul(AffineExpr lhs, AffineExpr rhs) { return lhs * rhs; }

AffineExpr nn::symbolicDiv(AffineExpr lhs, AffineExpr rhs) {
  if (std::optional<AffineExpr> quotient = divideExactly(lhs, rhs))
    return *quotient;
  // Truncation and floor agree on what is not negative.
  if (getLowerBound(lhs).value_or(-1) >= 0 &&
      getLowerBound(rhs).value_or(0) > 0)
    return simplify(lhs.floorDiv(rhs));
  std::optional<int64_t> dividend = getConstantValue(lhs);
  std::optional<int64_t> divisor = getConstantValue(rhs);
  if (!dividend || !divisor || *divisor == 0 || *divisor == -1)
    return {};
  return getAffineConstantExpr(*dividend / *divisor, lhs.getContext());
}

AffineExpr nn::symbolicMod(AffineExpr lhs, AffineExpr rhs) {
  if (getLowerBound(lhs).value_or(-1) >= 0 &&
      getLowerBound(rhs).value_or(0) > 0)
    return simplify(lhs % rhs);
  return {};
}

/// Whether lhs <= rhs for all sizes, or never; none where it depends.
static std::optional<bool> isAtMost(AffineExpr lhs, AffineExpr rhs) {
  if (getLowerBound(rhs - lhs).value_or(-1) >= 0)
    return true;
  if (getLowerBound(lhs - rhs).value_or(0) > 0)
    return false;
  return std::nullopt;
}

AffineExpr nn::symbolicMin(AffineExpr lhs, AffineExpr rhs) {
  if (isAtMost(lhs, rhs) == true)
    return lhs;
  return isAtMost(rhs, lhs) == true ? rhs : AffineExpr();
}

AffineExpr nn::symbolicMax(AffineExpr lhs, AffineExpr rhs) {
  if (isAtMost(lhs, rhs) == true)
    return rhs;
  return isAtMost(rhs, lhs) == true ? lhs : AffineExpr();
}

static AffineExpr getTruth(std::optional<bool> truth, MLIRContext *context) {
  return truth ? getAffineConstantExpr(*truth, context) : AffineExpr();
}

AffineExpr nn::symbolicLessEqual(AffineExpr lhs, AffineExpr rhs) {
  return getTruth(isAtMost(lhs, rhs), lhs.getContext());
}

AffineExpr nn::symbolicGreaterEqual(AffineExpr lhs, AffineExpr rhs) {
  return getTruth(isAtMost(rhs, lhs), lhs.getContext());
}

AffineExpr nn::symbolicLess(AffineExpr lhs, AffineExpr rhs) {
  return symbolicLessEqual(lhs + 1, rhs);
}

AffineExpr nn::symbolicGreater(AffineExpr lhs, AffineExpr rhs) {
  return symbolicLessEqual(rhs + 1, lhs);
}

AffineExpr nn::symbolicEqual(AffineExpr lhs, AffineExpr rhs) {
  std::optional<bool> result;
  if (std::optional<int64_t> difference = getDifference(lhs, rhs))
    result = *difference == 0;
  else if (isAtMost(lhs + 1, rhs) == true || isAtMost(rhs + 1, lhs) == true)
    result = false;
  return getTruth(result, lhs.getContext());
}

static AffineExpr combineConstants(AffineExpr lhs, AffineExpr rhs,
                                   int64_t (*combine)(int64_t, int64_t)) {
  std::optional<int64_t> left = getConstantValue(lhs);
  std::optional<int64_t> right = getConstantValue(rhs);
  if (!left || !right)
    return {};
  return getAffineConstantExpr(combine(*left, *right), lhs.getContext());
}

AffineExpr nn::symbolicAnd(AffineExpr lhs, AffineExpr rhs) {
  return combineConstants(lhs, rhs, [](int64_t a, int64_t b) { return a & b; });
}

AffineExpr nn::symbolicOr(AffineExpr lhs, AffineExpr rhs) {
  return combineConstants(lhs, rhs, [](int64_t a, int64_t b) { return a | b; });
}

SymbolicElements ModOp::inferElements(ArrayRef<SymbolicElements> operands) {
  return inferBinaryElements(*this, operands, symbolicMod);
}

SymbolicElements CastOp::inferElements(ArrayRef<SymbolicElements> operands) {
  // Sizes fit into i32; a boolean is 0 or 1 in any type.
  Type from = getInput().getType().getElementType();
  Type to = getType().getElementType();
  if (!isa<IntegerType>(from) || !isa<IntegerType>(to) ||
      (to.getIntOrFloatBitWidth() < 32 && from != to))
    return std::nullopt;
  return operands[0];
}

SymbolicElements SelectOp::inferElements(ArrayRef<SymbolicElements> operands) {
  if (!operands[0] || !operands[1] || !operands[2])
    return std::nullopt;
  SmallVector<SmallVector<int64_t>> shapes =
      llvm::map_to_vector(getOperands(), getShape);
  SmallVector<AffineExpr> result;
  for (int64_t i = 0, e = getType().getNumElements(); i != e; ++i) {
    auto at = [&](unsigned operand) {
      return (*operands[operand])[getBroadcastElement(i, getType().getShape(),
                                                      shapes[operand])];
    };
    std::optional<int64_t> condition = getConstantValue(at(0));
    if (!condition && at(1) != at(2))
      return std::nullopt;
    result.push_back(at(condition == 0 ? 2 : 1));
  }
  return result;
}

//===----------------------------------------------------------------------===//
// Lowering
//===----------------------------------------------------------------------===//

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

FailureOr<SmallVector<Value>> nn::lowerElementwise(ElementwiseOpInterface op,
                                                   LoweringBuilder &b,
                                                   ValueRange operands) {
  MLIRContext *context = op.getContext();
  auto type = cast<RankedTensorType>(op->getResult(0).getType());
  SmallVector<AffineExpr> dims = getDims(type);
  // Each operand is a constant in the body or an input, which two may share.
  SmallVector<Value> inputs;
  SmallVector<AffineMap> maps;
  SmallVector<TypedAttr> constants;
  SmallVector<unsigned> places;
  for (auto [before, operand] : llvm::zip_equal(op->getOperands(), operands)) {
    constants.push_back(getSplat(before));
    auto *same = llvm::find(inputs, operand);
    places.push_back(same - inputs.begin());
    if (constants.back() || same != inputs.end())
      continue;
    SmallVector<AffineExpr> from = getDims(before.getType());
    if (from.size() == 1 && !dims.empty())
      operand = stretchVector(b, op.getLoc(), operand, from[0], dims.back());
    inputs.push_back(operand);
    maps.push_back(getBroadcastMap(dims, from, context));
  }
  maps.push_back(AffineMap::getMultiDimIdentityMap(dims.size(), context));
  SmallVector<utils::IteratorType> iterators(dims.size(),
                                             utils::IteratorType::parallel);
  Value init = b.empty(op.getLoc(), dims, type.getElementType());
  auto generic = b.create<linalg::GenericOp>(
      op.getLoc(), init.getType(), inputs, init, maps, iterators,
      [&](OpBuilder &body, Location loc, ValueRange args) {
        SmallVector<Value> scalars;
        for (auto [constant, place] : llvm::zip_equal(constants, places))
          scalars.push_back(constant ? scalar::constant(body, loc, constant)
                                     : args[place]);
        body.create<linalg::YieldOp>(loc, op.buildScalar(body, scalars));
      });
  return SmallVector<Value>{generic.getResult(0)};
}
