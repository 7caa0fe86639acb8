//===- OnnxToNN/RoiAlign.cpp - pooled parts of images -----------*- C++ -*-===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "frontends/onnx/OnnxToNN/Node.h"
#include "frontends/onnx/OnnxToNN/Rows.h"
#include "nncc/Dialect/NN/NN.h"

using namespace mlir;
using namespace nncc::onnx;
namespace nn = nncc::nn;

static LogicalResult convert(Node &node, bool isHalfPixel) {
  Value image = node.in(0), regions = node.in(1), numbers = node.in(2);
  OpBuilder &b = node.getBuilder();
  if (Node::rank(image) != 4 || Node::rank(regions) != 2 ||
      Node::rank(numbers) != 1 ||
      nn::getDifference(Node::dims(regions)[1], node.dim(4)).value_or(1) != 0)
    return node.fail("needs images of rank 4, regions of 4 numbers and the "
                     "number of an image for each");
  node.checkEqual(Node::dims(regions)[0], Node::dims(numbers)[0]);
  std::string mode = node.getString("mode", "avg");
  if (mode != "avg" && mode != "max")
    return node.fail("mode = '" + llvm::Twine(mode) + "' is unknown");
  float parameters[] = {node.getFloat("spatial_scale", 1),
                        static_cast<float>(node.getInt("sampling_ratio", 0)),
                        isHalfPixel ? 0.5f : 0.0f, mode == "max" ? 1.0f : 0.0f};
  Dims dims = {Node::dims(regions)[0], Node::dims(image)[1],
               node.dim(node.getInt("output_height", 1)),
               node.dim(node.getInt("output_width", 1))};
  Type f32 = b.getF32Type();
  SmallVector<Value> pooled =
      node.callLibrary("roi_align",
                       {node.cast(image, f32), node.cast(regions, f32),
                        node.cast(numbers, b.getI64Type()),
                        node.constant(ArrayRef<float>(parameters))},
                       {nn::makeTensorType(dims, f32)});
  return node.result(node.cast(pooled[0], Node::elementType(image)));
}

static LogicalResult convertRoiAlign10(Node &node) {
  return convert(node, false);
}

static LogicalResult convertRoiAlign16(Node &node) {
  std::string mode =
      node.getString("coordinate_transformation_mode", "half_pixel");
  if (mode != "half_pixel" && mode != "output_half_pixel")
    return node.fail("coordinate_transformation_mode = '" + llvm::Twine(mode) +
                     "' is unknown");
  return convert(node, mode == "half_pixel");
}

static const Row rows[] = {
    {"RoiAlign", 10, 3, 3, convertRoiAlign10},
    {"RoiAlign", 16, 3, 3, convertRoiAlign16},
};

ArrayRef<Row> nncc::onnx::getRoiAlignRows() { return rows; }
