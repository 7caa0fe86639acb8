//===- OnnxToNN/NodeValues.cpp - operands with known values -----*- C++ -*-===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "frontends/onnx/OnnxToNN/Node.h"

#include "nncc/Dialect/NN/NN.h"

#include "mlir/IR/AsmState.h"
#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/DialectResourceBlobManager.h"

#include <cmath>
#include <cstring>

using namespace mlir;
using namespace nncc::onnx;
namespace nn = nncc::nn;

using Numbers = std::optional<SmallVector<double>>;

// Larger tensors are no parameters.
static constexpr int64_t maxNumbers = 4096;
static constexpr int maxDepth = 32;

template <typename T> static SmallVector<double> readAs(ArrayRef<char> data) {
  SmallVector<double> numbers(data.size() / sizeof(T));
  for (auto [i, number] : llvm::enumerate(numbers)) {
    T value;
    std::memcpy(&value, data.data() + i * sizeof(T), sizeof(T));
    number = static_cast<double>(value);
  }
  return numbers;
}

static Numbers readResource(DenseResourceElementsAttr attribute) {
  AsmResourceBlob *blob = attribute.getRawHandle().getBlob();
  Type type = attribute.getElementType();
  if (!blob)
    return std::nullopt;
  if (type.isF32())
    return readAs<float>(blob->getData());
  if (type.isF64())
    return readAs<double>(blob->getData());
  if (type.isSignlessInteger(64))
    return readAs<int64_t>(blob->getData());
  if (type.isUnsignedInteger(8))
    return readAs<uint8_t>(blob->getData());
  return std::nullopt;
}

static Numbers readConstant(ElementsAttr attribute) {
  if (auto resource = dyn_cast<DenseResourceElementsAttr>(attribute))
    return readResource(resource);
  auto dense = dyn_cast<DenseElementsAttr>(attribute);
  if (!dense)
    return std::nullopt;
  SmallVector<double> numbers;
  if (isa<FloatType>(dense.getElementType())) {
    for (APFloat value : dense.getValues<APFloat>()) {
      bool losesInfo = false;
      value.convert(APFloat::IEEEdouble(), APFloat::rmNearestTiesToEven,
                    &losesInfo);
      numbers.push_back(value.convertToDouble());
    }
    return numbers;
  }
  auto type = cast<IntegerType>(dense.getElementType());
  bool isUnsigned = type.isUnsigned() || type.getWidth() == 1;
  for (const APInt &value : dense.getValues<APInt>())
    numbers.push_back(isUnsigned ? static_cast<double>(value.getZExtValue())
                                 : static_cast<double>(value.getSExtValue()));
  return numbers;
}

static Numbers evaluate(Value value, int depth);

/// Elementwise where one operand may be a single number.
template <typename Function>
static Numbers combine(Operation *op, int depth, Function function) {
  Numbers a = evaluate(op->getOperand(0), depth);
  Numbers b = evaluate(op->getOperand(1), depth);
  if (!a || !b || a->empty() || b->empty())
    return std::nullopt;
  size_t size = std::max(a->size(), b->size());
  if ((a->size() != size && a->size() != 1) ||
      (b->size() != size && b->size() != 1))
    return std::nullopt;
  SmallVector<double> numbers;
  for (size_t i = 0; i < size; ++i)
    numbers.push_back(
        function((*a)[a->size() == 1 ? 0 : i], (*b)[b->size() == 1 ? 0 : i]));
  return numbers;
}

static Numbers evaluateUnary(Value operand, int depth,
                             double (*function)(double)) {
  Numbers numbers = evaluate(operand, depth);
  if (numbers)
    llvm::transform(*numbers, numbers->begin(), function);
  return numbers;
}

static Numbers evaluateConcat(nn::ConcatOp concat, int depth) {
  if (concat.getType().getRank() != 1)
    return std::nullopt;
  SmallVector<double> numbers;
  for (Value input : concat.getInputs()) {
    Numbers part = evaluate(input, depth);
    if (!part)
      return std::nullopt;
    numbers.append(*part);
  }
  return numbers;
}

