//===- OnnxToNN/Shape.cpp - constants, shapes and layouts -------*- C++ -*-===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "frontends/onnx/OnnxToNN/Node.h"
#include "frontends/onnx/OnnxToNN/Rows.h"
#include "frontends/onnx/OnnxToNN/SizeMath.h"
#include "nncc/Dialect/NN/NN.h"

#include "mlir/IR/BuiltinAttributes.h"

using namespace mlir;
using namespace nncc::onnx;
namespace nn = nncc::nn;

//===----------------------------------------------------------------------===//
// Constants
//===----------------------------------------------------------------------===//

static LogicalResult convertConstant(Node &node) {
  OpBuilder &builder = node.getBuilder();
  if (node.hasAttr("value")) {
    ElementsAttr value = node.getTensor("value");
    return value ? node.result(node.constant(value)) : failure();
  }
  if (node.hasAttr("value_float"))
    return node.result(
        node.constant(node.getFloat("value_float", 0), builder.getF32Type()));
  if (node.hasAttr("value_int")) {
    auto type = RankedTensorType::get({}, builder.getI64Type());
    return node.result(node.constant(
        DenseElementsAttr::get(type, node.getInt("value_int", 0))));
  }
  if (auto values = node.getFloats("value_floats"))
    return node.result(node.constant(ArrayRef<float>(*values)));
  if (auto values = node.getInts("value_ints"))
    return node.result(node.constant(ArrayRef<int64_t>(*values)));
  return node.fail("needs one of the attributes value, value_float, "
                   "value_floats, value_int, value_ints");
}

/// `value` everywhere.
static Value fill(Node &node, ElementsAttr value, ArrayRef<AffineExpr> dims) {
  auto dense = dyn_cast<DenseElementsAttr>(value);
  if (!dense || dense.getNumElements() != 1)
    return node.failValue("the value must have one element");
  RankedTensorType type = nn::makeTensorType(dims, dense.getElementType());
  bool isNegative = llvm::any_of(dims, [](AffineExpr dim) {
    return nn::getConstantValue(dim).value_or(0) < 0;
  });
  if (isNegative)
    return node.failValue("a dimension is negative");
  if (failed(node.checkSize(type)))
    return Value();
  Attribute element = *dense.value_begin<Attribute>();
  if (type.hasStaticShape() && type.getNumElements() > 0)
    return node.constant(DenseElementsAttr::get(type, element));
  auto scalar = RankedTensorType::get({}, dense.getElementType());
  return node.broadcast(node.constant(DenseElementsAttr::get(scalar, element)),
                        dims);
}

static LogicalResult convertConstantOfShape(Node &node) {
  ElementsAttr value = node.getTensor("value");
  if (!value)
    value = DenseElementsAttr::get(
        RankedTensorType::get({}, node.getBuilder().getF32Type()), 0.0f);
  auto dims = node.symbols(node.in(0), "the shape");
  return dims ? node.result(fill(node, value, *dims)) : failure();
}

/// The elements of a range of floats; null after an error.
static AffineExpr countFloats(Node &node, Value start, Value limit,
                              Value delta) {
  auto first = node.scalar(start, "the start");
  auto last = node.scalar(limit, "the limit");
  auto step = node.scalar(delta, "the step");
  if (!first || !last || !step)
    return AffineExpr();
  double size = *step == 0 ? 0 : std::ceil((*last - *first) / *step);
  if (*step != 0 && size < 1e9)
    return node.dim(static_cast<int64_t>(std::max(size, 0.0)));
  (void)node.fail(*step == 0 ? "the step must not be 0"
                             : "the range is too long");
  return AffineExpr();
}

/// The elements of a range of integers; null after an error.
static AffineExpr countIntegers(Node &node, Value start, Value limit,
                                Value delta) {
  auto first = node.symbols(start, "the start");
  auto last = node.symbols(limit, "the limit");
  auto step = node.ints(delta, "the step");
  if (!first || !last || !step || step->front() == 0 || last->size() != 1) {
    (void)node.fail("the limit must be one number, the step not 0");
    return AffineExpr();
  }
  AffineExpr span = (*last)[0] - (*first)[0];
  AffineExpr count = step->front() > 0 ? span.ceilDiv(step->front())
                                       : (-span).ceilDiv(-step->front());
  count = nn::simplify(count);
  return Node::isNegative(count) ? node.dim(0) : count;
}

/// start + i * delta, for as long as it is below the limit.
static LogicalResult convertRange(Node &node) {
  Value start = node.reshape(node.in(0), {}), limit = node.in(1);
  Value delta = node.reshape(node.in(2), {});
  if (!start || !delta)
    return failure();
  Type type = Node::elementType(start);
  AffineExpr count;
  if (!isa<FloatType>(type))
    count = countIntegers(node, start, limit, delta);
  else if (Value sizes = asSizes(node, limit);
           sizes && asSizes(node, start) && asSizes(node, delta))
    count =
        countIntegers(node, asSizes(node, start), sizes, asSizes(node, delta));
  else
    count = countFloats(node, start, limit, delta);
  if (!count)
    return failure();
  Value value =
      node.createTyped<nn::IotaOp>(nn::makeTensorType({count}, type), 0);
  return node.result(node.add(node.mul(value, delta), start));
}

