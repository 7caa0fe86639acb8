//===- OnnxToNN/Resize.cpp - resampling -------------------------*- C++ -*-===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "frontends/onnx/OnnxToNN/CropAndResize.h"
#include "frontends/onnx/OnnxToNN/Rows.h"
#include "frontends/onnx/OnnxToNN/SizeRatios.h"
#include "frontends/onnx/OnnxToNN/Spatial.h"
#include "nncc/Dialect/NN/NN.h"
#include "nncc/Dialect/NN/Spatial.h"

#include <cmath>

using namespace mlir;
using namespace nncc::onnx;
namespace nn = nncc::nn;

namespace {

/// What is to be done along every axis of the input.
struct ResizePlan {
  Dims sizes;
  /// Empty where sizes are given.
  SmallVector<double> scales;
  /// (start, end) of every axis; empty where the whole input is meant.
  SmallVector<double> roi;
  bool isRoiOpen = false; ///< only data tell it
  nn::ResizeMode mode = nn::ResizeMode::Nearest;
  nn::CoordinateMode coordinates = nn::CoordinateMode::Asymmetric;
  nn::NearestMode nearest = nn::NearestMode::Simple;
  double cubicCoefficient = -0.75;
  double extrapolation = 0;
  bool excludeOutside = false;
  bool antialias = false;
  /// How sizes keep the shape; "stretch" if they don't.
  std::string policy = "stretch";
};

} // namespace

static LogicalResult readMode(Node &node, ResizePlan &plan) {
  std::string mode = node.getString("mode", "nearest");
  if (mode == "bilinear")
    mode = "linear";
  auto known = nn::symbolizeResizeMode(mode);
  if (!known)
    return node.fail("mode = '" + llvm::Twine(mode) + "' is unknown");
  plan.mode = *known;
  return success();
}

static LogicalResult setScales(Node &node, ResizePlan &plan,
                               ArrayRef<double> scales) {
  Dims dims = Node::dims(node.in(0));
  if (scales.size() != dims.size())
    return node.fail("scales must have one entry a dimension");
  for (auto [dim, scale] : llvm::zip_equal(dims, scales)) {
    if (!(scale > 0 && scale < 65536))
      return node.fail("the scale " + llvm::Twine(std::to_string(scale)) +
                       " is out of range");
    auto size = nn::getResizedDim(dim, scale);
    if (!size)
      return node.fail("a symbolic dimension can't be resized by " +
                       llvm::Twine(std::to_string(scale)) +
                       ": fix it with --dim");
    plan.sizes.push_back(*size);
    plan.scales.push_back(scale);
  }
  return success();
}

/// Creates the op for the axes that change, channels last where it can be.
static LogicalResult resize(Node &node, const ResizePlan &plan) {
  Value input = node.in(0);
  Dims dims = Node::dims(input);
  int64_t rank = dims.size();
  Ints axes;
  for (int64_t i = 0; i < rank; ++i) {
    bool changes = plan.sizes[i] != dims[i] ||
                   (!plan.scales.empty() && plan.scales[i] != 1) ||
                   !plan.roi.empty();
    if (changes)
      axes.push_back(i);
  }
  if (axes.empty())
    return node.result(input);

  SmallVector<float> scales, roi;
  for (int64_t axis : axes) {
    if (!plan.scales.empty())
      scales.push_back(plan.scales[axis]);
    if (!plan.roi.empty())
      roi.append({static_cast<float>(plan.roi[axis]),
                  static_cast<float>(plan.roi[rank + axis])});
  }
  Dims sizes = plan.sizes;
  bool channelsLast = rank >= 3 && rank <= 5 && axes.front() >= 2;
  if (channelsLast) {
    input = toChannelsLast(node, input);
    std::rotate(sizes.begin() + 1, sizes.begin() + 2, sizes.end());
    for (int64_t &axis : axes)
      --axis;
  }
  if (!input)
    return failure();
  // What lies between integers is rounded towards 0.
  OpBuilder &b = node.getBuilder();
  Type type = Node::elementType(input);
  if (plan.mode != nn::ResizeMode::Nearest && isa<IntegerType>(type))
    input = node.cast(input, b.getF32Type());
  auto array = [&](ArrayRef<float> numbers) {
    return numbers.empty() ? DenseF32ArrayAttr()
                           : b.getDenseF32ArrayAttr(numbers);
  };
  Value result = node.createTyped<nn::ResizeOp>(
      nn::makeTensorType(sizes, Node::elementType(input)), input, axes,
      array(scales), plan.mode, plan.coordinates, plan.nearest,
      APFloat(static_cast<float>(plan.cubicCoefficient)), plan.excludeOutside,
      plan.antialias, array(roi),
      APFloat(static_cast<float>(plan.extrapolation)));
  result = node.cast(result, type);
  return node.result(channelsLast ? toChannelsFirst(node, result) : result);
}

