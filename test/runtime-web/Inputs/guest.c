// Part of nncc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// A wasi-nn guest: opens "demo", gives it {{1, 2}} and prints what comes out.

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#define NN(name)                                                               \
  __attribute__((import_module("wasi_ephemeral_nn"), import_name(#name)))

struct Tensor {
  const uint32_t *dims;
  uint32_t rank;
  uint8_t type;
  const void *data;
  uint32_t bytes;
};

NN(load_by_name) int loadByName(const char *, uint32_t, uint32_t *);
NN(init_execution_context) int initContext(uint32_t, uint32_t *);
NN(set_input) int setInput(uint32_t, uint32_t, const struct Tensor *);
NN(compute) int compute(uint32_t);
NN(get_output)
int getOutput(uint32_t, uint32_t, void *, uint32_t, uint32_t *);

int main(void) {
  static const uint32_t dims[] = {1, 2};
  static const float data[] = {1, 2};
  struct Tensor x = {dims, 2, 1, data, sizeof data};
  uint32_t graph, context, written;
  float y[2];
  int error = loadByName("demo", strlen("demo"), &graph);
  if (!error)
    error = initContext(graph, &context);
  if (!error)
    error = setInput(context, 0, &x);
  if (!error)
    error = compute(context);
  if (!error)
    error = getOutput(context, 0, y, sizeof y, &written);
  if (error)
    return printf("errno %d\n", error), 1;
  return printf("%u bytes: %g %g\n", written, y[0], y[1]), 0;
}
