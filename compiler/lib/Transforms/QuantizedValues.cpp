//===- QuantizedValues.cpp - numbers by integers and scales -----*- C++ -*-===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "QuantizedValues.h"
#include "mlir/IR/DialectResourceBlobManager.h"
#include "mlir/IR/Matchers.h"
#include "nncc/Dialect/NN/Symbols.h"
#include <cmath>

using namespace mlir;
using namespace nncc;
using namespace nncc::nn;

RankedTensorType nn::getTensorType(Value value) {
  return cast<RankedTensorType>(value.getType());
}

bool nn::isOneNumber(Value value) {
  return getTensorType(value).hasStaticShape() &&
         getTensorType(value).getNumElements() == 1;
}

Value nn::asScalar(PatternRewriter &rewriter, Location loc, Value value) {
  RankedTensorType type = getTensorType(value);
  if (type.getRank() == 0)
    return value;
  return rewriter.create<ReshapeOp>(
      loc, makeTensorType({}, type.getElementType()), value);
}

//===----------------------------------------------------------------------===//
// Constants
//===----------------------------------------------------------------------===//

static Value skipReshapes(Value value) {
  while (auto reshape = value.getDefiningOp<ReshapeOp>())
    value = reshape.getInput();
  return value;
}

std::optional<double> nn::getConstantNumber(Value value) {
  DenseElementsAttr constant;
  if (!matchPattern(skipReshapes(value), m_Constant(&constant)) ||
      !constant.isSplat())
    return std::nullopt;
  Type type = constant.getElementType();
  if (type.isF32())
    return constant.getSplatValue<APFloat>().convertToDouble();
  if (!isa<IntegerType>(type))
    return std::nullopt;
  return constant.getSplatValue<APInt>().roundToDouble(
      /*isSigned=*/!type.isUnsignedInteger());
}

bool nn::isSameNumber(Value a, Value b) {
  if (skipReshapes(a) == skipReshapes(b))
    return true;
  std::optional<double> left = getConstantNumber(a),
                        right = getConstantNumber(b);
  return left && right && *left == *right;
}

static std::optional<SmallVector<float>> readFloats(Attribute attribute) {
  if (auto dense = dyn_cast<DenseElementsAttr>(attribute))
    return llvm::to_vector(dense.getValues<float>());
  auto resource = dyn_cast<DenseResourceElementsAttr>(attribute);
  AsmResourceBlob *blob =
      resource ? resource.getRawHandle().getBlob() : nullptr;
  if (!blob || blob->getData().size() !=
                   resource.getType().getNumElements() * sizeof(float))
    return std::nullopt;
  return SmallVector<float>(blob->getDataAs<float>());
}

std::optional<SmallVector<float>> nn::getConstantFloats(Value value) {
  value = skipReshapes(value);
  Attribute attribute;
  if (!getTensorType(value).getElementType().isF32())
    return std::nullopt;
  if (matchPattern(value, m_Constant(&attribute)))
    return readFloats(attribute);
  auto mul = value.getDefiningOp<MulOp>();
  if (!mul)
    return std::nullopt;
  auto left = getConstantFloats(mul.getLhs()),
       right = getConstantFloats(mul.getRhs());
  if (!left || !right)
    return std::nullopt;
  if (left->size() < right->size())
    std::swap(left, right);
  if (right->size() != 1 && right->size() != left->size())
    return std::nullopt;
  for (auto [i, element] : llvm::enumerate(*left))
    element *= (*right)[right->size() == 1 ? 0 : i];
  return left;
}

//===----------------------------------------------------------------------===//
// Integers in f32
//===----------------------------------------------------------------------===//

