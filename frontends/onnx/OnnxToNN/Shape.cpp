//===- OnnxToNN/Shape.cpp - constants, shapes and layouts -------*- C++ -*-===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "frontends/onnx/OnnxToNN/AxesByData.h"
#include "frontends/onnx/OnnxToNN/Rows.h"
#include "frontends/onnx/OnnxToNN/SizeMath.h"
#include "frontends/onnx/Types.h"
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
  auto dims = node.sizes(node.in(0), "the shape");
  return dims ? node.result(fill(node, value, *dims)) : failure();
}

/// The number of steps of constant floats.
static AffineExpr countFloats(Node &node, double start, double limit,
                              double step) {
  double size = step == 0 ? 0 : std::ceil((limit - start) / step);
  if (step == 0 || !(size < 1e9)) {
    (void)node.fail(step == 0 ? "the step must not be 0"
                              : "the range is too long");
    return AffineExpr();
  }
  return node.dim(static_cast<int64_t>(std::max(size, 0.0)));
}

/// The number of steps between sizes.
static AffineExpr countSizes(Node &node, AffineExpr start, AffineExpr limit,
                             int64_t step) {
  if (step == 0) {
    (void)node.fail("the step must not be 0");
    return AffineExpr();
  }
  AffineExpr span = limit - start;
  AffineExpr count =
      nn::simplify(step > 0 ? span.ceilDiv(step) : (-span).ceilDiv(-step));
  return Node::isNegative(count) ? node.dim(0) : count;
}

/// The number of steps, found out when the module runs.
static AffineExpr countByData(Node &node, Value start, Value limit,
                              Value step) {
  Type i64 = node.getBuilder().getI64Type();
  Value count;
  if (isa<FloatType>(Node::elementType(start))) {
    Value exact = node.div(node.sub(limit, start), step);
    count = node.cast(node.create<nn::CeilOp>(exact), i64);
  } else {
    step = node.cast(step, i64);
    Value span = node.sub(node.cast(limit, i64), node.cast(start, i64));
    // Division cuts off; one less than a step more rounds up.
    Value isUp = node.create<nn::GreaterOp>(step, node.constant(0, i64));
    Value unit =
        node.select(isUp, node.constant(1, i64), node.constant(-1, i64));
    count = node.div(node.add(span, node.sub(step, unit)), step);
  }
  return node.bindSize(node.create<nn::MaxOp>(count, node.constant(0, i64)),
                       "the length");
}

/// The one element of a tensor as far as it is known; else null.
static AffineExpr getKnown(Node &node, Value value) {
  Dims known = node.knownSymbols(value);
  return known.size() == 1 ? known.front() : AffineExpr();
}

/// start + i * delta, for as long as it is below the limit.
static LogicalResult convertRange(Node &node) {
  Value start = node.reshape(node.in(0), {});
  Value limit = node.reshape(node.in(1), {});
  // The version before the standard one leaves out a step of 1.
  Value delta = node.in(2) ? node.reshape(node.in(2), {})
                           : node.constant(1, Node::elementType(node.in(0)));
  if (!start || !limit || !delta)
    return failure();
  Type type = Node::elementType(start);
  AffineExpr count;
  auto step = node.tryFloats(delta);
  if (isa<FloatType>(type) && node.tryFloats(start) && node.tryFloats(limit) &&
      step) {
    count = countFloats(node, (*node.tryFloats(start))[0],
                        (*node.tryFloats(limit))[0], (*step)[0]);
  } else {
    // Sizes may be floats.
    Value from = start, to = limit;
    bool areSizes = isa<IntegerType>(type) ||
                    ((from = asSizes(node, start)) &&
                     (to = asSizes(node, limit)) && asSizes(node, delta));
    AffineExpr first = areSizes ? getKnown(node, from) : AffineExpr();
    AffineExpr last = areSizes ? getKnown(node, to) : AffineExpr();
    count = first && last && step ? countSizes(node, first, last, (*step)[0])
                                  : countByData(node, start, limit, delta);
  }
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
  Type type = Node::elementType(node.getGiven(0));
  if (node.hasAttr("dtype"))
    type = getElementType(static_cast<int32_t>(node.getInt("dtype", 1)),
                          node.getContext());
  if (!type)
    return node.fail(
        "the attribute 'dtype' names a type that is not supported");
  node.setType(0, type);
  OpBuilder &builder = node.getBuilder();
  auto position = [&](int64_t axis) {
    return node.createTyped<nn::IotaOp>(
        nn::makeTensorType(Node::dims(input), builder.getI64Type()), axis);
  };
  Value offset =
      node.constant(double(node.getInt("k", 0)), builder.getI64Type());
  Value equal =
      node.create<nn::EqualOp>(node.add(position(0), offset), position(1));
  return node.result(node.cast(equal, type));
}