static LogicalResult convertEyeLike(Node &node) {
  Value input = node.in(0);
  if (Node::rank(input) != 2)
    return node.fail("the input must be a matrix");
  if (node.hasAttr("dtype"))
    return node.fail("the attribute 'dtype' is not supported");
  OpBuilder &builder = node.getBuilder();
  auto position = [&](int64_t axis) {
    return node.createTyped<nn::IotaOp>(
        nn::makeTensorType(Node::dims(input), builder.getI64Type()), axis);
  };
  Value offset =
      node.constant(double(node.getInt("k", 0)), builder.getI64Type());
  Value equal =
      node.create<nn::EqualOp>(node.add(position(0), offset), position(1));
  return node.result(node.cast(equal, Node::elementType(input)));
}

/// Zeros above or below a diagonal of the last two dimensions.
static LogicalResult convertTrilu(Node &node) {
  Value input = node.in(0);
  int64_t rank = Node::rank(input);
  if (rank < 2)
    return node.fail("the input must be a matrix");
  int64_t diagonal = 0;
  if (node.in(1)) {
    auto k = node.scalar(node.in(1), "the diagonal");
    if (!k)
      return failure();
    diagonal = static_cast<int64_t>(*k);
  }
  bool upper = node.getInt("upper", 1) != 0;
  Type i64 = node.getBuilder().getI64Type();
  Dims dims = Node::dims(input);
  RankedTensorType matrix =
      nn::makeTensorType({dims[rank - 2], dims[rank - 1]}, i64);
  Value row = node.add(node.createTyped<nn::IotaOp>(matrix, 0),
                       node.constant(double(diagonal), i64));
  Value column = node.createTyped<nn::IotaOp>(matrix, 1);
  Value keep = upper ? node.create<nn::GreaterEqualOp>(column, row)
                     : node.create<nn::LessEqualOp>(column, row);
  return node.result(
      node.select(keep, input, node.constant(0, Node::elementType(input))));
}

//===----------------------------------------------------------------------===//
// Shapes
//===----------------------------------------------------------------------===//

static LogicalResult convertShape(Node &node) {
  int64_t rank = Node::rank(node.in(0));
  auto bound = [&](StringRef name, int64_t otherwise) {
    int64_t value = node.getInt(name, otherwise);
    return std::clamp<int64_t>(value < 0 ? value + rank : value, 0, rank);
  };
  int64_t start = bound("start", 0), end = bound("end", rank);
  Value shape = node.create<nn::ShapeOfOp>(node.in(0));
  if (start == 0 && end == rank)
    return node.result(shape);
  return node.result(node.slice(shape, 0, node.dim(start),
                                node.dim(std::max<int64_t>(end - start, 0))));
}

static LogicalResult convertSize(Node &node) {
  Value shape = node.create<nn::ShapeOfOp>(node.in(0));
  return node.result(
      node.create<nn::ReduceProdOp>(shape, Ints{0}, /*keepdims=*/false));
}

static LogicalResult convertReshape(Node &node) {
  Value input = node.in(0);
  bool allowZero = node.getInt("allowzero", 0) != 0;
  std::optional<Dims> target = node.symbols(node.in(1), "the shape");
  if (!target)
    return failure();
  Dims dims = Node::dims(input);
  int unknown = 0;
  for (auto [i, expr] : llvm::enumerate(*target)) {
    std::optional<int64_t> size = nn::getConstantValue(expr);
    if (!size)
      continue;
    if (*size == 0 && !allowZero) {
      if (i >= dims.size())
        return node.fail("the shape copies dimension " + llvm::Twine(i) +
                         ", which the input doesn't have");
      expr = dims[i];
    }
    unknown += *size == -1;
    if (*size < -1 || unknown > 1)
      return node.fail("the shape must have at most one -1 and nothing less");
  }
  auto resolved = nn::resolveReshape(dims, *target, node.getContext());
  if (!resolved) {
    std::string text;
    for (AffineExpr expr : *target)
      text += (text.empty() ? "" : ",") + node.describe(expr);
    return node.fail("the number of elements doesn't fit the shape [" + text +
                     "]");
  }
  return node.result(node.reshape(input, *resolved));
}