static bool isIntegral(Value value) {
  while (auto transpose = value.getDefiningOp<TransposeOp>())
    value = transpose.getInput();
  if (auto cast = value.getDefiningOp<CastOp>())
    return isa<IntegerType>(getTensorType(cast.getInput()).getElementType());
  if (value.getDefiningOp<SaturateOp>())
    return true;
  std::optional<SmallVector<float>> constant = getConstantFloats(value);
  return constant && llvm::all_of(*constant, [](float element) {
           return element == std::nearbyint(element);
         });
}

bool nn::isIntegerProduct(Value value) {
  auto conv = value.getDefiningOp<ConvOp>();
  return conv && getTensorType(value).getElementType().isF32() &&
         hasShortSums(conv) && isIntegral(conv.getInput()) &&
         isIntegral(conv.getFilter());
}

bool nn::hasShortSums(ConvOp op) {
  constexpr int64_t most = (1 << 24) / (255 * 255);
  ArrayRef<int64_t> shape = op.getFilter().getType().getShape();
  int64_t size = 1;
  for (int64_t dim : shape.drop_back(2))
    size = ShapedType::isDynamic(dim) ? most + 1 : size * dim;
  return shape[shape.size() - 2] == 1 && size <= most;
}

//===----------------------------------------------------------------------===//
// Integers with a scale
//===----------------------------------------------------------------------===//

static bool isVector(Value scale) {
  return isOneNumber(scale) || getTensorType(scale).getRank() == 1;
}

static std::optional<ScaledInteger> matchProduct(MulOp mul) {
  Value sides[] = {mul.getLhs(), mul.getRhs()};
  for (auto [side, scale] :
       {std::pair(sides[0], sides[1]), std::pair(sides[1], sides[0])}) {
    if (isIntegerProduct(side) && side.getType() == mul.getType() &&
        isVector(scale))
      return ScaledInteger{side, scale, Value()};
    auto number = side.getDefiningOp<CastOp>();
    if (number && number.getType() == mul.getType() && isVector(scale) &&
        isa<IntegerType>(getTensorType(number.getInput()).getElementType()))
      return ScaledInteger{number.getInput(), scale, Value()};
  }
  return std::nullopt;
}

std::optional<ScaledInteger> ScaledInteger::match(Value value) {
  if (!getTensorType(value).getElementType().isF32())
    return std::nullopt;
  if (auto mul = value.getDefiningOp<MulOp>())
    return matchProduct(mul);
  auto op = value.getDefiningOp<DequantizeOp>();
  if (!op || !isOneNumber(op.getScale()) || !isOneNumber(op.getZeroPoint()) ||
      getTensorType(op.getInput()).getElementTypeBitWidth() > 16 ||
      getDims(op.getInput().getType()) != getDims(op.getType()))
    return std::nullopt;
  return ScaledInteger{op.getInput(), op.getScale(), op.getZeroPoint()};
}

bool ScaledInteger::hasInteger(unsigned width) const {
  auto type = dyn_cast<IntegerType>(getTensorType(number).getElementType());
  return type && type.getWidth() <= width;
}

static Value subtract(PatternRewriter &rewriter, Location loc,
                      const ScaledInteger &value, Type type) {
  Value number = rewriter.createOrFold<CastOp>(loc, value.number, type);
  if (!value.zeroPoint)
    return number;
  Value zero = rewriter.createOrFold<CastOp>(
      loc, asScalar(rewriter, loc, value.zeroPoint), type);
  return rewriter.createOrFold<SubOp>(loc, number, zero);
}

Value ScaledInteger::buildFloat(PatternRewriter &rewriter, Location loc) const {
  Type type = getTensorType(number).getElementType();
  if (type.isF32())
    return number;
  if (zeroPoint)
    type = rewriter.getIntegerType(type.getIntOrFloatBitWidth() * 2);
  return rewriter.create<CastOp>(loc, subtract(rewriter, loc, *this, type),
                                 rewriter.getF32Type());
}

Value ScaledInteger::buildInteger(PatternRewriter &rewriter,
                                  Location loc) const {
  return subtract(rewriter, loc, *this, rewriter.getI32Type());
}
