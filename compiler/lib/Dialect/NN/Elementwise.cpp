//===- Elementwise.cpp - elementwise ops ------------------------*- C++ -*-===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Elementwise.h"
#include "Constants.h"
#include "mlir/IR/Matchers.h"

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
