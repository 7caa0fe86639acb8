//===- OnnxToNN/Slice.cpp - parts of tensors --------------------*- C++ -*-===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "frontends/onnx/OnnxToNN/Node.h"
#include "frontends/onnx/OnnxToNN/Rows.h"
#include "frontends/onnx/OnnxToNN/SliceByData.h"
#include "nncc/Dialect/NN/NN.h"

#include "mlir/IR/BuiltinAttributes.h"

using namespace mlir;
using namespace nncc::onnx;
namespace nn = nncc::nn;

namespace {

/// One dimension of a slice as ONNX says it.
struct SliceRange {
  AffineExpr start, end;
  int64_t step = 1;
};

} // namespace

/// A position: counted from the end when it is negative. Null where it lies
/// outside on the right; `before` is set where it lies outside on the left.
static AffineExpr normalize(AffineExpr position, AffineExpr size,
                            bool &before) {
  before = false;
  if (std::optional<int64_t> number = nn::getConstantValue(position)) {
    if (*number >= openEnd)
      return AffineExpr();
    before = *number <= -openEnd;
    if (before)
      return position;
  }
  if (!Node::isNegative(position))
    return position;
  position = nn::simplify(position + size);
  before = Node::isNegative(position);
  return position;
}

/// The first element and the number of elements.
static std::pair<AffineExpr, AffineExpr>
resolveForward(Node &node, const SliceRange &range, AffineExpr size) {
  bool before = false;
  AffineExpr start = normalize(range.start, size, before);
  start = before ? node.dim(0) : start ? node.minimum(start, size) : size;
  node.assumeNonNegative(start);
  AffineExpr end = normalize(range.end, size, before);
  end = before ? node.dim(0) : end ? node.minimum(end, size) : size;
  AffineExpr count = nn::simplify((end - start).ceilDiv(range.step));
  if (Node::isNegative(count))
    count = node.dim(0);
  return {start, count};
}

static std::pair<AffineExpr, AffineExpr>
resolveBackward(Node &node, const SliceRange &range, AffineExpr size) {
  AffineExpr last = size - 1;
  bool before = false;
  AffineExpr start = normalize(range.start, size, before);
  if (before)
    return {node.dim(0), node.dim(0)};
  start = start ? node.minimum(start, last) : nn::simplify(last);
  AffineExpr end = normalize(range.end, size, before);
  end = before ? node.dim(-1) : end ? node.minimum(end, last) : last;
  node.assumeNonNegative(end + 1);
  AffineExpr count = nn::simplify((start - end).ceilDiv(-range.step));
  if (Node::isNegative(count))
    count = node.dim(0);
  return {start, count};
}

static Value slice(Node &node, ArrayRef<AffineExpr> starts,
                   ArrayRef<AffineExpr> ends, ArrayRef<int64_t> axes,
                   ArrayRef<int64_t> steps) {
  Value input = node.in(0);
  int64_t rank = Node::rank(input);
  auto normal = node.axes(axes, rank);
  if (!normal)
    return Value();
  if (starts.size() != axes.size() || ends.size() != axes.size() ||
      steps.size() != axes.size())
    return node.failValue("starts, ends, axes and steps must be of one length");

  Dims first(rank, node.dim(0)), counts = Node::dims(input);
  Ints allSteps(rank, 1);
  for (auto [i, axis] : llvm::enumerate(*normal)) {
    SliceRange range{starts[i], ends[i], steps[i]};
    if (range.step == 0)
      return node.failValue("the step 0 is out of range");
    // The first element only, as exporters of TensorFlow take one.
    range.step = std::clamp(range.step, -openEnd, openEnd);
    AffineExpr size = counts[axis];
    std::tie(first[axis], counts[axis]) =
        range.step > 0 ? resolveForward(node, range, size)
                       : resolveBackward(node, range, size);
    allSteps[axis] = range.step;
  }
  return node.create<nn::SliceOp>(input, node.map(first), node.map(counts),
                                  allSteps);
}

static Ints countUp(size_t size) {
  Ints axes;
  for (size_t i = 0; i < size; ++i)
    axes.push_back(i);
  return axes;
}

