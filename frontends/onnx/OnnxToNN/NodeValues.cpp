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

static Numbers readResource(DenseResourceElementsAttr attribute) {
  AsmResourceBlob *blob = attribute.getRawHandle().getBlob();
  if (!blob || !attribute.getElementType().isF32())
    return std::nullopt;
  ArrayRef<char> data = blob->getData();
  SmallVector<double> numbers(data.size() / sizeof(float));
  for (auto [i, number] : llvm::enumerate(numbers)) {
    float value;
    std::memcpy(&value, data.data() + i * sizeof(float), sizeof(float));
    number = value;
  }
  return numbers;
}

static Numbers readConstant(ElementsAttr attribute) {
  if (attribute.getNumElements() > maxNumbers)
    return std::nullopt;
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

/// The numbers of a small tensor that exporters compute in the graph: scales,
/// bounds, fill values.
static Numbers evaluate(Value value, int depth) {
  Operation *op = value.getDefiningOp();
  if (!op || depth >= maxDepth)
    return std::nullopt;
  ++depth;
  if (auto constant = dyn_cast<nn::ConstantOp>(op))
    return readConstant(constant.getValue());
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