static LogicalResult convertFlatten(Node &node) {
  Dims dims = Node::dims(node.in(0));
  int64_t rank = dims.size(), axis = node.getInt("axis", 1);
  if (axis < -rank || axis > rank)
    return node.fail("the axis " + llvm::Twine(axis) + " is out of range");
  axis = axis < 0 ? axis + rank : axis;
  MLIRContext *context = node.getContext();
  return node.result(node.reshape(
      node.in(0), {nn::getProduct(ArrayRef(dims).take_front(axis), context),
                   nn::getProduct(ArrayRef(dims).drop_front(axis), context)}));
}

/// An attribute before opset 13, an operand since.
static std::optional<Ints> readAxes(Node &node, bool &given) {
  std::optional<Ints> axes = node.getInts("axes");
  given = axes || node.in(1);
  return node.in(1) ? node.ints(node.in(1), "the axes") : axes;
}

static LogicalResult convertSqueeze(Node &node) {
  Value input = node.in(0);
  Dims dims = Node::dims(input), result;
  bool given = false;
  std::optional<Ints> axes = readAxes(node, given);
  if (given && axes)
    axes = node.axes(*axes, dims.size());
  if (given && !axes)
    return failure();
  for (auto [i, dim] : llvm::enumerate(dims)) {
    bool isOpen = !nn::getConstantValue(dim);
    bool drop = given ? llvm::is_contained(*axes, static_cast<int64_t>(i))
                      : nn::isOne(dim) || (isOpen && node.dropsOpenDim());
    if (!drop)
      result.push_back(dim);
    else if (std::optional<int64_t> size = nn::getConstantValue(dim);
             size && *size != 1)
      return node.fail("dimension " + llvm::Twine(i) + " is not 1");
    else if (!size) {
      // The module refuses others.
      node.assumeEqual(dim, 1);
      input = node.slice(input, i, node.dim(0), node.dim(1));
    }
  }
  return node.result(node.reshape(input, result));
}

static LogicalResult convertUnsqueeze(Node &node) {
  bool given = false;
  std::optional<Ints> axes = readAxes(node, given);
  if (!axes)
    return node.fail("the axes are missing");
  Dims dims = Node::dims(node.in(0));
  int64_t rank = dims.size() + axes->size();
  axes = node.axes(*axes, rank);
  if (!axes)
    return failure();
  Dims result;
  const AffineExpr *next = dims.begin();
  for (int64_t i = 0; i < rank; ++i)
    result.push_back(llvm::is_contained(*axes, i) ? node.dim(1) : *next++);
  return node.result(node.reshape(node.in(0), result));
}

static LogicalResult convertTranspose(Node &node) {
  int64_t rank = Node::rank(node.in(0));
  Ints reversed;
  for (int64_t i = rank; i > 0; --i)
    reversed.push_back(i - 1);
  Ints permutation = node.getInts("perm").value_or(reversed);
  auto axes = node.axes(permutation, rank);
  if (!axes)
    return failure();
  if (static_cast<int64_t>(axes->size()) != rank)
    return node.fail("perm must have one entry a dimension");
  return node.result(node.transpose(node.in(0), *axes));
}

static LogicalResult convertExpand(Node &node) {
  auto target = node.symbols(node.in(1), "the shape");
  if (!target)
    return failure();
  auto dims = node.broadcastDims(Node::dims(node.in(0)), *target);
  return dims ? node.result(node.broadcast(node.in(0), *dims)) : failure();
}

static LogicalResult convertTile(Node &node) {
  auto repeats = node.symbols(node.in(1), "the repeats");
  if (!repeats)
    return failure();
  if (static_cast<int64_t>(repeats->size()) != Node::rank(node.in(0)))
    return node.fail("the repeats must have one entry a dimension");
  for (AffineExpr expr : *repeats)
    if (nn::getConstantValue(expr).value_or(0) < 0)
      return node.fail("the repeats must not be negative");
  return node.result(node.create<nn::TileOp>(node.in(0), node.map(*repeats)));
}

static const Row rows[] = {
    {"Constant", 1, 0, 0, convertConstant, "", "sparse values, strings"},
    {"ConstantOfShape", 9, 1, 1, convertConstantOfShape},
    {"Expand", 8, 2, 2, convertExpand},
    {"EyeLike", 9, 1, 1, convertEyeLike, "", "dtype"},
    {"Flatten", 1, 1, 1, convertFlatten},
    {"Range", 11, 3, 3, convertRange, "", "lengths that depend on data"},
    {"Reshape", 5, 2, 2, convertReshape, "", "shapes that depend on data"},
    {"Shape", 1, 1, 1, convertShape},
    {"Size", 1, 1, 1, convertSize},
    {"Squeeze", 1, 1, 2, convertSqueeze},
    {"Tile", 6, 2, 2, convertTile},
    {"Transpose", 1, 1, 1, convertTranspose},
    {"Trilu", 14, 1, 2, convertTrilu},
    {"Unsqueeze", 1, 1, 2, convertUnsqueeze},
};

ArrayRef<Row> nncc::onnx::getShapeRows() { return rows; }