/// Zeros above or below a diagonal of the last two dimensions.
static LogicalResult convertTrilu(Node &node) {
  Value input = node.in(0);
  int64_t rank = Node::rank(input);
  if (rank < 2)
    return node.fail("the input must be a matrix");
  bool upper = node.getInt("upper", 1) != 0;
  Type i64 = node.getBuilder().getI64Type();
  Dims dims = Node::dims(input);
  RankedTensorType matrix =
      nn::makeTensorType({dims[rank - 2], dims[rank - 1]}, i64);
  Value row = node.createTyped<nn::IotaOp>(matrix, 0);
  if (node.in(1))
    row = node.add(row, node.cast(node.reshape(node.in(1), {}), i64));
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

/// Puts the input's sizes in place of zeros; false after an error.
static bool copySizes(Node &node, ArrayRef<AffineExpr> dims,
                      MutableArrayRef<AffineExpr> target) {
  bool copies = node.getInt("allowzero", 0) == 0;
  int unknown = 0;
  for (auto [i, expr] : llvm::enumerate(target)) {
    std::optional<int64_t> size;
    if (expr)
      size = nn::getConstantValue(expr);
    if (!size)
      continue;
    if (*size == 0 && copies) {
      if (i >= dims.size())
        return succeeded(node.fail("the shape copies dimension " +
                                   llvm::Twine(i) +
                                   ", which the input doesn't have"));
      expr = dims[i];
    }
    unknown += *size == -1;
    if (*size < -1 || unknown > 1)
      return succeeded(
          node.fail("the shape must have at most one -1 and nothing less"));
  }
  return true;
}

/// The sizes that a shape stands for, some elements of which data tell.
static std::optional<Dims> reshapeByData(Node &node, Dims dims, Dims target) {
  Type i64 = node.getBuilder().getI64Type();
  Value shape = node.cast(node.in(1), i64);
  if (node.getInt("allowzero", 0) == 0) {
    Dims copied = dims;
    copied.resize(target.size(), node.dim(0));
    Value isZero = node.create<nn::EqualOp>(shape, node.constant(0, i64));
    shape = node.select(isZero, node.sizeValues(copied), shape);
  }
  AffineExpr total = nn::getProduct(dims, node.getContext());
  Value isOpen = node.create<nn::EqualOp>(shape, node.constant(-1, i64));
  Value others = node.create<nn::ReduceProdOp>(
      node.select(isOpen, node.constant(1, i64), shape), Ints{0}, true);
  Value rest = node.div(node.sizeValues(total),
                        node.create<nn::MaxOp>(others, node.constant(1, i64)));
  for (AffineExpr &size : target)
    if (size && nn::getConstantValue(size) == -1)
      size = AffineExpr();
  auto sizes =
      node.bindSizes(node.select(isOpen, rest, shape), "the shape", target);
  if (sizes)
    node.checkEqual(nn::getProduct(*sizes, node.getContext()), total);
  return sizes;
}

static LogicalResult convertReshape(Node &node) {
  Value input = node.in(0);
  if (!Node::type(node.in(1)).hasStaticShape() || Node::rank(node.in(1)) != 1)
    return node.fail("the shape must be a vector of static size");
  Dims dims = Node::dims(input), target = node.knownSymbols(node.in(1));
  if (!copySizes(node, dims, target))
    return failure();
  auto isOpen = [](AffineExpr size) {
    return !size || nn::getConstantValue(size) == -1;
  };
  // One element follows from the others.
  if (llvm::count_if(target, isOpen) == 1)
    *llvm::find_if(target, isOpen) = node.dim(-1);
  if (llvm::is_contained(target, AffineExpr())) {
    auto sizes = reshapeByData(node, dims, target);
    return sizes ? node.result(node.reshape(input, *sizes)) : failure();
  }
  auto resolved = nn::resolveReshape(dims, target, node.getContext());
  if (!resolved) {
    std::string text;
    for (AffineExpr expr : target)
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
  if (isData(node, node.in(1))) {
    auto sizes = squeezeAlong(node, input, node.in(1));
    return sizes ? node.result(node.reshape(input, *sizes)) : failure();
  }
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
      node.checkEqual(dim, node.dim(1));
      input = node.slice(input, i, node.dim(0), node.dim(1));
    }
  }
  return node.result(node.reshape(input, result));
}

