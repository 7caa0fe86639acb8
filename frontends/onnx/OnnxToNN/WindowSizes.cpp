//===- OnnxToNN/WindowSizes.cpp - kernel_shape, pads.. ----------*- C++ -*-===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "frontends/onnx/OnnxToNN/Spatial.h"

#include "nncc/Dialect/NN/NN.h"
#include "nncc/Dialect/NN/Spatial.h"

using namespace mlir;
using namespace nncc::onnx;
namespace nn = nncc::nn;

std::optional<Ints> nncc::onnx::readSpatialList(Node &node, StringRef name,
                                                size_t size, int64_t otherwise,
                                                int64_t least) {
  std::optional<Ints> list = node.getInts(name);
  if (!list)
    return Ints(size, otherwise);
  if (list->size() != size) {
    (void)node.fail("the attribute '" + name + "' has " +
                    llvm::Twine(list->size()) + " entries; expected " +
                    llvm::Twine(size));
    return std::nullopt;
  }
  for (int64_t entry : *list)
    if (entry < least || entry > maxWindowValue) {
      (void)node.fail("the attribute '" + name + "' has the entry " +
                      llvm::Twine(entry) + ", which is out of range");
      return std::nullopt;
    }
  return list;
}

/// Resolves SAME_UPPER and SAME_LOWER.
static LogicalResult setSamePadding(Node &node, Windows &windows, Value input,
                                    bool lower) {
  Dims dims = Node::dims(input), low(dims.size(), node.dim(0)), high = low;
  bool isOpen = false;
  for (size_t i = 0; i < windows.kernel.size(); ++i) {
    nn::Window window{windows.kernel[i], windows.strides[i],
                      windows.dilations[i], 0, 0};
    auto padding = nn::getSamePadding(dims[i + 2], window, lower);
    if (!padding)
      return node.fail(
          "auto_pad of a symbolic dimension is not supported where "
          "windows leave gaps: fix the size with --dim, or export "
          "the model with explicit pads");
    auto first = nn::getConstantValue(padding->first);
    auto last = nn::getConstantValue(padding->second);
    windows.low[i] = first && last ? *first : 0;
    windows.high[i] = first && last ? *last : 0;
    if (first && last)
      continue;
    isOpen = true;
    std::tie(low[i + 2], high[i + 2]) = *padding;
  }
  if (isOpen) {
    windows.openLow = low;
    windows.openHigh = high;
  }
  return success();
}

Value nncc::onnx::padOpenSizes(Node &node, const Windows &windows, Value input,
                               TypedAttr border) {
  if (!input || windows.openLow.empty())
    return input;
  return node.create<nn::PadOp>(input, node.map(windows.openLow),
                                node.map(windows.openHigh),
                                nn::PadMode::Constant, border);
}

std::optional<Windows> nncc::onnx::readWindows(Node &node, Value input,
                                               ArrayRef<int64_t> defaultKernel,
                                               bool transposed) {
  int64_t rank = Node::rank(input);
  if (rank < 3 || rank > 5) {
    (void)node.fail("the input must have 1 to 3 spatial dimensions: " +
                    node.describe(input));
    return std::nullopt;
  }
  size_t spatial = rank - 2;
  Windows windows;
  std::optional<Ints> kernel = node.getInts("kernel_shape");
  windows.kernel = kernel ? *kernel : Ints(defaultKernel);
  if (windows.kernel.size() != spatial ||
      llvm::any_of(windows.kernel, [](int64_t size) {
        return size < 1 || size > maxWindowValue;
      })) {
    (void)node.fail("the window (kernel_shape) must have " +
                    llvm::Twine(spatial) + " positive entries");
    return std::nullopt;
  }
  auto strides = readSpatialList(node, "strides", spatial, 1, 1);
  auto dilations = readSpatialList(node, "dilations", spatial, 1, 1);
  auto pads = readSpatialList(node, "pads", 2 * spatial, 0, 0);
  if (!strides || !dilations || !pads)
    return std::nullopt;
  windows.strides = *strides;
  windows.dilations = *dilations;
  windows.low.assign(pads->begin(), pads->begin() + spatial);
  windows.high.assign(pads->begin() + spatial, pads->end());
  if (transposed)
    return windows;

  std::string autoPad = node.getString("auto_pad", "NOTSET");
  bool lower = autoPad == "SAME_LOWER";
  if (lower || autoPad == "SAME_UPPER") {
    if (failed(setSamePadding(node, windows, input, lower)))
      return std::nullopt;
  } else if (autoPad == "VALID") {
    windows.low.assign(spatial, 0);
    windows.high.assign(spatial, 0);
  } else if (autoPad != "NOTSET" && !autoPad.empty()) {
    (void)node.fail("auto_pad = '" + llvm::Twine(autoPad) + "' is unknown");
    return std::nullopt;
  }
  return windows;
}
