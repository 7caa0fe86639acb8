//===- Constants.cpp - small constants --------------------------*- C++ -*-===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Constants.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/DialectResourceBlobManager.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;
using namespace nncc;
using namespace nncc::nn;

DenseElementsAttr nn::getSmallConstant(Attribute attribute) {
  if (auto dense = dyn_cast_or_null<DenseElementsAttr>(attribute))
    return dense.isSplat() || dense.getNumElements() <= maxSymbolicElements
               ? dense
               : DenseElementsAttr();
  auto resource = dyn_cast_or_null<DenseResourceElementsAttr>(attribute);
  if (!resource)
    return {};
  ShapedType type = resource.getType();
  AsmResourceBlob *blob = resource.getRawHandle().getBlob();
  if (!blob || type.getNumElements() > maxSymbolicElements)
    return {};
  ArrayRef<char> bytes = blob->getData();
  if (type.getElementType().isInteger(1)) {
    SmallVector<bool> bits =
        llvm::map_to_vector(bytes, [](char byte) { return byte != 0; });
    if (static_cast<int64_t>(bits.size()) != type.getNumElements())
      return {};
    return DenseElementsAttr::get(type, bits);
  }
  bool isSplat;
  if (!DenseElementsAttr::isValidRawBuffer(type, bytes, isSplat))
    return {};
  return DenseElementsAttr::getFromRawBuffer(type, bytes);
}

DenseElementsAttr nn::makeConstant(RankedTensorType type,
                                   ArrayRef<TypedAttr> elements) {
  if (isa<FloatType>(type.getElementType()))
    return DenseElementsAttr::get(
        type, llvm::map_to_vector(elements, [](TypedAttr element) {
          return cast<FloatAttr>(element).getValue();
        }));
  return DenseElementsAttr::get(
      type, llvm::map_to_vector(elements, [](TypedAttr element) {
        return cast<IntegerAttr>(element).getValue();
      }));
}

TypedAttr nn::getElement(DenseElementsAttr constant, int64_t number) {
  if (constant.isSplat())
    number = 0;
  Type type = getPlainElementType(constant.getElementType());
  if (isa<FloatType>(type))
    return FloatAttr::get(type, constant.getValues<APFloat>()[number]);
  return IntegerAttr::get(type, constant.getValues<APInt>()[number]);
}

TypedAttr nn::evaluate(MLIRContext *context, ArrayRef<TypedAttr> args,
                       function_ref<Value(OpBuilder &, ValueRange)> build) {
  Block scratch;
  OpBuilder b(context);
  b.setInsertionPointToStart(&scratch);
  SmallVector<Value> values;
  for (TypedAttr arg : args)
    values.push_back(b.create<arith::ConstantOp>(b.getUnknownLoc(), arg));
  Value result = build(b, values);

  llvm::DenseMap<Value, Attribute> known;
  for (Operation &op : scratch) {
    SmallVector<Attribute> operands;
    for (Value operand : op.getOperands())
      operands.push_back(known.lookup(operand));
    SmallVector<OpFoldResult> folded;
    if (op.getNumResults() != 1 || failed(op.fold(operands, folded)))
      return {};
    // A folder may change an op in place.
    if (folded.empty())
      return {};
    if (auto value = dyn_cast<Value>(folded[0]))
      known[op.getResult(0)] = known.lookup(value);
    else
      known[op.getResult(0)] = cast<Attribute>(folded[0]);
  }
  return dyn_cast_or_null<TypedAttr>(known.lookup(result));
}

/// The elements of an integer constant.
static SymbolicElements getElements(DenseElementsAttr constant) {
  Type type = constant.getElementType();
  if (!isa<IntegerType>(type) ||
      constant.getNumElements() > maxSymbolicElements)
    return std::nullopt;
  bool isSigned = !type.isUnsignedInteger() && !type.isInteger(1);
  return llvm::map_to_vector(
      constant.getValues<APInt>(), [&](const APInt &element) {
        int64_t value = isSigned ? element.getSExtValue()
                                 : static_cast<int64_t>(element.getZExtValue());
        return getAffineConstantExpr(value, constant.getContext());
      });
}

bool nn::isSmall(Value tensor) {
  auto type = dyn_cast<RankedTensorType>(tensor.getType());
  return type && type.hasStaticShape() &&
         type.getNumElements() <= maxSymbolicElements;
}

/// As getElementSources; `elements` gives those of the operands that only say
/// where elements come from.
static std::optional<SmallVector<ElementSource>>
findSources(SymbolicValueOpInterface op,
            function_ref<SymbolicElements(unsigned)> elements) {
  unsigned numMoved = op.getNumMovedOperands();
  if (numMoved == 0 || !isSmall(op->getResult(0)))
    return std::nullopt;
  // Elements stand for themselves by their numbers.
  SmallVector<ElementSource> all;
  SmallVector<SymbolicElements> operands;
  for (auto [i, operand] : llvm::enumerate(op->getOperands())) {
    if (i >= numMoved) {
      operands.push_back(elements(i));
      continue;
    }
    if (!isSmall(operand))
      return std::nullopt;
    SmallVector<AffineExpr> numbers;
    int64_t count = cast<RankedTensorType>(operand.getType()).getNumElements();
    for (int64_t element = 0; element != count; ++element) {
      numbers.push_back(getAffineConstantExpr(all.size(), op.getContext()));
      all.push_back({static_cast<unsigned>(i), element});
    }
    operands.push_back(std::move(numbers));
  }
  SymbolicElements moved = op.inferElements(operands);
  if (!moved)
    return std::nullopt;
  return llvm::map_to_vector(*moved, [&](AffineExpr number) {
    return all[*getConstantValue(number)];
  });
}