static LogicalResult resizeBy(Node &node, ArrayRef<double> scales) {
  ResizePlan plan;
  if (failed(readMode(node, plan)) || failed(setScales(node, plan, scales)))
    return failure();
  return resize(node, plan);
}

static LogicalResult convertUpsample1(Node &node) {
  double height = node.getFloat("height_scale", 0);
  double width = node.getFloat("width_scale", 0);
  if (!node.hasRank(0, 4))
    return failure();
  return resizeBy(node, {1, 1, height, width});
}

static LogicalResult convertUpsample7(Node &node) {
  auto scales = node.getFloats("scales");
  if (!scales)
    return node.fail("the attribute scales is missing");
  return resizeBy(node, SmallVector<double>(scales->begin(), scales->end()));
}

/// Reads the scales of some axes: numbers, or quotients of sizes.
static LogicalResult readScales(Node &node, ResizePlan &plan, Value scales,
                                ArrayRef<int64_t> axes) {
  Dims dims = Node::dims(node.in(0));
  bool isWhole = axes.size() == dims.size() && llvm::is_sorted(axes);
  if (isWhole && !node.tryFloats(scales))
    if (auto sizes = scaleByRatios(node, dims, scales)) {
      plan.sizes = *sizes;
      return success();
    }
  auto numbers = node.floats(scales, "scales");
  if (!numbers)
    return failure();
  if (numbers->size() != axes.size())
    return node.fail("scales must have one entry an axis");
  SmallVector<double> all(dims.size(), 1);
  for (auto [axis, factor] : llvm::zip_equal(axes, *numbers))
    all[axis] = factor;
  return setScales(node, plan, all);
}

static LogicalResult convertUpsample9(Node &node) {
  ResizePlan plan;
  Ints axes = llvm::to_vector(llvm::seq<int64_t>(0, Node::rank(node.in(0))));
  if (failed(readMode(node, plan)) ||
      failed(readScales(node, plan, node.in(1), axes)))
    return failure();
  return resize(node, plan);
}

/// Reads the attributes that say where elements lie.
static LogicalResult readCoordinates(Node &node, ResizePlan &plan) {
  std::string name =
      node.getString("coordinate_transformation_mode", "half_pixel");
  if (name == "tf_half_pixel_for_nn")
    plan.coordinates = nn::CoordinateMode::TfHalfPixelForNN;
  else if (auto mode = nn::symbolizeCoordinateMode(name))
    plan.coordinates = *mode;
  else
    return node.fail("coordinate_transformation_mode = '" + llvm::Twine(name) +
                     "' is unknown");
  std::string nearest = node.getString("nearest_mode", "round_prefer_floor");
  auto nearestMode = nn::symbolizeNearestMode(nearest);
  if (!nearestMode)
    return node.fail("nearest_mode = '" + llvm::Twine(nearest) +
                     "' is unknown");
  plan.nearest = *nearestMode;
  plan.cubicCoefficient = node.getFloat("cubic_coeff_a", -0.75f);
  plan.excludeOutside = node.getInt("exclude_outside", 0) != 0;
  plan.extrapolation = node.getFloat("extrapolation_value", 0);
  plan.antialias = node.getInt("antialias", 0) != 0;
  plan.policy = node.getString("keep_aspect_ratio_policy", "stretch");
  if (plan.policy != "stretch" && plan.policy != "not_larger" &&
      plan.policy != "not_smaller")
    return node.fail("keep_aspect_ratio_policy = '" + llvm::Twine(plan.policy) +
                     "' is unknown");
  return success();
}

/// The axes that scales, sizes and roi speak of.
static std::optional<Ints> readAxes(Node &node, int64_t rank) {
  if (std::optional<Ints> axes = node.getInts("axes"))
    return node.axes(*axes, rank);
  Ints all;
  for (int64_t i = 0; i < rank; ++i)
    all.push_back(i);
  return all;
}

static LogicalResult readRoi(Node &node, ResizePlan &plan,
                             ArrayRef<int64_t> axes) {
  if (plan.coordinates != nn::CoordinateMode::TfCropAndResize)
    return success();
  auto roi = node.tryFloats(node.in(1));
  plan.isRoiOpen = !roi;
  if (plan.isRoiOpen)
    return success();
  if (roi->size() != 2 * axes.size())
    return node.fail("roi must have two entries an axis");
  int64_t rank = Node::rank(node.in(0));
  plan.roi.assign(rank, 0);
  plan.roi.append(rank, 1);
  for (auto [i, axis] : llvm::enumerate(axes)) {
    plan.roi[axis] = (*roi)[i];
    plan.roi[rank + axis] = (*roi)[i + axes.size()];
  }
  return success();
}