static Numbers evaluateSlice(nn::SliceOp slice, int depth) {
  auto from = Node::type(slice.getInput()), to = Node::type(slice);
  Numbers all = evaluate(slice.getInput(), depth);
  if (!all || !from.hasStaticShape() || !to.hasStaticShape())
    return std::nullopt;
  SmallVector<double> numbers;
  for (int64_t i = 0, e = to.getNumElements(); i < e; ++i) {
    int64_t rest = i, position = 0, stride = 1;
    for (unsigned dim = to.getRank(); dim-- > 0;) {
      auto start = nn::getConstantValue(slice.getStarts().getResult(dim));
      if (!start)
        return std::nullopt;
      int64_t at = rest % to.getDimSize(dim);
      position += (*start + at * slice.getSteps()[dim]) * stride;
      rest /= to.getDimSize(dim);
      stride *= from.getDimSize(dim);
    }
    if (position < 0 || position >= static_cast<int64_t>(all->size()))
      return std::nullopt;
    numbers.push_back((*all)[position]);
  }
  return numbers;
}

/// The numbers of a small tensor that exporters compute in the graph: scales,
/// bounds, fill values.
static Numbers evaluate(Value value, int depth) {
  Operation *op = value.getDefiningOp();
  if (!op || depth >= maxDepth)
    return std::nullopt;
  ++depth;
  if (auto constant = dyn_cast<nn::ConstantOp>(op))
    return constant.getValue().getNumElements() > maxNumbers
               ? std::nullopt
               : readConstant(constant.getValue());
  if (isa<nn::NotOp>(op) && Node::elementType(value).isInteger(1))
    return evaluateUnary(op->getOperand(0), depth,
                         [](double x) { return x == 0 ? 1.0 : 0.0; });
  if (isa<nn::CastOp>(op) && Node::elementType(value).isInteger(1))
    return evaluateUnary(op->getOperand(0), depth,
                         [](double x) { return x != 0 ? 1.0 : 0.0; });
  if (isa<IntegerType>(Node::elementType(value))) {
    nn::SymbolicElements elements = nn::symbolicElements(value);
    if (!elements)
      return std::nullopt;
    SmallVector<double> numbers;
    for (AffineExpr element : *elements) {
      auto number = dyn_cast<AffineConstantExpr>(element);
      if (!number)
        return std::nullopt;
      numbers.push_back(static_cast<double>(number.getValue()));
    }
    return numbers;
  }
  if (isa<nn::CastOp, nn::ReshapeOp>(op))
    return evaluate(op->getOperand(0), depth);
  if (auto concat = dyn_cast<nn::ConcatOp>(op))
    return evaluateConcat(concat, depth);
  if (auto slice = dyn_cast<nn::SliceOp>(op))
    return evaluateSlice(slice, depth);
  if (isa<nn::FloorOp>(op))
    return evaluateUnary(op->getOperand(0), depth,
                         [](double x) { return std::floor(x); });
  if (isa<nn::CeilOp>(op))
    return evaluateUnary(op->getOperand(0), depth,
                         [](double x) { return std::ceil(x); });
  if (isa<nn::MulOp>(op))
    return combine(op, depth, [](double a, double b) { return a * b; });
  if (isa<nn::DivOp>(op))
    return combine(op, depth, [](double a, double b) { return a / b; });
  if (isa<nn::AddOp>(op))
    return combine(op, depth, [](double a, double b) { return a + b; });
  if (isa<nn::SubOp>(op))
    return combine(op, depth, [](double a, double b) { return a - b; });
  return std::nullopt;
}

Numbers Node::readNumbers(ElementsAttr tensor) {
  Numbers numbers = tensor ? readConstant(tensor) : std::nullopt;
  if (!numbers)
    (void)fail("an attribute that is a tensor can't be read");
  return numbers;
}

Numbers Node::tryFloats(Value value) {
  return value ? evaluate(value, 0) : std::nullopt;
}

Numbers Node::floats(Value value, const llvm::Twine &what) {
  Numbers numbers = tryFloats(value);
  if (!numbers)
    (void)fail(what + " must be constant");
  return numbers;
}

std::optional<double> Node::scalar(Value value, const llvm::Twine &what) {
  Numbers numbers = floats(value, what);
  if (!numbers)
    return std::nullopt;
  if (numbers->size() == 1)
    return numbers->front();
  (void)fail(what + " must be a scalar");
  return std::nullopt;
}
