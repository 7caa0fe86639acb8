//===- HeapSort.h - Sorts numbers by what they stand for --------*- C++ -*-===//
//
// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef NNCC_RUNTIME_CORE_HEAPSORT_H
#define NNCC_RUNTIME_CORE_HEAPSORT_H

#include <stdint.h>

namespace nncc {

/// The heap's root is the last one.
template <typename Number, typename IsLater>
void siftDown(Number *order, uint32_t root, uint32_t end,
              const IsLater &isLater) {
  while (2 * root + 1 < end) {
    uint32_t child = 2 * root + 1;
    if (child + 1 < end && isLater(order[child + 1], order[child]))
      ++child;
    if (!isLater(order[child], order[root]))
      return;
    Number moved = order[root];
    order[root] = order[child];
    order[child] = moved;
    root = child;
  }
}

/// Sorts so that none comes before one that it is later than: no memory, and no
/// bad case.
template <typename Number, typename IsLater>
void heapSort(Number *order, uint32_t count, const IsLater &isLater) {
  for (uint32_t root = count / 2; root-- > 0;)
    siftDown(order, root, count, isLater);
  for (uint32_t end = count; end > 1; --end) {
    Number last = order[0];
    order[0] = order[end - 1];
    order[end - 1] = last;
    siftDown(order, 0, end - 1, isLater);
  }
}

} // namespace nncc

#endif
