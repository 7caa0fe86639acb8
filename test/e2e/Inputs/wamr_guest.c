// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// A guest of WAMR's older interface, wasi_nn, which runs "mobilenet" on u8[1,
// 4]: arrays are passed as one pointer, types have the numbers of before August
// 2023.

#include <stdint.h>
#include <stdio.h>

#define NN(name)                                                               \
  __attribute__((import_module("wasi_nn"), import_name(#name))) int name

struct Array {
  const void *items;
  uint32_t count;
};
struct Tensor {
  const struct Array *dims;
  uint32_t type;
  const void *data;
};

NN(load)(const struct Array *parts, uint32_t encoding, uint32_t target,
         uint32_t *graph);
NN(load_by_name)(const char *name, uint32_t length, uint32_t *graph);
NN(init_execution_context)(uint32_t graph, uint32_t *context);
NN(set_input)(uint32_t context, uint32_t index, const struct Tensor *);
NN(compute)(uint32_t context);
NN(get_output)(uint32_t context, uint32_t index, void *, uint32_t *size);

int main(void) {
  enum { u8 = 2, notFound = 8, tooLarge = 7, invalid = 1, badEncoding = 2 };
  static const uint32_t sizes[] = {1, 4};
  static const uint8_t data[] = {1, 20, 30, 200};
  const struct Array dims = {sizes, 2}, far = {(void *)0xFFFFFFF0, 2};
  const struct Array part = {"abc", 3}, parts = {&part, 1};
  const struct Tensor x = {&dims, u8, data}, bad = {&far, u8, data};
  const struct Tensor odd = {&dims, 77, data};
  uint32_t graph, context, size = 3;
  uint8_t y[8];
  int good = load_by_name("mobilenot", 9, &graph) == notFound &&
             load(&parts, 1, 0, &graph) == badEncoding &&
             load((void *)0xFFFFFFF0, 1, 0, &graph) == invalid &&
             load_by_name("mobilenet", 9, &graph) == 0 &&
             init_execution_context(graph, &context) == 0 &&
             set_input(context, 0, &bad) == invalid &&
             set_input(context, 0, &odd) == invalid &&
             set_input(context, 0, &x) == 0 && compute(context) == 0 &&
             get_output(context, 0, y, &size) == tooLarge;
  size = sizeof y;
  good = good && get_output(context, 0, y, &size) == 0;
  printf("%d %u: %d %d %d %d\n", good, size, y[0], y[1], y[2], y[3]);
  return 0;
}