std::optional<SmallVector<ElementSource>>
nn::getElementSources(SymbolicValueOpInterface op) {
  return findSources(
      op, [&](unsigned i) { return symbolicElements(op->getOperand(i)); });
}

OpFoldResult nn::foldMovement(SymbolicValueOpInterface op,
                              ArrayRef<Attribute> operands) {
  SmallVector<DenseElementsAttr> constants =
      llvm::map_to_vector(operands, getSmallConstant);
  if (llvm::is_contained(constants, DenseElementsAttr()))
    return {};
  auto sources =
      findSources(op, [&](unsigned i) { return getElements(constants[i]); });
  if (!sources)
    return {};
  SmallVector<TypedAttr> elements;
  for (ElementSource source : *sources)
    elements.push_back(getElement(constants[source.operand], source.element));
  return makeConstant(cast<RankedTensorType>(op->getResult(0).getType()),
                      elements);
}

//===----------------------------------------------------------------------===//
// Elements by producers
//===----------------------------------------------------------------------===//

namespace {
/// Follows producers; each value is visited once.
class ElementFinder {
public:
  SymbolicElements find(Value value, unsigned depth = 0);
  DenseElementsAttr findConstant(Value value, unsigned depth = 0);

private:
  DenseElementsAttr fold(Operation *op, unsigned depth);

  llvm::DenseMap<Value, SymbolicElements> elements;
  llvm::DenseMap<Value, DenseElementsAttr> constants;
};
} // namespace

/// Chains of shape arithmetic are short; a hostile one must not use up the
/// stack.
static constexpr unsigned maxDepth = 512;

/// The constant with these elements, if each is known and a number.
static DenseElementsAttr makeConstant(RankedTensorType type,
                                      const SymbolicElements &elements) {
  if (!elements)
    return {};
  Type element = getPlainElementType(type.getElementType());
  SmallVector<TypedAttr> numbers;
  for (AffineExpr expr : *elements) {
    std::optional<int64_t> number = getConstantValue(expr);
    if (!number)
      return {};
    numbers.push_back(IntegerAttr::get(element, *number));
  }
  return makeConstant(type, numbers);
}

DenseElementsAttr ElementFinder::fold(Operation *op, unsigned depth) {
  SmallVector<Attribute> operands;
  for (Value operand : op->getOperands())
    operands.push_back(findConstant(operand, depth + 1));
  SmallVector<OpFoldResult> folded;
  bool isKnown = llvm::all_of(operands, [](Attribute a) { return !!a; });
  if (!isKnown || !isPure(op) || failed(op->fold(operands, folded)) ||
      folded.size() != 1)
    return {};
  return getSmallConstant(dyn_cast<Attribute>(folded[0]));
}

DenseElementsAttr ElementFinder::findConstant(Value value, unsigned depth) {
  Operation *op = value.getDefiningOp();
  if (!op || !isSmall(value) || depth > maxDepth || op->getNumResults() != 1)
    return {};
  if (auto it = constants.find(value); it != constants.end())
    return it->second;
  DenseElementsAttr result;
  Attribute attribute;
  if (matchPattern(value, m_Constant(&attribute)))
    result = getSmallConstant(attribute);
  else
    result = fold(op, depth);
  // What find begins with is known now.
  constants[value] = result;
  if (!result) {
    auto type = cast<RankedTensorType>(value.getType());
    result = constants[value] = makeConstant(type, find(value, depth));
  }
  return result;
}

SymbolicElements ElementFinder::find(Value value, unsigned depth) {
  if (!isSmall(value) || depth > maxDepth)
    return std::nullopt;
  Type type = cast<RankedTensorType>(value.getType()).getElementType();
  if (!isa<IntegerType>(type))
    return std::nullopt;
  if (auto it = elements.find(value); it != elements.end())
    return it->second;
  SymbolicElements result;
  if (DenseElementsAttr constant = findConstant(value, depth)) {
    result = getElements(constant);
  } else if (auto op = value.getDefiningOp<SymbolicValueOpInterface>()) {
    SmallVector<SymbolicElements> operands;
    for (Value operand : op->getOperands())
      operands.push_back(find(operand, depth + 1));
    result = op.inferElements(operands);
    if (result)
      for (AffineExpr &element : *result)
        element = simplify(element);
  }
  elements[value] = result;
  return result;
}

SymbolicElements nn::symbolicElements(Value value) {
  return ElementFinder().find(value);
}

DenseElementsAttr nn::constantElements(Value value) {
  return ElementFinder().findConstant(value);
}
