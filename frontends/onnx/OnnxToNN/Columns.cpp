//===- Columns.cpp - windows as columns, and back ---------------*- C++ -*-===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "frontends/onnx/OnnxToNN/Rows.h"
#include "frontends/onnx/OnnxToNN/Spatial.h"
#include "nncc/Dialect/NN/NN.h"

using namespace mlir;
using namespace nncc::onnx;
namespace nn = nncc::nn;

namespace {

/// How the windows of an image lie in it, one entry a spatial axis.
struct Windowing {
  Ints block, strides, dilations, low, high;

  bool read(Node &node, size_t spatial);
};

} // namespace

/// A list attribute of the given size, in which no number is below `least`.
static bool readInts(Node &node, StringRef name, size_t size, int64_t otherwise,
                     int64_t least, Ints &list) {
  list = node.getInts(name).value_or(Ints(size, otherwise));
  if (list.size() == size &&
      llvm::all_of(list, [&](int64_t entry) { return entry >= least; }))
    return true;
  return succeeded(node.fail("the attribute '" + name + "' must have " +
                             llvm::Twine(size) + " entries, none below " +
                             llvm::Twine(least)));
}

bool Windowing::read(Node &node, size_t spatial) {
  Ints pads;
  if (!readInts(node, "strides", spatial, 1, 1, strides) ||
      !readInts(node, "dilations", spatial, 1, 1, dilations) ||
      !readInts(node, "pads", 2 * spatial, 0, 0, pads))
    return false;
  low.assign(pads.begin(), pads.begin() + spatial);
  high.assign(pads.begin() + spatial, pads.end());
  return true;
}

/// Filters that put each element of a window into its place:
/// [block..., elements of a block, channels].
static Value placingFilter(Node &node, ArrayRef<int64_t> block,
                           AffineExpr channels, Type type) {
  int64_t elements = 1;
  for (int64_t size : block)
    elements *= size;
  Dims square = node.dims({elements, elements});
  Type i64 = node.getBuilder().getI64Type();
  auto position = [&](int64_t axis) {
    return node.createTyped<nn::IotaOp>(nn::makeTensorType(square, i64), axis);
  };
  Value unit =
      node.cast(node.create<nn::EqualOp>(position(0), position(1)), type);
  Dims dims = node.dims(block);
  dims.append({node.dim(elements), node.dim(1)});
  Value filter = node.reshape(unit, dims);
  dims.back() = channels;
  return node.broadcast(filter, dims);
}

/// Sums windows [N, C * elements of a block, windows] where they overlap: a
/// transposed convolution of each channel that only moves.
static LogicalResult convertCol2Im(Node &node) {
  Value x = node.in(0);
  auto image = node.symbols(node.in(1), "the image's shape");
  auto block = node.ints(node.in(2), "the block's shape");
  Windowing windows;
  if (!image || !block || !windows.read(node, image->size()))
    return failure();
  size_t spatial = image->size();
  if (block->size() != spatial || spatial < 1 || spatial > 3 ||
      Node::rank(x) != 3)
    return node.fail("needs [N, C * block, windows] and 1 to 3 spatial "
                     "dimensions");
  int64_t elements = 1;
  Dims counts;
  Ints rest;
  for (size_t i = 0; i < spatial; ++i) {
    elements *= (*block)[i];
    AffineExpr span =
        nn::simplify((*image)[i] + windows.low[i] + windows.high[i] -
                     ((*block)[i] - 1) * windows.dilations[i] - 1);
    auto left = nn::getConstantValue(nn::simplify(span % windows.strides[i]));
    if (!left)
      return node.fail("the image's shape must be constant unless the strides "
                       "are 1");
    rest.push_back(*left);
    counts.push_back(nn::simplify(span.floorDiv(windows.strides[i]) + 1));
  }
  auto channels = nn::getConstantValue(Node::dims(x)[1]);
  if (!channels || elements < 1 || *channels % elements)
    return node.fail("the block must divide a constant number of channels");
  Dims split = {Node::dims(x)[0], Node::dims(x)[1]};
  split.append(counts);
  Value columns = toChannelsLast(node, node.reshape(x, split));
  int64_t groups = *channels / elements;
  Value filter =
      placingFilter(node, *block, node.dim(groups), Node::elementType(x));
  Value result = node.create<nn::ConvTransposeOp>(
      columns, filter, windows.strides, windows.low, windows.high, rest,
      windows.dilations, groups);
  return node.result(toChannelsFirst(node, result));
}

/// All slices of `size` elements along one dimension, which become a new last
/// dimension.
static LogicalResult convertUnfoldTensor(Node &node) {
  Value x = node.in(0);
  int64_t rank = Node::rank(x);
  auto axis = node.axis(node.getInt("dim", -1), rank);
  int64_t size = node.getInt("size", 0), step = node.getInt("step", 1);
  if (!axis)
    return failure();
  if (size < 1 || step < 1)
    return node.fail("size and step must be positive");
  Type i64 = node.getBuilder().getI64Type();
  AffineExpr count =
      nn::simplify((Node::dims(x)[*axis] - size).floorDiv(step) + 1);
  auto position = [&](ArrayRef<AffineExpr> dims, int64_t axis) {
    return node.createTyped<nn::IotaOp>(nn::makeTensorType(dims, i64), axis);
  };
  Value first = node.mul(position({count, node.dim(1)}, 0),
                         node.constant(static_cast<double>(step), i64));
  Value at = node.add(first, position({node.dim(1), node.dim(size)}, 1));
  Value taken = node.create<nn::GatherOp>(x, at, *axis);
  Ints order = llvm::to_vector(llvm::seq<int64_t>(0, rank + 1));
  order.erase(order.begin() + *axis + 1);
  order.push_back(*axis + 1);
  return node.result(node.transpose(taken, order));
}

static const Row rows[] = {
    {"Col2Im", 18, 3, 3, convertCol2Im, "",
     "shapes that depend on data, more than 3 spatial dimensions"},
    {"UnfoldTensor", 1, 1, 1, convertUnfoldTensor, "com.microsoft"},
};

ArrayRef<Row> nncc::onnx::getColumnRows() { return rows; }
