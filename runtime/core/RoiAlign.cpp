//===- RoiAlign.cpp - Pooled parts of images ------------------------------===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A function that programs call with addresses and then the sizes of all
// tensors (exec.extern). Each cell of a region is sampled on a grid of points,
// between four pixels each.
//
//===----------------------------------------------------------------------===//

#include <stdint.h>

namespace {

/// Where one coordinate of a point lies between two pixels.
struct Between {
  uint32_t low = 0, high = 0;
  float part = 0; ///< how far from the low one
  bool isInside = false;

  Between(float at, uint32_t size) {
    if (!(at >= -1 && at <= static_cast<float>(size)))
      return;
    isInside = true;
    at = at > 0 ? at : 0;
    low = static_cast<uint32_t>(at);
    if (low >= size - 1)
      low = high = size - 1;
    else
      high = low + 1, part = at - static_cast<float>(low);
  }
};

/// Along one axis of a region.
struct Cells {
  float start, size; ///< of a cell
  int32_t points;    ///< in a cell

  Cells(float from, float to, uint32_t cells, const float *parameters) {
    float scale = parameters[0], ratio = parameters[1], shift = parameters[2];
    start = from * scale - shift;
    float length = to * scale - shift - start;
    // Regions of old networks have at least a pixel.
    if (shift == 0 && !(length > 1))
      length = 1;
    size = length / static_cast<float>(cells);
    float exact = ratio > 0 ? ratio : __builtin_ceilf(size);
    points = exact > 0 ? static_cast<int32_t>(exact < 4096 ? exact : 4096) : 0;
  }

  Between locate(uint32_t cell, int32_t point, uint32_t pixels) const {
    float inside =
        (static_cast<float>(point) + 0.5f) * size / static_cast<float>(points);
    return Between(start + static_cast<float>(cell) * size + inside, pixels);
  }
};

struct Pool {
  bool isMaximum;
  float sum = 0;
  bool isEmpty = true;

  /// As onnxruntime does, the maximum is of the four weighted pixels.
  void add(const float *image, uint32_t width, const Between &y,
           const Between &x) {
    float weights[] = {(1 - y.part) * (1 - x.part), (1 - y.part) * x.part,
                       y.part * (1 - x.part), y.part * x.part};
    float pixels[] = {
        image[y.low * width + x.low], image[y.low * width + x.high],
        image[y.high * width + x.low], image[y.high * width + x.high]};
    for (int i = 0; i < 4; ++i)
      addOne(y.isInside && x.isInside ? weights[i] * pixels[i] : 0);
  }

private:
  void addOne(float value) {
    if (!isMaximum)
      sum += value;
    else if (isEmpty || value > sum)
      sum = value;
    isEmpty = false;
  }
};

} // namespace

static float poolCell(const float *image, uint32_t height, uint32_t width,
                      const Cells &rows, const Cells &columns, uint32_t row,
                      uint32_t column, bool isMaximum) {
  Pool pool = {isMaximum};
  for (int32_t i = 0; i < rows.points; ++i) {
    Between y = rows.locate(row, i, height);
    for (int32_t j = 0; j < columns.points; ++j)
      pool.add(image, width, y, columns.locate(column, j, width));
  }
  int32_t count = rows.points * columns.points;
  return isMaximum || count < 2 ? pool.sum
                                : pool.sum / static_cast<float>(count);
}

/// Images [n, channels, height, width]; regions [r, 4] are (x1, y1, x2, y2) of
/// the image that numbers [r] say; parameters are (scale, points a cell or 0,
/// shift, whether the maximum counts). The result is
/// [r, channels, cellRows, cellColumns].
extern "C" void nncc_library_roi_align(
    const float *images, const float *regions, const int64_t *numbers,
    const float *parameters, float *result, uint32_t n, uint32_t channels,
    uint32_t height, uint32_t width, uint32_t count, uint32_t, uint32_t,
    uint32_t, uint32_t, uint32_t, uint32_t cellRows, uint32_t cellColumns) {
  bool isMaximum = parameters[3] != 0;
  for (uint32_t region = 0; region < count; ++region) {
    const float *corners = &regions[4 * region];
    Cells columns(corners[0], corners[2], cellColumns, parameters);
    Cells rows(corners[1], corners[3], cellRows, parameters);
    // A number that is no image's would read anything.
    uint64_t image = static_cast<uint64_t>(numbers[region]);
    for (uint32_t channel = 0; channel < channels; ++channel) {
      const float *plane =
          &images[((image < n ? image : 0) * channels + channel) * height *
                  width];
      for (uint32_t row = 0; row < cellRows; ++row)
        for (uint32_t column = 0; column < cellColumns; ++column)
          *result++ = poolCell(plane, height, width, rows, columns, row, column,
                               isMaximum);
    }
  }
}