static LogicalResult convertSlice1(Node &node) {
  auto starts = node.getInts("starts"), ends = node.getInts("ends");
  if (!starts || !ends)
    return node.fail("the attributes starts and ends are missing");
  Ints axes = node.getInts("axes").value_or(countUp(starts->size()));
  return node.result(slice(node, node.dims(*starts), node.dims(*ends), axes,
                           Ints(starts->size(), 1)));
}

static LogicalResult convertSlice10(Node &node) {
  if (!Node::type(node.in(1)).hasStaticShape() ||
      !Node::type(node.in(2)).hasStaticShape())
    return node.fail("starts and ends must be of static size");
  std::optional<Ints> axes = countUp(Node::type(node.in(1)).getNumElements());
  std::optional<Ints> steps = Ints(axes->size(), 1);
  if (node.in(3))
    axes = node.ints(node.in(3), "axes");
  if (node.in(4))
    steps = node.ints(node.in(4), "steps");
  if (!axes || !steps)
    return failure();
  nn::SymbolicElements starts = nn::symbolicElements(node.in(1));
  nn::SymbolicElements ends = nn::symbolicElements(node.in(2));
  if (!starts || !ends)
    return node.result(sliceByData(node, *axes, *steps));
  return node.result(slice(node, *starts, *ends, *axes, *steps));
}

static LogicalResult convertSplit(Node &node) {
  Value input = node.in(0);
  auto axis = node.axis(node.getInt("axis", 0), Node::rank(input));
  if (!axis)
    return failure();
  AffineExpr size = Node::dims(input)[*axis];
  int64_t parts = node.getNumOutputs();
  if (node.getInt("num_outputs", parts) != parts)
    return node.fail("num_outputs differs from the number of outputs");

  std::optional<Dims> sizes;
  if (std::optional<Ints> split = node.getInts("split"))
    sizes = node.dims(*split);
  else if (node.in(1))
    sizes = node.sizes(node.in(1), "split");
  else {
    // The last part is smaller where the size does not divide.
    AffineExpr part = nn::simplify(size.ceilDiv(parts));
    sizes = Dims(parts, part);
    sizes->back() = nn::simplify(size - part * (parts - 1));
  }
  if (!sizes)
    return failure();
  if (static_cast<int64_t>(sizes->size()) != parts)
    return node.fail("split must have one entry an output");

  SmallVector<Value> results;
  AffineExpr start = node.dim(0);
  for (AffineExpr part : *sizes) {
    results.push_back(node.slice(input, *axis, start, part));
    start = nn::simplify(start + part);
  }
  if (nn::getDifference(start, size).value_or(0) != 0)
    return node.fail("split does not add up to " + node.describe(size));
  return node.results(results);
}

static LogicalResult convertConcat(Node &node) {
  auto axis = node.axis(node.getInt("axis", 1), Node::rank(node.in(0)));
  if (!axis)
    return failure();
  if (llvm::is_contained(node.ins(), Value()))
    return node.fail("an input is missing");
  if (node.ins().size() == 1)
    return node.result(node.in(0));
  return node.result(node.concat(node.ins(), *axis));
}

//===----------------------------------------------------------------------===//
// Padding
//===----------------------------------------------------------------------===//

/// What stands in the border, of the type that elements have after lowering.
static TypedAttr getFill(Type type, double value) {
  if (auto floatType = dyn_cast<FloatType>(type))
    return FloatAttr::get(floatType, value);
  APInt number(64, static_cast<uint64_t>(static_cast<int64_t>(value)));
  Type plain = nn::getPlainElementType(type);
  return IntegerAttr::get(plain, number.trunc(plain.getIntOrFloatBitWidth()));
}

/// As constant padding, with a value of rank 0 that data tell.
static LogicalResult padByData(Node &node, ArrayRef<AffineExpr> low,
                               ArrayRef<AffineExpr> high, Value value) {
  if (node.getString("mode", "constant") != "constant")
    return node.fail("a fill value is for the mode constant");
  Value inside = node.broadcast(node.constant(1, node.getBuilder().getI1Type()),
                                Node::dims(node.in(0)));
  auto padWithZeros = [&](Value input) -> Value {
    return input ? node.create<nn::PadOp>(input, node.map(low), node.map(high),
                                          nn::PadMode::Constant,
                                          getFill(Node::elementType(input), 0))
                 : input;
  };
  return node.result(node.select(padWithZeros(inside), padWithZeros(node.in(0)),
                                 node.reshape(value, {})));
}

