//===- Selection.cpp - Elements that data select --------------------------===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Irregular algorithms, which programs call with addresses and then the sizes
// of all tensors (exec.extern). Tensors are row-major; a bool is a byte.
//
//===----------------------------------------------------------------------===//

#include "HeapSort.h"

/// Where flags [n] are true: the first `count` of positions [n], in order.
extern "C" void nncc_library_true_positions(const uint8_t *flags,
                                            int64_t *positions, int64_t *count,
                                            uint32_t n, uint32_t) {
  uint32_t found = 0;
  for (uint32_t i = 0; i < n; ++i) {
    positions[found] = i;
    found += flags[i] != 0;
  }
  *count = found;
}

//===----------------------------------------------------------------------===//
// Boxes
//===----------------------------------------------------------------------===//

namespace {

/// Candidates of one class: numbers of boxes, the best score first; of equal
/// scores the smaller number.
struct Candidates {
  const float *scores;
  int32_t *order;
  uint32_t count;

  bool isWorse(int32_t a, int32_t b) const {
    return scores[a] < scores[b] || (scores[a] == scores[b] && a > b);
  }
  void sort() {
    nncc::heapSort(order, count,
                   [&](int32_t a, int32_t b) { return isWorse(a, b); });
  }
};

} // namespace

static float least(float a, float b) { return a < b ? a : b; }
static float most(float a, float b) { return a > b ? a : b; }

/// Whether the intersection of two boxes (y1, x1, y2, x2; any two corners) is
/// more than that part of their union.
static bool overlap(const float *a, const float *b, float part) {
  float lengths[2][3]; // of a, b and the intersection
  for (int axis = 0; axis < 2; ++axis) {
    float lowA = least(a[axis], a[axis + 2]),
          highA = most(a[axis], a[axis + 2]);
    float lowB = least(b[axis], b[axis + 2]),
          highB = most(b[axis], b[axis + 2]);
    lengths[axis][0] = highA - lowA;
    lengths[axis][1] = highB - lowB;
    lengths[axis][2] = least(highA, highB) - most(lowA, lowB);
    if (!(lengths[axis][2] > 0))
      return false;
  }
  float areaA = lengths[0][0] * lengths[1][0];
  float areaB = lengths[0][1] * lengths[1][1];
  float common = lengths[0][2] * lengths[1][2];
  return areaA > 0 && areaB > 0 && common / (areaA + areaB - common) > part;
}

/// Walks the candidates and keeps those that overlap none kept before; returns
/// how many. They replace the front of the order.
static uint32_t keepBoxes(Candidates &candidates, const float *boxes,
                          int64_t limit, float part) {
  uint32_t kept = 0;
  int32_t *order = candidates.order;
  for (uint32_t i = 0; i < candidates.count && kept < limit; ++i) {
    int32_t box = order[i];
    bool isFree = true;
    for (uint32_t j = 0; j < kept && isFree; ++j)
      isFree = !overlap(&boxes[4 * order[j]], &boxes[4 * box], part);
    if (isFree)
      order[kept++] = box;
  }
  return kept;
}

/// Non-maximum suppression: of boxes [batches, n, 4], for each class with its
/// scores [batches, classes, n], up to `limit` whose score is more than
/// `threshold`. The first `count` rows of selected [most, 3] are (batch, class,
/// box). `order` [n] is room to work in.
extern "C" void nncc_library_select_boxes(
    const float *boxes, const float *scores, const int64_t *limit,
    const float *part, const float *threshold, int32_t *order,
    int64_t *selected, int64_t *count, uint32_t batches, uint32_t n, uint32_t,
    uint32_t, uint32_t classes, uint32_t, uint32_t, uint32_t rows, uint32_t) {
  uint32_t row = 0;
  for (uint32_t batch = 0; batch < batches; ++batch)
    for (uint32_t number = 0; number < classes; ++number) {
      const float *from = &boxes[4ull * batch * n];
      Candidates candidates = {&scores[(batch * classes + number) * n], order,
                               0};
      for (uint32_t i = 0; i < n; ++i)
        if (candidates.scores[i] > *threshold)
          order[candidates.count++] = static_cast<int32_t>(i);
      candidates.sort();
      uint32_t kept = keepBoxes(candidates, from, *limit, *part);
      for (uint32_t i = 0; i < kept && row < rows; ++i, ++row) {
        selected[3 * row] = batch;
        selected[3 * row + 1] = number;
        selected[3 * row + 2] = order[i];
      }
    }
  *count = row;
}
