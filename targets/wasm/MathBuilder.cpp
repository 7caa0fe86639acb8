//===- MathBuilder.cpp - Short notation for arithmetic -------------------===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "targets/wasm/MathBuilder.h"

#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/TypeUtilities.h"

using namespace mlir;
using namespace nncc::wasm;

static TypedAttr splat(Type type, Attribute element) {
  if (auto vector = dyn_cast<VectorType>(type))
    return DenseElementsAttr::get(vector, element);
  return cast<TypedAttr>(element);
}

Value MathBuilder::like(Value x, double value) {
  Type element = getElementTypeOrSelf(x.getType());
  return make<arith::ConstantOp>(
      splat(x.getType(), b.getFloatAttr(element, value)));
}

Value MathBuilder::like(Value x, int64_t value) {
  Type element = getElementTypeOrSelf(x.getType());
  return make<arith::ConstantOp>(
      splat(x.getType(), b.getIntegerAttr(element, value)));
}

Value MathBuilder::polynomial(Value x, Value square,
                              ArrayRef<double> coefficients) {
  Value sum;
  for (size_t pair = llvm::divideCeil(coefficients.size(), 2); pair-- > 0;) {
    ArrayRef<double> terms = coefficients.drop_front(2 * pair).take_front(2);
    Value value = like(x, terms.front());
    if (terms.size() == 2)
      value = fma(x, terms.back(), value);
    sum = sum ? fma(sum, square, value) : value;
  }
  return sum;
}

Value MathBuilder::compare(StringRef predicate, Value x, Value y) {
  return make<arith::CmpFOp>(*arith::symbolizeCmpFPredicate(predicate), x, y);
}

Value MathBuilder::icompare(StringRef predicate, Value x, int64_t y) {
  return make<arith::CmpIOp>(*arith::symbolizeCmpIPredicate(predicate), x,
                             like(x, y));
}

Type MathBuilder::withElement(Value x, Type element) {
  if (auto vector = dyn_cast<VectorType>(x.getType()))
    return vector.clone(element);
  return element;
}

Value MathBuilder::bitcast(Value x, bool toFloat) {
  unsigned width = getElementTypeOrSelf(x.getType()).getIntOrFloatBitWidth();
  Type element = b.getIntegerType(width);
  if (toFloat)
    element = width == 64   ? b.getF64Type()
              : width == 16 ? Type(b.getF16Type())
                            : Type(b.getF32Type());
  return b.create<arith::BitcastOp>(loc, withElement(x, element), x);
}