/// Whether an optional operand is there and not empty.
static bool isGiven(Value value) {
  return value && !(Node::type(value).hasStaticShape() &&
                    Node::type(value).getNumElements() == 0);
}

static LogicalResult readSizes(Node &node, ResizePlan &plan,
                               ArrayRef<int64_t> axes) {
  auto sizes = node.sizes(node.in(3), "sizes");
  if (!sizes)
    return failure();
  if (sizes->size() != axes.size())
    return node.fail("sizes must have one entry an axis");
  plan.sizes = Node::dims(node.in(0));
  for (auto [axis, size] : llvm::zip_equal(axes, *sizes)) {
    if (Node::isNegative(size - 1))
      return node.fail("sizes must be positive");
    // Nobody stretches a batch or channels, whatever data tell.
    if (axis < 2 && plan.sizes.size() > 2 && node.isBound(size))
      node.checkEqual(size, plan.sizes[axis]);
    else
      plan.sizes[axis] = size;
  }
  return success();
}

/// One scale for all axes, with which no size is larger, or smaller, than
/// given.
static LogicalResult keepAspectRatio(Node &node, ResizePlan &plan,
                                     ArrayRef<int64_t> axes) {
  Dims dims = Node::dims(node.in(0));
  double scale = 0;
  for (int64_t axis : axes) {
    auto from = nn::getConstantValue(dims[axis]);
    auto to = nn::getConstantValue(plan.sizes[axis]);
    if (!from || !to || *from < 1)
      return node.fail(
          "sizes must be constant where they keep the aspect ratio");
    double own = static_cast<double>(*to) / static_cast<double>(*from);
    bool isFirst = axis == axes.front();
    if (isFirst || (plan.policy == "not_larger" ? own < scale : own > scale))
      scale = own;
  }
  plan.scales.assign(dims.size(), 1);
  for (int64_t axis : axes) {
    double exact =
        scale * static_cast<double>(*nn::getConstantValue(dims[axis]));
    plan.sizes[axis] = node.dim(static_cast<int64_t>(std::floor(exact + 0.5)));
    plan.scales[axis] = scale;
  }
  return success();
}

/// With a roi that data tell.
static LogicalResult crop(Node &node, const ResizePlan &plan,
                          ArrayRef<int64_t> axes) {
  if (plan.mode == nn::ResizeMode::Cubic || plan.antialias ||
      !plan.scales.empty())
    return node.fail("a roi that depends on data is only supported with sizes "
                     "and the modes nearest and linear");
  CropMode mode{plan.mode == nn::ResizeMode::Linear, plan.nearest,
                plan.extrapolation};
  return node.result(
      cropAndResize(node, node.in(0), node.in(1), axes, plan.sizes, mode));
}

static LogicalResult convertResize11(Node &node) {
  ResizePlan plan;
  int64_t rank = Node::rank(node.in(0));
  if (failed(readMode(node, plan)) || failed(readCoordinates(node, plan)))
    return failure();
  auto axes = readAxes(node, rank);
  if (!axes || failed(readRoi(node, plan, *axes)))
    return failure();

  if (isGiven(node.in(3))) {
    if (failed(readSizes(node, plan, *axes)) ||
        (plan.policy != "stretch" &&
         failed(keepAspectRatio(node, plan, *axes))))
      return failure();
    return plan.isRoiOpen ? crop(node, plan, *axes) : resize(node, plan);
  }
  if (!isGiven(node.in(2)))
    return node.fail("scales and sizes are both missing");
  if (failed(readScales(node, plan, node.in(2), *axes)))
    return failure();
  return plan.isRoiOpen ? crop(node, plan, *axes) : resize(node, plan);
}

static constexpr const char *limits = "scales that depend on data";
static constexpr const char *limits11 =
    "scales that depend on data; a roi that does with scales or cubic";
static const Row rows[] = {
    {"Resize", 10, 2, 2, convertUpsample9, "", limits},
    {"Resize", 11, 1, 4, convertResize11, "", limits11},
    {"Upsample", 1, 1, 1, convertUpsample1},
    {"Upsample", 7, 1, 1, convertUpsample7},
    {"Upsample", 9, 2, 2, convertUpsample9, "", limits},
};

ArrayRef<Row> nncc::onnx::getResizeRows() { return rows; }