static LogicalResult pad(Node &node, ArrayRef<AffineExpr> low,
                         ArrayRef<AffineExpr> high, double value) {
  static constexpr std::pair<const char *, nn::PadMode> modes[] = {
      {"constant", nn::PadMode::Constant},
      {"reflect", nn::PadMode::Reflect},
      {"edge", nn::PadMode::Edge},
      {"wrap", nn::PadMode::Wrap}};
  std::string name = node.getString("mode", "constant");
  const auto *mode =
      llvm::find_if(modes, [&](auto &entry) { return entry.first == name; });
  if (mode == std::end(modes))
    return node.fail("mode = '" + llvm::Twine(name) + "' is unknown");
  return node.result(node.create<nn::PadOp>(
      node.in(0), node.map(low), node.map(high), mode->second,
      getFill(Node::elementType(node.in(0)), value)));
}

static LogicalResult convertPad2(Node &node) {
  auto pads = node.getInts(node.getOpset() < 2 ? "paddings" : "pads");
  size_t rank = Node::rank(node.in(0));
  if (!pads || pads->size() != 2 * rank)
    return node.fail("pads must have two entries a dimension");
  Dims all = node.dims(*pads);
  return pad(node, ArrayRef(all).take_front(rank),
             ArrayRef(all).drop_front(rank), node.getFloat("value", 0));
}

static LogicalResult convertPad11(Node &node) {
  auto pads = node.sizes(node.in(1), "pads");
  if (!pads)
    return failure();
  int64_t rank = Node::rank(node.in(0));
  std::optional<Ints> axes = countUp(rank);
  if (node.in(3)) {
    axes = node.ints(node.in(3), "axes");
    if (axes)
      axes = node.axes(*axes, rank);
  }
  double value = 0;
  auto number = node.in(2) ? node.tryFloats(node.in(2)) : std::nullopt;
  if (number && number->size() != 1)
    return node.fail("the fill value must be a scalar");
  if (number)
    value = number->front();
  if (!axes)
    return failure();
  if (pads->size() != 2 * axes->size())
    return node.fail("pads must have two entries an axis");
  Dims low(rank, node.dim(0)), high = low;
  for (auto [i, axis] : llvm::enumerate(*axes)) {
    low[axis] = (*pads)[i];
    high[axis] = (*pads)[i + axes->size()];
  }
  return node.in(2) && !number ? padByData(node, low, high, node.in(2))
                               : pad(node, low, high, value);
}

/// Crop of early files: border = [left, top, right, bottom], or the size to
/// cut from (left, top) on.
static LogicalResult convertCrop(Node &node) {
  Value input = node.in(0);
  auto border = node.getInts("border");
  if (Node::rank(input) != 4 || !border || border->size() != 4)
    return node.fail("needs an input of rank 4 and border with 4 entries");
  auto scale = node.getInts("scale");
  if (scale && scale->size() != 2)
    return node.fail("scale must have 2 entries");
  Dims dims = Node::dims(input);
  int64_t left = (*border)[0], top = (*border)[1];
  AffineExpr height =
      scale ? node.dim((*scale)[0]) : dims[2] - (top + (*border)[3]);
  AffineExpr width =
      scale ? node.dim((*scale)[1]) : dims[3] - (left + (*border)[2]);
  Value rows = node.slice(input, 2, node.dim(top), nn::simplify(height));
  return node.result(node.slice(rows, 3, node.dim(left), nn::simplify(width)));
}

static const Row rows[] = {
    moving({"Concat", 1, 1, anyNumber, convertConcat}),
    {"Crop", 1, 1, 1, convertCrop},
    {"Pad", 1, 1, 1, convertPad2},
    {"Pad", 11, 2, 4, convertPad11},
    {"Pad", 1, 2, 3, convertPad11, "com.microsoft"},
    moving({"Slice", 1, 1, 1, convertSlice1}),
    moving({"Slice", 10, 3, 5, convertSlice10}),
    moving({"Split", 1, 1, 2, convertSplit}),
};

ArrayRef<Row> nncc::onnx::getSliceRows() { return rows; }