static LogicalResult convertUnsqueeze(Node &node) {
  bool given = false;
  if (isData(node, node.in(1))) {
    auto sizes = unsqueezeAlong(node, node.in(0), node.in(1));
    return sizes ? node.result(node.reshape(node.in(0), *sizes)) : failure();
  }
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

/// Whether a size may be another one, or else 1, when the module runs.
static bool mayStretch(AffineExpr size, AffineExpr target) {
  return !nn::getConstantValue(size) && !nn::isOne(target) &&
         nn::getDifference(size, target) != 0;
}

static LogicalResult convertExpand(Node &node) {
  Value shape = node.in(1);
  if (!Node::type(shape).hasStaticShape() || Node::rank(shape) != 1)
    return node.fail("the shape must be a vector of static size");
  Dims dims = Node::dims(node.in(0)), known = node.knownSymbols(shape);
  // What data tell counts where the input has one element; elsewhere the sizes
  // must be the input's, or 1.
  for (size_t i = 1; i <= known.size() && i <= dims.size(); ++i)
    if (!known[known.size() - i] && !nn::isOne(dims[dims.size() - i]))
      known[known.size() - i] = dims[dims.size() - i];
  auto target = node.bindSizes(shape, "the shape", known);
  if (!target)
    return failure();
  Value input = node.in(0);
  for (size_t i = 1; i <= target->size() && i <= dims.size(); ++i) {
    AffineExpr wanted = (*target)[target->size() - i];
    if (mayStretch(dims[dims.size() - i], wanted))
      input = node.stretch(input, dims.size() - i, wanted);
  }
  if (!input)
    return failure();
  auto result = node.broadcastDims(Node::dims(input), *target);
  return result ? node.result(node.broadcast(input, *result)) : failure();
}

static LogicalResult convertTile(Node &node) {
  auto repeats = node.sizes(node.in(1), "the repeats");
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
    moving({"Expand", 8, 2, 2, convertExpand}),
    {"EyeLike", 9, 1, 1, convertEyeLike},
    moving({"Flatten", 1, 1, 1, convertFlatten}),
    {"Range", 11, 3, 3, convertRange},
    {"Range", 1, 2, 3, convertRange, "com.microsoft"},
    moving({"Reshape", 5, 2, 2, convertReshape}),
    {"Shape", 1, 1, 1, convertShape},
    {"Size", 1, 1, 1, convertSize},
    moving({"Squeeze", 1, 1, 2, convertSqueeze}),
    moving({"Tile", 6, 2, 2, convertTile}),
    moving({"Transpose", 1, 1, 1, convertTranspose}),
    {"Trilu", 14, 1, 2, convertTrilu},
    {"Trilu", 1, 1, 2, convertTrilu, "com.microsoft"},
    moving({"Unsqueeze", 1, 1, 2, convertUnsqueeze}),
};

ArrayRef<Row> nncc::onnx::getShapeRows() { return rows; }
