//===- SortRows.cpp - The order of rows of numbers ------------------------===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "HeapSort.h"

/// NaN comes last.
static bool isLess(double a, double b) { return a < b || (b != b && a == a); }
static bool isLess(int64_t a, int64_t b) { return a < b; }

/// The numbers of rows [n, width] in ascending order, the first element that
/// differs counts; of equal rows the first one is first.
template <typename T>
static void sortRows(const T *rows, int64_t *order, uint32_t n,
                     uint32_t width) {
  for (uint32_t i = 0; i < n; ++i)
    order[i] = i;
  nncc::heapSort(order, n, [&](int64_t a, int64_t b) {
    const T *left = rows + a * width, *right = rows + b * width;
    for (uint32_t i = 0; i < width; ++i) {
      if (isLess(left[i], right[i]))
        return false;
      if (isLess(right[i], left[i]))
        return true;
    }
    return a > b;
  });
}

extern "C" void nncc_library_sort_rows(const double *rows, int64_t *order,
                                       uint32_t n, uint32_t width, uint32_t) {
  sortRows(rows, order, n, width);
}

extern "C" void nncc_library_sort_integer_rows(const int64_t *rows,
                                               int64_t *order, uint32_t n,
                                               uint32_t width, uint32_t) {
  sortRows(rows, order, n, width);
}
